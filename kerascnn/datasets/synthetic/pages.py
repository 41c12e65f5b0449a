"""Make one synthetic page: digits on paper, seen by a camera."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from kerascnn.datasets.synthetic import camera, paper
from kerascnn.datasets.synthetic.mnist_digits import PARTS, load_digits, require_part
from kerascnn.datasets.synthetic.sheet import Box, Sheet, find_touching_column, make_sheet, place_glyph
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.utils.errors import UsageError


@dataclass(frozen=True)
class Style:
    """Style of a page; colours are RGB, 0..1."""

    pen: tuple[float, float] = (0.07, 0.14)  # lowest and highest width of the stroke as shares of the digit's height
    inks: tuple[tuple[float, float, float], ...] = ((0.12, 0.12, 0.14), (0.1, 0.15, 0.45))
    papers: tuple[tuple[float, float, float], ...] = ((0.95, 0.95, 0.94), (0.9, 0.88, 0.84))
    lines: str = ""  # printed on the paper: "ruled", "squared" or "table"
    touching: bool = False  # whether neighbouring digits touch
    contrast: float = 0.92  # opacity of the ink, 0..1
    grain: float = 0.012  # standard deviation of the camera's noise, 0..1
    blur: float = 0.8  # standard deviation of the camera's blur in pixels
    skew: float = 0.02  # steepest slope of the lines of digits, rise over run
    effects: tuple[str, ...] = ()  # "show_through", "perspective", "surround", "shadow", "gradient", "vignette"
    quality: int = 92  # of the JPEG compression, 1..100; 0 for no compression


_COLOURED_INKS = ((0.75, 0.1, 0.12), (0.1, 0.25, 0.8), (0.05, 0.5, 0.2), (0.5, 0.15, 0.55), (0.85, 0.4, 0.05))
_COLOURED_PAPERS = ((0.97, 0.87, 0.35), (0.95, 0.62, 0.68), (0.6, 0.82, 0.62), (0.55, 0.75, 0.92), (0.72, 0.58, 0.42))

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
"""The styles that `make_page` knows, by name."""


@dataclass(frozen=True, eq=False)
class SyntheticPage:
    """A page whose contents are known.

    Args:
        picture: uint8, `(height, width, 3)`, RGB.
        lines: Digits of each line, from top to bottom.
        boxes: Left, top, width, height in pixels of every digit, line by line.
        instances: Instance map, uint16 `(height, width)`: number of the digit whose ink a pixel shows, counted from 1,
            line by line; 0 for paper.
        style: Name of the style.
        seed: Random seed that the page was made from.
    """

    picture: np.ndarray
    lines: tuple[str, ...]
    boxes: tuple[tuple[tuple[int, int, int, int], ...], ...]
    instances: np.ndarray
    style: str = "plain"
    seed: int = 0


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
        style: Name of a style in `STYLES`.
        seed: Random seed; the same seed gives the same page.
        part: Part of MNIST whose digits are written: `"test"` for pages to measure on, `"train"` for pages to train on,
            `"validation"` for the tenth of these that the models that ship were not trained on.
        num_lines: Number of lines; 2 to 6 at random by default.
        digits_per_line: Largest number of digits in a line; 4 to 10 at random by default.
        digit_height: Height of the digits in pixels; 50 to 110 at random by default.
        touching: Whether neighbouring digits touch; by default as the style says.

    Returns:
        The page.

    Raises:
        UsageError: If the style or the part is unknown, or a number is not positive.

    Example:
        >>> make_page("lined", seed=3, num_lines=2, digits_per_line=5).lines
        ('...', '...')
    """
    look = _find_style(style, part, num_lines, digits_per_line, digit_height)
    look = look if touching is None else replace(look, touching=touching)
    generator = np.random.default_rng([seed, sorted(STYLES).index(style), PARTS.index(part)])
    num_lines = num_lines or int(generator.integers(2, 7))
    digits_per_line = digits_per_line or int(generator.integers(4, 11))
    digit_height = digit_height or int(generator.integers(50, 111))
    sheet = _write_lines(look, generator, part, num_lines, digits_per_line, digit_height)
    picture, matrix = photograph_sheet(sheet, look, digit_height, generator)
    boxes = tuple(tuple(camera.transform_box(box, matrix) for box in line) for line in sheet.boxes)
    instances = camera.transform_instances(sheet.instances, matrix, picture.shape[:2])
    return SyntheticPage(picture, tuple(sheet.lines), boxes, instances, style, seed)


def photograph_sheet(
    sheet: Sheet, look: Style, digit_height: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Render a sheet in a style and photograph it: uint8 `(height, width, 3)`, and the camera's matrix, `(3, 3)`."""
    colours = _render(look, generator, sheet, digit_height)
    colours, matrix = camera.transform_page(colours, look.effects, generator)
    colours = camera.illuminate(colours, look.effects, generator)
    return camera.expose(colours, look.blur, look.grain, look.quality, generator), matrix


def _find_style(style: str, part: str, *numbers: int | None) -> Style:
    if style not in STYLES:
        raise UsageError(f"there is no style {style!r}; expected one of {', '.join(STYLES)}.")
    require_part(part)
    if any(number is not None and number < 1 for number in numbers):
        raise UsageError(
            f"a page of {numbers} (lines, digits a line, digit height) cannot be made; expected at least 1 of each."
        )
    return STYLES[style]


def _write_lines(
    look: Style, generator: np.random.Generator, part: str, num_lines: int, digits_per_line: int, height: int
) -> Sheet:
    """Write all lines of digits on an empty sheet."""
    images, labels = load_digits(part)
    pitch = draw_pitch(look, height, generator)
    spread = 1.0 if look.lines == "table" else generator.uniform(0.2, 0.9)
    spread = 0.0 if look.touching else spread
    advance = pitch if look.lines == "table" else height * (0.75 + spread)
    margin = 0.9 * height
    width = round(2 * margin + advance * digits_per_line + 0.3 * height)
    slope = generator.uniform(-look.skew, look.skew)
    page_height = round(2 * margin + pitch * num_lines + abs(slope) * width)
    sheet = make_sheet(page_height, width)
    thickness = generator.uniform(*look.pen) * height
    for number in range(num_lines):
        chosen = generator.integers(0, len(images), _draw_length(look, digits_per_line, generator))
        top = margin + pitch * (number + 0.5) + max(0.0, -slope) * width
        _write_line(sheet, look, generator, images[chosen], (margin, top, slope, advance), (height, thickness))
        sheet.lines.append("".join(str(label) for label in labels[chosen]))
    return sheet


def draw_pitch(look: Style, height: int, generator: np.random.Generator) -> float:
    """Draw the distance between two lines in pixels."""
    return height * (generator.uniform(1.2, 1.6) if look.lines == "ruled" else generator.uniform(1.6, 2.1))


def _draw_length(look: Style, digits_per_line: int, generator: np.random.Generator) -> int:
    if look.lines == "table":
        return digits_per_line
    return int(generator.integers(max(1, digits_per_line - 2), digits_per_line + 1))


def _write_line(
    sheet: Sheet,
    look: Style,
    generator: np.random.Generator,
    images: np.ndarray,
    place: tuple[float, float, float, float],
    pen: tuple[float, float],
) -> None:
    """Write digits from left to right, each a little off the line, as in real handwriting."""
    left, middle, slope, advance = place
    height, thickness = pen
    boxes: list[Box] = []
    x = left
    for number, image in enumerate(images):
        size = height * generator.uniform(0.88, 1.08)
        glyph = draw_digit(image, size, Pen(thickness, generator.uniform(0.85, 1.0)), generator)
        top = middle + slope * x - glyph.shape[0] / 2 + generator.normal(0, 0.05 * height)
        if look.touching and boxes and number % 3:
            x = find_touching_column(sheet.ink, glyph, boxes[-1], max(0, round(top)))
        elif not look.touching:
            x = left + advance * (number + 0.5) - glyph.shape[1] / 2 + generator.normal(0, 0.03 * height)
        boxes.append(place_glyph(sheet, glyph, round(x), round(top)))
        x = boxes[-1][0] + boxes[-1][2] + height * generator.uniform(0.15, 0.35)
    sheet.boxes.append(boxes)


def _render(look: Style, generator: np.random.Generator, sheet: Sheet, height: int) -> np.ndarray:
    """Put the ink on paper with its printed lines: float32, `(height, width, 3)`, RGB, 0..1."""
    page = paper.make_paper(sheet.ink.shape, look.papers[generator.integers(len(look.papers))], generator)
    middles = [float(np.mean([box[1] + box[3] / 2 for box in line])) for line in sheet.boxes]
    page = paper.print_lines(page, look.lines, middles, height, generator)
    if "show_through" in look.effects:
        page = paper.add_show_through(page, sheet.ink, generator)
    colour = look.inks[generator.integers(len(look.inks))]
    texture = cv2.GaussianBlur(generator.normal(0, 1, sheet.ink.shape).astype(np.float32), (0, 0), 2.0)
    cover = np.clip(sheet.ink * look.contrast * (1 + 0.5 * texture), 0, 1)[..., None]
    rendered: np.ndarray = page * (1 - cover) + np.asarray(colour, np.float32) * cover
    return rendered
