"""The Keras callbacks of a training run. Where the order of two of them matters, their docstrings say so."""

import math
import time
from types import TracebackType
from typing import Any

import keras
import numpy as np

from kerascnn.training.history import BestEpoch, EpochRow
from kerascnn.training.progress import Progress
from kerascnn.training.run_directory import RunDirectory, RunState
from kerascnn.training.task import SeededBatches
from kerascnn.utils.interrupts import Stop, handle_stops

Array = np.ndarray[Any, Any]
Logs = dict[str, Any]
"""What Keras tells of an epoch or a batch: the metrics by name."""


class Reseed(keras.callbacks.Callback):
    """Set the order of the data and the state of every random layer from (seed, epoch).

    Keras saves neither; with this, an epoch depends on nothing but the weights, the optimizer and its own number.

    Args:
        batches: Training batches.
        seed: Random seed of the run.
    """

    def __init__(self, batches: SeededBatches, seed: int) -> None:
        super().__init__()
        self.batches, self.seed = batches, seed

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.batches.start_epoch(epoch)
        states = [variable for variable in self.model.variables if variable.path.endswith("seed_generator_state")]
        for index, variable in enumerate(states):
            variable.assign(np.array([self._draw_seed(epoch, index), 0]))
        if keras.config.backend() == "torch":
            # Keras's dropout on torch draws from torch's global generator.
            import torch

            torch.manual_seed(self._draw_seed(epoch, len(states)))

    def _draw_seed(self, epoch: int, index: int) -> int:
        """Draw a number of 31 bits, which fit the seed type of every backend."""
        return int(np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0]) >> 1


class DivergenceError(Exception):
    """The loss is no finite number any more."""


class StopAtDivergence(keras.callbacks.Callback):
    """Raise DivergenceError after an epoch whose loss is no finite number. It comes before what records the epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        assert logs is not None
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs[name]):
                raise DivergenceError(f"the {name} became {float(logs[name])} in epoch {epoch + 1}")


class KeepBest(keras.callbacks.Callback):
    """Remember the weights of the best epoch on validation data, and stop when it lies too far back.

    Better is a higher validation accuracy or, at the same accuracy, a lower validation loss. Keras's own
    `EarlyStopping` forgets its state between processes.

    Args:
        patience: Number of epochs without improvement that end the training; None for never.
    """

    def __init__(self, patience: int | None) -> None:
        super().__init__()
        self.patience = patience
        self.state: BestEpoch = {"epoch": None, "val_accuracy": 0.0, "val_loss": 0.0, "epochs_since": 0}
        self.weights: list[Array] = []

    def restore(self, state: BestEpoch, weights: list[Array]) -> None:
        """Continue from saved values."""
        self.state, self.weights = state, weights

    def is_exhausted(self) -> bool:
        """Tell whether the patience has run out."""
        return self.patience is not None and self.state["epochs_since"] >= self.patience

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        assert logs is not None  # Keras always gives them at the end of an epoch.
        accuracy, loss = float(logs["val_accuracy"]), float(logs["val_loss"])
        if self._improves(accuracy, loss):
            self.state = {"epoch": epoch + 1, "val_accuracy": accuracy, "val_loss": loss, "epochs_since": 0}
            # Copies, since Keras may return views of variables that training continues to change.
            self.weights = [np.array(weight) for weight in self.model.get_weights()]
        else:
            self.state["epochs_since"] += 1
        if self.is_exhausted():
            self.model.stop_training = True

    def _improves(self, accuracy: float, loss: float) -> bool:
        if self.state["epoch"] is None:
            return True
        return (accuracy, -loss) > (self.state["val_accuracy"], -self.state["val_loss"])


class RecordHistory(keras.callbacks.Callback):
    """Collect one row for each epoch, with its duration in seconds, validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[EpochRow] = []

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        assert logs is not None
        row: EpochRow = {
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            "val_loss": float(logs["val_loss"]),
            "val_accuracy": float(logs["val_accuracy"]),
            "seconds": round(time.perf_counter() - self._begun, 2),
        }
        self.history.append(row)


class SaveRun(keras.callbacks.Callback):
    """Write the state of the run after each epoch. It comes after `KeepBest` and `RecordHistory`, whose state it saves.

    Args:
        directory: Where to write.
        settings: Settings of the run as plain data.
        data_digest: Digest of the data set.
        best: Callback that keeps the best epoch.
        record: Callback that collects the history.
    """

    def __init__(
        self, directory: RunDirectory, settings: dict[str, Any], data_digest: str, best: KeepBest, record: RecordHistory
    ) -> None:
        super().__init__()
        self.directory, self.settings, self.data_digest = directory, settings, data_digest
        self.best, self.record = best, record

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        arrays = {
            "weights": self.model.get_weights(),
            "best_weights": self.best.weights,
            "optimizer": [keras.ops.convert_to_numpy(variable) for variable in self.model.optimizer.variables],
        }
        self.directory.save(RunState(self.settings, self.data_digest, self.record.history, self.best.state, arrays))


class ReportProgress(keras.callbacks.Callback):
    """Report the events of training. It comes after `SaveRun`, so that an epoch is reported when it is safe on disk.

    Args:
        progress: Object that is told the progress.
        record: Callback that collects the history.
    """

    def __init__(self, progress: Progress, record: RecordHistory) -> None:
        super().__init__()
        self.progress, self.record = progress, record

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.progress.epoch_started(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.progress.step_finished(batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.progress.epoch_finished(self.record.history[-1])

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.progress.training_finished()


class InterruptBetweenBatches(keras.callbacks.Callback):
    """Let Ctrl-C end a run between two batches; a context manager around `model.fit`.

    A bare `except` in Keras swallows an interrupt that arrives while a batch's logs are turned into numbers. So the
    signal only sets a flag, which is checked where nothing swallows the exception. A second Ctrl-C acts at once.
    """

    def __enter__(self) -> "InterruptBetweenBatches":
        self._handling = handle_stops(self._request)
        self._arrived = self._handling.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._handling.__exit__(None, None, None)

    def _request(self, number: int) -> None:
        if len(self._arrived) > 1:
            raise Stop(number)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._interrupt_if_requested()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._interrupt_if_requested()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._interrupt_if_requested()

    def _interrupt_if_requested(self) -> None:
        if self._arrived:
            raise Stop(self._arrived[0])
