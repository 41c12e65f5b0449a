"""Recognise the glyphs of a page: cut where digits touch, merged where one is broken, judged by their lines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.broken_digits import Pair, is_one_digit, propose_pairs
from kerascnn.images.evidence import load_perceptron
from kerascnn.images.glyphs import Glyph, find_glyphs, median_digit_height, merge_glyphs
from kerascnn.images.line_ordering import order_lines
from kerascnn.images.normalization import PreparedImage, normalize_glyph
from kerascnn.images.over_segmentation import Segment, divide_pieces, propose_segments
from kerascnn.images.word_filter import find_word_glyphs
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segment_evidence import NO_DIGIT, WEIGHTS, WITH_MAP, WITHOUT_MAP, ClassMap, measure_segments
from kerascnn.inference.segment_lattice import Lattice
from kerascnn.inference.segmenters import DigitMasks
from kerascnn.utils.errors import ImageError

_SURE_LETTER = 0.8  # probability of no digit from which a glyph makes its neighbours letters, too
_MOST_GLYPHS = 3000  # a sheet of A4 has 2,500 squares of 5 mm
_FEWEST_PIXELS = 64  # of the picture as it was given, that a digit with its surroundings has: 8 x 8
_ALWAYS_FEW = 50  # glyphs, which no picture is too small for
_SAME_PLACE = 0.6  # of the width that two segments cover together, from which they show the same digit


@dataclass(frozen=True, eq=False)
class Reading:
    """What is recognised in one glyph or one part of a glyph.

    Args:
        glyph: The ink.
        digit: The most probable digit, 0 to 9.
        confidence: Its probability, 0 to 1.
        is_digit: False if the ink is more likely no digit.
        seen: The glyph that it is found in, weighed by its line; None for one in a word of letters.
    """

    glyph: Glyph
    digit: int
    confidence: float
    is_digit: bool
    seen: "SeenGlyph | None" = None


@dataclass(frozen=True, eq=False)
class Answer:
    """The digit at one place of a glyph, its probability, and the probability of no digit there."""

    glyph: Glyph
    digit: int
    confidence: float
    none: float


@dataclass(frozen=True, eq=False)
class SeenGlyph:
    """The stretches of one glyph and what speaks for each digit in them.

    Args:
        segments: The stretches.
        lattice: The paths through them, with the scores of the digits and of `NO_DIGIT`.
    """

    segments: Sequence[Segment]
    lattice: Lattice

    @property
    def left(self) -> int:
        """Where it begins, in pixels of the page."""
        return min(segment.glyph.left for segment in self.segments)

    def weigh(self, odds: float) -> "SeenGlyph":
        """Multiply the odds of a digit in every stretch."""
        scores = self.lattice.scores.copy()
        scores[:, :NO_DIGIT] += np.log(odds)
        return replace(self, lattice=replace(self.lattice, scores=scores))


@dataclass(frozen=True, eq=False)
class Solution:
    """The answers to one glyph, cut or whole, and the probability that no part of it is a digit."""

    answers: list[Answer]
    none: float
    seen: SeenGlyph

    @cached_property
    def whole(self) -> Glyph:
        """All that was seen."""
        return merge_glyphs([item.glyph for item in self.answers])


@dataclass(frozen=True, eq=False)
class _Sight:
    """What glyphs are recognised with."""

    predictor: Predictor
    class_map: ClassMap | None
    digit_height: float


def recognize_page(page: BinarizedPage, masks: DigitMasks, predictor: Predictor, name: str) -> list[Solution]:
    """Recognise every glyph of a binarized page, whose digits a segmenter has found, for itself.

    Args:
        page: The page.
        masks: Where its digits are.
        predictor: A model of the ten digits.
        name: What the picture is called, for messages.

    Raises:
        ImageError: If there are more glyphs than a sheet has digits, or than fit on so few pixels; each costs time.
    """
    glyphs, fragments = find_glyphs(page.contrast, masks.digits)
    most = count_most_digits(page)
    if len(glyphs) > most:
        raise ImageError(
            f"{name} has {len(glyphs)} marks, more than it can have digits; if it is dithered or hatched, give a scan "
            "in shades of grey, and if it is larger than a sheet, give it in parts."
        )
    pieces = [] if masks.separated is None else find_glyphs(page.contrast, masks.separated)[0]
    class_map = None if masks.classes is None else ClassMap(masks.classes, (page.mask.shape[0], page.mask.shape[1]))
    return recognize_glyphs(glyphs, fragments, pieces, predictor, class_map, most)


def count_most_digits(page: BinarizedPage) -> int:
    """Count how many digits a page can have: those of a sheet, or as many as fit on the pixels of its picture."""
    return min(_MOST_GLYPHS, max(_ALWAYS_FEW, int(page.mask.size / page.scale**2 / _FEWEST_PIXELS)))


def recognize_glyphs(
    glyphs: Sequence[Glyph],
    fragments: Sequence[Glyph],
    pieces: Sequence[Glyph],
    predictor: Predictor,
    class_map: ClassMap | None = None,
    most_digits: int = _MOST_GLYPHS,
) -> list[Solution]:
    """Recognise every glyph of a page for itself.

    Args:
        glyphs: The glyphs, in which digits may touch.
        fragments: Pieces too small for a digit, which may be parts of one.
        pieces: The digits that a segmentation network sees in the glyphs.
        predictor: A model of the ten digits.
        class_map: What that network sees on the page; None without one.
        most_digits: How many digits the page can have. Of what is wider than high, as rules and dashes are, no more is
            cut than there is room for; each cut costs time.

    Returns:
        One solution for each glyph, or for several that are parts of one digit.
    """
    if not glyphs:
        return []
    sight = _Sight(predictor, class_map, median_digit_height(glyphs))
    divided = zip(glyphs, divide_pieces(glyphs, pieces), _choose_cut(glyphs, most_digits), strict=True)
    proposals = [
        propose_segments(glyph, sight.digit_height, own) if is_cut else [Segment(0, 1, glyph)]
        for glyph, own, is_cut in divided
    ]
    pairs = propose_pairs(glyphs, fragments, sight.digit_height)
    solutions = _solve([*proposals, *([Segment(0, 1, pair.glyph)] for pair in pairs)], sight)
    parts = [*solutions[: len(glyphs)], *([None] * len(fragments))]
    _merge_pairs(parts, pairs, solutions[len(glyphs) :])
    return [solution for solution in parts if solution is not None]


def _choose_cut(glyphs: Sequence[Glyph], most_digits: int) -> np.ndarray:
    """Choose the glyphs that may be cut, bool `(n,)`: the narrowest, until they have room for so many digits."""
    room = np.array([max(1.0, glyph.width / glyph.height) for glyph in glyphs])
    order = np.argsort(room, kind="stable")
    chosen = np.zeros(len(glyphs), bool)
    chosen[order] = np.cumsum(room[order]) <= most_digits
    return chosen


def judge_solutions(solutions: Sequence[Solution]) -> list[Reading]:
    """Decide what is a digit, given what else is in its word and in its line.

    There is one reading for each digit or rejected part; every glyph is in one of them at least.
    """
    words, numbers = part_words(solutions)
    readings = [Reading(item.glyph, item.digit, item.confidence, False) for word in words for item in word.answers]
    return readings + [reading for line in order_solutions(numbers) for reading in _judge_line(line)]


def part_words(solutions: Sequence[Solution]) -> tuple[list[Solution], list[Solution]]:
    """Part the glyphs that stand in words of letters from all others."""
    in_words = find_word_glyphs(
        [_box(solution.whole) for solution in solutions], [item.none > _SURE_LETTER for item in solutions]
    )
    parted: tuple[list[Solution], list[Solution]] = [], []
    for solution, in_word in zip(solutions, in_words, strict=True):
        parted[0 if in_word else 1].append(solution)
    return parted


def order_solutions(solutions: Sequence[Solution]) -> list[list[Solution]]:
    """Order glyphs into lines from top to bottom, each from left to right."""
    return [[solutions[index] for index in line] for line in order_lines([_box(item.whole) for item in solutions])]


def weigh_by_line(line: Sequence[Solution]) -> list[float]:
    """Compute by what the odds that each glyph of a line is a digit are multiplied.

    What stands among digits is probably one: the others of the line count, by the rule of succession.
    """
    num_answers = sum(len(solution.answers) for solution in line)
    num_digits = sum(map(_count_digits, line))
    result = []
    for solution in line:
        digits = num_digits - _count_digits(solution)
        result.append((digits + 1) / (num_answers - len(solution.answers) - digits + 1))
    return result


def weigh_solution(solution: Solution, odds: float) -> Solution:
    """Multiply the odds of a digit at every place of a glyph, from what is known beside its line."""
    answers = []
    for answer in solution.answers:
        total = odds * (1 - answer.none) + answer.none
        confidence = min(odds * answer.confidence / total, 1.0)
        answers.append(replace(answer, confidence=confidence, none=answer.none / total))
    none = solution.none / (odds * (1 - solution.none) + solution.none)
    return Solution(answers, none, solution.seen.weigh(odds))


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
    return Solution(answers, lattice.compute_share(NO_DIGIT), SeenGlyph(segments, lattice))


def _judge_line(line: Sequence[Solution]) -> list[Reading]:
    """Decide which answers of a line are digits."""
    readings = []
    for solution, odds in zip(line, weigh_by_line(line), strict=True):
        seen = solution.seen.weigh(odds)
        if odds * (1 - solution.none) < solution.none:
            readings.append(Reading(solution.whole, solution.answers[0].digit, 1 - solution.none, False, seen))
        else:
            readings += [_weigh(item, odds, seen) for item in solution.answers]
    return readings


def _weigh(answer: Answer, odds: float, seen: SeenGlyph) -> Reading:
    """Weigh an answer by the odds that there is a digit at its place."""
    digits = odds * (1 - answer.none)
    confidence = odds * answer.confidence / (digits + answer.none)
    return Reading(answer.glyph, answer.digit, min(confidence, 1.0), digits >= answer.none, seen)


def _count_digits(solution: Solution) -> int:
    return sum(item.none < item.confidence for item in solution.answers)


def _box(glyph: Glyph) -> tuple[int, int, int, int]:
    return glyph.left, glyph.top, glyph.width, glyph.height


def _merge_pairs(parts: list[Solution | None], pairs: Sequence[Pair], together: Sequence[Solution]) -> None:
    """Replace the parts of a broken digit by the whole, the most probable first."""
    surest_first = sorted(zip(pairs, together, strict=True), key=lambda item: -item[1].answers[0].confidence)
    settled = {index for index, part in enumerate(parts) if part is not None and len(part.answers) > 1}
    for pair, whole in surest_first:
        if pair.first in settled or pair.second in settled:
            continue
        apart = [part.answers[0].confidence for part in (parts[pair.first], parts[pair.second]) if part is not None]
        if is_one_digit(whole.answers[0].confidence, apart):
            parts[pair.first], parts[pair.second] = whole, None
            settled |= {pair.first, pair.second}
