"""Make one synthetic page: what is written, where, on what paper, seen by what camera."""

from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np

from kerascnn.datasets import load_dataset
from kerascnn.datasets.synthetic import camera, paper
from kerascnn.datasets.synthetic.strokes import Pen, drawn_digit
from kerascnn.utils.errors import UsageError


@dataclass(frozen=True)
class Style:
    """How a page looks.

    Args:
        pen: widths of the stroke as shares of the digit's height, lowest and highest.
        inks: colours to choose from, RGB 0..1.
        papers: colours to choose from, RGB 0..1.
        lines: what is printed on the paper: `""`, `"ruled"`, `"squared"` or `"table"`.
        touching: whether neighbours touch.
        contrast: the ink's opacity.
        grain: the camera's noise as a standard deviation, 0..1.
        blur: the camera's blur in pixels.
        skew: the steepest slope of the lines, rise against run.
        effects: what the camera does, names of functions in `camera`, in this order.
        quality: of the JPEG compression; 0 for none.
    """

    pen: tuple[float, float] = (0.07, 0.14)
    inks: tuple[tuple[float, float, float], ...] = ((0.12, 0.12, 0.14), (0.1, 0.15, 0.45))
    papers: tuple[tuple[float, float, float], ...] = ((0.95, 0.95, 0.94), (0.9, 0.88, 0.84))
    lines: str = ""
    touching: bool = False
    contrast: float = 0.92
    grain: float = 0.012
    blur: float = 0.8
    skew: float = 0.02
    effects: tuple[str, ...] = ()
    quality: int = 92


_COLOURED_INKS = ((0.75, 0.1, 0.12), (0.1, 0.25, 0.8), (0.05, 0.5, 0.2), (0.5, 0.15, 0.55), (0.85, 0.4, 0.05))
_COLOURED_PAPERS = (
    (0.97, 0.87, 0.35),
    (0.95, 0.62, 0.68),
    (0.6, 0.82, 0.62),
    (0.55, 0.75, 0.92),
    (0.72, 0.58, 0.42),
)

STYLES: dict[str, Style] = {
    "plain": Style(),
    "shadow": Style(effects=("shadow",)),
    "vignette": Style(effects=("vignette",), grain=0.02),
    "lined": Style(lines="ruled", pen=(0.05, 0.11)),
    "squared": Style(lines="squared", pen=(0.05, 0.11)),
    "table": Style(lines="table"),
    "coloured-ink": Style(inks=_COLOURED_INKS),
    "coloured-paper": Style(papers=_COLOURED_PAPERS),
    "chalk": Style(inks=((0.92, 0.92, 0.88),), papers=((0.12, 0.2, 0.17), (0.1, 0.1, 0.12)), grain=0.02),
    "surround": Style(effects=("surround",)),
    "low-contrast": Style(contrast=0.3, effects=("gradient",)),
    "perspective": Style(effects=("perspective", "gradient")),
    "jpeg": Style(quality=22, blur=1.0),
    "touching": Style(touching=True),
    "hairline": Style(pen=(0.018, 0.03), blur=0.6),
    "marker": Style(pen=(0.17, 0.24)),
    "show-through": Style(effects=("show_through",)),
}
"""The looks that `make_page` knows, by name."""


@dataclass(frozen=True, eq=False)
class SyntheticPage:
    """A page whose contents are known.

    Args:
        picture: uint8, `(height, width, 3)`, RGB.
        lines: the digits of each line, from top to bottom.
        boxes: left, top, width, height in pixels of every digit, line by line.
        instances: uint16, `(height, width)`: whose ink a pixel shows, counted from 1, line by line; 0 for paper.
        style: the name of its look.
        seed: what it was made from.
    """

    picture: np.ndarray
    lines: tuple[str, ...]
    boxes: tuple[tuple[tuple[int, int, int, int], ...], ...]
    instances: np.ndarray
    style: str = "plain"
    seed: int = 0


@dataclass
class _Sheet:
    """A page while it is made."""

    ink: np.ndarray
    instances: np.ndarray
    num_digits: int = 0
    lines: list[str] = field(default_factory=list)
    boxes: list[list[tuple[float, float, float, float]]] = field(default_factory=list)


def make_page(
    style: str = "plain",
    seed: int = 0,
    *,
    part: str = "test",
    num_lines: int | None = None,
    digits_per_line: int | None = None,
    digit_height: int | None = None,
    touching: bool | None = None,
) -> SyntheticPage:
    """Make a page of MNIST digits.

    Args:
        style: a name of `STYLES`.
        seed: the same seed gives the same page.
        part: `"test"` for pages to measure on, `"train"` for pages to train on: which MNIST digits are
            written.
        num_lines: 2 to 6 by chance where it is None.
        digits_per_line: 4 to 10 by chance where it is None.
        digit_height: in pixels; 50 to 110 by chance where it is None.
        touching: whether neighbours touch; as the style has it where it is None.

    Returns:
        The page.

    Raises:
        UsageError: if the style or the part is unknown, or a number is not positive.

    Example:
        >>> make_page("lined", seed=3, num_lines=2, digits_per_line=5).lines
        ('...', '...')
    """
    look = _look(style, part, num_lines, digits_per_line, digit_height)
    look = look if touching is None else replace(look, touching=touching)
    generator = np.random.default_rng([seed, sorted(STYLES).index(style), part == "train"])
    num_lines = num_lines or int(generator.integers(2, 7))
    digits_per_line = digits_per_line or int(generator.integers(4, 11))
    digit_height = digit_height or int(generator.integers(50, 111))
    sheet = _written(look, generator, part, num_lines, digits_per_line, digit_height)
    colours = _photographed(look, generator, sheet, digit_height)
    colours, matrix = camera.placed(colours, look.effects, generator)
    colours = camera.lit(colours, look.effects, generator)
    picture = camera.sensed(colours, look.blur, look.grain, look.quality, generator)
    boxes = tuple(tuple(camera.moved_box(box, matrix) for box in line) for line in sheet.boxes)
    instances = camera.moved_instances(sheet.instances, matrix, picture.shape[:2])
    return SyntheticPage(picture, tuple(sheet.lines), boxes, instances, style, seed)


def _look(style: str, part: str, *numbers: int | None) -> Style:
    if style not in STYLES:
        raise UsageError(f"there is no style {style!r}; expected one of {', '.join(STYLES)}.")
    if part not in ("train", "test"):
        raise UsageError(f"there is no part {part!r} of MNIST; expected 'train' or 'test'.")
    if any(number is not None and number < 1 for number in numbers):
        raise UsageError(
            f"a page of {numbers} (lines, digits a line, digit height) is none; expected at least 1 of each."
        )
    return STYLES[style]


@cache
def _digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    mnist = load_dataset("mnist")
    if part == "train":
        return mnist.train_images, mnist.train_labels
    return mnist.test_images, mnist.test_labels


def _written(
    look: Style, generator: np.random.Generator, part: str, num_lines: int, digits_per_line: int, height: int
) -> _Sheet:
    """Write the lines: the ink's coverage of the sheet, 0 to 1, and what stands where."""
    images, labels = _digits(part)
    pitch = _pitch(look, height, generator)
    spread = 1.0 if look.lines == "table" else generator.uniform(0.2, 0.9)
    if look.touching:
        spread = 0.0
    advance = pitch if look.lines == "table" else height * (0.75 + spread)
    margin = 0.9 * height
    width = round(2 * margin + advance * digits_per_line + 0.3 * height)
    slope = generator.uniform(-look.skew, look.skew)
    page_height = round(2 * margin + pitch * num_lines + abs(slope) * width)
    sheet = _Sheet(np.zeros((page_height, width), np.float32), np.zeros((page_height, width), np.uint16))
    thickness = generator.uniform(*look.pen) * height
    for number in range(num_lines):
        chosen = generator.integers(0, len(images), _length(look, digits_per_line, generator))
        top = margin + pitch * (number + 0.5) + max(0.0, -slope) * width
        _write_line(sheet, look, generator, images[chosen], (margin, top, slope, advance), (height, thickness))
        sheet.lines.append("".join(str(label) for label in labels[chosen]))
    return sheet


def _pitch(look: Style, height: int, generator: np.random.Generator) -> float:
    """The distance of two lines in pixels."""
    if look.lines == "ruled":
        return height * generator.uniform(1.2, 1.6)
    return height * generator.uniform(1.6, 2.1)


def _length(look: Style, digits_per_line: int, generator: np.random.Generator) -> int:
    if look.lines == "table":
        return digits_per_line
    return int(generator.integers(max(1, digits_per_line - 2), digits_per_line + 1))


def _write_line(
    sheet: _Sheet,
    look: Style,
    generator: np.random.Generator,
    images: np.ndarray,
    place: tuple[float, float, float, float],
    pen: tuple[float, float],
) -> None:
    """Write digits from left to right, each a little off the line, as hands do."""
    left, middle, slope, advance = place
    height, thickness = pen
    boxes: list[tuple[float, float, float, float]] = []
    x = left
    for number, image in enumerate(images):
        size = height * generator.uniform(0.88, 1.08)
        glyph = drawn_digit(image, size, Pen(thickness, generator.uniform(0.85, 1.0)), generator)
        top = middle + slope * x - glyph.shape[0] / 2 + generator.normal(0, 0.05 * height)
        if look.touching and boxes and number % 3:
            x = _touching_place(sheet.ink, glyph, boxes[-1], max(0, round(top)))
        elif not look.touching:
            x = left + advance * (number + 0.5) - glyph.shape[1] / 2 + generator.normal(0, 0.03 * height)
        boxes.append(_lay(sheet, glyph, round(x), round(top)))
        x = boxes[-1][0] + boxes[-1][2] + height * generator.uniform(0.15, 0.35)
    sheet.boxes.append(boxes)


def _touching_place(ink: np.ndarray, glyph: np.ndarray, previous: tuple[float, float, float, float], top: int) -> float:
    """The column at which a glyph just touches what stands on its left."""
    start = int(previous[0] + previous[2])
    for x in range(start, int(previous[0]), -1):
        window = ink[top : top + glyph.shape[0], x : x + glyph.shape[1]]
        overlap = (window > 0.5) & (glyph[: window.shape[0], : window.shape[1]] > 0.5)
        if overlap.sum() > 4:
            return float(x)
    return float(start)


def _lay(sheet: _Sheet, glyph: np.ndarray, left: int, top: int) -> tuple[float, float, float, float]:
    left = int(np.clip(left, 0, sheet.ink.shape[1] - glyph.shape[1]))
    top = int(np.clip(top, 0, sheet.ink.shape[0] - glyph.shape[0]))
    window = np.s_[top : top + glyph.shape[0], left : left + glyph.shape[1]]
    level = min(0.5, 0.9 * float(glyph.max()))  # a hairline of less than a pixel covers none of them by half
    sheet.num_digits += 1
    # Where two digits cross, the darker stroke has the pixel.
    sheet.instances[window][(glyph > 0.6 * level) & (glyph >= sheet.ink[window])] = sheet.num_digits
    np.maximum(sheet.ink[window], glyph, out=sheet.ink[window])
    rows, columns = np.flatnonzero((glyph > level).any(axis=1)), np.flatnonzero((glyph > level).any(axis=0))
    return (
        float(left + columns[0]),
        float(top + rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )


def _photographed(look: Style, generator: np.random.Generator, sheet: _Sheet, height: int) -> np.ndarray:
    """Lay the ink on paper with its printed lines: float32, `(height, width, 3)`, 0 to 1."""
    page = paper.blank(sheet.ink.shape, look.papers[generator.integers(len(look.papers))], generator)
    middles = [float(np.mean([box[1] + box[3] / 2 for box in line])) for line in sheet.boxes]
    page = paper.with_lines(page, look.lines, middles, height, generator)
    if "show_through" in look.effects:
        page = paper.with_show_through(page, sheet.ink, generator)
    colour = look.inks[generator.integers(len(look.inks))]
    texture = cv2.GaussianBlur(generator.normal(0, 1, sheet.ink.shape).astype(np.float32), (0, 0), 2.0)
    cover = np.clip(sheet.ink * look.contrast * (1 + 0.5 * texture), 0, 1)[..., None]
    return page * (1 - cover) + np.asarray(colour, np.float32) * cover
