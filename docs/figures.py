"""Make every figure of the tutorial: `python docs/figures.py` writes them to docs/images/.

Figures of kerascnn's commands are drawn by these commands; the other figures are drawn here.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from blocks import EVALUATE, EXPLAIN, TUTORIAL, blocks
from PIL import Image

from kerascnn.datasets import Dataset, load_dataset, stratified_split
from kerascnn.evaluation.learning_curves import draw_learning_curves
from kerascnn.saving.model_files import LECTURE, REFERENCE, find_shipped_model
from kerascnn.saving.stored_model import read_card
from kerascnn.utils.figure_style import BLUE, ORANGE, WIDTH, Drawing, Theme, make_signed_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IMAGES = Path(__file__).parent / "images"
SOFTMAX_TWICE = Path(__file__).parent.parent / "benchmarks" / "results" / "softmax-twice.json"
_EXPLAINED = 0  # which test image the tutorial looks into
_ROW = 14  # the row that the tutorial prints
_LARGE_FILE = 170_000  # bytes
_FILTERS = (
    ("dark left,\nlight right", np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])),
    ("dark above,\nlight below", np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])),
    ("light spot", np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])),
)
_SMALL = 7.5  # points
_WINDOW = "#E69F00"  # Okabe and Ito's, on grey


def draw_digits(mnist: Dataset) -> Drawing:
    """Draw training images, one column for each class."""
    rows = 6
    members = [np.flatnonzero(mnist.train_labels == label) for label in range(10)]
    # Neighbours in the file are often by one writer.
    chosen = np.stack([indices[:: len(indices) // rows][:rows] for indices in members], axis=1)

    def draw(figure: "Figure", theme: Theme) -> None:
        figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
        for row, line in enumerate(figure.subplots(rows, 10)):
            for label, axes in enumerate(line):
                axes.imshow(mnist.train_images[chosen[row, label]], cmap="gray", vmin=0, vmax=255)
                axes.set_axis_off()
                if row == 0:
                    axes.set_title(str(label), fontsize=11, pad=4)

    return Drawing(draw, WIDTH * rows / 10 + 0.3)


def draw_numbers(image: np.ndarray) -> Drawing:
    """Draw an image as numbers, with the row marked that the tutorial prints."""

    def draw(figure: "Figure", theme: Theme) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.subplots()
        marked = (-0.5, _ROW - 0.5), image.shape[1], 1
        axes.add_patch(Rectangle(*marked, fill=False, edgecolor=_WINDOW, linewidth=1.5, clip_on=False, zorder=3))
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        for (row, column), value in np.ndenumerate(image):
            colour = "black" if value > 127 else "white" if value else "#6a6a6a"
            axes.text(column, row, str(value), ha="center", va="center", fontsize=4.6, color=colour)
        axes.set_xticks(range(0, image.shape[1], 2))
        axes.set_yticks(range(0, image.shape[0], 2))
        axes.tick_params(length=2, labelsize=6.5)
        axes.set(xlabel="column", ylabel="row")

    return Drawing(draw, WIDTH * 0.97)


def draw_window() -> Drawing:
    """Draw the tutorial's worked example: picture, filter and result, with one place of the filter marked."""
    example = worked_example()
    picture, weights = example["picture"], example["edge"]
    result = example["convolve"](picture, weights)
    row, column, height = 0, 1, 2.35

    def draw(figure: "Figure", theme: Theme) -> None:
        from matplotlib.patches import Rectangle

        figure.set_layout_engine("none")
        cell, gap = 0.34, 0.62
        bottom, left = 0.34, 0.1
        panels = []
        for values, title in ((picture, "picture"), (weights, "filter"), (result, "feature map")):
            side = cell * len(values)
            middle = bottom + cell * len(picture) / 2
            axes = figure.add_axes((left / WIDTH, (middle - side / 2) / height, side / WIDTH, side / height))
            _numbers(axes, values, signed=values is not picture, size=11)
            axes.set_title(f"{title}, {len(values)} x {len(values)}", fontsize=9.5, pad=5)
            panels.append(axes)
            left += side + gap
            if title != "feature map":
                sign = "\N{ASTERISK OPERATOR}" if title == "picture" else "="
                place = (left - gap / 2) / WIDTH, middle / height
                figure.text(*place, sign, ha="center", va="center", fontsize=16)
        marks = ((panels[0], column, row, 3), (panels[2], column, row, 1))
        for axes, x, y, side in marks:
            box = Rectangle((x - 0.5, y - 0.5), side, side, fill=False, edgecolor=_WINDOW, linewidth=2.4, zorder=3)
            box.set_clip_on(False)
            axes.add_patch(box)
        sum_of_frame = "The frame: 9 + 9 + 9 - 0 - 0 - 0 = 27".replace("-", "\N{MINUS SIGN}")
        figure.text(0.1 / WIDTH, 0.07 / height, sum_of_frame, fontsize=_SMALL, color=theme.quiet)

    return Drawing(draw, height)


def draw_convolution(image: np.ndarray) -> Drawing:
    """Draw the effect of three filters, ReLU and pooling on a digit."""
    convolve = worked_example()["convolve"]

    def draw(figure: "Figure", theme: Theme) -> None:
        grid = figure.add_gridspec(len(_FILTERS), 5, width_ratios=(1, 0.62, 1, 1, 1))
        digit = figure.add_subplot(grid[1, 0])
        digit.imshow(image, cmap="gray", vmin=0, vmax=255)
        _bare(digit, "digit\n28 x 28")
        for row, (name, weights) in enumerate(_FILTERS):
            maps = convolve(image.astype(int), weights)
            positive = np.maximum(maps, 0)
            pooled = positive.reshape(13, 2, 13, 2).max(axis=(1, 3))
            limit = np.abs(maps).max()
            kernel = figure.add_subplot(grid[row, 1])
            _numbers(kernel, weights, signed=True, size=_SMALL)
            kernel.set_xlabel(name, fontsize=6.5, labelpad=2)
            titles = ("", "", "")
            if row == 0:
                titles = ("feature map\n26 x 26", "after ReLU\n26 x 26", "after max pooling\n13 x 13")
                kernel.set_title("filter", fontsize=_SMALL, pad=3)
            for column, (values, title) in enumerate(zip((maps, positive, pooled), titles, strict=True), start=2):
                axes = figure.add_subplot(grid[row, column])
                axes.imshow(values, cmap=make_signed_scale(), vmin=-limit, vmax=limit)
                _bare(axes, title)

    return Drawing(draw, 3.9)


def draw_network() -> Drawing:
    """Draw the shapes of the network from the image to the probabilities, and the layers between them."""
    from kerascnn.summary import summarize

    layers = {layer.name: layer for layer in summarize("cnn").layers}
    spatial = ("image", "conv1", "conv2", "pool")
    flat = ("flatten", "dense", "probabilities")
    between = ("convolution\n3 x 3, ReLU", "convolution\n3 x 3, ReLU", "max pooling\n2 x 2", "flatten", "dense,\nReLU",
               "dense,\nsoftmax")  # fmt: skip

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.add_axes((0.005, 0, 0.99, 1))
        figure.set_layout_engine("none")
        unit, base, left, ends = 0.023, 0.42, 0.05, []
        for name in spatial:
            height, _, channels = layers[name].output_shape
            sheets = min(channels, 1 + round(np.log2(channels)))
            side, shift = unit * height, 0.035
            for sheet in reversed(range(sheets)):
                _box(axes, left + sheet * shift, base + sheet * shift, side, side, theme)
            ends.append((left, left + side + (sheets - 1) * shift))
            _name(axes, left + side / 2, base, "image" if name == "image" else "feature maps", layers[name], theme)
            left = ends[-1][1] + 0.3
        for name, height in zip(flat, (0.95, 0.65, 0.3), strict=True):
            _box(axes, left, base, 0.07, height, theme)
            ends.append((left, left + 0.07))
            kind = {"flatten": "values", "dense": "units"}.get(name, "classes")
            _name(axes, left + 0.035, base, kind, layers[name], theme)
            left = ends[-1][1] + 0.43
        for (_, right), (following, _), text in zip(ends, ends[1:], between, strict=False):
            axes.annotate("", (following - 0.03, base + 0.15), (right + 0.03, base + 0.15),
                          arrowprops={"arrowstyle": "-|>", "color": theme.quiet, "linewidth": 1})  # fmt: skip
            axes.text((right + following) / 2, base + 1.15, text, ha="center", va="center", fontsize=6.5)
        axes.set_xlim(0, WIDTH * 0.99)
        axes.set_ylim(0, 1.75)
        axes.set_axis_off()

    return Drawing(draw, 1.75)


def draw_costs() -> Drawing:
    """Draw the weights and the multiply-adds of each layer."""
    from kerascnn.summary import summarize

    layers = [layer for layer in summarize("cnn").layers if layer.parameters.value]

    def draw(figure: "Figure", theme: Theme) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        places = np.arange(len(layers))
        for axes, title, values in (
            (panels[0], "weights and biases", [layer.parameters.value for layer in layers]),
            (panels[1], "multiply-adds for one picture", [layer.multiply_adds.value for layer in layers]),
        ):
            axes.barh(places, values, color=theme.bar, height=0.6)
            for place, value in zip(places, values, strict=True):
                inside = value > 0.6 * max(values)
                axes.text(value * (0.97 if inside else 1) + (0 if inside else 0.02 * max(values)), place, f"{value:,}",
                          va="center", ha="right" if inside else "left", fontsize=_SMALL,
                          color=theme.paper if inside else theme.ink)  # fmt: skip
            axes.set_title(title, fontsize=9.5)
            axes.set(xticks=(), ylim=(len(layers) - 0.4, -0.6))
            axes.spines[["top", "right", "bottom"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
        panels[0].set_yticks(places, [layer.name for layer in layers])

    return Drawing(draw, 1.9)


def draw_softmax_losses() -> Drawing:
    """Draw loss and gradient against the logit of the true class, with softmax once and twice."""
    lead = np.linspace(-12, 12, 481)
    logits = np.zeros((len(lead), 10))
    logits[:, 0] = lead
    losses = {name: -np.log(run(logits)[:, 0]) for name, run in (("once", _softmax), ("twice", _softmax_twice))}

    def draw(figure: "Figure", theme: Theme) -> None:
        left, right = figure.subplots(1, 2)
        for (name, loss), colour, style in zip(losses.items(), (theme.bar, ORANGE), ("-", "--"), strict=True):
            left.plot(lead, loss, color=colour, linestyle=style, label=f"softmax {name}")
            right.plot(lead, -np.gradient(loss, lead), color=colour, linestyle=style, label=f"softmax {name}")
        left.set_ylabel("loss")
        left.set_yticks((0, 5, 10))
        right.set_ylabel("how steeply it falls")
        for axes in (left, right):
            axes.set_xlabel("lead of the true class's logit")
            axes.set_xticks((-10, -5, 0, 5, 10))
            _plain(axes, theme)
        left.legend(frameon=False, fontsize=8)
        right.annotate("sure and wrong:\nno slope, nothing\nis learned", (-8.5, 0.01), (-11.5, 0.42), fontsize=_SMALL,
                       arrowprops={"arrowstyle": "->", "color": theme.quiet}, color=theme.ink)  # fmt: skip

    return Drawing(draw, 2.4)


def draw_softmax_measured(record: dict) -> Drawing:
    """Draw the validation accuracy over the course of every recorded run."""

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        for run in record["runs"]:
            once = run["softmax_count"] == 1
            seen = [row["num_seen"] for row in run["history"]]
            values = [100 * row["val_accuracy"] for row in run["history"]]
            first = run["seed"] == record["runs"][0]["seed"]
            axes.plot(seen, values, color=theme.bar if once else ORANGE, linestyle="-" if once else "--",
                      marker="o" if once else "s", markersize=4, linewidth=1.2,
                      label=f"softmax {'once' if once else 'twice'}" if first else None)  # fmt: skip
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set(xlabel="training images seen", ylabel="validation accuracy in %")
        axes.legend(frameon=False, loc="lower right")
        _plain(axes, theme)

    return Drawing(draw, 2.6)


def draw_fully_connected() -> Drawing:
    """Draw the number of weights of a first layer against the size of the picture."""
    sides = np.array([14, 28, 56, 112, 224, 448])

    def draw(figure: "Figure", theme: Theme) -> None:
        axes = figure.subplots()
        connected = 128 * 3 * sides**2
        filters = np.full(len(sides), 32 * 3 * 3 * 3)
        axes.plot(sides, connected, color=ORANGE, marker="s", markersize=4)
        axes.plot(sides, filters, color=theme.bar, marker="o", markersize=4)
        axes.text(sides[1] * 1.1, connected[1] * 0.42, "128 fully connected units", color=theme.ink, fontsize=8.5)
        axes.text(sides[1] * 1.1, filters[1] * 1.5, "32 filters of 3 x 3", color=theme.ink, fontsize=8.5)
        axes.set(xscale="log", yscale="log", ylim=(300, 3e8))
        axes.set_xticks(sides, [f"{side} x {side}" for side in sides], fontsize=8)
        axes.minorticks_off()
        axes.set(xlabel="size of a colour picture", ylabel="weights of the first layer")
        _plain(axes, theme)

    return Drawing(draw, 2.6)


def worked_example() -> dict:
    """Run the tutorial's worked example of a convolution and return the names that it defines."""
    text = TUTORIAL.read_text(encoding="utf-8")
    (code,) = [block.content for block in blocks(text) if "def convolve" in block.content]
    names: dict = {"np": np, "print": lambda *_: None}
    exec(code, names)
    return names


def list_drawings() -> dict[str, Callable[[], bytes]]:
    """List, by name, the functions that make the PNG of each figure that no command draws."""
    mnist = load_dataset("mnist")
    record = json.loads(SOFTMAX_TWICE.read_text(encoding="utf-8"))
    drawings = {
        "digits": lambda: draw_digits(mnist),
        "numbers": lambda: draw_numbers(mnist.train_images[stratified_split(mnist.train_labels, 0.2, seed=0)[0][0]]),
        "window": draw_window,
        "convolution": lambda: draw_convolution(mnist.test_images[_EXPLAINED]),
        "network": draw_network,
        "costs": draw_costs,
        "softmax-losses": draw_softmax_losses,
        "softmax-measured": lambda: draw_softmax_measured(record),
        "fully-connected": draw_fully_connected,
        "learning-curves": draw_curves,
    }
    return {name: lambda make=make: make().png() for name, make in drawings.items()}


def run_commands(directory: Path) -> dict[str, Path]:
    """Run `explain`, `evaluate` and `read`, and find the figures that they draw.

    Args:
        directory: Working directory.

    Returns:
        PNG of each figure by its name in the tutorial.
    """
    from kerascnn.datasets.synthetic import make_page
    from kerascnn.evaluation.report import evaluate_models
    from kerascnn.explaining import explain
    from kerascnn.inference.drawing import Drawings
    from kerascnn.inference.page_reader import read_files
    from kerascnn.inference.predictor import load

    mnist = load_dataset("mnist")
    explain(mnist.test_images[_EXPLAINED], LECTURE, output=directory / "explained")
    evaluate_models([load(LECTURE)], mnist, directory / "evaluated")
    Image.fromarray(make_page("lined", seed=2, num_lines=3, digits_per_line=6).picture).save(directory / "page.png")
    page = str(directory / "page.png")
    with Drawings(directory / "read", [page]) as drawings:
        list(read_files([page], load(REFERENCE), lambda *_: None, drawings=drawings))
    (read,) = (directory / "read").iterdir()
    return {
        **{name: directory / "explained" / f"{name}.png" for name in EXPLAIN},
        **{name.replace("_", "-"): directory / "evaluated" / f"{name}.png" for name in EVALUATE},
        "page": read,
    }


def make(directory: Path = IMAGES) -> None:
    """Make every figure; other pictures in the directory stay."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "made"
        work.mkdir()
        for figure, png in list_drawings().items():
            (work / f"{figure}.png").write_bytes(png())
        for figure, path in run_commands(Path(name)).items():
            shutil.copy(path, work / f"{figure}.png")
        for path in work.iterdir():
            if path.stat().st_size > _LARGE_FILE:
                _reduce(path)
        shutil.copytree(work, directory, dirs_exist_ok=True)


def draw_curves() -> Drawing:
    """Draw the learning curves of the model that the tutorial looks into."""
    card = read_card(find_shipped_model(LECTURE))
    title = f"the model lecture: {card.architecture}, {len(card.history)} epochs"
    return draw_learning_curves(card.history, title)


def _reduce(path: Path) -> None:
    """Write a large picture with fewer colours, and with fewer pixels if it is still large."""
    with Image.open(path) as picture:
        picture.load()
    # The first method keeps fine shades, the second rare colours in few: a photograph with frames around its digits.
    shades, few = (256, Image.Quantize.MEDIANCUT), (128, Image.Quantize.FASTOCTREE)
    for width, colours in ((picture.width, shades), (picture.width, few), (800, few), (600, few), (400, few)):
        picture.thumbnail((width, 2 * width), Image.Resampling.LANCZOS)
        picture.convert("RGB").quantize(*colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= _LARGE_FILE:
            return


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _softmax_twice(logits: np.ndarray) -> np.ndarray:
    return _softmax(_softmax(logits))


def _numbers(axes: "Axes", values: np.ndarray, *, signed: bool, size: float = 9.5) -> None:
    """Draw a small array as coloured squares with its numbers."""
    limit = np.abs(values).max()
    low, scale = (-limit, make_signed_scale()) if signed else (0, "gray")
    # Half the opacity, so that every number can be read.
    axes.imshow(values, cmap=scale, vmin=2 * low if signed else low, vmax=2 * limit if signed else limit)
    for (row, column), value in np.ndenumerate(values):
        light = signed or value > limit / 2
        axes.text(column, row, f"{value}".replace("-", "\N{MINUS SIGN}"), ha="center", va="center", fontsize=size,
                  color="black" if light else "white")  # fmt: skip
    axes.set(xticks=(), yticks=())


def _box(axes: "Axes", left: float, bottom: float, width: float, height: float, theme: Theme) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, bottom), width, height, facecolor="#cfe3f1", edgecolor=BLUE, linewidth=0.8))


def _name(axes: "Axes", x: float, base: float, kind: str, layer, theme: Theme) -> None:
    shape = layer.output_shape
    size = " x ".join(map(str, shape)) if len(shape) == 3 else f"{shape[0]:,}"
    axes.text(x, base - 0.08, size, ha="center", va="top", fontsize=7.5)
    axes.text(x, base - 0.26, kind, ha="center", va="top", fontsize=6.5, color=theme.quiet)


def _bare(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=_SMALL, pad=3)
    axes.set(xticks=(), yticks=())


def _plain(axes: "Axes", theme: Theme) -> None:
    axes.grid(color=theme.quiet, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    make()
    print(f"wrote the tutorial's figures to {IMAGES}", file=sys.stderr)
