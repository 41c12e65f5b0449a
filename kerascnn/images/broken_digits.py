"""Digits whose parts do not touch: which neighbours may be one digit. The recogniser has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.images.glyphs import Glyph, measure_gap, merge_glyphs

_MAX_GAP = 0.2  # of the usual digit's height between the ink of two parts
_FRAGMENT_GAP = 0.35  # of the usual digit's height between a digit and its fragment, such as the bar of a 5
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


def propose_pairs(glyphs: Sequence[Glyph], fragments: Sequence[Glyph], usual: float) -> list[Pair]:
    """Propose neighbours that may be the parts of one digit, such as the hook and the stem of a 4.

    Args:
        glyphs: of a page.
        fragments: pieces too small for a digit.
        usual: the height of the page's usual digit in pixels.

    Returns:
        The pairs, of two glyphs or of a glyph and a fragment: one part is too small for a digit of this
        page, and together they are of a digit's size. Indices count the glyphs first, then the fragments.
    """
    parts = [*glyphs, *fragments]
    order = sorted(range(len(parts)), key=lambda index: parts[index].left)
    pairs = []
    for position, first in enumerate(order):
        for second in order[position + 1 :]:
            if parts[second].left > parts[first].right + _FRAGMENT_GAP * usual:
                break
            has_fragment = max(first, second) >= len(glyphs)
            if min(first, second) < len(glyphs) and _may_be_one(parts[first], parts[second], usual, has_fragment):
                pairs.append(Pair(first, second, merge_glyphs([parts[first], parts[second]])))
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


def _may_be_one(first: Glyph, second: Glyph, usual: float, has_fragment: bool) -> bool:
    height = max(first.bottom, second.bottom) - min(first.top, second.top)
    width = max(first.right, second.right) - min(first.left, second.left)
    if height > _TALLEST * usual or width > _WIDEST * usual:
        return False
    if has_fragment:
        return measure_gap(first, second) <= _FRAGMENT_GAP * usual
    # Two pieces that are high enough to be digits are one only if they stand above each other in part.
    if min(first.height, second.height) > _INCOMPLETE * usual or second.left > first.right:
        return False
    return measure_gap(first, second) <= _MAX_GAP * usual
