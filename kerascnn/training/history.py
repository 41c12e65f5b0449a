"""The history of a run: one row for each epoch, and the best epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class EpochRow(TypedDict):
    """One epoch, counted from 1: losses in nats, accuracies 0 to 1, and its duration in seconds."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


class BestEpoch(TypedDict):
    """The best epoch so far, counted from 1, with its validation metrics; the epoch is None before the first."""

    epoch: int | None
    val_accuracy: float
    val_loss: float
    epochs_since: int


def history_csv(history: Sequence[Mapping[str, Any]]) -> bytes:
    """Write the history as CSV, UTF-8, one line an epoch."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(EpochRow.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return stream.getvalue().encode()
