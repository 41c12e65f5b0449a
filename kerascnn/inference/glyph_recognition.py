"""Recognise the glyphs of a page: cut where digits touch, merged where one is broken, judged by their lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.images.broken_digits import Pair, is_one_digit, propose_pairs
from kerascnn.images.glyphs import Glyph, find_glyphs, median_digit_height, merge_glyphs
from kerascnn.images.line_ordering import order_lines
from kerascnn.images.normalization import PreparedImage, normalize_glyph
from kerascnn.images.over_segmentation import Segment, find_best_path, find_pieces, propose_segments
from kerascnn.images.word_filter import find_word_glyphs
from kerascnn.inference.predictor import Prediction, Predictor

_WIDEST_LETTER = 1.1  # against its height; an m and a w, which are wider, are recognised by their neighbours
_REJECTED = 0.01  # probability that a rejected segment counts with
# Weights of a logistic regression, fitted on touching training digits against printed letters, that parts are digits
# which touch: the mean log-odds of the parts, their mean aspect, the share of ones among them; and the intercept, for
# glyphs of which as many are letters.
_SURE_CUT = 0.8  # probability
_CUT_WEIGHTS = (0.73, 6.53, -5.62, -4.8)

# How far the most probable digit stands out, in log-probability against the mean of all, as a mean over the glyphs:
_CLEAR = 8.0  # of a page that needs no turning
_MOSTLY_CLEAR = 6.0  # of a page that is turned; words and digits that touch are unclear from all sides
_MIN_GAIN = 12.0  # summed over the glyphs: two chains of zeros look like two eights on their side


@dataclass(frozen=True, eq=False)
class Reading:
    """What the recogniser sees in one glyph or one part of a glyph.

    Args:
        glyph: The ink.
        digit: The most probable digit, 0 to 9.
        confidence: Its probability, 0 to 1.
        is_digit: False if the ink is more likely no digit.
    """

    glyph: Glyph
    digit: int
    confidence: float
    is_digit: bool


@dataclass(frozen=True, eq=False)
class _Answer:
    glyph: Glyph
    digit: int
    confidence: float
    is_rejected: bool

    @property
    def probability(self) -> float:
        return _REJECTED if self.is_rejected else self.confidence


@dataclass(frozen=True, eq=False)
class _Solution:
    """The answers to one glyph, cut or whole, and the probability that it shows digits if it is cut."""

    answers: list[_Answer]
    cut_probability: float = 1.0


def recognize_glyphs(
    glyphs: Sequence[Glyph], fragments: Sequence[Glyph], pieces: Sequence[Glyph], predictor: Predictor
) -> list[Reading]:
    """Recognise every glyph of a page.

    Args:
        glyphs: The glyphs, in which digits may touch.
        fragments: Pieces too small for a digit, which may be parts of one.
        pieces: The digits that a segmentation network sees in the glyphs.
        predictor: A model of the ten digits.

    Returns:
        One reading for each digit or rejected part; every glyph is in one of them at least.
    """
    if not glyphs:
        return []
    digit_height = median_digit_height(glyphs)
    proposals = [propose_segments(glyph, digit_height, find_pieces(glyph, pieces)) for glyph in glyphs]
    pairs = propose_pairs(glyphs, fragments, digit_height)
    shown = [segment.glyph for segments in proposals for segment in segments] + [pair.glyph for pair in pairs]
    size = predictor.card.input_shape[:2]
    images = [PreparedImage(normalize_glyph(glyph, size), "glyph") for glyph in shown]
    threshold = predictor.card.rejection_threshold or 0.0
    predictions = predictor.predict_prepared(images)
    results = iter([_judge(*shown, threshold) for shown in zip(shown, predictions, strict=True)])
    solutions = [_choose_cuts(segments, [next(results) for _ in segments]) for segments in proposals]
    solutions += [_Solution([]) for _ in fragments]
    _merge_pairs(solutions, pairs, list(results))
    solutions = [solution for solution in solutions if solution.answers]
    in_words = _find_words(solutions)
    words = [solution for solution, in_word in zip(solutions, in_words, strict=True) if in_word]
    numbers = [solution for solution, in_word in zip(solutions, in_words, strict=True) if not in_word]
    readings = [Reading(item.glyph, item.digit, item.confidence, False) for word in words for item in word.answers]
    return readings + _accept(numbers, threshold)


def find_turns(contrast: np.ndarray, mask: np.ndarray, predictor: Predictor) -> int:
    """Find how often a page has to be turned anticlockwise by 90 degrees, so that its digits stand upright.

    The page is turned only where its glyphs are far more probable digits then; one glyph alone decides nothing.

    Args:
        contrast: float32, `(height, width)`, as in `BinarizedPage`.
        mask: bool, `(height, width)`, the foreground without printed lines.
        predictor: A model of the ten digits.
    """
    upright = _measure_evidence(contrast, mask, predictor)
    if not len(upright) or upright.mean() > _CLEAR:
        return 0
    gains = {0: 0.0}
    for turns in (1, 2, 3):
        turned = [np.ascontiguousarray(np.rot90(values, turns)) for values in (contrast, mask)]
        evidence = _measure_evidence(turned[0], turned[1], predictor)
        if len(evidence) and evidence.mean() > _MOSTLY_CLEAR:
            gains[turns] = float(evidence.mean() - upright.mean()) * min(len(evidence), len(upright))
    best = max(gains, key=lambda turns: gains[turns])
    return best if gains[best] > _MIN_GAIN else 0


def _measure_evidence(contrast: np.ndarray, mask: np.ndarray, predictor: Predictor) -> np.ndarray:
    """Measure how far the most probable digit of each glyph of a page stands out from all."""
    glyphs, _ = find_glyphs(contrast, mask)
    size = predictor.card.input_shape[:2]
    predictions = predictor.predict_prepared([PreparedImage(normalize_glyph(glyph, size), "glyph") for glyph in glyphs])
    logs = [np.log(np.clip(prediction.probabilities, 1e-9, 1)) for prediction in predictions]
    # A digit on its head still looks like some digit, but others are nearly as likely.
    return np.array([values.max() - values.mean() for values in logs])


def _judge(glyph: Glyph, prediction: Prediction, threshold: float) -> _Answer:
    digit = int(np.argmax(prediction.probabilities))
    return _Answer(glyph, digit, prediction.confidence, prediction.confidence < threshold)


def _accept(solutions: Sequence[_Solution], threshold: float) -> list[Reading]:
    """Decide which answers are digits, given the others of their lines.

    The threshold holds for a glyph of which nothing else is known. The odds that it is a digit are multiplied by those
    in its line, by the rule of succession: what stands among digits is probably one.
    """
    wholes = [merge_glyphs([item.glyph for item in solution.answers]) for solution in solutions]
    readings = []
    for line in order_lines([_box(whole) for whole in wholes]):
        num_answers = sum(len(solutions[index].answers) for index in line)
        num_sure = sum(_count_sure(solutions[index]) for index in line)
        for index in line:
            answers, cut = solutions[index].answers, solutions[index].cut_probability
            sure = num_sure - _count_sure(solutions[index])
            odds = (sure + 1) / (num_answers - len(answers) - sure + 1)
            if cut * odds < 1 - cut:
                readings.append(Reading(wholes[index], answers[0].digit, cut, False))
                continue
            readings += [
                Reading(item.glyph, item.digit, item.confidence, _is_likely(item.confidence, threshold, odds))
                for item in answers
            ]
    return readings


def _is_likely(confidence: float, threshold: float, odds: float) -> bool:
    return confidence * odds * (1 - threshold) >= (1 - confidence) * threshold


def _count_sure(solution: _Solution) -> int:
    if solution.cut_probability < _SURE_CUT:
        return 0
    return sum(not item.is_rejected for item in solution.answers)


def _box(glyph: Glyph) -> tuple[int, int, int, int]:
    return glyph.left, glyph.top, glyph.width, glyph.height


def _find_words(solutions: Sequence[_Solution]) -> list[bool]:
    """Find the glyphs that stand in words of letters."""
    wholes = [merge_glyphs([item.glyph for item in solution.answers]) for solution in solutions]
    letters = [_is_letter(whole, solution) for whole, solution in zip(wholes, solutions, strict=True)]
    return find_word_glyphs([_box(whole) for whole in wholes], letters)


def _is_letter(whole: Glyph, solution: _Solution) -> bool:
    """Tell whether a glyph is certainly a letter: it is rejected, or cut as digits that touch are not.

    A wide glyph that is rejected may be several digits that touch, which proves nothing.
    """
    if len(solution.answers) == 1:
        return solution.answers[0].is_rejected and whole.width <= _WIDEST_LETTER * whole.height
    return solution.cut_probability < 1 - _SURE_CUT


def _choose_cuts(segments: Sequence[Segment], answers: Sequence[_Answer]) -> _Solution:
    digits = [None if answer.is_rejected else answer.digit for answer in answers]
    path = find_best_path(segments, digits, [float(np.log(answer.probability)) for answer in answers])
    chosen = [answers[index] for index in path]
    if len(path) == 1:
        return _Solution(chosen)
    odds = [np.log(item.confidence / (1.001 - item.confidence)) for item in chosen]
    aspects, ones = [segments[index].aspect for index in path], [item.digit == 1 for item in chosen]
    features = np.array([*(np.mean(values) for values in (odds, aspects, ones)), 1.0])
    return _Solution(chosen, float(1 / (1 + np.exp(-np.dot(features, _CUT_WEIGHTS)))))


def _merge_pairs(solutions: list[_Solution], pairs: Sequence[Pair], together: Sequence[_Answer]) -> None:
    """Replace the parts of a broken digit by the whole, the most probable first."""
    surest_first = sorted(zip(pairs, together, strict=True), key=lambda item: -item[1].probability)
    settled: set[int] = {index for index, solution in enumerate(solutions) if len(solution.answers) > 1}
    for pair, whole in surest_first:
        if pair.first in settled or pair.second in settled:
            continue
        apart = [item.probability for item in solutions[pair.first].answers + solutions[pair.second].answers]
        if is_one_digit(whole.probability, apart):
            solutions[pair.first], solutions[pair.second] = _Solution([whole]), _Solution([])
            settled |= {pair.first, pair.second}
