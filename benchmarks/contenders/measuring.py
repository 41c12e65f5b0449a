"""What the contenders share: their options, the data, a stopwatch, the report. Nothing here takes part in training."""

import argparse
import json
import time

import numpy as np

from kerascnn.datasets import load_dataset, stratified_split

_STEPS_A_BLOCK = 10


def parse_arguments(description: str) -> argparse.Namespace:
    """The options that every contender has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-steps", type=int, help="end each epoch after so many steps, and score nothing")
    parser.add_argument("--data", default="mnist", help="'mnist', or a directory with its four IDX files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def load(data: str, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """MNIST as `kerascnn fit` divides it: 48,000 images to train on, 12,000 to validate, 10,000 to test.

    Args:
        data: as `--data`.
        seed: of the division.

    Returns:
        Images `(n, 28, 28)` uint8 and labels `(n,)` int64 of each of the three parts.
    """
    dataset = load_dataset(data)
    train, validation = stratified_split(dataset.train_labels, 0.2, seed)
    return (
        (dataset.train_images[train], dataset.train_labels[train]),
        (dataset.train_images[validation], dataset.train_labels[validation]),
        (dataset.test_images, dataset.test_labels),
    )


class Stopwatch:
    """Takes the time of blocks of steps and of epochs.

    Args:
        batch_size: samples a step.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self.first_step_seconds: float | None = None
        self.images_per_second: list[float] = []
        self.epoch_seconds: list[float] = []

    def epoch_begins(self) -> None:
        """An epoch begins."""
        self._epoch = time.perf_counter()
        self._steps, self._block = 0, None

    def step_done(self) -> None:
        """A step is done. The first of an epoch belongs to no block: something may be compiled in it."""
        self._steps += 1
        now = time.perf_counter()
        if self.first_step_seconds is None:
            self.first_step_seconds = round(now - self._epoch, 2)
        if self._block is None:
            self._block = now
        elif (self._steps - 1) % _STEPS_A_BLOCK == 0:
            self.images_per_second.append(round(_STEPS_A_BLOCK * self._batch_size / (now - self._block), 1))
            self._block = now

    def epoch_ends(self) -> None:
        """An epoch is over, its validation included."""
        self.epoch_seconds.append(round(time.perf_counter() - self._epoch, 2))


def report(arguments: argparse.Namespace, watch: Stopwatch, accuracies: dict[str, float | None]) -> None:
    """Print what was measured.

    Args:
        arguments: of the command line.
        watch: that ran.
        accuracies: `val_accuracy` of the last epoch, and `test_accuracy`; None where nothing was scored.
    """
    first, *others = watch.epoch_seconds
    figures = {
        "epochs": arguments.epochs,
        "seed": arguments.seed,
        "first_step_seconds": watch.first_step_seconds,
        "first_epoch_seconds": first,
        "other_epoch_seconds": others,
        "training_seconds": round(sum(watch.epoch_seconds), 2),
        "images_per_second": watch.images_per_second,
        **accuracies,
    }
    if arguments.json:
        print(json.dumps(figures))
    else:
        print(*(f"{name}: {value}" for name, value in figures.items()), sep="\n")
