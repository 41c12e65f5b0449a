"""A process that measures one thing in blocks, each when it is told to: so that several take turns on one machine.

    python -m kerascnn.benchmarking.worker training tensorflow quick

Every line that it reads from standard input is the length of a block in seconds; an empty line ends it. It writes one
JSON object a line: first that it is ready, then one for each block. Input that ends without an empty line is that of a
process that was killed, and ends this one at once.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

Send = Callable[[dict[str, Any]], None]


def main() -> None:
    """Do what the command line says: `training BACKEND SETTINGS`, `predicting ENGINE` or `matmul`."""
    task, *arguments = sys.argv[1:]
    # What a framework prints is not meant for whoever reads the figures.
    stream, sys.stdout = sys.stdout, sys.stderr

    def send(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=stream, flush=True)

    _TASKS[task](*arguments, blocks=_block_lengths(), send=send)


def _block_lengths() -> Iterator[float]:
    lines: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line.strip())
            if not line.strip():
                return
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return map(float, iter(lines.get, ""))


def _training(backend: str, settings: str, *, blocks: Iterator[float], send: Send) -> None:
    from kerascnn.benchmarking.training_speed import measure_training

    measure_training(backend, settings, blocks, send)


def _predicting(engine: str, *, blocks: Iterator[float], send: Send) -> None:
    from kerascnn.benchmarking.prediction_speed import measure_predicting

    measure_predicting(engine, blocks, send)


def _matmul(*, blocks: Iterator[float], send: Send) -> None:
    from kerascnn.benchmarking.matmul import measure_matmul

    measure_matmul(blocks, send)


_TASKS: dict[str, Callable[..., None]] = {"training": _training, "predicting": _predicting, "matmul": _matmul}

if __name__ == "__main__":
    main()
