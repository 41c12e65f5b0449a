"""What `train_model` is given: a network to build, what it learns from, and how its answers are judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import keras


class SeededBatches(Protocol):
    """A `keras.utils.PyDataset` whose batches follow from seed, epoch and index alone."""

    def start_epoch(self, epoch: int) -> None:
        """Set order and changes of the epoch (counted from 0) that is about to begin."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Task:
    """A network's task.

    Args:
        build: makes the untrained network.
        batches: to train on.
        validation: batches to validate on, always the same.
        loss: of the network's probabilities.
        accuracy: of the network's probabilities, named `accuracy`; the weights of the epoch with the highest one in
            validation are kept.
        train_shape: of all that is trained on.
        labels_shape: of its labels.
        num_validation: how many samples are validated on.
    """

    build: Callable[[], keras.Model]
    batches: SeededBatches
    validation: keras.utils.PyDataset
    loss: keras.losses.Loss
    accuracy: keras.metrics.Metric
    train_shape: tuple[int, ...]
    labels_shape: tuple[int, ...]
    num_validation: int
