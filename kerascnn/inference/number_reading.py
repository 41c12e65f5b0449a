"""Read whole numbers: what a page's glyphs say together, and what is known of the numbers beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kerascnn.images.glyphs import Glyph
from kerascnn.images.line_ordering import split_line
from kerascnn.inference.glyph_recognition import (
    Reading,
    SeenGlyph,
    Solution,
    order_solutions,
    part_words,
    weigh_by_line,
)
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_decoding import Decoded, Decoding, decode_number, join_lattices

_MOST_STRETCHES = 8  # of writing between wide gaps, that may be one number
_JOINED = 0.05  # probability that a wide gap lies within a number


class RuledNumber(NamedTuple):
    """A number that was read under a rule.

    Args:
        text: The number, as the rule writes it.
        confidence: The probability that it is this one, 0 to 1.
        readings: Its digits.
        runner_up: The next number and its probability; None if there is no other.
    """

    text: str
    confidence: float
    readings: list[Reading]
    runner_up: tuple[str, float] | None


class RuledPage(NamedTuple):
    """The numbers of a page that follow a rule, line by line, and the glyphs that are in none of them."""

    lines: list[list[RuledNumber]]
    unread: list[Glyph]


@dataclass(frozen=True, eq=False)
class _Part:
    """Some glyphs of a line and what they show together."""

    solutions: Sequence[Solution]
    glyphs: Sequence[SeenGlyph]
    decoding: Decoding

    @property
    def confidence(self) -> float:
        """Probability of the most probable number."""
        return self.decoding.numbers[0].probability if self.decoding.numbers else 0.0


def weigh_number(digits: str, seen: Sequence[SeenGlyph]) -> tuple[float, tuple[str, float] | None]:
    """Compute the probability that glyphs show a number, as it was read digit by digit, and the next number with its.

    Args:
        digits: The digits that were read.
        seen: The glyph that each digit was found in, the same one for all digits of one glyph, and others that may show
            digits that were not read.
    """
    glyphs = sorted({id(glyph): glyph for glyph in seen}.values(), key=lambda glyph: glyph.left)
    numbers = decode_number(join_lattices([glyph.lattice for glyph in glyphs])).numbers
    confidence = sum(number.probability for number in numbers if number.digits == digits)
    others = [number for number in numbers if number.digits != digits]
    return confidence, (others[0].digits, others[0].probability) if others else None


def read_by_rule(solutions: Sequence[Solution], rule: Rule, min_confidence: float) -> RuledPage:
    """Read the numbers of a page that follow a rule.

    Stretches of writing between wide gaps are parts of one number where that explains the line better.

    Args:
        solutions: What was recognised in each glyph.
        rule: What is known of the numbers.
        min_confidence: Lowest probability of a number that is kept, 0 to 1.
    """
    words, others = part_words(solutions)
    unread = [answer.glyph for word in words for answer in word.answers]
    lines = []
    for line in order_solutions(others):
        parts = _divide_line(line, rule)
        kept = [part for part in parts if part.confidence >= min_confidence and part.decoding.numbers]
        numbers = [_make_number(part, rule) for part in kept]
        unread += [solution.whole for part in parts if part not in kept for solution in part.solutions]
        if numbers:
            lines.append(numbers)
    return RuledPage(lines, unread)


def _divide_line(line: Sequence[Solution], rule: Rule) -> list[_Part]:
    """Divide a line into what is most probably one number each, by dynamic programming over its wide gaps."""
    glyphs = [solution.seen.weigh(odds) for solution, odds in zip(line, weigh_by_line(line), strict=True)]
    wholes = [solution.whole for solution in line]
    stretches = split_line([(whole.left, whole.top, whole.width, whole.height) for whole in wholes])
    best: list[tuple[float, list[_Part]]] = [(0.0, [])]
    for end in range(1, len(stretches) + 1):
        choices = []
        for start in range(max(0, end - _MOST_STRETCHES), end):
            chosen = [index for stretch in stretches[start:end] for index in stretch]
            seen = [glyphs[index] for index in chosen]
            decoding = decode_number(join_lattices([glyph.lattice for glyph in seen]), rule)
            part = _Part([line[index] for index in chosen], seen, decoding)
            joined = (end - start - 1) * np.log(_JOINED) + (start > 0) * np.log(1 - _JOINED)
            score, before = best[start]
            choices.append((score + decoding.log_likelihood + joined, [*before, part]))
        best.append(max(choices, key=lambda choice: choice[0]))
    return best[-1][1]


def _make_number(part: _Part, rule: Rule) -> RuledNumber:
    first, *others = part.decoding.numbers
    segments = [segment for glyph in part.glyphs for segment in glyph.segments]
    seen = [glyph for glyph in part.glyphs for _ in glyph.segments]
    readings = [
        Reading(segments[index].glyph, int(digit), _sum_agreeing(part.decoding.numbers, place), True, seen[index])
        for place, (digit, index) in enumerate(zip(first.digits, first.path, strict=True))
    ]
    runner_up = (rule.write(others[0].digits), others[0].probability) if others else None
    return RuledNumber(rule.write(first.digits), first.probability, readings, runner_up)


def _sum_agreeing(numbers: Sequence[Decoded], place: int) -> float:
    """Sum the probabilities of the numbers that have the same digit at a place as the first one."""
    digits = numbers[0].digits
    agreeing = [one for one in numbers if len(one.digits) == len(digits) and one.digits[place] == digits[place]]
    return min(sum(one.probability for one in agreeing), 1.0)
