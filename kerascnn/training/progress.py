"""How a run tells its progress. The library prints nothing; whoever starts a run may pass an object like this."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class RunStart:
    """What is known when the training begins."""

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
        """Something worth knowing, one sentence."""

    def run_started(self, start: RunStart) -> None:
        """The data are loaded and the model is built."""

    def epoch_started(self, epoch: int) -> None:
        """An epoch begins."""

    def step_finished(self, step: int) -> None:
        """`step` batches of the epoch are done."""

    def epoch_finished(self, row: dict) -> None:
        """An epoch is over and saved; `row` is its line of the history."""

    def training_finished(self) -> None:
        """No further epoch follows."""


class NoProgress:
    """Keeps silent."""

    def message(self, text: str) -> None: ...

    def run_started(self, start: RunStart) -> None: ...

    def epoch_started(self, epoch: int) -> None: ...

    def step_finished(self, step: int) -> None: ...

    def epoch_finished(self, row: dict) -> None: ...

    def training_finished(self) -> None: ...
