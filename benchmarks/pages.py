"""Measure how well `kerascnn.read` reads synthetic pages, style by style, with each of the segmenters in turn.

    python benchmarks/pages.py [--model reference] [--pages 10] [--seed 1000] [--style NAME ...]
                               [--segmenter NAME ...] [--dry-run]

The pages carry digits of MNIST's test part, so that no network has been trained on them. A digit is found where one box
shows it and no other one; IoU is that of the pixels of the digits' ink. Writes benchmarks/results/pages.json and prints
a Markdown table.
"""

import argparse
import time
from collections import Counter
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import results
from matching import match

import kerascnn
from kerascnn.datasets.synthetic import STYLES, SyntheticPage, make_page
from kerascnn.images.binarization import binarize_page
from kerascnn.inference.page_text import Page
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segmenters import SEGMENTERS, Segmenter, load_segmenter

_SUMS = (
    "num_pages",
    "num_digits",
    "num_errors",
    "num_lines",
    "num_exact_lines",
    "found",
    "split",
    "merged",
    "ink_of_both",
    "ink_of_either",
    "seconds",
)


@dataclass
class Score:
    """Score on the pages of one style."""

    segmenter: str
    style: str
    num_pages: int = 0
    num_digits: int = 0
    num_errors: int = 0
    num_lines: int = 0
    num_exact_lines: int = 0
    found: int = 0
    split: int = 0
    merged: int = 0
    ink_of_both: int = 0
    ink_of_either: int = 0
    seconds: float = 0.0

    def add(self, page: SyntheticPage, result: Page, seconds: float) -> None:
        """Count one page: edit distance over its whole text, lines without a mistake, boxes."""
        read = [line.text.replace(" ", "") for line in result.lines]
        text = "".join(page.lines)
        matches = match(
            [box for line in page.boxes for box in line], [digit.box for line in result.lines for digit in line.digits]
        )
        self.num_pages += 1
        self.num_digits += len(text)
        self.num_errors += min(edit_distance(text, "".join(read)), len(text))
        self.num_lines += len(page.lines)
        self.num_exact_lines += sum((Counter(page.lines) & Counter(read)).values())
        self.found += matches.found
        self.split += matches.split
        self.merged += matches.merged
        self.seconds += seconds

    def add_ink(self, page: SyntheticPage, found: np.ndarray) -> None:
        """Count the pixels of the digits' ink."""
        size = found.shape[::-1]
        true = cv2.resize(page.instances, size, interpolation=cv2.INTER_NEAREST) > 0
        self.ink_of_both += int((true & found).sum())
        self.ink_of_either += int((true | found).sum())

    def row(self) -> str:
        """The score as a row of a Markdown table."""
        return (
            f"| {self.style} | {self.segmenter} | {self.num_digits:,} | {1 - self.num_errors / self.num_digits:.1%} "
            f"| {self.num_exact_lines / self.num_lines:.1%} | {self.found / self.num_digits:.1%} | {self.split} "
            f"| {self.merged} | {self.ink_of_both / max(self.ink_of_either, 1):.3f} "
            f"| {self.seconds / self.num_pages:.2f} |"
        )


def edit_distance(first: str, second: str) -> int:
    """The number of insertions, deletions and replacements between two texts (Levenshtein)."""
    distances = list(range(len(second) + 1))
    for row, character in enumerate(first, 1):
        previous, distances[0] = distances[0], row
        for column, other in enumerate(second, 1):
            previous, distances[column] = (
                distances[column],
                min(distances[column] + 1, distances[column - 1] + 1, previous + (character != other)),
            )
    return distances[-1]


def measure(
    predictor: Predictor, segmenters: dict[str, Segmenter], style: str, num_pages: int, seed: int
) -> list[Score]:
    """Read the pages of one style, each with all segmenters."""
    scores = {name: Score(name, style) for name in segmenters}
    for number in range(seed, seed + num_pages):
        page = make_page(style, number)
        ink = binarize_page(page.picture)
        for name, segmenter in segmenters.items():
            start = time.perf_counter()
            result = kerascnn.read(page.picture, predictor, segmenter=segmenter)
            scores[name].add(page, result, time.perf_counter() - start)
            scores[name].add_ink(page, segmenter(ink).digits)
    return list(scores.values())


def sum_scores(scores: list[Score], segmenter: str) -> Score:
    """Sum the scores over the styles."""
    total = Score(segmenter, "all")
    for field in _SUMS:
        setattr(total, field, sum(getattr(score, field) for score in scores if score.segmenter == segmenter))
    return total


def main() -> None:
    """Parse, measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="reference", help="Path of a .keras file, or 'reference'.")
    parser.add_argument("--pages", type=int, default=10, help="Number of pages of each style.")
    parser.add_argument("--seed", type=int, default=1000, help="Random seed of the first page of each style.")
    parser.add_argument(
        "--style", action="append", choices=list(STYLES), help="Measure this style only; may be repeated."
    )
    parser.add_argument(
        "--segmenter", action="append", help="Segmenter to measure, or path of a U-Net; may be repeated."
    )
    parser.add_argument("--dry-run", action="store_true", help="Read one page of each style and write nothing.")
    arguments = parser.parse_args()
    predictor = kerascnn.load(arguments.model)
    segmenters = {name: load_segmenter(name) for name in arguments.segmenter or SEGMENTERS}
    num_pages = 1 if arguments.dry_run else arguments.pages
    print("| style | segmenter | digits | right | exact lines | found | split | merged | IoU | s a page |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    scores: list[Score] = []
    for style in arguments.style or STYLES:
        new = measure(predictor, segmenters, style, num_pages, arguments.seed)
        print("\n".join(score.row() for score in new), flush=True)
        scores += new
    totals = [sum_scores(scores, name) for name in segmenters]
    print("\n".join(score.row() for score in totals))
    if not arguments.dry_run:
        write(arguments, predictor, [*scores, *totals])


def write(arguments: argparse.Namespace, predictor: Predictor, scores: list[Score]) -> None:
    """Write the scores with everything that is needed to repeat them."""
    figures = {
        "command": f"python benchmarks/pages.py --pages {arguments.pages} --seed {arguments.seed}",
        "model": predictor.card.name,
        "engine": predictor.engine.name,
        "pages_a_style": arguments.pages,
        "first_seed": arguments.seed,
        "scores": [asdict(score) for score in scores],
    }
    results.write("pages", figures)


if __name__ == "__main__":
    main()
