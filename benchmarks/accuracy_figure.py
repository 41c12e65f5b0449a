"""Figure of test accuracy against training time."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from contestants import CONTENDERS, label, ours

from kerascnn.utils.figure_style import BLUE, ORANGE, SKY, Drawing, Theme

# Okabe and Ito's other colours.
_GREEN, _PINK, _YELLOW = "#009E73", "#CC79A7", "#E69F00"
_OURS = {ours("tensorflow"): BLUE, ours("jax"): SKY, ours("torch"): "#000000"}
_COLOURS = _OURS | dict(zip(CONTENDERS, (_YELLOW, ORANGE, _GREEN, _PINK), strict=True))
_MARKERS = dict(zip(CONTENDERS, ("v", "s", "^", "D"), strict=True))
_TARGET = 99.0
_ACCURACIES = (50, 80, 90, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5, 99.7, 99.8)
_SECONDS = (5, 10, 20, 30, 45, 60, 120, 300, 600, 1200, 1800, 3600, 7200)


def mean_points(rows: Sequence[dict]) -> dict[str, list[tuple[float, float, int, int]]]:
    """Mean seconds, mean accuracy in %, epochs and number of runs, of each length of each contestant's runs."""
    points = {}
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        for epochs in sorted({row["epochs"] for row in own}):
            runs = [row for row in own if row["epochs"] == epochs]
            seconds = statistics.mean(row["training_seconds"] for row in runs)
            accuracy = round(100 * statistics.mean(row["test_accuracy"] for row in runs), 6)
            points.setdefault(name, []).append((seconds, accuracy, epochs, len(runs)))
    return points


def draw(rows: Sequence[dict], path: Path) -> None:
    """Draw every run as a point, and a line through the means of runs of one length.

    Args:
        rows: `name`, `epochs`, `training_seconds` and `test_accuracy` of each run.
        path: Path of the `.png` to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Drawing(lambda figure, theme: _draw(figure, theme, rows), height=4.2).png())


def _draw(figure, theme: Theme, rows: Sequence[dict]) -> None:
    axes = figure.subplots()
    points = mean_points(rows)
    # Ours last: its points lie above the others.
    names = sorted(points, key=lambda name: (name not in CONTENDERS, name))
    for name in names:
        colour, marker = _COLOURS[name], _MARKERS.get(name, "o")
        own = [row for row in rows if row["name"] == name]
        axes.scatter(
            [row["training_seconds"] for row in own],
            [100 * row["test_accuracy"] for row in own],
            color=colour,
            marker=marker,
            s=12,
            alpha=0.35,
            linewidths=0,
        )
        seconds, accuracies = [point[0] for point in points[name]], [point[1] for point in points[name]]
        axes.plot(seconds, accuracies, color=colour, marker=marker, markersize=5, label=label(name))
    axes.axhline(_TARGET, color=theme.quiet, linewidth=0.8, linestyle="--", zorder=0)
    _scales(axes, rows)
    axes.set_xlabel("time of training (first epoch and validation included)")
    axes.set_ylabel("right of the 10,000 test images")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=2, frameon=False, fontsize=7, columnspacing=1.2
    )


def _scales(axes, rows: Sequence[dict]) -> None:
    """Scale time logarithmically and accuracy by the logarithm of the error, with ticks at round numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    seconds = [row["training_seconds"] for row in rows]
    accuracies = [100 * row["test_accuracy"] for row in rows]
    axes.set_xscale("log")
    axes.set_xlim(min(seconds) * 0.8, max(seconds) * 1.25)
    axes.set_yscale("function", functions=(_from_accuracy, _to_accuracy))
    lowest, highest = min(accuracies), max(*accuracies, _TARGET)
    axes.set_ylim(100 - (100 - lowest) * 1.2, 100 - (100 - highest) * 0.8)
    axes.xaxis.set_major_locator(FixedLocator(_SECONDS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _time(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator(_ACCURACIES))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.yaxis.set_minor_locator(NullLocator())


def _from_accuracy(accuracy: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(100 - np.asarray(accuracy), 1e-3))


def _to_accuracy(value: np.ndarray) -> np.ndarray:
    return 100 - 10 ** -np.asarray(value)


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"
