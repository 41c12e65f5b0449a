"""Signals that ask this process to end, noticed wherever they arrive: Ctrl-C, and for commands SIGTERM and SIGHUP."""

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

_SECONDS_BETWEEN_SIGNALS = 2
"""More than it takes to undo what is half done, which a further signal would cut short."""
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_STOPS = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has no SIGHUP


class Stop(KeyboardInterrupt):
    """A signal has asked this process to end.

    Args:
        number: Number of the signal.
        message: Sentence that says what was kept; by default only what happened.
    """

    def __init__(self, number: int = signal.SIGINT, message: str | None = None) -> None:
        super().__init__(message or describe_stop(number))
        self.number = number


class _Handler:
    """A handler of ours, which another one of ours may replace for a while.

    Args:
        act: Function that is called with the number of a signal.
        arrived: List to which the numbers are added.
    """

    def __init__(self, act: Callable[[int], None], arrived: list[int]) -> None:
        self._act, self.arrived = act, arrived

    def __call__(self, number: int, frame: object) -> None:
        self.arrived.append(number)
        self._act(number)


def describe_stop(number: int) -> str:
    """Say by what a command was ended."""
    return "interrupted." if number == signal.SIGINT else f"ended by {signal.Signals(number).name}."


def find_stop(error: KeyboardInterrupt) -> Stop:
    """Find out which signal an interrupt stands for; one that Python itself raised is Ctrl-C."""
    return error if isinstance(error, Stop) else Stop()


def compute_exit_code(number: int) -> int:
    """Compute the exit code of a command that a signal ended, as shells do: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + number


def end_at_stops() -> None:
    """Let each of the signals end this process at once, with one sentence and its exit code: there is nothing to undo.

    For commands, before and after their work, while Python's own handler would print a traceback. A signal that is
    ignored stays so, as under `nohup`.
    """

    def end(number: int) -> None:
        with contextlib.suppress(OSError):
            os.write(_find_stderr(), f"kerascnn: {describe_stop(number)}\n".encode())
        os._exit(compute_exit_code(number))

    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _Handler(end, []))


def leave(code: object) -> NoReturn:
    """End this process at once, when everything is written.

    A library that is still at work on a thread crashes where the interpreter goes before it, and a signal that arrives
    while the interpreter goes has no exit code of ours.

    Args:
        code: Exit code, as `SystemExit` has it.
    """
    number = code if isinstance(code, int) else int(code is not None)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # full, closed or missing
            number = number or 1
    os._exit(number)


def _find_stderr() -> int:
    """Find the descriptor of what people see: that of the stream, since libraries may be kept off the usual one."""
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):  # it is closed, or no file
        return 2


@contextlib.contextmanager
def delay_stops() -> Iterator[None]:
    """Let a signal that arrives inside the block take effect at its end: for what must be undone as a whole."""
    held: list[int] = []
    with handle_stops(held.append) as arrived:
        yield
    if held:
        arrived.remove(held[0])
        signal.raise_signal(held[0])


@contextlib.contextmanager
def handle_stops(act: Callable[[int], None]) -> Iterator[list[int]]:
    """Call a function with the number of each signal that arrives inside the block.

    Ctrl-C always, unless it is ignored; the others where a command has taken them (`end_at_stops`): a program that uses
    the package keeps its own. Only the main thread handles signals; elsewhere nothing happens.

    Yields:
        The numbers of the signals that arrived, in this block or in a block of this kind around it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    handlers = {number: signal.getsignal(number) for number in _STOPS}
    own = [handler for handler in handlers.values() if isinstance(handler, _Handler)]
    arrived = own[0].arrived if own else []
    previous = {
        number: handler
        for number, handler in handlers.items()
        if handler in own or (number == signal.SIGINT and handler not in (signal.SIG_IGN, None))
    }
    for number in previous:
        signal.signal(number, _Handler(act, arrived))
    try:
        yield arrived
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def remember_interrupts() -> Iterator[Callable[[], None]]:
    """Remember a signal that arrives inside the block, where it is raised as `Stop`.

    Python drops an exception that is raised in a finalizer or in a weak reference's callback, of which drawing has
    many, and some libraries catch all; where a compiled module is being imported, it becomes another error, and that
    perhaps one of our own sentences. All are the interrupt, if there was one. While the block goes on as if there had
    been none, it is raised again and again. What Python would print about a dropped one is for developers, and left
    out.

    Yields:
        A function that raises `Stop` if there was a signal: to be called before something is kept.
    """
    ended = threading.Event()

    def interrupt(number: int) -> None:
        if len(arrived) == 1:
            # Not by `threading`, whose locks the interrupted code may hold.
            _thread.start_new_thread(_insist, (number, ended))
        raise Stop(number)

    def check() -> None:
        if arrived:
            raise Stop(arrived[0])

    with _drop_silently(KeyboardInterrupt), handle_stops(interrupt) as arrived:
        try:
            yield check
        except Exception:
            check()
            raise
        finally:
            ended.set()


def _insist(number: int, ended: threading.Event) -> None:
    """Send a signal to the main thread again from time to time, until its block has ended."""
    while not ended.wait(_SECONDS_BETWEEN_SIGNALS):
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            signal.raise_signal(number)


@contextlib.contextmanager
def _drop_silently(kind: type[BaseException]) -> Iterator[None]:
    def report_unraisable(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, kind):
            previous(dropped)

    previous = sys.unraisablehook
    sys.unraisablehook = report_unraisable
    try:
        yield
    finally:
        sys.unraisablehook = previous
