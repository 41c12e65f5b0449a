"""Read what stands between the digits of numbers: a fitted network tells symbols from digits and from other marks.

A symbol is told by its form, its size and its place against the digits beside it, and by what the recogniser of digits
says of the same ink. The weights are fitted (`kerascnn.training.symbol_fitting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.components import find_components
from kerascnn.images.evidence import Perceptron, load_perceptron
from kerascnn.images.glyphs import Glyph
from kerascnn.images.symbol_candidates import FORM_FEATURES, SYMBOLS, Candidate, erase_pieces, find_candidates
from kerascnn.inference.glyph_recognition import Reading, Solution, judge_solutions, recognize_page
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segment_evidence import NUM_DIGITS
from kerascnn.inference.segmenters import DigitMasks
from kerascnn.utils.errors import UsageError

WEIGHTS, NETWORK = "symbols.npz", "symbols"
"""File with the fitted weights, beside the models that ship (`kerascnn.reference`), and the network's name in it."""

CLASSES = (*SYMBOLS, "digit", "none")
"""What a candidate may be, in the order of the network's outputs."""

RECOGNISED = (
    "is read",  # 1 where the ink is one of the glyphs that the recogniser was asked about, or a part of one
    "share",  # of that glyph's ink
    "is a digit",  # 1 where that was read as a digit
    "confidence",  # in that digit
    *(f"digit {digit}" for digit in range(NUM_DIGITS)),  # 1 for the digit that it was read as, 0 for the others
)
FEATURES = (*FORM_FEATURES, *RECOGNISED)
"""Names of the figures that describe a candidate."""

_FAINTEST = 0.35  # of the contrast of the page's digits; fainter ink joins strokes that do not touch
_DOUBTFUL = 0.01  # probability of a symbol from which it counts in that of the number that it would stand in
_WHOLE = 0.9  # of a glyph's ink, from which all of it is a symbol


@dataclass(frozen=True, eq=False)
class FoundSymbol:
    """A symbol that was read, its probability among what it may be, 0 to 1, and its ink."""

    symbol: str
    confidence: float
    glyph: Glyph


class PageSymbols(NamedTuple):
    """The symbols of a page, and what was not taken for one, but may be one with some probability."""

    found: list[FoundSymbol]
    doubtful: list[FoundSymbol]


def choose_symbols(text: str | None) -> str:
    """Choose the symbols that are read, such as `".,-"`; none for None.

    Raises:
        UsageError: If one of them cannot be read.
    """
    chosen = "".join(dict.fromkeys(text or ""))
    unknown = next((one for one in chosen if one not in SYMBOLS), None)
    if unknown is not None:
        raise UsageError(f"{unknown!r} is no symbol that can be read; those known are {' '.join(SYMBOLS)}")
    return chosen


@dataclass(frozen=True, eq=False)
class SymbolReader:
    """Reads the symbols of pages.

    Args:
        symbols: The symbols that may occur.
        predictor: A model of the ten digits.
        min_confidence: Lowest probability of a symbol that is read, 0 to 1.
    """

    symbols: str
    predictor: Predictor
    min_confidence: float

    def read(
        self, page: BinarizedPage, masks: DigitMasks, solutions: list[Solution], name: str
    ) -> tuple[list[Solution], PageSymbols | None]:
        """Read the symbols of a page whose glyphs were all taken for digits.

        Args:
            page: The page.
            masks: Where its digits are.
            solutions: What was recognised in each glyph.
            name: What the picture is called, for messages.

        Returns:
            What is recognised in what is left of the glyphs, and the symbols; None if none may occur.
        """
        if not self.symbols:
            return solutions, None
        symbols, candidates = find_symbols(page, masks, solutions, self.symbols, self.min_confidence)
        rest = drop_symbols(solutions, candidates)
        if rest is None:
            rest = recognize_page(page, erase_symbols(masks, candidates), self.predictor, name)
        return rest, symbols


def describe_page(
    page: BinarizedPage, masks: DigitMasks, readings: Sequence[Reading]
) -> tuple[list[Candidate], np.ndarray]:
    """Find what may be a symbol on a page, and describe it.

    Args:
        page: The page.
        masks: Where its digits are.
        readings: What was read on it when all was taken for digits.

    Returns:
        The candidates, and float32 `(n, len(FEATURES))`.
    """
    digits = [reading for reading in readings if reading.is_digit]
    if not digits:
        return [], np.zeros((0, len(FEATURES)), np.float32)
    level = np.median([np.percentile(page.contrast[one.glyph.window()][one.glyph.mask], 80) for one in digits])
    ink = masks.digits & (page.contrast >= _FAINTEST * level)
    candidates = find_candidates(ink, page.contrast, np.array([_find_body(one.glyph) for one in digits]))
    return candidates, np.array(_describe(candidates, readings, ink.shape), np.float32).reshape(-1, len(FEATURES))


def find_symbols(
    page: BinarizedPage, masks: DigitMasks, solutions: Sequence[Solution], symbols: str, min_confidence: float
) -> tuple[PageSymbols, list[Candidate]]:
    """Find the symbols on a page.

    Args:
        page: The page.
        masks: Where its digits are.
        solutions: What was recognised in each glyph when all was taken for digits.
        symbols: The symbols that may occur; a candidate is one of them, a digit, or nothing.
        min_confidence: Lowest probability of a symbol that is read, 0 to 1.

    Returns:
        The symbols, and the candidates that they were found in.
    """
    candidates, features = describe_page(page, masks, judge_solutions(solutions))
    if not candidates:
        return PageSymbols([], []), []
    probabilities = weigh_symbols(features, symbols, load_perceptron(NETWORK, WEIGHTS))
    best = probabilities[:, : len(symbols)].argmax(axis=1)
    likely = probabilities[np.arange(len(best)), best]
    is_symbol = (likely >= probabilities.max(axis=1)) & (likely >= min_confidence)
    symbols_of_page, chosen, taken = PageSymbols([], []), [], set[int]()
    # The surest first, and what is no symbol at the end: a point of a colon is none, whatever it looks like alone.
    for index in np.lexsort((-likely, ~is_symbol)).tolist():
        candidate = candidates[index]
        if taken & set(candidate.pieces):
            continue
        found = FoundSymbol(symbols[best[index]], float(likely[index]), candidate.glyph)
        if is_symbol[index]:
            taken |= set(candidate.pieces)
            symbols_of_page.found.append(found)
            chosen.append(candidate)
        elif likely[index] >= _DOUBTFUL:
            symbols_of_page.doubtful.append(found)
    return symbols_of_page, chosen


def weigh_symbols(features: np.ndarray, symbols: str, weights: Perceptron) -> np.ndarray:
    """Compute the probability that each candidate is each of some symbols, a digit, or nothing: `(n, num_symbols + 2)`.

    Args:
        features: float32, `(n, len(FEATURES))`.
        symbols: The symbols that may occur.
        weights: The fitted network.
    """
    columns = [CLASSES.index(one) for one in (*symbols, "digit", "none")]
    logits = weights(features)[:, columns].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def erase_symbols(masks: DigitMasks, candidates: Sequence[Candidate]) -> DigitMasks:
    """Take the ink of symbols out of the masks of a page."""
    digits = erase_pieces(masks.digits, candidates)
    return replace(masks, digits=digits, separated=None if masks.separated is None else masks.separated & digits)


def drop_symbols(solutions: Sequence[Solution], candidates: Sequence[Candidate]) -> list[Solution] | None:
    """Leave out the glyphs that are symbols; None where one is partly a symbol, so that it is to be recognised anew."""
    if not candidates:
        return list(solutions)
    corners = [(one.glyph.right, one.glyph.bottom) for one in candidates]
    corners += [(solution.whole.right, solution.whole.bottom) for solution in solutions]
    ink = np.zeros((max(bottom for _, bottom in corners), max(right for right, _ in corners)), bool)
    for candidate in candidates:
        ink[candidate.glyph.window()] |= candidate.glyph.mask
    kept = []
    for solution in solutions:
        share = float(ink[solution.whole.window()][solution.whole.mask].mean())
        if 0 < share < _WHOLE:
            return None
        if share == 0:
            kept.append(solution)
    return kept


def _find_body(glyph: Glyph) -> tuple[int, int, int, int]:
    """Find the corners of the largest piece of a glyph: a point that was merged with a digit is no part of its box."""
    found = find_components(glyph.mask)
    index = int(found.area.argmax())
    left, top = glyph.left + int(found.left[index]), glyph.top + int(found.top[index])
    return left, top, left + int(found.width[index]), top + int(found.height[index])


def _describe(candidates: Sequence[Candidate], readings: Sequence[Reading], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Join the form of each candidate with what the recogniser says of its ink, in the order of `FEATURES`."""
    owners = np.zeros(shape, np.int32)
    for number, reading in enumerate(readings, start=1):
        owners[reading.glyph.window()][reading.glyph.mask] = number
    described = []
    for candidate in candidates:
        inside = owners[candidate.glyph.window()][candidate.glyph.mask]
        inside = inside[inside > 0]
        said = np.zeros(len(RECOGNISED), np.float32)
        if len(inside):
            numbers, counts = np.unique(inside, return_counts=True)
            reading, count = readings[int(numbers[counts.argmax()]) - 1], int(counts.max())
            said[:4] = 1, count / max(int(reading.glyph.mask.sum()), 1), reading.is_digit, reading.confidence
            said[4 + reading.digit] = 1
        described.append(np.concatenate([candidate.features, said]))
    return described
