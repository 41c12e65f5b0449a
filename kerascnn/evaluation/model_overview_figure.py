"""The picture of `kerascnn models`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.utils.figure_style import Drawing, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kerascnn.evaluation.model_overview import ArchitectureOverview

# Okabe and Ito's colours; the marks differ as well, for those who cannot tell them apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999")
_MARKS = "os^DPvX"
_ERRORS = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)
_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def draw_models(rows: Sequence["ArchitectureOverview"]) -> Drawing:
    """Draw mistakes against milliseconds a picture: the better and quicker, the nearer to the lower left corner.

    Args:
        rows: the architectures with their trained models; those whose time is not known are left out.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        times, errors = [], []
        for row, colour, mark in zip(rows, _COLOURS, _MARKS, strict=False):
            runs = [one for one in row.runs if one.milliseconds_per_picture is not None]
            if not runs:
                continue
            x = [one.milliseconds_per_picture for one in runs]
            y = [100 * (1 - one.accuracy) for one in runs]
            spread = [100 * (one.accuracy_deviation or 0) for one in runs]
            axes.errorbar(x, y, spread, color=colour, marker=mark, markersize=6, linestyle="none", label=row.name)
            times += x
            errors += [value for middle, around in zip(y, spread, strict=True) for value in (middle, middle + around)]
        axes.set_xlabel("milliseconds a picture, on one core")
        axes.set_ylabel("mistakes on the test images")
        _logarithmic(axes.xaxis, times, _TIMES, "ms")
        _logarithmic(axes.yaxis, errors, _ERRORS, "%")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=4, frameon=False)

    return Drawing(draw, 4.0)


def _logarithmic(axis, values: Sequence[float], ticks: Sequence[float], unit: str) -> None:
    """A scale by factors, with room around the values and ticks at round numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes = axis.axes
    set_scale, set_limits = (
        (axes.set_xscale, axes.set_xlim) if axis.axis_name == "x" else (axes.set_yscale, axes.set_ylim)
    )
    set_scale("log")
    set_limits(max(min(values), ticks[0]) / 1.6, max(values) * 1.6)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} {unit}"))
    axis.set_minor_locator(NullLocator())
