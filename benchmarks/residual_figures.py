"""Figures of `residuals.py`: losses, gradients, loss surfaces; plain networks on the left, residual on the right."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kerascnn.utils.figure_style import BLUE, ORANGE, Drawing, Theme

_KINDS = ("plain", "residual")
_COLOURS = {8: "#009E73", 20: BLUE, 32: ORANGE}
_SMOOTHING = 15  # steps that a point of a loss curve averages over
_LEVELS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)


def draw_all(rows: Sequence[dict], directory: Path | None) -> None:
    """Draw all three figures; without a directory they are drawn but not written."""
    for name, draw, height in (
        ("residual-losses", _losses, 3.1),
        ("residual-gradients", _gradients, 3.1),
        ("residual-surfaces", _surfaces, 3.2),
    ):
        content = Drawing(_drawn_by(draw, rows), height).png()
        if directory:
            (directory / f"{name}.png").write_bytes(content)


def _drawn_by(draw: Callable, rows: Sequence[dict]) -> Callable:
    return lambda figure, theme: draw(figure, theme, rows)


def _losses(figure, theme: Theme, rows: Sequence[dict]) -> None:
    for axes, chosen in _panels(figure, rows, sharey=True):
        for row in chosen:
            width = min(_SMOOTHING, len(row["losses"]))
            smooth = np.convolve(row["losses"], np.ones(width) / width, mode="valid")
            steps = np.arange(width, len(row["losses"]) + 1)
            axes.plot(steps, smooth, color=_COLOURS[row["num_layers"]], label=f"{row['num_layers']} layers")
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
    figure.axes[0].set_ylabel("training loss")
    _legend(figure)


def _gradients(figure, theme: Theme, rows: Sequence[dict]) -> None:
    for axes, chosen in _panels(figure, rows, sharey=True):
        for row in chosen:
            norms = row["gradient_norms"]["first"]
            layers = np.arange(1, len(norms) + 1)
            axes.plot(layers, norms, color=_COLOURS[row["num_layers"]], marker="o", markersize=2.5,
                      label=f"{row['num_layers']} layers")  # fmt: skip
        axes.set_yscale("log")
        axes.set_xlabel("convolution, from the picture on")
        axes.grid(alpha=0.25)
    figure.axes[0].set_ylabel("norm of the gradient\nbefore the first step")
    _legend(figure)


def _surfaces(figure, theme: Theme, rows: Sequence[dict]) -> None:
    from matplotlib.colors import LogNorm

    drawn = [row for row in rows if "surface" in row]
    for axes, chosen in _panels(figure, drawn, sharey=True):
        for row in chosen:
            steps = np.linspace(-row["surface_extent"], row["surface_extent"], len(row["surface"]))
            values = np.clip(row["surface"], _LEVELS[0], _LEVELS[-1])
            scale = {"levels": _LEVELS, "norm": LogNorm(_LEVELS[0], _LEVELS[-1])}
            axes.contourf(steps, steps, values, cmap="magma_r", extend="both", **scale)
            lines = axes.contour(steps, steps, values, colors=theme.quiet, linewidths=0.4, **scale)
            axes.clabel(lines, fontsize=6, fmt=lambda level: f"{level:g}")
            axes.plot(0, 0, marker="+", color=theme.ink, markersize=8)
        axes.set_aspect("equal")
        axes.set_xlabel("first direction")
    figure.axes[0].set_ylabel("second direction")


def _panels(figure, rows: Sequence[dict], **keywords) -> list[tuple]:
    """Make one panel for each kind, with its rows."""
    panels = []
    for axes, kind in zip(figure.subplots(1, 2, **keywords), _KINDS, strict=True):
        layers = " and ".join(sorted({str(row["num_layers"]) for row in rows}))
        axes.set_title(f"{kind}, {layers} layers" if len({row["num_layers"] for row in rows}) == 1 else kind)
        axes.spines[["top", "right"]].set_visible(False)
        panels.append((axes, sorted((row for row in rows if row["kind"] == kind), key=lambda row: row["num_layers"])))
    return panels


def _legend(figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
