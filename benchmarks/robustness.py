"""Robustness: accuracy of the default recipe and of the reference on degraded digits.

    python benchmarks/robustness.py --seed-model saved_models/mnist_cnn.keras

Each of the first 500 test images becomes a picture of 56x56 pixels, dark on light, is changed, and read as any
picture is. Writes benchmarks/results/robustness.csv and docs/images/robustness.png.
"""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import results

import kerascnn
from kerascnn.datasets import load_dataset
from kerascnn.inference.predictor import Predictor

SIDE = 56
FIGURE = Path(__file__).parent.parent / "docs" / "images" / "robustness.png"


def rotate(ink: np.ndarray, degrees: float, generator: np.random.Generator) -> np.ndarray:
    """Rotate to either side."""
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees * generator.choice([-1, 1]), 1)
    return cv2.warpAffine(ink, turn, (SIDE, SIDE))


def scale(ink: np.ndarray, factor: float, generator: np.random.Generator) -> np.ndarray:
    """Scale about the middle."""
    return cv2.warpAffine(ink, cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 0, factor), (SIDE, SIDE))


def shift(ink: np.ndarray, pixels: float, generator: np.random.Generator) -> np.ndarray:
    """Shift in any direction."""
    angle = generator.uniform(0, 2 * np.pi)
    move = np.float32([[1, 0, pixels * np.cos(angle)], [0, 1, pixels * np.sin(angle)]])
    return cv2.warpAffine(ink, move, (SIDE, SIDE))


def blur(ink: np.ndarray, sigma: float, generator: np.random.Generator) -> np.ndarray:
    """Blur."""
    return cv2.GaussianBlur(ink, (0, 0), sigma) if sigma else ink


def add_noise(ink: np.ndarray, deviation: float, generator: np.random.Generator) -> np.ndarray:
    """Add noise, in grey levels, as in a dark photo."""
    return np.clip(ink + generator.normal(0, deviation, ink.shape), 0, 255).astype(np.uint8)


def fade(ink: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Fade the ink, on paper with noise of two grey levels."""
    return add_noise(ink * share, 2, generator)


def change_width(ink: np.ndarray, pixels: float, generator: np.random.Generator) -> np.ndarray:
    """Widen (or, below zero, thin) the stroke by this number of 56 pixels on each side."""
    size = 2 * abs(int(pixels)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(ink, kernel) if pixels > 0 else cv2.erode(ink, kernel)


def compress(ink: np.ndarray, quality: float, generator: np.random.Generator) -> np.ndarray:
    """Compress as JPEG."""
    _, encoded = cv2.imencode(".jpg", 255 - ink, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return 255 - cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


CHANGES: dict[str, tuple[Callable, str, tuple[float, ...]]] = {
    "rotation": (rotate, "degrees", (0, 10, 20, 30, 40, 50)),
    "scale": (scale, "factor", (0.2, 0.3, 0.5, 0.7, 1.0, 1.3)),
    "shift": (shift, "pixels of 56", (0, 2, 4, 6, 8, 10)),
    "blur": (blur, "sigma, pixels of 56", (0, 1, 2, 3, 4, 5)),
    "noise": (add_noise, "standard deviation, grey levels", (0, 10, 20, 40, 60, 80)),
    "contrast": (fade, "share of full ink", (0.1, 0.15, 0.2, 0.3, 0.5, 1.0)),
    "stroke width": (change_width, "change on each side, pixels of 56", (-2, -1, 0, 1, 2, 3)),
    "JPEG quality": (compress, "quality", (1, 3, 5, 10, 20, 50)),
}


def measure(models: dict[str, Predictor], num_images: int) -> list[dict]:
    """Measure the top-1 accuracy for every change, value and model."""
    data = load_dataset("mnist")
    labels = data.test_labels[:num_images]
    inks = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for image in data.test_images[:num_images]]
    rows = []
    for name, (change, unit, values) in CHANGES.items():
        for value in values:
            generator = np.random.default_rng([num_images, int(value * 100) & 0xFFFF])
            pictures = [255 - change(ink, value, generator) for ink in inks]
            for model_name, model in models.items():
                chances = np.array([prediction.probabilities for prediction in model.predict(pictures)])
                right = chances.argmax(axis=1) == labels
                accuracy = round(float(right.mean()), 4)
                rows.append({"change": name, "unit": unit, "value": value, "model": model_name, "accuracy": accuracy})
    return rows


def draw(rows: list[dict], path: Path) -> None:
    """Draw one panel for each change, one line for each model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6.2), layout="constrained")
    styles = {"default recipe": ("#D55E00", "s", "--"), "reference": ("#0072B2", "o", "-")}
    for axes, name in zip(figure.subplots(2, 4, sharey=True).flat, CHANGES, strict=True):
        for model, (colour, marker, line) in styles.items():
            points = [
                (row["value"], 100 * row["accuracy"]) for row in rows if (row["change"], row["model"]) == (name, model)
            ]
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, linestyle=line, label=model)
        axes.set_title(name)
        axes.set_xlabel(CHANGES[name][1])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(0, 102)
    for axes in figure.axes[::4]:
        axes.set_ylabel("accuracy in %")
    figure.axes[0].legend(frameon=False, loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, record and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seed-model", default="saved_models/mnist_cnn.keras", help="Path of a model made by `kerascnn fit`."
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="Read 20 images with the reference, twice, and record nothing."
    )
    arguments = parser.parse_args()
    reference = kerascnn.load("reference")
    if arguments.dry_run:
        print(len(measure({"default recipe": reference, "reference": reference}, 20)), "rows")
        return
    rows = measure({"default recipe": kerascnn.load(arguments.seed_model), "reference": reference}, 500)
    with (results.RESULTS / "robustness.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, FIGURE)


if __name__ == "__main__":
    main()
