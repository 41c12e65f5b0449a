"""Draw the figure of `kerascnn models`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.evaluation.model_overview import ArchitectureOverview
from kerascnn.models import ARCHITECTURES
from kerascnn.utils.errors import UsageError
from kerascnn.utils.figure_style import Drawing, Theme
from kerascnn.utils.files import write_bytes
from kerascnn.utils.outputs import require_own_png

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito's colours; the marks differ as well, for those who cannot tell them apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999")
_MARKS = "os^DPvX"
_TITLE = "models"
_ERRORS = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)
_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def write_models_figure(
    rows: Sequence[ArchitectureOverview], path: str | Path, on_note: Callable[[str], None] | None = None
) -> None:
    """Draw the architectures that classify pictures, and write the figure as PNG.

    Args:
        rows: Overviews of the architectures.
        path: Path of the `.png` file.
        on_note: Function that is called with a sentence about each model that is not drawn.

    Raises:
        UsageError: If the path does not end in `.png`.
        OutputError: If another program's file is there, or the figure cannot be written.
    """
    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"{path} is no name of a PNG file; give one that ends in .png.")
    require_own_png(Path(path), _TITLE)
    drawn = [row for row in rows if row.name not in ARCHITECTURES or not ARCHITECTURES[row.name].segments]
    note = on_note or (lambda text: None)
    for row in rows:
        for runs in row.runs:
            names = ", ".join(runs.models)
            if row not in drawn:
                note(f"{names} is not in the figure: it segments pages instead of classifying pictures.")
            elif runs.milliseconds_per_picture is None:
                note(f"{names} is not in the figure: its card has no time for one picture.")
    write_bytes(Path(path), draw_models(drawn).png(title=_TITLE))


def draw_models(rows: Sequence[ArchitectureOverview]) -> Drawing:
    """Draw mistakes against milliseconds for one picture; better and faster models are nearer to the lower left corner.

    Args:
        rows: Overviews of the architectures; models whose time is unknown are left out.

    Returns:
        The drawing.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        times: list[float] = []
        errors: list[float] = []
        for row, colour, mark in zip(rows, _COLOURS, _MARKS, strict=False):
            timed = [(one, one.milliseconds_per_picture) for one in row.runs]
            runs = [(one, milliseconds) for one, milliseconds in timed if milliseconds is not None]
            if not runs:
                continue
            x = [milliseconds for _, milliseconds in runs]
            y = [100 * (1 - one.accuracy) for one, _ in runs]
            spread = [100 * (one.accuracy_deviation or 0) for one, _ in runs]
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


def _logarithmic(axis: "Axis", values: Sequence[float], ticks: Sequence[float], unit: str) -> None:
    """Set a logarithmic scale with room around the values and ticks at round numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes = axis.axes
    set_scale, set_limits = (axes.set_xscale, axes.set_xlim) if axis is axes.xaxis else (axes.set_yscale, axes.set_ylim)
    set_scale("log")
    set_limits(max(min(values), ticks[0]) / 1.6, max(values) * 1.6)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} {unit}"))
    axis.set_minor_locator(NullLocator())
