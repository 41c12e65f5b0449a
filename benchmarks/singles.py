"""Accuracy on single digits of MNIST's test part in the styles of the synthetic pages.

    python benchmarks/singles.py [--count 40] [--seed 50000]

Writes benchmarks/results/singles.json.
"""

import argparse

import results

import kerascnn
from kerascnn.datasets.synthetic import STYLES, SyntheticPage, make_page

SINGLE_STYLES = [style for style in STYLES if style != "touching"]
"""A picture of one digit cannot have touching ones."""


def single_digits(style: str, count: int, seed: int, part: str = "test") -> list[SyntheticPage]:
    """Make pictures of one digit each, from a part of MNIST."""
    return [make_page(style, number, part=part, num_lines=1, digits_per_line=1) for number in range(seed, seed + count)]


def read(model, style: str, pages: list[SyntheticPage]) -> dict:
    """Read the pictures of one style."""
    predictions = model.predict([page.picture for page in pages])
    right = sum(prediction.label == page.lines[0] for page, prediction in zip(pages, predictions, strict=True))
    withheld = sum(prediction.label is None for prediction in predictions)
    return {"style": style, "num_samples": len(pages), "right": right, "withheld": withheld}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="reference")
    parser.add_argument("--count", type=int, default=40, help="Number of pictures of each style.")
    parser.add_argument("--seed", type=int, default=50000, help="Random seed of the first picture of each style.")
    parser.add_argument("--dry-run", action="store_true", help="Read one picture of each style and record nothing.")
    arguments = parser.parse_args()
    model = kerascnn.load(arguments.model)
    count = 1 if arguments.dry_run else arguments.count
    scores = [read(model, style, single_digits(style, count, arguments.seed)) for style in SINGLE_STYLES]
    for score in scores:
        print(f"{score['style']:16} {score['right']}/{score['num_samples']}  withheld {score['withheld']}")
    if not arguments.dry_run:
        results.write("singles", {"seed": arguments.seed, "scores": scores})


if __name__ == "__main__":
    main()
