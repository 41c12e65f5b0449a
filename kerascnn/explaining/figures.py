"""Figures of an explanation of a classifier."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.images.thumbnails import FIGURE_SIDE, shrink_picture
from kerascnn.utils.figure_style import WIDTH, Drawing, Theme, make_signed_scale, make_unsigned_scale
from kerascnn.utils.names import show_hidden

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_COLUMNS = 8
_TITLE, _SMALL = 9.5, 7.5  # points
_GAP, _LABEL = 0.12, 0.34  # gap between tiles and height of the label above, as shares of a tile's width
_TALLEST = 5.0  # inches, largest height of a figure with one row
_OUTLINE = "#3c4148"  # outline of the ink on white
_OUTLINE_ON_DARK = "#9adbe8"
_FRAME = "#F0E442"  # Okabe and Ito's yellow, on black
_MAX_BARS = 10


@dataclass(frozen=True)
class _Scale:
    """A colour map between two values."""

    colours: "Colormap | str"
    low: float
    high: float


_GREY = _Scale("gray", 0, 255)


def draw_prediction(picture: np.ndarray, seen: np.ndarray, names: Sequence[str], probabilities: np.ndarray) -> Drawing:
    """Draw the picture, the input of the network, and the probability of each class.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        seen: uint8, `(height, width)`.
        names: Names of the classes.
        probabilities: Probabilities of the classes, 0..1; the most probable ten are shown.
    """
    shown = np.arange(len(names))
    if len(names) > _MAX_BARS:
        shown = np.argsort(-np.asarray(probabilities), kind="stable")[:_MAX_BARS]

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots(1, 3, width_ratios=(1, 1, 1))
        _show_grey(axes[0], shrink_picture(picture, FIGURE_SIDE), "the picture")
        _show_grey(axes[1], seen, "what the network sees")
        axes[1].set_xlabel(f"{seen.shape[1]} x {seen.shape[0]} pixels")
        values = 100 * np.asarray(probabilities)[shown]
        positions = np.arange(len(shown))
        axes[2].barh(positions, values, color=theme.bar, height=0.7)
        for position, value in zip(positions, values, strict=True):
            x, side, colour = (value - 3, "right", theme.paper) if value > 60 else (value + 3, "left", theme.ink)
            text = format_percent(value / 100)
            axes[2].text(x, position, text, va="center", ha=side, fontsize=_SMALL, color=colour)
        axes[2].set_yticks(positions, [shorten(names[index]) for index in shown.tolist()])
        axes[2].set_ylim(len(shown) - 0.4, -0.6)
        axes[2].set(xlim=(0, 100), xticks=(0, 50, 100), xlabel="probability in %")
        axes[2].set_title("what it answers", fontsize=_TITLE, pad=3)
        axes[2].spines[["top", "right"]].set_visible(False)
        axes[2].tick_params(axis="y", length=0)

    return Drawing(draw, 2.5)


def draw_evidence(
    seen: np.ndarray,
    maps: Sequence[np.ndarray],
    titles: Sequence[str],
    label: str,
    *,
    outlined: np.ndarray | None = None,
) -> Drawing:
    """Draw a signed map of the image for each of some classes, beside the image, all on one scale.

    Args:
        seen: uint8, `(height, width)`.
        maps: float32, `(height, width)` each.
        titles: Title of each map.
        label: Label of the scale, with the unit.
        outlined: Region to outline on the first map, bool `(height, width)`.
    """
    limit = _limit(np.stack(maps))

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots(1, 1 + len(maps))
        _show_grey(axes[0], seen, "what the network sees")
        for panel, values, title in zip(axes[1:], maps, titles, strict=True):
            drawn = panel.imshow(values, cmap=make_signed_scale(), vmin=-limit, vmax=limit)
            _outline_ink(panel, seen)
            _add_title(panel, title)
        if outlined is not None and outlined.any() and not outlined.all():
            axes[1].contour(outlined.astype(float), [0.5], colors="black", linewidths=1.4, linestyles="dashed")
        _add_scale(figure, drawn, axes, label)

    return Drawing(draw, min(_TALLEST, (WIDTH / 3 - 0.1) * seen.shape[0] / seen.shape[1] + 0.9))


def draw_filters(kernels: np.ndarray, order: np.ndarray, num_edges: int) -> Drawing:
    """Draw the filters of a layer, float32 `(rows, columns, filters)`: `num_edges` edge detectors, then the others."""
    limit = _limit(kernels)
    groups = [
        ("edges, by the direction in which they rise", order[:num_edges]),
        ("lines, spots and others, from negative to positive sums", order[num_edges:]),
    ]
    groups = [(title, members) for title, members in groups if len(members)]
    rows = [-(-len(members) // _COLUMNS) for _, members in groups]

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = np.atleast_1d(figure.subplots(len(groups), 1, height_ratios=rows))
        for panel, (title, members) in zip(axes, groups, strict=True):
            tiles, scale = np.moveaxis(kernels[..., members], -1, 0), _Scale(make_signed_scale(), -limit, limit)
            drawn = _draw_mosaic(panel, tiles, [str(index) for index in members], scale, theme)
            panel.set_title(title, loc="left", fontsize=_TITLE)
        _add_scale(figure, drawn, axes, "weight")

    return Drawing(draw, _mosaic_height(sum(rows)) + 0.3 * len(groups) + 0.55)


def draw_units(weights: np.ndarray, units: np.ndarray) -> Drawing:
    """Draw the weights of fully connected units, float32 `(n, height, width)`, with their numbers, `(n,)`."""
    limit = max(float(np.quantile(np.abs(weights), 0.999)), _limit(weights) / 4)

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        drawn = _draw_mosaic(
            axes, weights, [str(unit) for unit in units], _Scale(make_signed_scale(), -limit, limit), theme
        )
        _add_scale(figure, drawn, [axes], "weight")

    return Drawing(draw, _mosaic_height(-(-len(units) // _COLUMNS)) + 0.55)


def draw_attention(seen: np.ndarray, rollout: np.ndarray, edges: tuple[float, float, float, float]) -> Drawing:
    """Draw the attention rollout beside the image.

    Args:
        seen: uint8, `(height, width)`.
        rollout: float32, `(rows, columns)`, 1 where a patch counts as much as the average.
        edges: Left, top, right and bottom edge of all patches together, in pixels of the image.
    """
    left, top, right, bottom = edges

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots(1, 2)
        _show_grey(axes[0], seen, "what the network sees")
        extent = (left, right, bottom, top)
        drawn = axes[1].imshow(rollout, cmap=make_unsigned_scale(), vmin=0, vmax=max(2.0, rollout.max()), extent=extent)
        if seen.min() < 128 <= seen.max():
            axes[1].contour(seen, [127.5], colors=_OUTLINE_ON_DARK, linewidths=0.8)
        _add_title(axes[1], "what arrives at the end")
        for panel in axes:
            panel.set(xlim=(-0.5, seen.shape[1] - 0.5), ylim=(seen.shape[0] - 0.5, -0.5))
        _add_scale(figure, drawn, axes, "share of a patch, against the average of 1")

    return Drawing(draw, min(_TALLEST, (WIDTH / 2 - 0.1) * seen.shape[0] / seen.shape[1] + 0.9))


def draw_heads(
    seen: np.ndarray, received: np.ndarray, labels: Sequence[str], edges: tuple[float, float, float, float]
) -> Drawing:
    """Draw the attention to each patch under the outline of the ink: one row a layer, one tile a head.

    Args:
        seen: uint8, `(height, width)`.
        received: float32, `(layers, heads, rows, columns)`, 1 where a patch gets as much as the average.
        labels: Label of each layer.
        edges: Left, top, right and bottom edge of all patches together, in pixels of the image.
    """
    num_layers, num_heads = received.shape[:2]
    left, top, right, bottom = edges
    height = received.shape[2] / received.shape[3]
    # The quantile keeps a few patches with very much attention from leaving the others dark.
    limit = max(2.0, float(np.quantile(received, 0.98)))
    xs = (np.arange(seen.shape[1]) - left) / (right - left)
    ys = height * (bottom - np.arange(seen.shape[0])) / (bottom - top)

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        for row, label in enumerate(labels):
            floor = -row * (height + _LABEL)
            for head, values in enumerate(received[row]):
                title = f"{label}, head {head + 1}" if head == 0 else f"head {head + 1}"
                start = head * (1 + _GAP)
                drawn = _draw_tile(axes, values, (start, floor), title, _Scale(make_unsigned_scale(), 0, limit), theme)
                if seen.min() < 128 <= seen.max():
                    axes.contour(start + xs, floor + ys, seen, [127.5], colors=_OUTLINE_ON_DARK, linewidths=0.6)
        width = num_heads * (1 + _GAP) - _GAP
        _frame_tiles(axes, width, -(num_layers - 1) * (height + _LABEL), height + _LABEL)
        _add_scale(figure, drawn, [axes], "how much a patch is looked at, against the average of 1", extend="max")

    return Drawing(draw, num_layers * (height + _LABEL) * WIDTH / (max(num_heads, 4) * (1 + _GAP)) + 0.65)


def draw_feature_maps(maps: np.ndarray, order: np.ndarray) -> Drawing:
    """Draw the channels in `order` of feature maps, float32 `(rows, columns, channels)`, all on one scale."""
    shown = np.moveaxis(maps[..., order], -1, 0)
    signed = bool(shown.min() < 0)
    # The quantile keeps a few very strong places from leaving everything else dark.
    limit = max(float(np.quantile(np.abs(shown), 0.998)), _limit(shown) / 4)

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        scale = _Scale(make_signed_scale(), -limit, limit) if signed else _Scale(make_unsigned_scale(), 0, limit)
        drawn = _draw_mosaic(axes, shown, [str(index) for index in order], scale, theme)
        extend = "max" if limit < _limit(shown) and not signed else "neither"
        _add_scale(figure, drawn, [axes], "activation", extend=extend)

    return Drawing(draw, _mosaic_height(-(-len(order) // _COLUMNS)) + 0.55)


def draw_maximised(images: np.ndarray, filters: np.ndarray) -> Drawing:
    """Draw the images that maximise filters, float32 `(n, height, width)`, 0..255, with the filters' numbers."""

    def draw(figure: "Figure", theme: Theme) -> None:
        _draw_mosaic(figure.subplots(), images, [str(index) for index in filters], _GREY, theme)

    return Drawing(draw, _mosaic_height(-(-len(filters) // _COLUMNS)))


def draw_exemplars(
    filters: Sequence[int], maximised: np.ndarray, examples: np.ndarray, windows: np.ndarray, values: np.ndarray
) -> Drawing:
    """Draw, for each filter, the image made for it, this picture, and the training images that excite it most.

    Args:
        filters: Numbers of the filters, `(n,)`.
        maximised: Images made for them, float32 `(n, height, width)`, 0..255.
        examples: uint8, `(n, count, height, width)`; the first of each filter is this picture.
        windows: Left, top, right and bottom edge of the window that excites the filter, `(n, count, 4)`.
        values: Activation of the filter there, `(n, count)`.
    """
    rows, count, height, width = examples.shape
    tall, space = height / width, 0.35
    lefts = [0, 1 + space, *(2 + 2 * space + np.arange(count - 1) * (1 + _GAP))]
    total = lefts[-1] + 1

    def draw(figure: "Figure", theme: Theme) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.subplots()
        for row in range(rows):
            bottom = -row * (tall + _LABEL)
            _draw_tile(axes, maximised[row], (0, bottom), f"filter {filters[row]}", _GREY, theme)
            for left, image, window, value in zip(lefts[1:], examples[row], windows[row], values[row], strict=True):
                _draw_tile(axes, image, (left, bottom), f"{value:.2f}", _GREY, theme)
                if value <= 0:
                    continue
                edges = (np.clip(window, -0.5, [width - 0.5, height - 0.5] * 2) + 0.5) / width
                corner = (left + edges[0], bottom + tall - edges[3])
                size = (edges[2] - edges[0], edges[3] - edges[1])
                axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=_FRAME, linewidth=1.1))
        headings = ("made for it", "this picture", "training images, the most exciting first")
        for left, heading in zip(lefts, headings, strict=False):
            axes.text(left, tall + 1.1 * _LABEL, heading, fontsize=_TITLE, va="bottom", ha="left")
        _frame_tiles(axes, total, -(rows - 1) * (tall + _LABEL), tall + 2 * _LABEL)

    return Drawing(draw, (rows * (tall + _LABEL) + _LABEL) * WIDTH / total + 0.1)


def format_percent(probability: float) -> str:
    """Write a probability in %: never 0 for what is possible, never 100 for what is not certain."""
    if probability in (0, 1):
        value = f"{100 * probability:.0f}"
    elif probability > 0.9995:
        value = "> 99.9"
    else:
        value = "< 0.1" if probability < 0.0005 else f"{100 * probability:.1f}"
    return f"{value}\N{NO-BREAK SPACE}%"


def shorten(name: str, length: int = 12) -> str:
    """Shorten a class's name."""
    shown = show_hidden(name)
    short = shown if len(shown) <= length else shown[: length - 1] + "…"
    return short.replace("$", r"\$")  # a pair of them would begin a formula


def _draw_mosaic(axes: "Axes", tiles: np.ndarray, labels: Sequence[str], scale: _Scale, theme: Theme) -> "AxesImage":
    """Draw tiles in rows, each with its label above, on one pair of axes: many axes would take long to lay out."""
    height = tiles.shape[1] / tiles.shape[2]
    for index, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        left, bottom = index % _COLUMNS * (1 + _GAP), -(index // _COLUMNS) * (height + _LABEL)
        drawn = _draw_tile(axes, tile, (left, bottom), label, scale, theme)
    rows = -(-len(tiles) // _COLUMNS)
    _frame_tiles(axes, _COLUMNS * (1 + _GAP) - _GAP, -(rows - 1) * (height + _LABEL), height + _LABEL)
    return drawn


def _frame_tiles(axes: "Axes", width: float, bottom: float, top: float) -> None:
    """Show a drawing of tiles from x = 0 to `width`, undistorted and without axes."""
    axes.set(xlim=(-0.02, width + 0.02), ylim=(bottom - 0.02, top), aspect="equal")
    axes.set_axis_off()


def _draw_tile(
    axes: "Axes", values: np.ndarray, corner: tuple[float, float], label: str, scale: _Scale, theme: Theme
) -> "AxesImage":
    from matplotlib.patches import Rectangle

    left, bottom = corner
    height = values.shape[0] / values.shape[1]
    edges = (left, left + 1, bottom, bottom + height)
    drawn = axes.imshow(
        values, cmap=scale.colours, vmin=scale.low, vmax=scale.high, extent=edges, interpolation="nearest"
    )
    axes.add_patch(Rectangle((left, bottom), 1, height, fill=False, edgecolor=theme.quiet, linewidth=0.4))
    axes.text(left, bottom + height + 0.04, label, fontsize=_SMALL, color=theme.quiet, va="bottom", ha="left")
    return drawn


def _mosaic_height(rows: int) -> float:
    return rows * (1 + _LABEL) * WIDTH / (_COLUMNS * (1 + _GAP)) + 0.1


def _show_grey(axes: "Axes", picture: np.ndarray, title: str) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    _add_title(axes, title)


def _add_title(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=_TITLE, pad=3)
    axes.set(xticks=(), yticks=())


def _outline_ink(axes: "Axes", seen: np.ndarray) -> None:
    if seen.min() < 128 <= seen.max():
        axes.contour(seen, [127.5], colors=_OUTLINE, linewidths=0.8)


def _add_scale(
    figure: "Figure", drawn: "AxesImage", axes: Iterable["Axes"], label: str, *, extend: str = "neither"
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    bar = figure.colorbar(drawn, ax=list(axes), location="bottom", shrink=0.7, aspect=40, pad=0.03, extend=extend)
    bar.set_label(label, fontsize=_TITLE)
    bar.ax.tick_params(labelsize=_SMALL)
    bar.locator = MaxNLocator(6)
    bar.formatter = FuncFormatter(lambda value, _: f"{value:.4g}".replace("-", "\N{MINUS SIGN}"))
    bar.update_ticks()
    bar.outline.set_visible(False)


def _limit(values: np.ndarray) -> float:
    """Find the end of a scale that is symmetric about zero; 1 where all values are zero."""
    return float(np.abs(values).max()) or 1.0
