"""Read whole numbers: what a page's glyphs say together, and what is known of the numbers beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from kerascnn.images.glyphs import Glyph
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
from kerascnn.inference.symbol_placement import assign_symbols, split_with_symbols
from kerascnn.inference.symbol_reading import FoundSymbol, PageSymbols

_MOST_STRETCHES = 8  # of writing between wide gaps, that may be one number
_JOINED = 0.05  # probability that a wide gap lies within a number


class RuledNumber(NamedTuple):
    """A number that was read under a rule.

    Args:
        text: The number, as the rule writes it.
        confidence: The probability that it is this one, 0 to 1.
        readings: Its digits.
        runner_up: The next number and its probability; None if there is no other.
        symbols: What stands between its digits.
    """

    text: str
    confidence: float
    readings: list[Reading]
    runner_up: tuple[str, float] | None
    symbols: Sequence[FoundSymbol] = ()


class RuledPage(NamedTuple):
    """The numbers of a page that follow a rule, line by line.

    Args:
        lines: The numbers of each line.
        unread: The glyphs that are in none of them.
        has_symbols: Whether symbols between digits were looked for.
    """

    lines: list[list[RuledNumber]]
    unread: list[Glyph]
    has_symbols: bool = False


@dataclass(frozen=True, eq=False)
class _Part:
    """Some glyphs of a line and what they show together."""

    solutions: Sequence[Solution]
    glyphs: Sequence[SeenGlyph]
    decoding: Decoding
    symbols: Sequence[FoundSymbol]


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


def read_by_rule(
    solutions: Sequence[Solution], rule: Rule, min_confidence: float, symbols: PageSymbols | None = None
) -> RuledPage:
    """Read the numbers of a page that follow a rule.

    Stretches of writing between wide gaps are parts of one number where that explains the line better. Symbols stand
    where they were read, unless the rule writes them itself.

    Args:
        solutions: What was recognised in each glyph.
        rule: What is known of the numbers.
        min_confidence: Lowest probability of a number that is kept, 0 to 1.
        symbols: What stands between the digits; None if that was not looked for.
    """
    words, others = part_words(solutions)
    unread = [answer.glyph for word in words for answer in word.answers]
    lines = []
    ordered, found = order_solutions(others), [] if symbols is None else symbols.found
    assigned = assign_symbols(
        [[_box(solution.whole) for solution in line] for line in ordered], [_box(one.glyph) for one in found]
    )
    for line, chosen in zip(ordered, assigned, strict=True):
        parts = _divide_line(line, [found[index] for index in chosen], rule)
        made = [(part, _make_number(part, rule)) for part in parts if part.decoding.numbers]
        kept = [part for part, number in made if number.confidence >= min_confidence]
        numbers = [number for _, number in made if number.confidence >= min_confidence]
        unread += [solution.whole for part in parts if part not in kept for solution in part.solutions]
        if numbers:
            lines.append(numbers)
    return RuledPage(lines, unread, symbols is not None)


def _divide_line(line: Sequence[Solution], symbols: Sequence[FoundSymbol], rule: Rule) -> list[_Part]:
    """Divide a line into what is most probably one number each, by dynamic programming over its wide gaps."""
    glyphs = [solution.seen.weigh(odds) for solution, odds in zip(line, weigh_by_line(line), strict=True)]
    stretches = split_with_symbols(
        [_box(solution.whole) for solution in line], [_box(symbol.glyph) for symbol in symbols]
    )
    best: list[tuple[float, list[_Part]]] = [(0.0, [])]
    for end in range(1, len(stretches) + 1):
        choices = []
        for start in range(max(0, end - _MOST_STRETCHES), end):
            chosen = [index for stretch in stretches[start:end] for index in stretch]
            between = [symbols[index - len(line)] for index in chosen if index >= len(line)]
            chosen = [index for index in chosen if index < len(line)]
            seen = [glyphs[index] for index in chosen]
            decoding = decode_number(join_lattices([glyph.lattice for glyph in seen]), rule)
            part = _Part([line[index] for index in chosen], seen, decoding, between)
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
    text, confidence = _write(first.digits, readings, part.symbols, rule), first.probability
    if text != rule.write(first.digits):
        confidence *= prod(symbol.confidence for symbol in part.symbols)
    elif text == first.digits:  # Then what was taken for symbols is none.
        confidence *= prod(1 - symbol.confidence for symbol in part.symbols)
    # Of a number with more or fewer digits it is not known between which of them the symbols stand.
    is_known = others and (not part.symbols or len(others[0].digits) == len(first.digits))
    other = _write(others[0].digits, readings, part.symbols, rule) if is_known else None
    runner_up = (other, others[0].probability) if other else None
    return RuledNumber(text, confidence, readings, runner_up, part.symbols)


def _write(digits: str, readings: Sequence[Reading], symbols: Sequence[FoundSymbol], rule: Rule) -> str:
    """Write a number with its symbols as they were read, where the rule allows that, else as the rule does."""
    as_read = _insert(digits, readings, symbols) if symbols else digits
    return as_read if symbols and rule.allows(as_read) else rule.write(digits)


def _insert(digits: str, readings: Sequence[Reading], symbols: Sequence[FoundSymbol]) -> str:
    """Write digits that were read at some places with the symbols between them."""
    placed = [(_find_centre(reading.glyph), digit) for reading, digit in zip(readings, digits, strict=True)]
    placed += [(_find_centre(symbol.glyph), symbol.symbol) for symbol in symbols]
    return "".join(character for _, character in sorted(placed, key=lambda one: one[0]))


def _find_centre(glyph: Glyph) -> float:
    return glyph.left + glyph.width / 2


def _box(glyph: Glyph) -> tuple[int, int, int, int]:
    return glyph.left, glyph.top, glyph.width, glyph.height


def _sum_agreeing(numbers: Sequence[Decoded], place: int) -> float:
    """Sum the probabilities of the numbers that have the same digit at a place as the first one."""
    digits = numbers[0].digits
    agreeing = [one for one in numbers if len(one.digits) == len(digits) and one.digits[place] == digits[place]]
    return min(sum(one.probability for one in agreeing), 1.0)
