"""The standard streams, made to take whatever is printed."""

import os
import sys

_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


def prepare_streams() -> None:
    """Let the standard streams of this process take whatever is printed, and be there if they were closed.

    A file name may have characters that the encoding of a stream does not have: they are written as escapes, so that
    the other results are not lost. A closed stream leaves its number free, by which the next file that is opened would
    get what is meant for the stream.
    """
    for number in range(len(_STREAMS)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    for name, mode in _STREAMS.items():
        stream = getattr(sys, name)
        if stream is None or stream.closed:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 -- it stays open as long as the process
        elif mode == "w" and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
