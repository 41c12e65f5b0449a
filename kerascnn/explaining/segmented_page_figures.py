"""Figures of a segmented page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.utils.figure_style import WIDTH, Drawing, Theme, make_unsigned_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One colour for each digit; neighbours in the list also differ in lightness.
_DIGITS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C564B", "#E69F00", "#5E3C99", "#7F9A1C", "#E31A8C",
)  # fmt: skip
_BOUNDARY = "#111111"
_PALE = 0.55  # share of white over the page under its mask
_TALLEST = 7.5  # inches
_TITLE = 9.5  # points


def draw_mask(picture: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> Drawing:
    """Draw the class of each pixel in colour over the page.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        classes: uint8, `(height, width)`: 0 for background, then the digits, then their boundary.
        names: Names of the classes.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Patch

        axes = figure.subplots()
        colours = np.array([(1, 1, 1), *map(to_rgb, (*_DIGITS, _BOUNDARY))])
        page = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
        page = page / 255 * (1 - _PALE) + _PALE
        covered = (classes > 0)[..., None]
        axes.imshow(np.where(covered, colours[classes], page), interpolation="nearest")
        _remove_ticks(axes)
        handles = [
            # The outline shows the darkest colours on dark paper too.
            Patch(facecolor=colour, edgecolor=theme.quiet, linewidth=0.8, label=name)
            for colour, name in zip(colours[1:], names[1:], strict=True)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False, fontsize=8, handlelength=1.2)

    return Drawing(draw, _fit_height(picture, 1) + 0.55)


def draw_seen(seen: np.ndarray) -> Drawing:
    """Draw the input of the network, uint8 `(height, width)`."""

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        axes.imshow(seen, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        _remove_ticks(axes)

    return Drawing(draw, _fit_height(seen, 1))


def draw_class_maps(probabilities: np.ndarray, titles: Sequence[str]) -> Drawing:
    """Draw probabilities, float32 `(height, width, num_maps)`, two maps in a row, each with its title."""
    rows = -(-len(titles) // 2)

    def draw(figure: "Figure", theme: Theme) -> None:
        panels = figure.subplots(rows, 2, squeeze=False)
        for panel in panels.flat:
            panel.axis("off")
        for index, title in enumerate(titles):
            panel = panels.flat[index]
            drawn = panel.imshow(probabilities[..., index], cmap=make_unsigned_scale(), vmin=0, vmax=1)
            panel.set_title(title, fontsize=_TITLE, pad=3)
        figure.colorbar(drawn, ax=panels, location="bottom", shrink=0.6, aspect=40, label="probability")

    return Drawing(draw, rows * (_fit_height(probabilities, 2) + 0.3) + 0.7)


def _remove_ticks(axes: "Axes") -> None:
    axes.set(xticks=(), yticks=())
    axes.spines[:].set_visible(False)


def _fit_height(image: np.ndarray, columns: int) -> float:
    """Compute the height in inches of an image that is as wide as its column."""
    height: float = min(_TALLEST / columns, WIDTH / columns * image.shape[0] / image.shape[1])
    return height
