"""What all figures of a report share: width, light and dark colours, scales that colour-blind people can read."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.utils.png import SOFTWARE

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 5.4
"""Width of a figure in inches: narrow enough for the letters to be legible on a telephone, and enough for a slide."""

_DPI = 220

# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, SKY = "#0072B2", "#D55E00", "#56B4E9"


@dataclass(frozen=True)
class Theme:
    """The colours around the data, hexadecimal; the data have the same colours on light and dark pages."""

    paper: str  # behind everything
    ink: str  # text
    quiet: str  # lines and less important text
    bar: str  # bars


LIGHT = Theme(paper="#ffffff", ink="#1b1f24", quiet="#57606a", bar=BLUE)
DARK = Theme(paper="#14171b", ink="#e3e7ec", quiet="#9aa4af", bar=SKY)


@dataclass(frozen=True)
class Drawing:
    """A figure that can be drawn for a light and for a dark page."""

    draw: Callable[["Figure", Theme], None]  # on an empty figure, in the colours of a theme
    height: float  # of the figure in inches

    def png(self, theme: Theme = LIGHT, title: str | None = None) -> bytes:
        """Draw the figure, encoded as PNG; a title is stored in the file, by which it is known again."""
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with matplotlib.rc_context(_settings(theme)):
            figure = Figure(figsize=(WIDTH, self.height), layout="constrained")
            FigureCanvasAgg(figure)
            self.draw(figure, theme)
            stream = io.BytesIO()
            metadata = {"Software": SOFTWARE, **({"Title": title} if title else {})}
            figure.savefig(stream, dpi=_DPI, format="png", metadata=metadata)
        return stream.getvalue()


def make_signed_scale() -> "Colormap":
    """Make a scale with blue for negative, white for zero and orange for positive values; dark at both ends."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = ["#00304d", BLUE, "#8cc1e0", "#ffffff", "#f0b58c", ORANGE, "#662c00"]
    return LinearSegmentedColormap.from_list("signed", colours)


def make_unsigned_scale() -> "Colormap":
    """Make a scale for values from zero up, from dark to light: an order that every kind of colour vision sees."""
    from matplotlib import colormaps

    return colormaps["magma"]


def _settings(theme: Theme) -> dict[Any, str | float]:
    return {
        **dict.fromkeys(("axes.facecolor", "figure.facecolor", "savefig.facecolor"), theme.paper),
        **dict.fromkeys(("axes.labelcolor", "text.color", "xtick.labelcolor", "ytick.labelcolor"), theme.ink),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), theme.quiet),
        "font.family": "DejaVu Sans",
        "font.size": 9.5,
    }
