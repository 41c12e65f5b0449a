"""What `train_model` is given: a network to build, its training and validation data, its loss and its metric."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import keras


class SeededBatches(Protocol):
    """A `keras.utils.PyDataset` whose batches follow from seed, epoch and index alone."""

    def start_epoch(self, epoch: int) -> None:
        """Set order and augmentation of the epoch (counted from 0) that is about to begin."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Any, ...]: ...


@dataclass(frozen=True)
class TrainingInputs:
    """A network and what it learns from.

    Args:
        build: Function that builds the network, with random weights or those of the initial model.
        batches: Training batches.
        validation: Validation batches, the same in every epoch.
        loss: Loss of the network's probabilities.
        accuracy: Metric of the network's probabilities, named `accuracy`; the weights of the epoch with its highest
            value in validation are kept.
        train_shape: Shape of all training images.
        labels_shape: Shape of their labels.
        num_validation: Number of validation samples.
    """

    build: Callable[[], keras.Model]
    batches: SeededBatches
    validation: keras.utils.PyDataset
    loss: keras.losses.Loss
    accuracy: keras.metrics.Metric
    train_shape: tuple[int, ...]
    labels_shape: tuple[int, ...]
    num_validation: int
