"""Processes of ours that end with the one that started them, however that ends."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading


class Child:
    """A Python process that works for this one; a context manager, at whose end it is ended if it still runs.

    It must call `end_with_parent`, so that it does not live on where this process is killed.

    Args:
        *arguments: What stands on the command line of Python.
        **environment: Variables beside those of this process.
    """

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 -- both are closed in `__exit__`
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", *arguments],  # -P: a file of the working directory must not be taken for a module
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._messages,
            env={**os.environ, **environment},
        )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()  # does nothing to one that has ended
        with self._process, self._output, self._messages:
            pass

    def finish(self, timeout: float | None = None) -> "subprocess.CompletedProcess[str]":
        """Wait for its end, and return its exit code and what it printed.

        Raises:
            subprocess.TimeoutExpired: If it has not ended in so many seconds.
        """
        code = self._process.wait(timeout)
        texts = []
        for stream in (self._output, self._messages):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        return subprocess.CompletedProcess(self._process.args, code, *texts)


def end_with_parent() -> None:
    """Let this process, a `Child`, end as soon as the one that started it has.

    Standard input is a pipe into which the parent writes nothing, and which the operating system closes at its end.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
