"""Figure of errors against milliseconds a picture, for every recorded run of `benchmarks/networks.py`."""

import statistics
from pathlib import Path

import networks
import results

from kerascnn.evaluation.model_overview import ArchitectureOverview, Runs
from kerascnn.evaluation.model_overview_figure import draw_models
from kerascnn.models import ARCHITECTURES
from kerascnn.saving.card import ENSEMBLE

FIGURE = Path(__file__).parent.parent / "docs" / "images" / "networks.png"


def draw() -> None:
    """Draw the figure as `kerascnn models --figure` does for a user's models."""
    records = {name: results.read(f"network-{name}-seed-*.json") for name in networks.BACKENDS}
    records[ENSEMBLE] = results.read("ensemble.json")
    rows = [_overview(name, runs) for name, runs in records.items() if runs]
    FIGURE.write_bytes(draw_models(rows).png())


def _overview(name: str, records: list[dict]) -> ArchitectureOverview:
    accuracies = [record["test_accuracy"] for record in records]
    runs = Runs(
        data="mnist",
        recipe="best",
        epochs=None,
        backend=networks.BACKENDS.get(name, ""),
        seeds=tuple(record.get("seed", 0) for record in records),
        num_test=10_000,
        accuracy=statistics.mean(accuracies),
        accuracy_deviation=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        seconds=None,
        milliseconds_per_picture=statistics.mean(record["milliseconds_per_picture"] for record in records),
        models=(),
    )
    facts = ARCHITECTURES.get(name)
    description = facts.description if facts else "the average of several models"
    return ArchitectureOverview(name, description, None, None, (runs,))
