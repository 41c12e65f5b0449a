"""Rejection rates of the reference model, on digits, which it should accept, and on other pictures.

    python benchmarks/rejection.py --fashion-mnist DIRECTORY [--singles DIRECTORY]

`--fashion-mnist` is a directory of IDX files (Debian's package dataset-fashion-mnist has one), `--singles` a directory
of pictures of single digits. Writes benchmarks/results/rejection.json.
"""

import argparse
import string
from pathlib import Path

import numpy as np
import results
from PIL import Image, ImageDraw, ImageFont

import kerascnn
from kerascnn.datasets import load_dataset
from kerascnn.datasets.augmentation.outliers import LOOK_LIKE_DIGITS
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.sources import expand_directories


def letters() -> list[Image.Image]:
    """Draw each letter that does not look like a digit in Pillow's own font, which is not in the training data."""
    pictures = []
    for text in sorted(set(string.ascii_letters) - LOOK_LIKE_DIGITS):
        for size in (50, 70, 90, 110):
            for turn in (-5, 0, 5):
                picture = Image.new("L", (200, 200), 235)
                ImageDraw.Draw(picture).text((60, 30), text, fill=30, font=ImageFont.load_default(size))
                pictures.append(picture.rotate(turn, fillcolor=235))
    return pictures


def noise(generator: np.random.Generator) -> list[np.ndarray]:
    """Make noise of every coarseness, in pictures of 120 and of 28 pixels."""
    pictures = []
    for side in (28, 120):
        for cells in (4, 8, 14, 28, side):
            for _ in range(40):
                small = Image.fromarray(generator.integers(0, 256, (cells, cells)).astype(np.uint8))
                pictures.append(np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)))
    return pictures


def measure_rejection(model: Predictor, pictures: list) -> dict:
    """Measure the number of pictures and the share that is rejected."""
    predictions = model.predict(pictures)
    share = sum(prediction.label is None for prediction in predictions) / len(predictions)
    return {"num_samples": len(predictions), "withheld": round(share, 4)}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fashion-mnist", type=Path)
    parser.add_argument("--singles", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="Read few pictures and record nothing.")
    arguments = parser.parse_args()
    model = kerascnn.load("reference")
    count = 20 if arguments.dry_run else 10000
    figures = {
        "threshold": model.card.rejection_threshold,
        "MNIST test": measure_rejection(model, list(load_dataset("mnist").test_images[:count])),
        "letters": measure_rejection(model, letters()[:count]),
        "noise": measure_rejection(model, noise(np.random.default_rng(0))[:count]),
    }
    if arguments.fashion_mnist:
        figures["Fashion-MNIST test"] = measure_rejection(
            model, list(load_dataset(arguments.fashion_mnist).test_images[:count])
        )
    if arguments.singles:
        figures["real single digits"] = measure_rejection(model, expand_directories([str(arguments.singles)]))
    print(figures)
    if not arguments.dry_run:
        results.write("rejection", figures)


if __name__ == "__main__":
    main()
