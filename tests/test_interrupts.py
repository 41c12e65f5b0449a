"""An interrupt is noticed wherever it arrives."""

import os
import signal

import pytest

from kerascnn.utils.errors import BackendError
from kerascnn.utils.interrupts import remember_interrupts


class Swallowing:
    """Python drops what is raised in its finalizer."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass  # the handler runs between two of these


def test_a_swallowed_interrupt_is_raised_when_it_is_asked_for():
    before = signal.getsignal(signal.SIGINT)
    with remember_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        Swallowing()
        with pytest.raises(KeyboardInterrupt):
            raise_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("error", [ImportError("initialization failed"), BackendError("jax cannot be imported.")])
def test_an_error_into_which_an_interrupt_was_turned_is_the_interrupt(error):
    def fail(before=None):
        with remember_interrupts():
            if before:
                before()
            raise error

    with pytest.raises(KeyboardInterrupt):
        fail(before=Swallowing)
    with pytest.raises(type(error)):
        fail()
