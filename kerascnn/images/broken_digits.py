"""Digits whose parts do not touch: pairs of neighbours that may be one digit. The recogniser has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.images.glyphs import Glyph, measure_gap, merge_glyphs

# Shares of the median digit height:
_MAX_GAP = 0.2  # between the strokes of two parts
_FRAGMENT_GAP = 0.35  # between a digit and its fragment, such as the bar of a 5
_INCOMPLETE = 0.8  # a part taller than this is a complete digit and is never merged with another one
_TALLEST, _WIDEST = 1.35, 1.1  # of a single digit
_MIN_CONFIDENCE = 0.8  # of the recogniser, that two parts are one digit


@dataclass(frozen=True, eq=False)
class Pair:
    """Two glyphs, given by their indices, that may be one digit, and the glyph that both make together."""

    first: int
    second: int
    glyph: Glyph


def propose_pairs(glyphs: Sequence[Glyph], fragments: Sequence[Glyph], digit_height: float) -> list[Pair]:
    """Propose neighbours that may be the parts of one digit, such as the hook and the stem of a 4.

    Args:
        glyphs: The glyphs of a page.
        fragments: Pieces of the page too small for a digit.
        digit_height: Median digit height of the page in pixels.

    Returns:
        Pairs of two glyphs or of a glyph and a fragment: one part is too small for a digit of this page, and both
        together have a digit's size. Indices count the glyphs first, then the fragments.
    """
    parts = [*glyphs, *fragments]
    order = sorted(range(len(parts)), key=lambda index: parts[index].left)
    pairs = []
    for position, first in enumerate(order):
        for second in order[position + 1 :]:
            one, other = parts[first], parts[second]
            if other.left > one.right + _FRAGMENT_GAP * digit_height:
                break
            has_fragment, has_glyph = max(first, second) >= len(glyphs), min(first, second) < len(glyphs)
            if has_glyph and _may_be_one(one, other, digit_height, has_fragment):
                pairs.append(Pair(first, second, merge_glyphs([one, other])))
    return pairs


def is_one_digit(together: float, apart: Sequence[float]) -> bool:
    """Decide whether two parts are one digit, by the recogniser's confidence in both together and in each, 0 to 1."""
    return together >= _MIN_CONFIDENCE and together >= min(apart) - 0.1


def _may_be_one(first: Glyph, second: Glyph, digit_height: float, has_fragment: bool) -> bool:
    height = max(first.bottom, second.bottom) - min(first.top, second.top)
    width = max(first.right, second.right) - min(first.left, second.left)
    if height > _TALLEST * digit_height or width > _WIDEST * digit_height:
        return False
    if has_fragment:
        return measure_gap(first, second) <= _FRAGMENT_GAP * digit_height
    # Two parts that are high enough to be digits are one only if they stand above each other in part.
    if min(first.height, second.height) > _INCOMPLETE * digit_height or second.left > first.right:
        return False
    return measure_gap(first, second) <= _MAX_GAP * digit_height
