"""Synthetic pages of numbers with symbols: dates, amounts, signed numbers, times, telephone and account numbers.

The digits are MNIST's; MNIST has no symbols, so that these are drawn stroke by stroke, by another hand on each page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kerascnn.datasets.synthetic import camera
from kerascnn.datasets.synthetic.mnist_digits import PARTS, load_digits, require_part
from kerascnn.datasets.synthetic.pages import STYLES, Style, SyntheticPage, draw_pitch, photograph_sheet
from kerascnn.datasets.synthetic.sheet import Box, Sheet, find_touching_column, make_sheet, place_glyph
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.datasets.synthetic.symbol_strokes import OTHERS, SymbolHand, draw_hand, draw_symbol
from kerascnn.images.symbol_candidates import SYMBOLS
from kerascnn.utils.errors import UsageError

SYMBOL_STYLES = tuple(style for style in STYLES if style != "table")
"""Styles of such pages; the columns of a printed table would cut numbers of any length."""

KINDS: dict[str, tuple[str, ...]] = {
    "date": ("##/##/####", "#/##/##", "##.##.####", "#.#.##", "####-##-##", "##-##-##"),
    "amount": ("###,##", "#.###,##", "##.##", "#,###.##", "##,-", "####.-"),
    "signed": ("-##", "+##", "-#.##", "+##,#", "-###", "+#"),
    "time": ("##:##", "#:##", "##:##:##"),
    "telephone": ("+##-###-####", "####/#####", "###-####", "+#########"),
    "account": ("######-##", "##/###-#", "####:##/#"),
    "plain": ("#####", "###", "########"),
}
"""The forms of the numbers, by kind; a # is a digit."""

_DIGITS = "0123456789"
_OTHER_FORMS = ("##·##", "#'###", "##=##", "(##)###", "##x##", "(###)")
_OTHER_SHARE = 0.15  # of the numbers of a page that has others
_WIDE = (1.7, 2.6)  # digit heights between two numbers


class _Glyph(NamedTuple):
    """A glyph, where its upper edge is below the middle of its line, and the gap before it, all in pixels."""

    character: str
    coverage: np.ndarray
    top: float
    gap: float


@dataclass(frozen=True)
class _Writer:
    """What the numbers of one page are written with."""

    look: Style
    height: int
    thickness: float
    hand: SymbolHand
    symbols: str


def make_symbol_page(
    style: str = "plain",
    seed: int = 0,
    *,
    lines: Sequence[str] | None = None,
    part: str = "test",
    symbols: str = SYMBOLS,
    others: bool = False,
) -> SyntheticPage:
    """Make a page of numbers in which symbols stand between the digits.

    Args:
        style: One of `SYMBOL_STYLES`.
        seed: Random seed; the same seed gives the same page.
        lines: What is written, such as `["12/05/2024", "-42 3.14"]`: numbers with a space between them, in which a `#`
            stands for any digit; numbers of all `KINDS` by default.
        part: Part of MNIST whose digits are written, as for `make_page`.
        symbols: The symbols that are written; the others are left out, and what stands behind them moves up. `""` for
            the same digits, written by the same hand, alone.
        others: Whether other marks also stand among the digits, which are no symbols of numbers.

    Returns:
        The page, in whose lines a space stands between two numbers; there is a box for every other character.

    Raises:
        UsageError: If the style or the part is unknown, or a character cannot be written.

    Example:
        >>> make_symbol_page("lined", seed=3, lines=["12/05/2024"]).lines
        ('12/05/2024',)
    """
    if style not in SYMBOL_STYLES:
        raise UsageError(
            f"there is no style {style!r} of pages with symbols; expected one of {', '.join(SYMBOL_STYLES)}."
        )
    require_part(part)
    look = STYLES[style]
    generator = np.random.default_rng([seed, SYMBOL_STYLES.index(style), PARTS.index(part), ord("s")])
    height = int(generator.integers(40, 96))
    writer = _Writer(look, height, generator.uniform(*look.pen) * height, draw_hand(generator), symbols)
    if lines is None:
        texts = [_draw_texts(generator, others) for _ in range(generator.integers(3, 7))]
    else:
        texts = [_take_texts(line) for line in lines]
    digits = load_digits(part)
    written = [[_draw_glyphs(text, digits, writer, generator) for text in line] for line in texts]
    pitch, slope = draw_pitch(look, height, generator) + 0.3 * height, generator.uniform(-look.skew, look.skew)
    width = round(max(map(_measure_line, written)) + 2.2 * height)
    sheet = make_sheet(round(1.8 * height + pitch * len(written) + abs(slope) * width), width)
    for number, line in enumerate(written):
        middle = 0.9 * height + pitch * (number + 0.5) + max(0.0, -slope) * width
        _write_line(sheet, line, (middle, slope), writer)
    picture, matrix = photograph_sheet(sheet, look, height, generator)
    boxes = tuple(tuple(camera.transform_box(box, matrix) for box in line) for line in sheet.boxes)
    instances = camera.transform_instances(sheet.instances, matrix, picture.shape[:2])
    return SyntheticPage(picture, tuple(sheet.lines), boxes, instances, style, seed)


def _draw_texts(generator: np.random.Generator, others: bool) -> list[str]:
    """Draw the forms of the numbers of one line."""
    texts = []
    for _ in range(generator.integers(1, 4)):
        forms = KINDS[list(KINDS)[generator.integers(len(KINDS))]]
        if others and generator.uniform() < _OTHER_SHARE:
            forms = _OTHER_FORMS
        texts.append(forms[generator.integers(len(forms))])
    return texts


def _take_texts(line: str) -> list[str]:
    unknown = set(line) - set(f"# {_DIGITS}{SYMBOLS}{OTHERS}")
    if unknown or not line.strip():
        raise UsageError(f"a line {line!r} cannot be written; expected digits or #, some of {SYMBOLS}, and spaces.")
    return line.split()


def _draw_glyphs(
    form: str, digits: tuple[np.ndarray, np.ndarray], writer: _Writer, generator: np.random.Generator
) -> list[_Glyph]:
    """Draw the glyphs of one number, the first of them with the gap to the number before."""
    images, labels = digits
    height, glyphs = writer.height, []
    for number, character in enumerate(form):
        gap = height * (generator.uniform(*_WIDE) if number == 0 else generator.uniform(0.08, 0.32))
        if character == "#" or character in _DIGITS:
            usable = np.arange(len(labels)) if character == "#" else np.flatnonzero(labels == int(character))
            chosen = usable[generator.integers(len(usable))]
            character = str(labels[chosen])
            pen = Pen(writer.thickness, generator.uniform(0.85, 1.0))
            coverage = draw_digit(images[chosen], height * generator.uniform(0.88, 1.08), pen, generator)
            top = -coverage.shape[0] / 2
        else:
            coverage, top = draw_symbol(character, height, writer.thickness, writer.hand, generator)
            coverage = coverage * np.float32(generator.uniform(0.85, 1.0))
        glyphs.append(_Glyph(character, coverage, top + generator.normal(0, 0.04 * height), gap))
    return glyphs


def _measure_line(line: list[list[_Glyph]]) -> float:
    return float(sum(glyph.gap + glyph.coverage.shape[1] for glyphs in line for glyph in glyphs))


def _write_line(sheet: Sheet, line: list[list[_Glyph]], place: tuple[float, float], writer: _Writer) -> None:
    """Write the numbers of one line; where digits touch in a style, two of three touch the one before."""
    middle, slope = place
    boxes: list[Box] = []
    texts: list[str] = []
    x = 0.9 * writer.height
    for glyphs in line:
        written = ""
        for number, glyph in enumerate(glyphs):
            if glyph.character in SYMBOLS and glyph.character not in writer.symbols:
                x += glyph.gap if number == 0 else 0
                continue
            top = middle + slope * x + glyph.top
            if boxes and written and _may_touch(writer.look, written[-1], glyph.character) and number % 3:
                x = find_touching_column(sheet.ink, glyph.coverage, boxes[-1], max(0, round(top)))
            else:
                is_first = number == 0 and not texts
                x += 0 if is_first else glyph.gap
            boxes.append(place_glyph(sheet, glyph.coverage, round(x), round(top)))
            x = boxes[-1][0] + boxes[-1][2]
            written += glyph.character
        texts.append(written)
    sheet.lines.append(" ".join(texts))
    sheet.boxes.append(boxes)


def _may_touch(look: Style, before: str, character: str) -> bool:
    return look.touching and before not in SYMBOLS + OTHERS and character not in SYMBOLS + OTHERS
