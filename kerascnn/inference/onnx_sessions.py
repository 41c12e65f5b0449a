"""ONNX Runtime within bounds: of memory, of time, and of what it does besides."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from kerascnn.utils.cores import count_cores
from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import environment_variable

_BYTES_A_CORE, _FEWEST_CORES = 2**30, 2
_SECONDS_A_BATCH = 10  # of the processor; the largest model that kerascnn trains takes less than one
_SECONDS_BETWEEN_LOOKS = 0.2


def start_session(content: bytes, name: str) -> Any:
    """Start a session of ONNX Runtime, which runs one batch on one core.

    Args:
        content: The network, which must have been checked.
        name: What it is, for messages.

    Raises:
        ModelError: If ONNX Runtime refuses it, or prepares it for too long.
    """
    onnxruntime = _import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if _bound_memory():
        options.add_session_config_entry("session.use_env_allocators", "1")
    start = _Work(
        lambda index: [
            # Where it fails on the processor, it would print so on stdout, and try the same again.
            onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
        ],
        lambda: options.set_load_cancellation_flag(True),
        name,
    )
    return start.finish(1, 1)[0][0]


def run_session(session: Any, batches: Sequence[Callable[[], np.ndarray]], name: str) -> list[list[np.ndarray]]:
    """Run batches side by side, each on a core.

    Args:
        session: What `start_session` gave.
        batches: A function for each batch that makes its input, `(n, height, width, 1)`.
        name: What the network is, for messages.

    Returns:
        The outputs of each batch, in order.

    Raises:
        ModelError: If the network fails, needs too much memory, or takes too long.
    """
    options = _import_onnxruntime().RunOptions()
    key = session.get_inputs()[0].name
    work = _Work(
        lambda index: session.run(None, {key: batches[index]()}, options),
        lambda: setattr(options, "terminate", True),
        name,
    )
    return work.finish(len(batches), min(count_cores(), len(batches)))


class _Work:
    """Numbered pieces of work on threads, while the main thread waits and so notices signals.

    A thread that is within ONNX Runtime cannot be interrupted before it has finished an operator; as a daemon, it does
    not keep the process from ending.

    Args:
        act: Does a piece of work.
        cancel: Asks ONNX Runtime to stop what it is doing.
        name: What the network is, for messages.
    """

    def __init__(self, act: Callable[[int], list[Any]], cancel: Callable[[], None], name: str) -> None:
        self._act, self._cancel, self._name = act, cancel, name
        self._results: dict[int, list[Any]] = {}
        self._failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._done = threading.Event()

    def finish(self, num_pieces: int, num_threads: int) -> list[list[Any]]:
        """Do all pieces; return their results in order."""
        if not num_pieces:
            return []
        self._pending = iter(range(num_pieces))
        self._num_pieces = num_pieces
        try:
            for _ in range(num_threads):
                threading.Thread(target=self._run, daemon=True).start()
            self._wait(num_threads)
        except BaseException:
            self._pending = iter(())
            self._cancel()
            raise
        if self._failures:
            raise self._failures[0]
        return [self._results[index] for index in range(num_pieces)]

    def _run(self) -> None:
        while True:
            with self._lock:
                index = next(self._pending, None)
            if index is None:
                return
            try:
                self._results[index] = self._act(index)
            except BaseException as error:
                self._failures.append(self._explain(error))
            if self._failures or len(self._results) == self._num_pieces:
                self._pending = iter(())
                self._done.set()

    def _wait(self, num_threads: int) -> None:
        finished, begun = 0, time.process_time()
        while not self._done.wait(_SECONDS_BETWEEN_LOOKS):
            now = time.process_time()
            if len(self._results) > finished:
                finished, begun = len(self._results), now
            if now - begun > _SECONDS_A_BATCH * num_threads:
                raise ModelError(
                    f"{self._name} computes for more than {_SECONDS_A_BATCH} s at a few pictures, longer than any "
                    "that kerascnn trains; get another copy of the model, or name a backend with --backend."
                )

    def _explain(self, error: BaseException) -> BaseException:
        # ONNX Runtime's exceptions share no public base class.
        if isinstance(error, ModelError | MemoryError) or not isinstance(error, Exception):
            return error
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return ModelError(
            f"{self._name} cannot be run by ONNX Runtime ({reason}); get another copy, or run it with --backend."
        )


def _import_onnxruntime() -> Any:
    """Import ONNX Runtime without its telemetry, for which it writes a database below the user's cache."""
    # The variable is read once, at the import.
    with environment_variable("ORT_DISABLE_TELEMETRY", os.environ.get("ORT_DISABLE_TELEMETRY", "1")):
        import onnxruntime
    return onnxruntime


@cache
def _bound_memory() -> bool:
    """Give the sessions of this process one memory of bounded size; others than ours have their own as ever."""
    onnxruntime = _import_onnxruntime()
    cpu = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    bounds = onnxruntime.OrtArenaCfg({"max_mem": _BYTES_A_CORE * max(_FEWEST_CORES, count_cores())})
    with contextlib.suppress(Exception):  # the program that uses kerascnn has one already
        onnxruntime.create_and_register_allocator(cpu, bounds)
    return True
