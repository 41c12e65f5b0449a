"""Count the probabilities of the context of glyphs on synthetic sheets with numbers and words."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from kerascnn.datasets.synthetic.writing import LETTER, Writing
from kerascnn.images.binarization import binarize_page
from kerascnn.images.glyphs import Glyph, merge_glyphs
from kerascnn.inference.glyph_recognition import Solution, recognize_page
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segmenters import Segmenter
from kerascnn.inference.writing_context import (
    NUM_GAPS,
    NUM_KINDS,
    NUMBER,
    OTHER,
    Chain,
    ContextModel,
    make_chain,
    measure_log_odds,
)
from kerascnn.training.sheet_truth import SheetTruth, find_truth

_UNSEEN = 0.05  # share of glyphs that are like nothing that synthetic sheets show, of every kind alike
_STEPS = 30  # of Newton's method


class LabelledPage(NamedTuple):
    """The glyphs of a sheet.

    Args:
        chain: The glyphs in the order of reading.
        states: `NUMBER` or `OTHER` for each, in this order; -1 for what nobody wrote.
        none: Probability of no digit at each place in numbers, `(n,)`.
        digits: Whether there is one, `(n,)`.
    """

    chain: Chain
    states: np.ndarray
    none: np.ndarray
    digits: np.ndarray


def collect_pages(sheets: Iterable[Writing], predictor: Predictor, segmenter: Segmenter) -> list[LabelledPage]:
    """Read sheets, glyph by glyph, and label what was found."""
    pages = []
    for sheet in sheets:
        page = binarize_page(sheet.picture)
        solutions = recognize_page(page, segmenter(page), predictor)
        if solutions:
            pages.append(_label(solutions, find_truth(sheet, page)))
    return pages


def fit_context(pages: Sequence[LabelledPage]) -> ContextModel:
    """Count the probabilities of the model."""
    start, changes, kinds = np.ones(2), np.ones((NUM_GAPS, 2, 2)), np.zeros((2, NUM_KINDS))
    for page in pages:
        known = np.flatnonzero(page.states >= 0)
        states, gaps = page.states[known], page.chain.gaps[known]
        np.add.at(kinds, (states, page.chain.kinds[known]), 1)
        start += np.eye(2)[states[:1]].sum(axis=0)
        follows = np.diff(known) == 1
        np.add.at(changes, (gaps[1:][follows], states[:-1][follows], states[1:][follows]), 1)
    none, digits = (np.concatenate([getattr(page, name) for page in pages]) for name in ("none", "digits"))
    return ContextModel(
        start / start.sum(),
        changes / changes.sum(axis=2, keepdims=True),
        (1 - _UNSEEN) * kinds / kinds.sum(axis=1, keepdims=True) + _UNSEEN / NUM_KINDS,
        _fit_logistic(-measure_log_odds(none), digits),
    )


def _label(solutions: Sequence[Solution], truth: SheetTruth) -> LabelledPage:
    wholes = [merge_glyphs([item.glyph for item in solution.answers]) for solution in solutions]
    boxes = [(whole.left, whole.top, whole.width, whole.height) for whole in wholes]
    chain = make_chain(boxes, [solution.none for solution in solutions])
    shown = [_find_shown(whole, truth) for whole in wholes]
    states = np.array([-1 if value is None else OTHER if value == LETTER else NUMBER for value in shown])
    places = [
        item for solution, state in zip(solutions, states, strict=True) if state == NUMBER for item in solution.answers
    ]
    digits = [(_find_shown(item.glyph, truth) or 0) >= 0 for item in places]
    return LabelledPage(chain, states[chain.order], np.array([item.none for item in places]), np.array(digits, float))


def _find_shown(glyph: Glyph, truth: SheetTruth) -> int | None:
    """Find what most of a glyph's ink shows; None if nobody wrote it."""
    counts = truth.count_pixels(glyph)
    return int(truth.shown[counts.argmax()]) if 2 * counts.sum() >= glyph.mask.sum() else None


def _fit_logistic(values: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """Fit slope and intercept of the log-odds of outcomes, 0 or 1, by Newton's method."""
    inputs, weights = np.stack([values, np.ones_like(values)], axis=1), np.array([1.0, 0.0])
    for _ in range(_STEPS):
        expected = (1 + np.tanh(inputs @ weights / 2)) / 2
        curvature = (inputs * (expected * (1 - expected))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        weights += np.linalg.solve(curvature, inputs.T @ (outcomes - expected))
    return weights
