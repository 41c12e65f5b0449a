"""Measure how well `kerascnn.read` reads synthetic pages, style by style.

    python benchmarks/pages.py [--model reference] [--pages 10] [--seed 1000] [--style NAME ...] [--dry-run]

The pages carry digits of MNIST's test part, so that no network has been trained on them. Writes
benchmarks/results/pages.json and prints a Markdown table.
"""

import argparse
import time
from collections import Counter
from dataclasses import asdict, dataclass

import results

import kerascnn
from kerascnn.inference import Predictor
from kerascnn.synthetic import STYLES, SyntheticPage, make_page


@dataclass
class Score:
    """What was read on the pages of one style."""

    style: str
    num_pages: int = 0
    num_digits: int = 0
    num_errors: int = 0
    num_lines: int = 0
    num_exact_lines: int = 0
    seconds: float = 0.0

    def add(self, page: SyntheticPage, read: list[str], seconds: float) -> None:
        """Count one page: edit distance over its whole text, lines without a mistake."""
        text = "".join(page.lines)
        self.num_pages += 1
        self.num_digits += len(text)
        self.num_errors += min(edit_distance(text, "".join(read)), len(text))
        self.num_lines += len(page.lines)
        self.num_exact_lines += sum((Counter(page.lines) & Counter(read)).values())
        self.seconds += seconds

    def row(self) -> str:
        """The score as a row of a Markdown table."""
        digits = 1 - self.num_errors / self.num_digits
        lines = self.num_exact_lines / self.num_lines
        return (
            f"| {self.style} | {self.num_digits:,} | {digits:.1%} | {self.num_lines} | {lines:.1%} "
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


def measure(predictor: Predictor, style: str, num_pages: int, seed: int) -> Score:
    """Read the pages of one style."""
    score = Score(style)
    for number in range(seed, seed + num_pages):
        page = make_page(style, number)
        start = time.perf_counter()
        result = kerascnn.read(page.picture, predictor)
        seconds = time.perf_counter() - start
        score.add(page, [line.text.replace(" ", "") for line in result.lines], seconds)
    return score


def main() -> None:
    """Parse, measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="reference", help="a .keras file, or 'reference'")
    parser.add_argument("--pages", type=int, default=10, help="pages a style")
    parser.add_argument("--seed", type=int, default=1000, help="of the first page of each style")
    parser.add_argument("--style", action="append", choices=list(STYLES), help="only this one; may be repeated")
    parser.add_argument("--dry-run", action="store_true", help="one page a style; nothing is written")
    arguments = parser.parse_args()
    predictor = kerascnn.load(arguments.model)
    num_pages = 1 if arguments.dry_run else arguments.pages
    print("| style | digits | right | lines | exact | s a page |\n|---|---|---|---|---|---|")
    scores = []
    for style in arguments.style or STYLES:
        scores.append(measure(predictor, style, num_pages, arguments.seed))
        print(scores[-1].row(), flush=True)
    total = Score("all")
    for field in ("num_pages", "num_digits", "num_errors", "num_lines", "num_exact_lines", "seconds"):
        setattr(total, field, sum(getattr(score, field) for score in scores))
    print(total.row())
    if not arguments.dry_run:
        write(arguments, predictor, [*scores, total])


def write(arguments: argparse.Namespace, predictor: Predictor, scores: list[Score]) -> None:
    """Write the scores with all that is needed to repeat them."""
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
