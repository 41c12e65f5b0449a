"""Training speed: `kerascnn.fit` itself, stopped and continued between two steps by the object that it reports to."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from kerascnn.training.progress import NoProgress, RunStart
from kerascnn.utils.staging import temporary_directory

BATCH_SIZE = 128

_PLAIN = {"optimizer": "adam", "augmentation": 0.0, "dropout_rates": (0.25, 0.5)}

SETTINGS: dict[str, dict[str, Any]] = {"quick": {}, "plain": _PLAIN, "augmented": {**_PLAIN, "augmentation": 0.5}}
"""What is trained: the default recipe, the lecture's settings, and these with the augmentation of the recipe."""

_EPOCHS = 1000
"""More than are ever reached: the run ends when there are no more blocks."""

_STEPS_AFTER_A_PAUSE = 12
"""The loader goes on during a pause: Keras keeps ten batches ready, which must not count as trained at their price."""


class Meter(NoProgress):
    """Measures a running `fit` in blocks.

    Only the time from step to step within an epoch counts: validation and saving do not.

    Args:
        blocks: Length of each block in seconds, asked for when it is its turn; their end ends the run. A block of no
            seconds is one step.
        send: Function that is called with one message when the first step is done (`seconds_to_start`,
            `first_step_seconds`), then with one for each block (`images`, `seconds`).
        clock: Function that returns the seconds since a fixed moment.
    """

    def __init__(
        self,
        blocks: Iterator[float],
        send: Callable[[dict[str, float]], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._blocks, self._send, self._clock = blocks, send, clock
        self._begun = clock()
        self._wanted: float | None = None
        self._last: float | None = None

    def run_started(self, start: RunStart) -> None:
        """Begin the warm-up: the data are loaded and the model is built."""
        self._started = self._clock()

    def epoch_started(self, epoch: int) -> None:
        """An epoch begins."""
        self._last, self._step = None, 0

    def step_finished(self, step: int) -> None:
        """Some steps are done: one, or as many as the backend takes at once."""
        now = self._clock()
        new_steps, self._step = step - self._step, step
        if self._wanted is None:
            first = {
                "seconds_to_start": round(self._started - self._begun, 2),
                "first_step_seconds": round(now - self._started, 2),
            }
            self._send(first)
            self._wait()
            return
        if self._steps_to_skip > 0:
            self._steps_to_skip -= new_steps
        elif self._last is not None:
            self._images += new_steps * BATCH_SIZE
            self._seconds += now - self._last
        self._last = now
        if self._images and self._seconds >= self._wanted:
            self._send({"images": self._images, "seconds": round(self._seconds, 4)})
            self._wait()

    def _wait(self) -> None:
        self._wanted = next(self._blocks, None)
        if self._wanted is None:
            raise NoMoreBlocks
        self._images, self._seconds, self._last = 0, 0.0, None
        self._steps_to_skip = _STEPS_AFTER_A_PAUSE if self._wanted else 0


class NoMoreBlocks(Exception):  # noqa: N818 -- not an error
    """Ends a run of `fit`."""


def measure_training(
    backend: str, settings: str, blocks: Iterator[float], send: Callable[[dict[str, float]], None]
) -> None:
    """Train as `kerascnn fit` does, on MNIST, in blocks.

    Args:
        backend: Backend of Keras.
        settings: Name of a row of `SETTINGS`.
        blocks: Lengths of the blocks, as for `Meter`.
        send: Function that is called with each message, as for `Meter`.
    """
    meter = Meter(blocks, send)
    from kerascnn.training import fit
    from kerascnn.training.acceleration.memory import keep_freed_memory

    stops = contextlib.suppress(NoMoreBlocks)
    with keep_freed_memory(), temporary_directory() as directory, stops:
        output = directory / "benchmark.keras"
        recipe = {**SETTINGS[settings], "epochs": _EPOCHS, "batch_size": BATCH_SIZE}
        fit("mnist", backend=backend, output=output, progress=meter, **recipe)
