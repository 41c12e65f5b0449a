"""Rejection rates of a model, on digits, which it should accept, and on other pictures.

    python benchmarks/rejection.py [--model M | --fit SEED] [--fonts DIRECTORY] [--fashion-mnist DIRECTORY]
        [--singles DIRECTORY]

`--fonts` has font files (Debian's packages fonts-liberation and fonts-comic-neue, say; those of matplotlib are trained
on), `--fashion-mnist` IDX files (Debian's package dataset-fashion-mnist has them), `--singles` pictures of single
digits. For the reference model it writes benchmarks/results/rejection.json, for one that `--fit` trains by the recipe
`quick` benchmarks/results/rejection-quick-seed-S.json.
"""

import argparse
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import results
from PIL import Image, ImageDraw, ImageFont

import kerascnn
from kerascnn.datasets import Dataset, load_dataset
from kerascnn.datasets.augmentation.outliers import LOOK_LIKE_DIGITS
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.sources import expand_sources


def letters(fonts: list[Callable[[int], ImageFont.FreeTypeFont]]) -> list[Image.Image]:
    """Draw each letter that does not look like a digit in each font, which is not in the training data."""
    pictures = []
    for font in fonts:
        for text in sorted(set(string.ascii_letters) - LOOK_LIKE_DIGITS):
            for size in (50, 70, 90, 110):
                for turn in (-5, 0, 5):
                    picture = Image.new("L", (200, 200), 235)
                    ImageDraw.Draw(picture).text((60, 30), text, fill=30, font=font(size))
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


def scribbles(generator: np.random.Generator) -> list[Image.Image]:
    """Draw random walks of a pen, from an angular to a smooth one."""
    pictures = []
    for _ in range(400):
        steps = cv2.blur(generator.normal(0, 1, (120, 2)), (1, int(generator.integers(1, 9))))
        path = np.cumsum(steps, axis=0)
        path = 25 + 150 * (path - path.min(axis=0)) / np.ptp(path, axis=0).max()
        picture = Image.new("L", (200, 200), 235)
        pen = int(generator.integers(4, 13))
        ImageDraw.Draw(picture).line([tuple(point) for point in path], fill=30, width=pen, joint="curve")
        pictures.append(picture)
    return pictures


def spoilt_digits(dataset: Dataset, generator: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Halve test digits, and put two of them beside and above each other, dark on light and four times as large."""

    def ink(image: np.ndarray) -> np.ndarray:
        rows, columns = (np.flatnonzero((image > 60).any(axis=axis)) for axis in (1, 0))
        return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    def enlarge(image: np.ndarray) -> np.ndarray:
        return 255 - cv2.resize(np.pad(image, 8), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)

    def beside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Put two images beside each other, touching or a little apart."""
        height = max(len(first), len(second))
        parts = [np.pad(part, ((0, height - len(part)), (0, 0))) for part in (first, second)]
        return np.concatenate([parts[0], np.zeros((height, generator.choice([0, 3])), np.uint8), parts[1]], axis=1)

    halves, rows, columns = [], [], []
    # No half of another digit is certain to look like none.
    for image in dataset.test_images[np.isin(dataset.test_labels, (2, 5))][:150]:
        digit = ink(image)
        height, width = digit.shape
        halves += [enlarge(half) for half in (digit[: height // 2], digit[:, : width // 2], digit[:, width // 2 :])]
    for first, second in generator.integers(len(dataset.test_images), size=(400, 2)):
        pair = ink(dataset.test_images[first]), ink(dataset.test_images[second])
        rows.append(enlarge(beside(*pair)))
        columns.append(enlarge(beside(pair[0].T, pair[1].T).T))
    return {"halves of 2 and 5": halves, "two digits beside": rows, "two digits above": columns}


def measure_rejection(model: Predictor, pictures: list) -> dict:
    """Measure the number of pictures and the share that is rejected."""
    predictions = model.predict(pictures)
    share = sum(prediction.label is None for prediction in predictions) / len(predictions)
    return {"num_samples": len(predictions), "withheld": round(share, 4)}


def fit(seed: int) -> Predictor:
    """Train a model as a user does who says nothing else."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "mnist_cnn.keras"
        options = ["--backend", "tensorflow", "--seed", str(seed), "--output", str(path)]
        subprocess.run([sys.executable, "-m", "kerascnn", "fit", *options], stdout=subprocess.DEVNULL, check=True)
        return kerascnn.load(path)


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="reference")
    parser.add_argument("--fit", type=int, metavar="SEED", help="Train a model with this seed instead.")
    parser.add_argument("--fonts", type=Path)
    parser.add_argument("--fashion-mnist", type=Path)
    parser.add_argument("--singles", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="Read few pictures and record nothing.")
    arguments = parser.parse_args()
    model = kerascnn.load(arguments.model) if arguments.fit is None else fit(arguments.fit)
    count = 20 if arguments.dry_run else 10000
    dataset, generator = load_dataset("mnist"), np.random.default_rng(0)
    pictures = {
        "MNIST test": list(dataset.test_images),
        "letters": letters([ImageFont.load_default]),
        "noise": noise(generator),
        "scribbles": scribbles(generator),
        **spoilt_digits(dataset, generator),
    }
    if arguments.fonts:
        paths = sorted(path for path in arguments.fonts.rglob("*") if path.suffix in (".ttf", ".otf"))
        pictures["letters of other fonts"] = letters([partial(ImageFont.truetype, str(path)) for path in paths])
    if arguments.fashion_mnist:
        pictures["Fashion-MNIST test"] = list(load_dataset(arguments.fashion_mnist).test_images)
    if arguments.singles:
        pictures["real single digits"] = expand_sources([str(arguments.singles)])
    figures = {name: measure_rejection(model, chosen[:count]) for name, chosen in pictures.items()}
    figures = {"threshold": model.card.rejection_threshold, **figures}
    print(figures)
    if arguments.dry_run:
        return
    if arguments.fit is not None:
        figures = {"seed": arguments.fit, "test_accuracy": model.card.metrics["test_accuracy"], **figures}
        results.write(f"rejection-quick-seed-{arguments.fit}", figures)
    elif arguments.model == "reference":
        results.write("rejection", figures)


if __name__ == "__main__":
    main()
