"""How a run reports its progress. The library prints nothing; the caller may pass an object with these methods."""

from dataclasses import dataclass
from typing import Protocol

from kerascnn.training.history import EpochRow


@dataclass(frozen=True)
class RunStart:
    """What is known when the training begins.

    Args:
        train_shape: Shape of all training images.
        labels_shape: Shape of their labels.
        num_validation: Number of validation samples.
        architecture: Name of the network.
        num_parameters: Number of its weights and biases.
        backend: Backend of Keras.
        epochs: Number of epochs of the whole run.
        first_epoch: Number of epochs that were done before.
        steps: Number of batches of an epoch.
    """

    train_shape: tuple[int, ...]
    labels_shape: tuple[int, ...]
    num_validation: int
    architecture: str
    num_parameters: int
    backend: str
    epochs: int
    first_epoch: int
    steps: int


class Progress(Protocol):
    """Receives the events of a run, in this order; epochs are counted from 0."""

    def message(self, text: str) -> None:
        """Receive a sentence that is worth showing."""

    def run_started(self, start: RunStart) -> None:
        """Note that the data are loaded and the model is built."""

    def epoch_started(self, epoch: int) -> None:
        """Note that an epoch begins."""

    def step_finished(self, step: int) -> None:
        """Note that `step` batches of the epoch are done."""

    def epoch_finished(self, row: EpochRow) -> None:
        """Note that an epoch is finished and saved; `row` is its row of the history."""

    def training_finished(self) -> None:
        """Note that no further epoch follows."""


class NoProgress(Progress):
    """Ignores all events."""

    def message(self, text: str) -> None: ...

    def run_started(self, start: RunStart) -> None: ...

    def epoch_started(self, epoch: int) -> None: ...

    def step_finished(self, step: int) -> None: ...

    def epoch_finished(self, row: EpochRow) -> None: ...

    def training_finished(self) -> None: ...
