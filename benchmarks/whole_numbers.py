"""Measure how well whole numbers are read on synthetic pages, with and without what is known of them, and whether the
confidence in a number is the share of numbers that are right.

    python benchmarks/whole_numbers.py [--pages 6] [--seed 50000] [--dry-run]

The pages carry digits of MNIST's test part. A number is right where the number that is read at its place is equal.
Writes benchmarks/results/numbers.json.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import results

import kerascnn
from kerascnn.datasets.synthetic import STYLES, SyntheticPage, make_page
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_rules import make_rule
from kerascnn.inference.page_text import Number, Page

_SURE = 0.99  # as read --review-below has it
_BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
_OTHERS = 500  # numbers on a list beside those of the page


@dataclass(frozen=True)
class Score:
    """What was read at the place of one number."""

    confidence: float
    right: bool


def make_pages(count: int, seed: int) -> Iterator[SyntheticPage]:
    """Make pages of all styles."""
    for style in STYLES:
        for number in range(seed, seed + count):
            yield make_page(style, number)


def list_rules(page: SyntheticPage) -> dict[str, Rule | None]:
    """Make what might be known of the numbers of a page."""
    lengths = [len(line) for line in page.lines]
    generator = np.random.default_rng(page.seed)
    others = ["".join(map(str, generator.integers(0, 10, generator.choice(lengths)))) for _ in range(_OTHERS)]
    return {
        "nothing": None,
        "how many digits": make_rule(digits=f"{min(lengths)}-{max(lengths)}"),
        "a list of 500": make_rule(expected=[*page.lines, *others]),
    }


def score(page: SyntheticPage, read: Page) -> list[Score]:
    """Compare what is read at the place of each number with the number."""
    found = [number for line in read.lines for number in line.numbers]
    scores = []
    for text, boxes in zip(page.lines, page.boxes, strict=True):
        here = [number for number in found if _covers(number, boxes)]
        # A number that is read in two parts, or not at all, is a mistake; the former in full confidence.
        confidence = max((number.confidence for number in here), default=0.0)
        scores.append(Score(confidence, len(here) == 1 and here[0].text == text))
    return scores


def _covers(number: Number, boxes: tuple[tuple[int, int, int, int], ...]) -> bool:
    left, top, width, height = number.box
    middles = [(box[0] + box[2] / 2, box[1] + box[3] / 2) for box in boxes]
    return any(left <= x <= left + width and top <= y <= top + height for x, y in middles)


def summarize(scores: list[Score]) -> dict:
    """Count the numbers that are right, those that need a look, and the wrong ones that do not."""
    sure = [one for one in scores if one.confidence >= _SURE]
    bins = []
    for low, high in pairwise(_BINS):
        inside = [one for one in scores if low <= one.confidence < high or (high == 1 and one.confidence == 1)]
        if inside:
            mean = sum(one.confidence for one in inside) / len(inside)
            bins.append([len(inside), round(mean, 4), sum(one.right for one in inside)])
    return {
        "numbers": len(scores),
        "right": sum(one.right for one in scores),
        "below 0.99": len(scores) - len(sure),
        "wrong from 0.99": sum(not one.right for one in sure),
        "bins": bins,
    }


def main() -> None:
    """Parse, measure, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=6, help="Number of pages of each style.")
    parser.add_argument("--seed", type=int, default=50_000, help="Random seed of the first page of each style.")
    parser.add_argument("--dry-run", action="store_true", help="Read few pages and write nothing.")
    arguments = parser.parse_args()
    model, scores = kerascnn.load("reference"), {}
    for page in make_pages(1 if arguments.dry_run else arguments.pages, arguments.seed):
        for name, rule in list_rules(page).items():
            scores.setdefault(name, []).extend(score(page, kerascnn.read(page.picture, model, rule=rule)))
    figures = {name: summarize(of_rule) for name, of_rule in scores.items()}
    for name, figure in figures.items():
        print(name, figure)
    if not arguments.dry_run:
        results.write("numbers", {"pages a style": arguments.pages, "first seed": arguments.seed, "scores": figures})


if __name__ == "__main__":
    main()
