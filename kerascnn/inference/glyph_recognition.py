"""Recognise the glyphs of a page: cut where digits touch, merged where one is broken, judged by their lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.broken_digits import Pair, is_one_digit, propose_pairs
from kerascnn.images.evidence import load_perceptron
from kerascnn.images.glyphs import Glyph, find_glyphs, median_digit_height, merge_glyphs
from kerascnn.images.normalization import PreparedImage, normalize_glyph
from kerascnn.images.over_segmentation import Segment, divide_pieces, propose_segments
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segment_evidence import NO_DIGIT, WEIGHTS, WITH_MAP, WITHOUT_MAP, ClassMap, measure_segments
from kerascnn.inference.segment_lattice import Lattice
from kerascnn.inference.segmenters import DigitMasks
from kerascnn.inference.writing_context import ContextModel, load_context, make_chain

_SAME_PLACE = 0.6  # of the width that two segments cover together, from which they show the same digit


@dataclass(frozen=True, eq=False)
class Reading:
    """What is recognised in one glyph or one part of a glyph.

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
class Answer:
    """The digit at one place of a glyph, its probability, and the probability of no digit there."""

    glyph: Glyph
    digit: int
    confidence: float
    none: float


@dataclass(frozen=True, eq=False)
class Solution:
    """The answers to one glyph, cut or whole, and the probability that no part of it is a digit."""

    answers: list[Answer]
    none: float = 0.0


@dataclass(frozen=True, eq=False)
class _Sight:
    """What glyphs are recognised with."""

    predictor: Predictor
    class_map: ClassMap | None
    digit_height: float


def recognize_page(page: BinarizedPage, masks: DigitMasks, predictor: Predictor) -> list[Solution]:
    """Recognise every glyph of a binarized page, whose digits a segmenter has found, for itself."""
    glyphs, fragments = find_glyphs(page.contrast, masks.digits)
    pieces = [] if masks.separated is None else find_glyphs(page.contrast, masks.separated)[0]
    class_map = None if masks.classes is None else ClassMap(masks.classes, (page.mask.shape[0], page.mask.shape[1]))
    return recognize_glyphs(glyphs, fragments, pieces, predictor, class_map)


def recognize_glyphs(
    glyphs: Sequence[Glyph],
    fragments: Sequence[Glyph],
    pieces: Sequence[Glyph],
    predictor: Predictor,
    class_map: ClassMap | None = None,
) -> list[Solution]:
    """Recognise every glyph of a page for itself.

    Args:
        glyphs: The glyphs, in which digits may touch.
        fragments: Pieces too small for a digit, which may be parts of one.
        pieces: The digits that a segmentation network sees in the glyphs.
        predictor: A model of the ten digits.
        class_map: What that network sees on the page; None without one.

    Returns:
        One solution for each glyph, or for several that are parts of one digit.
    """
    if not glyphs:
        return []
    sight = _Sight(predictor, class_map, median_digit_height(glyphs))
    divided = zip(glyphs, divide_pieces(glyphs, pieces), strict=True)
    proposals = [propose_segments(glyph, sight.digit_height, own) for glyph, own in divided]
    pairs = propose_pairs(glyphs, fragments, sight.digit_height)
    solutions = _solve([*proposals, *([Segment(0, 1, pair.glyph)] for pair in pairs)], sight)
    together = [solution.answers[0] for solution in solutions[len(glyphs) :]]
    solutions = [*solutions[: len(glyphs)], *(Solution([]) for _ in fragments)]
    _merge_pairs(solutions, pairs, together)
    return [solution for solution in solutions if solution.answers]


def judge_solutions(solutions: Sequence[Solution], with_map: bool) -> list[Reading]:
    """Decide what is a digit, given what else is on the page.

    Args:
        solutions: The solutions of all glyphs of a page.
        with_map: Whether a segmentation network has seen it.

    Returns:
        One reading for each digit or rejected part; every glyph is in one of them at least.
    """
    if not solutions:
        return []
    context = load_context(WITH_MAP if with_map else WITHOUT_MAP)
    wholes = [merge_glyphs([item.glyph for item in solution.answers]) for solution in solutions]
    chain = make_chain([_box(whole) for whole in wholes], [solution.none for solution in solutions])
    numbers = context.find_numbers(chain).tolist()
    readings = []
    for solution, whole, number in zip(solutions, wholes, numbers, strict=True):
        digits = number * (1 - context.judge_in_number(solution.none))
        if digits < 0.5:
            readings.append(Reading(whole, solution.answers[0].digit, digits, False))
        else:
            readings += [_weigh(item, context, number) for item in solution.answers]
    return readings


def _weigh(answer: Answer, context: ContextModel, number: float) -> Reading:
    """Weigh an answer by how probable there is a digit at its place, given that it may stand in a number."""
    digits = number * (1 - context.judge_in_number(answer.none))
    confidence = digits * answer.confidence / max(1 - answer.none, 1e-9)
    return Reading(answer.glyph, answer.digit, min(confidence, 1.0), digits >= 0.5)


def _solve(proposals: Sequence[Sequence[Segment]], sight: _Sight) -> list[Solution]:
    """Recognise the segments of all glyphs in one batch, and choose the best path through each glyph."""
    size = sight.predictor.card.input_shape[:2]
    images = [PreparedImage(normalize_glyph(item.glyph, size), "glyph") for segments in proposals for item in segments]
    weights = load_perceptron(WITHOUT_MAP if sight.class_map is None else WITH_MAP, WEIGHTS)
    predictions = iter(sight.predictor.predict_prepared(images))
    solutions = []
    for segments in proposals:
        probabilities = np.array([next(predictions).probabilities for _ in segments])
        evidence = measure_segments(segments, probabilities, sight.class_map, sight.digit_height)
        solutions.append(_choose_path(segments, evidence.score(weights)))
    return solutions


def _choose_path(segments: Sequence[Segment], scores: np.ndarray) -> Solution:
    lattice = Lattice([(segment.first, segment.last) for segment in segments], scores)
    marginals = lattice.compute_marginals()
    left = np.array([segment.glyph.left for segment in segments])
    right = np.array([segment.glyph.right for segment in segments])
    answers = []
    for index in lattice.find_best_path():
        shared = np.minimum(right, right[index]) - np.maximum(left, left[index])
        covered = np.maximum(right, right[index]) - np.minimum(left, left[index])
        # Cuts that lie a little apart show the same digit.
        found = np.minimum(marginals[shared >= _SAME_PLACE * covered].sum(axis=0), 1)
        digit = int(found[:NO_DIGIT].argmax())
        answers.append(Answer(segments[index].glyph, digit, float(found[digit]), float(found[NO_DIGIT])))
    return Solution(answers, lattice.compute_share(NO_DIGIT))


def _box(glyph: Glyph) -> tuple[int, int, int, int]:
    return glyph.left, glyph.top, glyph.width, glyph.height


def _merge_pairs(solutions: list[Solution], pairs: Sequence[Pair], together: Sequence[Answer]) -> None:
    """Replace the parts of a broken digit by the whole, the most probable first."""
    surest_first = sorted(zip(pairs, together, strict=True), key=lambda item: -item[1].confidence)
    settled: set[int] = {index for index, solution in enumerate(solutions) if len(solution.answers) > 1}
    for pair, whole in surest_first:
        if pair.first in settled or pair.second in settled:
            continue
        apart = [item.confidence for item in solutions[pair.first].answers + solutions[pair.second].answers]
        if is_one_digit(whole.confidence, apart):
            solutions[pair.first], solutions[pair.second] = Solution([whole], whole.none), Solution([])
            settled |= {pair.first, pair.second}
