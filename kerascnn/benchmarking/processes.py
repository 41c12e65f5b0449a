"""The processes that measure, seen from the one that tells them when."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from kerascnn.benchmarking.prediction_speed import ONNX_RUNTIME
from kerascnn.utils.cores import count_cores

_SECONDS_TO_END = 30
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Failed(Exception):  # noqa: N818 -- a result of a measurement, which goes on without it
    """A process ended before it had measured; the message is the last that it said."""


class Measuring:
    """A process that measures one thing in blocks: `kerascnn.benchmarking.worker`.

    Used as a context manager, it is ended with the block. It is ready as soon as it is made.

    Args:
        task: Task, `training`, `predicting` or `matmul`.
        *subject: Backend and name of its settings, or engine; nothing for `matmul`.

    Raises:
        Failed: If it ends before it is ready.
    """

    def __init__(self, task: str, *subject: str) -> None:
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in `close`
        command = [sys.executable, "-P", "-m", "kerascnn.benchmarking.worker", task, *subject]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **_variables(*subject)},
        )
        assert self._process.stdin is not None  # they are pipes
        assert self._process.stdout is not None
        self._blocks, self._answers = self._process.stdin, self._process.stdout
        try:
            self.first = self._read()
        except BaseException:
            self._process.kill()
            self.close()
            raise

    def __enter__(self) -> "Measuring":
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is not None:
            self._process.kill()
        self.close()

    def block(self, seconds: float) -> dict[str, Any]:
        """Measure for about so long; what the process says of it.

        Raises:
            Failed: If it ends before it has measured.
        """
        with contextlib.suppress(BrokenPipeError):
            print(seconds, file=self._blocks, flush=True)
        return self._read()

    def close(self) -> None:
        """End the process: by itself, as it does when it is told nothing more, or else at once."""
        with contextlib.suppress(BrokenPipeError):
            print(file=self._blocks, flush=True)
        with contextlib.suppress(BrokenPipeError):
            self._blocks.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._messages.close()

    def _read(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise Failed(self._last_words())
        message: dict[str, Any] = json.loads(line)
        return message

    def _last_words(self) -> str:
        code = self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), f"it ended with exit code {code}")


def _variables(subject: str | None = None, *settings: str) -> dict[str, str]:
    if subject is None:
        # The limit is that of all cores, whatever matrices are multiplied with.
        return dict.fromkeys(_THREAD_VARIABLES, str(count_cores()))
    # Empty for ONNX Runtime: the user's own wish for a backend would take its place.
    return {"KERAS_BACKEND": "" if subject == ONNX_RUNTIME else subject}
