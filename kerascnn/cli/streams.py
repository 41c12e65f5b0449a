"""The standard streams, made to take whatever is printed, and nothing that is not for the user."""

import contextlib
import errno
import io
import logging
import os
import sys
import warnings

_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}
_STDOUT, _STDERR = 1, 2


class _ClosedOutput(io.TextIOBase):
    """Stands for a standard output that was closed: results must not be lost without a word."""

    encoding, errors = "utf-8", "backslashreplace"

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "it is closed, so that the results cannot be printed", "standard output")


def prepare_streams() -> None:
    """Let the standard streams of this process take whatever is printed, and be there if they were closed.

    A file name may have characters that the encoding of a stream does not have: they are written as escapes, so that
    the other results are not lost. A closed stream leaves its number free, by which the next file that is opened would
    get what is meant for the stream.
    """
    is_lost = False
    for number in range(len(_STREAMS)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            is_lost = is_lost or number == _STDOUT
    if is_lost or sys.stdout is None:
        sys.stdout = _ClosedOutput()
    for name, mode in _STREAMS.items():
        stream = getattr(sys, name)
        if stream is None or stream.closed:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 -- it stays open as long as the process
        elif mode == "w" and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def silence_libraries() -> None:
    """Keep off stderr what libraries log and warn of, which is for developers: they ask for it with `python -W`.

    Messages of ours go through a descriptor of their own, so that what C libraries print to that of stderr can be kept
    off (`kerascnn.utils.quiet.silent_library`) without losing any.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    with contextlib.suppress(OSError, ValueError):  # it is no file, as in a test
        if sys.stderr.fileno() == _STDERR:
            own = os.dup(_STDERR)
            encoding, errors = sys.stderr.encoding, sys.stderr.errors
            sys.stderr = open(own, "w", 1, encoding, errors)  # noqa: SIM115, PTH123 -- as long as the process
