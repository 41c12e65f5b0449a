"""The context of a glyph: whether it stands in a number, or in a word or among anything else that is no digit.

A hidden Markov model with these two states runs over a page in the order of reading. It sees of each glyph how probable
no digit is, and how high it is; how likely the state changes depends on the gap between two glyphs. All its
probabilities are counted on synthetic sheets (`kerascnn.training.context_fitting`).

Source: L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in speech recognition",
Proceedings of the IEEE, 1989.
"""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from kerascnn.images.line_ordering import Box, order_lines

WEIGHTS = "context.npz"
"""File with the counted probabilities, beside the models that ship (`kerascnn.reference`)."""

NUMBER, OTHER = 0, 1
"""The states: in a number, and in anything else."""

_NONE_LEVELS = (-6.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)  # log-odds of no digit, between two kinds of glyphs
_HEIGHT_LEVELS = (0.5, 1.5)  # against the median height: marks, digits, and what is higher
_GAP_LEVELS = (0.35, 1.0)  # in median heights: within a word, between words, between columns
_LEAST = 1e-9

NUM_KINDS = (len(_HEIGHT_LEVELS) + 1) * (len(_NONE_LEVELS) + 1)
"""Number of kinds of glyphs that the model tells apart."""

NUM_GAPS = len(_GAP_LEVELS) + 2
"""Number of kinds of gaps; the last one is the step to the next line."""


class Chain(NamedTuple):
    """The glyphs of a page in the order of reading.

    Args:
        order: Indices of the glyphs.
        kinds: Kind of each of them, in this order.
        gaps: Kind of the gap before each; that of the first one is a new line.
    """

    order: np.ndarray
    kinds: np.ndarray
    gaps: np.ndarray


class ContextModel(NamedTuple):
    """The probabilities of the model.

    Args:
        start: Of the states, `(2,)`.
        changes: Of the next state, after each kind of gap and state, `(NUM_GAPS, 2, 2)`.
        kinds: Of each kind of glyph in each state, `(2, NUM_KINDS)`.
        digit: Slope and intercept of the log-odds of a digit in a number, over those of the glyph alone, `(2,)`.
    """

    start: np.ndarray
    changes: np.ndarray
    kinds: np.ndarray
    digit: np.ndarray

    def find_numbers(self, chain: Chain) -> np.ndarray:
        """Compute the probability that each glyph stands in a number, in the order in which they were given."""
        seen = self.kinds[:, chain.kinds].T
        forward, backward = np.empty_like(seen), np.ones_like(seen)
        for index in range(len(seen)):
            before = self.start if index == 0 else forward[index - 1] @ self.changes[chain.gaps[index]]
            forward[index] = before * seen[index] / (before @ seen[index])
        for index in range(len(seen) - 2, -1, -1):
            after = self.changes[chain.gaps[index + 1]] @ (seen[index + 1] * backward[index + 1])
            backward[index] = after / after.sum()
        both = forward * backward
        result = np.empty(len(seen))
        result[chain.order] = both[:, NUMBER] / both.sum(axis=1)
        return result

    def judge_in_number(self, none: float) -> float:
        """Compute the probability of no digit at a place in a number, from that of the glyph alone."""
        return float(1 / (1 + np.exp(self.digit[1] - self.digit[0] * measure_log_odds(np.array(none)))))


@cache
def load_context(name: str) -> ContextModel:
    """Load the model for pages with or without a segmentation network's map, `WITH_MAP` or `WITHOUT_MAP`."""
    with resources.files("kerascnn.reference").joinpath(WEIGHTS).open("rb") as opened, np.load(opened) as weights:
        return ContextModel(*(weights[f"{name}_{part}"] for part in ContextModel._fields))


def make_chain(boxes: Sequence[Box], none: Sequence[float]) -> Chain:
    """Put the glyphs of a page in the order of reading, and describe them.

    Args:
        boxes: Left, top, width and height of each in pixels; one at least.
        none: Probability that it shows no digit, 0 to 1.
    """
    lines = order_lines(boxes)
    array = np.asarray(boxes, dtype=float)
    height = float(np.median(array[:, 3]))
    gaps = [
        NUM_GAPS - 1 if number == 0 else _find_gap(line[:number], index, array, height)
        for line in lines
        for number, index in enumerate(line)
    ]
    order = np.concatenate(lines).astype(int)
    heights = np.digitize(array[order, 3] / height, _HEIGHT_LEVELS)
    levels = np.digitize(measure_log_odds(np.asarray(none, dtype=float)[order]), _NONE_LEVELS)
    return Chain(order, heights * (len(_NONE_LEVELS) + 1) + levels, np.array(gaps))


def _find_gap(before: Sequence[int], index: int, boxes: np.ndarray, height: float) -> int:
    right = float((boxes[before, 0] + boxes[before, 2]).max())
    return int(np.digitize((boxes[index, 0] - right) / height, _GAP_LEVELS))


def measure_log_odds(probability: np.ndarray) -> np.ndarray:
    """Compute the log-odds of probabilities, which are kept off 0 and 1."""
    kept = np.clip(probability, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(kept / (1 - kept)))
