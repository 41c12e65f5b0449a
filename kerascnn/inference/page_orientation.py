"""Page orientation: find which side of a page is up, by what its glyphs show."""

import math
from collections.abc import Sequence

import numpy as np

from kerascnn.images.glyphs import Glyph, find_glyphs
from kerascnn.inference.glyph_recognition import Solution, recognize_glyphs
from kerascnn.inference.predictor import Predictor

_ODDS = 20.0  # that a picture is given upright, before anything is known of it
_FEW, _ENOUGH = 32, 512  # glyphs of a first look, and those that show which side is up; more would not tell more
_LARGER = 4  # times, the next look
_MOSTLY_DIGITS = math.log(0.5)  # mean of a page that is turned; words are unclear from all sides


def may_be_turned(solutions: Sequence[Solution]) -> bool:
    """Tell whether a page may lie on its side or on its head: on any other its digits are clear."""
    # No other side can be more likely by more than this one falls short of certainty.
    return float(_measure_clarity(solutions).sum()) < -math.log(_ODDS)


def find_turns(contrast: np.ndarray, mask: np.ndarray, predictor: Predictor, most_digits: int) -> int:
    """Find how often a page has to be turned anticlockwise by 90 degrees, so that its digits stand upright.

    Args:
        contrast: float32, `(height, width)`, as in `BinarizedPage`.
        mask: bool, `(height, width)`, the foreground without printed lines.
        predictor: A model of the ten digits.
        most_digits: How many digits the page can have.
    """
    sides = []
    for turns in range(4):
        turned = [np.ascontiguousarray(np.rot90(values, turns)) for values in (contrast, mask)]
        sides.append([_choose_some(found, mask.size) for found in find_glyphs(*turned)])
    count, most = _FEW, min(_ENOUGH, max(len(glyphs) for glyphs, _ in sides))
    while True:
        gains = _weigh_sides([_look((glyphs, fragments), count, predictor, most_digits) for glyphs, fragments in sides])
        best, second = sorted(gains, key=lambda turns: -gains[turns])[:2]
        # Few glyphs are enough where they speak for one side as much again as the odds do (A. Wald, "Sequential
        # analysis", 1947); on its head, a page of hundreds takes as long to recognise as upright.
        if gains[best] - gains[second] > 2 * math.log(_ODDS) or count >= most:
            return best
        count *= _LARGER


def _look(
    found: tuple[Sequence[Glyph], Sequence[Glyph]], count: int, predictor: Predictor, most_digits: int
) -> np.ndarray:
    """Measure how clear so many glyphs are, from all over a side of a page, of which glyphs and fragments are given."""
    some = found[0][:: max(1, len(found[0]) // count)]
    return _measure_clarity(recognize_glyphs(some, found[1], [], predictor, most_digits=most_digits))


def _weigh_sides(clarity: Sequence[np.ndarray]) -> dict[int, float]:
    """Compute the logarithm of the likelihood of each side that may be up, by how clear its glyphs are."""
    gains = dict.fromkeys(range(4), -math.inf) | {0: math.log(_ODDS)}
    for turns in (1, 2, 3):
        if len(clarity[turns]) and clarity[turns].mean() > _MOSTLY_DIGITS:
            num_answers = min(len(clarity[0]), len(clarity[turns]))
            gains[turns] = num_answers * float(clarity[turns].mean() - clarity[0].mean())
    return gains


def _choose_some(glyphs: Sequence[Glyph], page_size: int) -> Sequence[Glyph]:
    """Choose glyphs from all over a page, fewer where their boxes together are as large as it, as no writing's are."""
    return glyphs[:: 1 + max(len(glyphs) // _ENOUGH, sum(glyph.mask.size for glyph in glyphs) // page_size)]


def _measure_clarity(solutions: Sequence[Solution]) -> np.ndarray:
    """Return the logarithm of the probability of each answer: a digit on its head still looks like several others."""
    # One glyph alone, such as a letter, decides nothing against the odds.
    return np.array([math.log(max(1 / _ODDS, item.confidence)) for solution in solutions for item in solution.answers])
