"""The Keras callbacks of a run. Each has one job; their order in `training.fit` matters only where it is said."""

import signal
import threading
import time

import keras
import numpy as np

from kerascnn.training.batches import TrainingBatches
from kerascnn.training.progress import Progress
from kerascnn.training.run_directory import RunDirectory, RunState


class Reseed(keras.callbacks.Callback):
    """Set the order of the data and the state of every random layer from (seed, epoch).

    Keras saves neither; with this, an epoch depends on nothing but the weights, the optimizer and its own number.
    """

    def __init__(self, batches: TrainingBatches, seed: int) -> None:
        super().__init__()
        self.batches, self.seed = batches, seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.batches.start_epoch(epoch)
        states = [variable for variable in self.model.variables if variable.path.endswith("seed_generator_state")]
        for index, variable in enumerate(states):
            variable.assign(np.array([self._drawn(epoch, index), 0]))
        if keras.config.backend() == "torch":
            # Keras's dropout on torch draws from torch's global generator.
            import torch

            torch.manual_seed(self._drawn(epoch, len(states)))

    def _drawn(self, epoch: int, index: int) -> int:
        """A number of 31 bits, which fit the seed type of every backend."""
        return int(np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0]) >> 1


class UseAverages(keras.callbacks.SwapEMAWeights):
    """Validate, keep and save the averaged weights in place of those that training goes on with.

    Comes before the callbacks that look at the weights at the end of an epoch.

    Args:
        resumed: whether the weights are those of a saved run, which are the averages already.
    """

    def __init__(self, resumed: bool) -> None:
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = resumed


class KeepBest(keras.callbacks.Callback):
    """Remember the weights of the best epoch on validation data, and stop when it lies too far back.

    Better is a higher validation accuracy or, at the same accuracy, a lower validation loss. Keras's own
    `EarlyStopping` forgets its state between processes.

    Args:
        patience: epochs without improvement after which training stops; None for never.
    """

    def __init__(self, patience: int | None) -> None:
        super().__init__()
        self.patience = patience
        self.state = {"epoch": None, "val_accuracy": None, "val_loss": None, "epochs_since": 0}
        self.weights: list[np.ndarray] = []

    def restore(self, state: dict, weights: list[np.ndarray]) -> None:
        """Continue from saved values."""
        self.state, self.weights = dict(state), weights

    def exhausted(self) -> bool:
        """Whether the patience has run out."""
        return self.patience is not None and self.state["epochs_since"] >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        accuracy, loss = float(logs["val_accuracy"]), float(logs["val_loss"])
        if self._improves(accuracy, loss):
            self.state = {"epoch": epoch + 1, "val_accuracy": accuracy, "val_loss": loss, "epochs_since": 0}
            # Copies: what Keras returns may be a view of a variable that training goes on to change.
            self.weights = [np.array(weight) for weight in self.model.get_weights()]
        else:
            self.state["epochs_since"] += 1
        if self.exhausted():
            self.model.stop_training = True

    def _improves(self, accuracy: float, loss: float) -> bool:
        if self.state["epoch"] is None:
            return True
        return (accuracy, -loss) > (self.state["val_accuracy"], -self.state["val_loss"])


class RecordHistory(keras.callbacks.Callback):
    """Collect one row an epoch, with the seconds that it took (validation included).

    Args:
        history: the rows so far; new ones are appended in place.
    """

    def __init__(self, history: list[dict]) -> None:
        super().__init__()
        self.history = history

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        figures = {key: float(logs[key]) for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
        seconds = round(time.perf_counter() - self._begun, 2)
        self.history.append({"epoch": epoch + 1, **figures, "seconds": seconds})


class SaveRun(keras.callbacks.Callback):
    """Write the state of the run after each epoch. Comes after `KeepBest` and `RecordHistory`, whose state it saves."""

    def __init__(
        self, directory: RunDirectory, settings: dict, data_digest: str, best: KeepBest, record: RecordHistory
    ) -> None:
        super().__init__()
        self.directory, self.settings, self.data_digest = directory, settings, data_digest
        self.best, self.record = best, record

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        arrays = {
            "weights": self.model.get_weights(),
            "best_weights": self.best.weights,
            "optimizer": [keras.ops.convert_to_numpy(variable) for variable in self.model.optimizer.variables],
        }
        self.directory.save(RunState(self.settings, self.data_digest, self.record.history, self.best.state, arrays))


class ReportProgress(keras.callbacks.Callback):
    """Pass the events of training on. Comes last: an epoch is reported when it is safe on disk."""

    def __init__(self, progress: Progress, record: RecordHistory) -> None:
        super().__init__()
        self.progress, self.record = progress, record

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.progress.epoch_started(epoch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progress.step_finished(batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.progress.epoch_finished(self.record.history[-1])

    def on_train_end(self, logs: dict | None = None) -> None:
        self.progress.training_finished()


class InterruptBetweenBatches(keras.callbacks.Callback):
    """Let Ctrl-C end a run between two batches; a context manager around `model.fit`.

    An interrupt that arrives while Keras turns a batch's logs into numbers is swallowed there by a bare `except`.
    So the signal only sets a mark, which is looked at where nothing swallows it. A second Ctrl-C acts at once.
    """

    def __enter__(self) -> "InterruptBetweenBatches":
        self._requested = False
        # Only the main thread may handle signals; elsewhere nobody presses Ctrl-C.
        self._active = threading.current_thread() is threading.main_thread()
        if self._active:
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *exception) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._previous)

    def _request(self, number: int, frame) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._interrupt_if_requested()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._interrupt_if_requested()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._interrupt_if_requested()

    def _interrupt_if_requested(self) -> None:
        if self._requested:
            raise KeyboardInterrupt
