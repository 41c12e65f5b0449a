"""An interrupt is noticed wherever it arrives."""

import os
import signal

import pytest

from kerascnn.interrupts import noticed_interrupts


class Swallowing:
    """Python drops what is raised in its finalizer."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass  # the handler runs between two of these


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_swallowed_interrupt_is_raised_when_it_is_asked_for():
    before = signal.getsignal(signal.SIGINT)
    with noticed_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        Swallowing()
        with pytest.raises(KeyboardInterrupt):
            raise_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is before
