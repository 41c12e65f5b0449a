"""Decode whole numbers: over all cuts of their glyphs and all digits of these, under a rule that numbers follow.

The probability of a number is the sum over all paths of the lattice that spell it, whatever is cut where. A rule makes
the numbers that it holds for more probable than all others, as many times as there are fewer of them.

Sources: the graph transformers of LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
recognition", 1998, section VI; the merged hypotheses of prefix search decoding of Graves, Fernández, Gomez,
Schmidhuber, "Connectionist temporal classification", ICML 2006.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kerascnn.inference.number_automaton import Rule, State, count_numbers
from kerascnn.inference.number_rules import NumDigits
from kerascnn.inference.segment_evidence import NO_DIGIT
from kerascnn.inference.segment_lattice import Lattice

ANY_NUMBER = NumDigits()
"""The rule of which nothing follows."""

FOLLOWS = 0.98
"""Probability that a number follows the rule that is given: pages also have dates, page numbers and mistakes."""

_NEGLIGIBLE = 12.0  # natural logarithm of how many times less probable a label is than the best one, to be left out
_MOST_NODES = 400  # of the lattice of one number; what is longer is a pattern, and no number
_KEPT = 6  # numbers that begin differently and are kept at one place, in one state
_MOST_STATES, _FEW_STATES = 512, 16  # of a rule, kept at one place, and of each number of digits; an IBAN has 10,000
_KEPT_FREELY = 24  # the same over all numbers of digits, where nothing makes one of these more probable at the end
_BEAM = 20.0  # the same logarithm of a beginning against the best one at its place; without it, long numbers take long


class Decoded(NamedTuple):
    """One number that glyphs may show.

    Args:
        digits: Its digits.
        probability: That they show it, 0 to 1.
        path: The segments that show a digit on its most probable path, as indices of edges; as many as digits.
    """

    digits: str
    probability: float
    path: tuple[int, ...]


class Decoding(NamedTuple):
    """What glyphs show.

    Args:
        numbers: The most probable numbers, the best first; none if the glyphs cannot show what the rule holds for.
        log_likelihood: How well the glyphs show a number at all: logarithm of the sum over all paths.
    """

    numbers: list[Decoded]
    log_likelihood: float


@dataclass
class _Hypothesis:
    """A beginning of a number: the sum over its paths, and the best of them; both natural logarithms."""

    total: float
    best: float
    path: tuple[int, ...]


_Hypotheses = dict[str, _Hypothesis]


def join_lattices(lattices: Sequence[Lattice]) -> Lattice:
    """Join the lattices of glyphs that follow each other into one; edges keep their order."""
    edges: list[tuple[int, int]] = []
    start = 0
    for lattice in lattices:
        edges += [(first + start, last + start) for first, last in lattice.edges]
        start += lattice.end
    return Lattice(edges, np.concatenate([lattice.scores for lattice in lattices]))


def decode_number(lattice: Lattice, rule: Rule | None = None) -> Decoding:
    """Decode the number that a lattice shows.

    Args:
        lattice: The segments of all glyphs of the number, with the scores of ten digits and of `NO_DIGIT`.
        rule: What is known of the number; None for nothing.
    """
    free = lattice.compute_log_sum()
    if lattice.end > _MOST_NODES:
        return Decoding([], free + (np.log(1 - FOLLOWS) if rule else 0.0))
    ends = _search(lattice, rule or ANY_NUMBER)
    gains = {length: _compute_gain(rule, length) if rule else 0.0 for length in ends}
    sums = [gains[length] + one.total for length, found in ends.items() for one in found.values()]
    # Where a rule is given, the numbers that it holds for gain; all of them may be written in spite of it.
    likelihood = float(np.logaddexp.reduce([*sums, free + np.log(1 - FOLLOWS)])) if rule else free
    numbers = [
        Decoded(digits, float(np.exp(min(weight + one.total - likelihood, 0.0))), one.path)
        for length, found in ends.items()
        for weight in [float(np.logaddexp(gains[length], np.log(1 - FOLLOWS))) if rule else 0.0]
        for digits, one in found.items()
    ]
    return Decoding(sorted(numbers, key=lambda number: -number.probability), likelihood)


@lru_cache(maxsize=64)
def _compute_gain(rule: Rule, num_digits: int) -> float:
    """Compute how many times as probable the rule makes a number that it holds for, as a natural logarithm."""
    count = count_numbers(rule, num_digits)
    return float(np.log(FOLLOWS) + num_digits * np.log(10) - np.log(max(count, 1)))


def _search(lattice: Lattice, rule: Rule) -> dict[int, _Hypotheses]:
    """Find the numbers that paths spell and the rule holds for, by their number of digits."""
    reached: dict[int, dict[tuple[int, State], _Hypotheses]] = {0: {(0, rule.start): {"": _Hypothesis(0.0, 0.0, ())}}}
    labels = [_list_labels(scores) for scores in lattice.scores]
    kept: dict[int, dict[tuple[int, State], _Hypotheses]] = {}
    for index in lattice.order_edges():
        first, last = lattice.edges[index]
        if first not in kept:  # All segments that end here were gone through before.
            kept[first] = _keep_best(reached.get(first, {}), _KEPT_FREELY if rule is ANY_NUMBER else None)
        there = reached.setdefault(last, {})
        best = max(map(_find_best, kept[first].values()), default=0.0)
        for (length, state), found in kept[first].items():
            least = labels[index][0][1] + best - _find_best(found) - _BEAM
            for label, score in labels[index]:
                if score < least:  # By this and what went before, it would not be kept at the next place.
                    break
                following: Any = state if label == NO_DIGIT else rule.step(state, str(label))
                if following is None:
                    continue
                if label == NO_DIGIT:
                    _extend(there.setdefault((length, state), {}), found, "", score, ())
                else:
                    _extend(there.setdefault((length + 1, following), {}), found, str(label), score, (index,))
    ends: dict[int, _Hypotheses] = {}
    for (length, state), found in reached.get(lattice.end, {}).items():
        if length and rule.accepts(state):
            ends.setdefault(length, {}).update(found)
    return ends


def _list_labels(scores: np.ndarray) -> list[tuple[int, float]]:
    """List the labels of a segment that are not negligible, with their scores, the best first."""
    best = np.argsort(-scores, kind="stable")
    return [(int(label), float(scores[label])) for label in best if scores[label] >= scores.max() - _NEGLIGIBLE]


def _keep_best(reached: dict[tuple[int, State], _Hypotheses], most: int | None) -> dict[tuple[int, State], _Hypotheses]:
    """Keep the beginnings at one place that are worth going on with, at most so many if that is given."""
    totals = sorted((one.total for found in reached.values() for one in found.values()), reverse=True)
    if not totals:
        return {}
    least = max(totals[0] - _BEAM, totals[min(most, len(totals)) - 1] if most else -np.inf)
    kept: dict[tuple[int, State], _Hypotheses] = {}
    num_states: Counter[int] = Counter()
    # Numbers with more or fewer digits may gain more by the rule in the end.
    for (length, state), found in sorted(reached.items(), key=lambda one: -_find_best(one[1])):
        best = sorted((digits for digits in found if found[digits].total >= least), key=lambda one: -found[one].total)
        if best and (len(kept) < _MOST_STATES or num_states[length] < _FEW_STATES):
            num_states[length] += 1
            kept[length, state] = {digits: found[digits] for digits in best[:_KEPT]}
    return kept


def _find_best(found: _Hypotheses) -> float:
    return max(one.total for one in found.values())


def _extend(there: _Hypotheses, found: _Hypotheses, digit: str, score: float, path: tuple[int, ...]) -> None:
    """Add a digit to beginnings of numbers, where paths that spell the same are one."""
    for digits, one in found.items():
        before = there.get(digits + digit)
        if before is None:
            there[digits + digit] = _Hypothesis(one.total + score, one.best + score, one.path + path)
            continue
        before.total = float(np.logaddexp(before.total, one.total + score))
        if one.best + score > before.best:
            before.best, before.path = one.best + score, one.path + path
