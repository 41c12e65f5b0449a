"""Ctrl-C that is not lost where other libraries' code swallows it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def noticed_interrupts() -> Iterator[Callable[[], None]]:
    """Remember an interrupt inside the block.

    Python drops an exception that is raised in a finalizer or in a weak reference's callback, of which drawing has
    many; a KeyboardInterrupt that arrives there would be lost, and the work go on to its end.

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

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, previous)
