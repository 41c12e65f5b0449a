"""Figures of an evaluation report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.evaluation.calibration import ReliabilityBin, accuracy_by_coverage
from kerascnn.evaluation.scoring import ScoredPredictions
from kerascnn.evaluation.significance import wilson_interval
from kerascnn.utils.figure_style import ORANGE, WIDTH, Drawing, Theme
from kerascnn.utils.names import show_hidden

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people can tell apart, where they show on light and dark pages alike. Ten
# are more than colours alone can carry, so the marks differ as well.
_CLASS_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#999999", "#A8A000", "#7A5FD0",
                  "#8C6239")  # fmt: skip
_CLASS_MARKS = "osD^vPX<>*"
_MOST_ANNOTATED = 20
_MANY_MISTAKES = 200
_GALLERY_COLUMNS = 6
_GALLERY_SIDE, _GALLERY_TITLE, _GALLERY_CAPTION = (
    0.85,
    0.2,
    0.32,
)  # height of an image and of the text around it, in inches
_GALLERY_LETTER = 0.052  # mean width of a letter, in inches
_LETTER = 0.055  # size of a class name, relative to the width of the axes
MAX_GALLERY = 24
"""Largest number of images in a gallery."""


def draw_confusion_matrix(counts: np.ndarray, names: Sequence[str]) -> Drawing:
    """Draw the confusion matrix; only the mistakes are coloured, since they are few beside the correct predictions.

    Args:
        counts: Counts of samples, integers, `(num_classes, num_classes)`; rows are true and columns predicted classes.
        names: Names of the classes.
    """
    mistakes = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    annotated = len(names) <= _MOST_ANNOTATED

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        image = axes.imshow(mistakes, cmap=_mistake_colours(theme), vmin=0, vmax=max(1, int(mistakes.max())))
        axes.set(xlabel="answer of the network", ylabel="true class")
        labels = [shorten(name) for name in names]
        if annotated:
            axes.set_xticks(range(len(names)), labels, rotation=0 if max(map(len, labels)) < 4 else 90)
            axes.set_yticks(range(len(names)), labels)
            _write_counts(axes, counts, mistakes, theme)
        else:
            figure.colorbar(image, ax=axes, label="mistakes", shrink=0.8)
        axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
        if annotated:
            axes.grid(which="minor", color=theme.quiet, linewidth=0.3, alpha=0.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set(color=theme.quiet, linewidth=0.5, alpha=0.5)

    return Drawing(draw, 5.2)


def draw_reliability(bins: Sequence[ReliabilityBin]) -> Drawing:
    """Draw confidence against accuracy, and the number of predictions in each bin of confidence.

    Args:
        bins: Bins from `reliability_bins`.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        confidence = np.array([100 * row.confidence for row in bins])
        accuracy = np.array([100 * row.accuracy for row in bins])
        ends = np.array([wilson_interval(row.num_right, row.count) for row in bins]).T * 100
        above.plot((0, 100), (0, 100), color=theme.quiet, linestyle="--", linewidth=1, label="confidence = accuracy")
        # An interval always holds its share, but for rounding.
        lengths = np.abs(np.stack([accuracy - ends[0], ends[1] - accuracy]))
        above.errorbar(confidence, accuracy, lengths, color=theme.bar, fmt="o", markersize=5, elinewidth=1, capsize=2,
                       label="accuracy, with 95 % interval")  # fmt: skip
        above.set(xlim=(0, 102), ylim=(-2, 102), ylabel="accuracy in %")
        # Outside, since intervals may be long and lie anywhere.
        figure.legend(frameon=False, loc="outside upper center", ncols=2)
        left = [100 * row.low for row in bins]
        widths = [100 * (row.high - row.low) for row in bins]
        below.bar(left, [row.count for row in bins], widths, align="edge", color=theme.bar, edgecolor=theme.paper)
        below.set(yscale="log", xlabel="confidence in %", ylabel="answers", ylim=(0.7, None))
        below.yaxis.set_major_formatter("{x:,.0f}")
        for axes in (above, below):
            _plain(axes, theme)

    return Drawing(draw, 5.4)


def draw_coverage(models: Mapping[str, ScoredPredictions]) -> Drawing:
    """Draw selective accuracy against coverage, while the least confident predictions are rejected.

    Args:
        models: Predictions of one model or two by the model's name.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        lowest = 1.0
        for (name, one), colour, style in zip(models.items(), (theme.bar, ORANGE), ("-", "--"), strict=False):
            coverage, _, accuracy = accuracy_by_coverage(one.confidences, one.right).T
            lowest = min(lowest, coverage[np.argmax(accuracy < 1)] if one.mistakes else 0.9)
            axes.plot(100 * coverage, 100 * accuracy, color=colour, linestyle=style, label=name)
            if one.evaluation.rejection is not None and marks_threshold(one):
                lowest = min(lowest, one.evaluation.rejection["coverage"])  # the mark is shown wherever it lies
                _mark_threshold(axes, one.evaluation.rejection, colour, annotate=len(models) == 1)
        axes.set(xlabel="answers given in % (the least confident are withheld first)", ylabel="accuracy of these in %")
        axes.set_xlim(100, 100 * np.floor(10 * lowest) / 10)
        if len(models) > 1:
            axes.legend(frameon=False, loc="lower right")
        _plain(axes, theme)

    return Drawing(draw, 3.6)


def draw_gallery(images: np.ndarray, titles: Sequence[str], captions: Sequence[str]) -> Drawing:
    """Draw the first 24 images as a grid, with as many columns as the captions leave room for.

    Args:
        images: Grey images, uint8, `(n, height, width)`.
        titles: Text above each image.
        captions: Text below each image, two lines.
    """
    shown = min(len(images), MAX_GALLERY)
    longest = max(len(line) for text in (*titles, *captions) for line in text.split("\n"))
    columns = max(1, min(_GALLERY_COLUMNS, int(WIDTH / (longest * _GALLERY_LETTER))))
    tile = WIDTH / columns
    side = min(0.85 * tile, _GALLERY_SIDE)
    row_height = side + _GALLERY_TITLE + _GALLERY_CAPTION
    height = row_height * -(-shown // columns)

    def draw(figure: "Figure", theme: Theme) -> None:
        # The grid is the same whatever stands in it; a layout that makes room for the words would shrink the images.
        figure.set_layout_engine("none")
        for position in range(shown):
            row, column = divmod(position, columns)
            left = tile * column + (tile - side) / 2
            bottom = height - row_height * row - _GALLERY_TITLE - side
            axes = figure.add_axes((left / WIDTH, bottom / height, side / WIDTH, side / height))
            axes.set_axis_off()
            axes.imshow(images[position], cmap="gray", vmin=0, vmax=255)
            axes.set_title(titles[position], fontsize=7.5, pad=3)
            axes.text(0.5, -0.04, captions[position], transform=axes.transAxes, ha="center", va="top", fontsize=6.5)

    return Drawing(draw, height)


def draw_projection(
    points: np.ndarray, labels: np.ndarray, names: Sequence[str], right: np.ndarray, axis_names: Sequence[str]
) -> Drawing:
    """Draw each image as a point of the plane, coloured by its true class.

    Args:
        points: Coordinates of the images, `(n, 2)`.
        labels: True class indices, integers, `(n,)`.
        names: Names of the classes.
        right: Whether each prediction is correct, bool, `(n,)`.
        axis_names: Labels of the two axes.
    """

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        size = float(np.clip(40000 / len(points), 4, 30))
        for index, name in enumerate(names):
            of_class = points[labels == index]
            colour, mark = _CLASS_COLOURS[index % 10], _CLASS_MARKS[index % 10]
            x, y = of_class.T
            axes.scatter(x, y, size, color=colour, marker=mark, linewidths=0, alpha=0.6, label=shorten(name))
        x, y = points[~right].T
        ring, line = (30, 0.8) if len(x) <= _MANY_MISTAKES else (10, 0.35)
        axes.scatter(x, y, ring, facecolors="none", edgecolors=theme.ink, linewidths=line, label="mistakes")
        axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
        _plain(axes, theme)
        if len(names) > _MOST_ANNOTATED:
            return
        longest = max(map(len, names))
        if longest <= 2:  # longer names would cover each other
            _name_classes(axes, points, labels, names, theme)
        columns = 6 if longest <= 4 else 4
        legend = figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
        for handle in filter(None, legend.legend_handles):
            handle.set(sizes=[30], alpha=1)

    return Drawing(draw, 5.8)


def _name_classes(axes: "Axes", points: np.ndarray, labels: np.ndarray, names: Sequence[str], theme: Theme) -> None:
    from matplotlib.patheffects import withStroke

    present = [index for index in range(len(names)) if (labels == index).any()]
    places = _apart(np.stack([np.median(points[labels == index], axis=0) for index in present]), np.ptp(points, axis=0))
    for index, (x, y) in zip(present, places, strict=True):
        around = [withStroke(linewidth=3, foreground=theme.paper)]
        axes.text(
            x, y, shorten(names[index]), ha="center", va="center", fontsize=13, weight="bold", path_effects=around
        )


def _apart(places: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Move positions away from each other until no two are closer than the size of a letter."""
    extent = np.where(extent > 0, extent, 1)
    moved = places / extent
    for _ in range(100):
        for one in range(len(moved)):
            for other in range(one):
                way = moved[one] - moved[other]
                distance = float(np.hypot(*way))
                if distance < _LETTER:
                    step = (_LETTER - distance) / 2 * (way / distance if distance > 1e-9 else np.array([1.0, 0.0]))
                    moved[one], moved[other] = moved[one] + step, moved[other] - step
    result: np.ndarray = moved * extent
    return result


def _write_counts(axes: "Axes", counts: np.ndarray, mistakes: np.ndarray, theme: Theme) -> None:
    scale = _mistake_colours(theme)
    highest = max(1, int(mistakes.max()))
    for (row, column), count in np.ndenumerate(counts):
        if not count:
            continue
        red, green, blue, _ = scale(mistakes[row, column] / highest)
        is_light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
        colour = theme.quiet if row == column else "#000000" if is_light else "#ffffff"
        axes.text(
            column, row, f"{count:,}", ha="center", va="center", fontsize=7 if len(counts) > 10 else 8, color=colour
        )


def marks_threshold(one: ScoredPredictions) -> bool:
    """Tell whether `draw_coverage` marks the point at which a model itself rejects: one that answers at times."""
    rejection = one.evaluation.rejection
    return rejection is not None and bool(rejection["coverage"])


def _mark_threshold(axes: "Axes", rejection: Mapping[str, float], colour: str, annotate: bool) -> None:
    """Mark the point at which the model itself rejects."""
    x, y = 100 * rejection["coverage"], 100 * rejection["accuracy"]
    axes.plot(x, y, "o", color=colour, markersize=6)
    if annotate:
        text = f"answers of at least {100 * rejection['threshold']:.0f} % confidence:\n{y:.2f} % right"
        axes.annotate(text, (x, y), (12, -4), textcoords="offset points", va="top", fontsize=8)


def _mistake_colours(theme: Theme) -> "Colormap":
    """Return a scale of monotonous lightness from the background to orange, readable without colours too."""
    from matplotlib.colors import LinearSegmentedColormap

    is_dark = theme.paper < "#8"
    return LinearSegmentedColormap.from_list("mistakes", [theme.paper, ORANGE, "#ffe0b3" if is_dark else "#4d1f00"])


def _plain(axes: "Axes", theme: Theme) -> None:
    axes.grid(color=theme.quiet, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def shorten(name: str) -> str:
    """Shorten a name so that it fits beside a small image."""
    shown = show_hidden(name)
    short = shown if len(shown) <= 10 else shown[:9] + "…"
    return short.replace("$", r"\$")  # a pair of them would begin a formula
