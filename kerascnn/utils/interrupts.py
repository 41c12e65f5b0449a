"""Ctrl-C that is not lost where other libraries' code swallows it."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from kerascnn.utils.errors import KerasCNNError


@contextlib.contextmanager
def remember_interrupts() -> Iterator[Callable[[], None]]:
    """Remember an interrupt inside the block.

    Python drops an exception that is raised in a finalizer or in a weak reference's callback, of which drawing has
    many; a KeyboardInterrupt that arrives there would be lost, and the work go on to its end. Where a compiled module
    is being imported, it becomes an ImportError, and that perhaps one of our own sentences: both are the interrupt, if
    there was one. What Python would print about the dropped one is for developers, and left out.

    Yields:
        A function that raises KeyboardInterrupt if there was one: to be called before something is kept.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None  # only the main thread is interrupted
        return
    arrived = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        arrived.set()
        raise KeyboardInterrupt

    def check() -> None:
        if arrived.is_set():
            raise KeyboardInterrupt

    def report_unraisable(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            previous_hook(dropped)

    previous, previous_hook = signal.signal(signal.SIGINT, interrupt), sys.unraisablehook
    sys.unraisablehook = report_unraisable
    try:
        yield check
    except (ImportError, KerasCNNError):
        check()
        raise
    finally:
        signal.signal(signal.SIGINT, previous)
        sys.unraisablehook = previous_hook
