"""Digits whose parts do not touch: which neighbours may be one digit. The recogniser has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.images.glyphs import Glyph, ink_gap, united

_MAX_GAP = 0.2  # of the usual digit's height between the ink of two parts
_INCOMPLETE = 0.8  # of the usual digit's height: who is taller lacks nothing
_TALLEST, _WIDEST = 1.35, 1.1  # of the usual digit's height: more is no single digit
_MIN_CONFIDENCE = 0.8  # of the recogniser, that two parts are one digit


@dataclass(frozen=True, eq=False)
class Pair:
    """Two glyphs that may be one digit.

    Args:
        first: index of the one.
        second: index of the other.
        glyph: both together.
    """

    first: int
    second: int
    glyph: Glyph


def broken_pairs(glyphs: Sequence[Glyph], usual: float) -> list[Pair]:
    """Propose neighbours that may be the parts of one digit, such as the hook and the stem of a 4.

    Args:
        glyphs: of a page.
        usual: the height of the page's usual digit in pixels.

    Returns:
        The pairs: one part is too small for a digit of this page, one stands above the other at least in part, and
        together they are of a digit's size.
    """
    order = sorted(range(len(glyphs)), key=lambda index: glyphs[index].left)
    pairs = []
    for position, first in enumerate(order):
        for second in order[position + 1 :]:
            if glyphs[second].left > glyphs[first].right:
                break
            if _may_be_one(glyphs[first], glyphs[second], usual):
                pairs.append(Pair(first, second, united([glyphs[first], glyphs[second]])))
    return pairs


def is_one_digit(together: float, apart: Sequence[float]) -> bool:
    """Decide whether two parts are one digit.

    Args:
        together: the recogniser's confidence in both as one, 0 to 1.
        apart: its confidence in each alone.

    Returns:
        Whether they are one.
    """
    return together >= _MIN_CONFIDENCE and together >= min(apart) - 0.1


def _may_be_one(first: Glyph, second: Glyph, usual: float) -> bool:
    if min(first.height, second.height) > _INCOMPLETE * usual:
        return False
    height = max(first.bottom, second.bottom) - min(first.top, second.top)
    width = max(first.right, second.right) - min(first.left, second.left)
    if height > _TALLEST * usual or width > _WIDEST * usual:
        return False
    return ink_gap(first, second) <= _MAX_GAP * usual
