"""Options, data, stopwatch and report of the contenders. Nothing here takes part in training."""

import argparse
import json
import time

import numpy as np

from kerascnn.datasets import load_dataset, stratified_split

_STEPS_A_BLOCK = 10


def parse_arguments(description: str) -> argparse.Namespace:
    """Parse the options that every contender has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit-steps", type=int, help="Number of steps after which each epoch ends; then nothing is scored."
    )
    parser.add_argument("--data", default="mnist", help="'mnist', or a directory with its four IDX files.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    return parser.parse_args()


def load(data: str, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Load MNIST as `kerascnn fit` divides it: 48,000 images to train on, 12,000 to validate, 10,000 to test.

    Args:
        data: Value of `--data`.
        seed: Random seed of the division.

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
    """Measures the time of blocks of steps and of epochs.

    Args:
        batch_size: Number of samples in a step.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self.first_step_seconds: float | None = None
        self.images_per_second: list[float] = []
        self.epoch_seconds: list[float] = []

    def epoch_begins(self) -> None:
        """Note that an epoch begins."""
        self._epoch = time.perf_counter()
        self._steps, self._block = 0, None

    def step_done(self) -> None:
        """Note that a step is done. The first of an epoch, which may compile, belongs to no block."""
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
        """Note that an epoch and its validation are done."""
        self.epoch_seconds.append(round(time.perf_counter() - self._epoch, 2))


def report(arguments: argparse.Namespace, watch: Stopwatch, accuracies: dict[str, float | None]) -> None:
    """Print the measurements.

    Args:
        arguments: Arguments of the command line.
        watch: Stopwatch of the run.
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
