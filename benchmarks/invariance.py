"""Whether the answer depends on how a digit comes: its size, margin, polarity, EXIF orientation, format and colours.

    python benchmarks/invariance.py [--digits 200] [--combinations 3000] [--seed 0]

Digits of MNIST's training part are drawn with a pen on slightly uneven paper. The answer, a label or none, is compared
with that at native size, a PNG of 28x28 pixels, dark on light: along each axis alone, and in random combinations. Of
pictures so large that all digits would take minutes fewer are read. Writes benchmarks/results/invariance.json.
"""

import argparse
import io
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice, product

import cv2
import numpy as np
import results
from PIL import Image

import kerascnn
from kerascnn.datasets import load_dataset
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.inference.predictor import Predictor

SIDES = (16, 20, 24, 28, 40, 63, 64, 65, 100, 200, 400, 1000, 2000, 4000)
MARGINS = (0, 0.1, 0.25, 0.5, 1, 2, 3)
POLARITIES = ("as it is", "inverted")
FORMATS = ("PNG", "JPEG 90", "JPEG 75", "TIFF")
COLOURS = {
    "grey": ((232,), (45,)),
    "blue ink on cream paper": ((245, 236, 210), (30, 50, 140)),
    "red ink on white paper": ((244, 242, 240), (190, 40, 45)),
    "white on a green board": ((40, 90, 70), (235, 240, 235)),
}
"""Colours of paper and ink."""

_NATIVE, _LARGE = 28, 200
_DRAWN = 140  # longer side of a drawn digit, in pixels, before it is scaled
_SMALLEST_DIGIT, _LARGEST_COMBINED = 11, 1000  # pixels; the first is that of the smallest of SIDES
_PIXELS_A_ROW = 300_000_000
_EXIF_ORIENTATION = 274
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a picture is stored that a viewer turns upright by its EXIF orientation."""


@dataclass(frozen=True)
class Rendering:
    """How a digit comes.

    Args:
        side: Side of the picture, in pixels.
        margin: Paper on every side of the digit, in shares of the digit's size.
        polarity: One of `POLARITIES`.
        orientation: EXIF orientation, 1 to 8.
        file_format: One of `FORMATS`; the number is JPEG's quality.
        colours: One of `COLOURS`.
    """

    side: int = _NATIVE
    margin: float = 0.2
    polarity: str = POLARITIES[0]
    orientation: int = 1
    file_format: str = "PNG"
    colours: str = "grey"


@dataclass
class Score:
    """Agreement of a rendering with the native size."""

    num_samples: int = 0
    agreeing: int = 0
    right: int = 0
    withheld: int = 0

    def add(self, answer: str | None, native: str | None, label: str) -> None:
        """Count one picture."""
        self.num_samples += 1
        self.agreeing += answer == native
        self.right += answer == label
        self.withheld += answer is None


def axes() -> dict[str, dict[str, Rendering]]:
    """Renderings along each axis, by name; those that do not vary the size come small and large."""
    both = (_NATIVE, _LARGE)
    return {
        "size": {f"{side} pixels": Rendering(side) for side in SIDES},
        "margin": {
            f"{margin} times a digit of {digit} pixels": Rendering(round(digit * (1 + 2 * margin)), margin)
            for digit, margin in product((20, 200), MARGINS)
        },
        "polarity": {
            f"{kind}, {side} pixels": Rendering(side, polarity=kind) for side, kind in product(both, POLARITIES)
        },
        "EXIF orientation": {
            f"{turn}, {kind}, {side} pixels": Rendering(side, orientation=turn, file_format=kind)
            for (side, kind), turn in product(((_NATIVE, "PNG"), (_LARGE, "JPEG 90"), (_LARGE, "TIFF")), range(1, 9))
        },
        "file format": {
            f"{kind}, {side} pixels": Rendering(side, file_format=kind) for side, kind in product(both, FORMATS)
        },
        "colours": {f"{kind}, {side} pixels": Rendering(side, colours=kind) for side, kind in product(both, COLOURS)},
    }


def random_rendering(generator: np.random.Generator) -> Rendering:
    """Combine all axes at random; sizes are log-uniform, and the digit is large enough to be read."""
    while True:
        side = round(np.exp(generator.uniform(np.log(SIDES[0]), np.log(_LARGEST_COMBINED))))
        margin = round(generator.uniform(MARGINS[0], MARGINS[-1]), 2)
        if side / (1 + 2 * margin) >= _SMALLEST_DIGIT:
            break
    polarity, file_format, colours = (str(generator.choice(list(names))) for names in (POLARITIES, FORMATS, COLOURS))
    return Rendering(side, margin, polarity, int(generator.integers(1, 9)), file_format, colours)


def draw_digits(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Draw digits of MNIST's training part with pens of several widths: squares of ink coverage, 0..1, and labels."""
    dataset, generator = load_dataset("mnist"), np.random.default_rng(seed)
    chosen = np.sort(generator.choice(len(dataset.train_images), count, replace=False))
    digits = []
    for index in chosen:
        pen = Pen(_DRAWN * generator.uniform(0.08, 0.14), generator.uniform(0.8, 1))
        ink = draw_digit(dataset.train_images[index], _DRAWN, pen, generator)
        top, left = ((max(ink.shape) - length) // 2 for length in ink.shape)
        square = np.zeros((max(ink.shape),) * 2, np.float32)
        square[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        digits.append(square)
    return digits, [str(dataset.train_labels[index]) for index in chosen]


def render(ink: np.ndarray, rendering: Rendering, seed: int) -> bytes:
    """Make the file that a person would have."""
    side, digit = rendering.side, round(rendering.side / (1 + 2 * rendering.margin))
    way = cv2.INTER_AREA if digit < len(ink) else cv2.INTER_CUBIC
    start = (side - digit) // 2
    coverage = np.zeros((side, side, 1), np.float32)
    coverage[start : start + digit, start : start + digit, 0] = cv2.resize(ink, (digit, digit), interpolation=way)
    noise = np.random.default_rng(seed).standard_normal((side, side, 1), np.float32)
    paper, pen = (np.float32(colour) for colour in COLOURS[rendering.colours])
    if rendering.polarity == "inverted":
        paper, pen = pen, paper
    pixels = np.clip(paper + (pen - paper) * np.clip(coverage, 0, 1) + 2 * noise, 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if rendering.orientation != 1:
        image = image.transpose(_STORED[rendering.orientation])
    kind, *quality = rendering.file_format.split()
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = rendering.orientation
    file = io.BytesIO()
    image.save(file, kind, exif=exif, compress_level=1, **({"quality": int(quality[0])} if quality else {}))
    return file.getvalue()


def read(model: Predictor, pictures: Iterable[bytes]) -> list[str | None]:
    """Read pictures, few at a time, since large ones fill the memory."""
    pending, answers = iter(pictures), []
    while batch := list(islice(pending, 16)):
        answers += [answer.label for answer in model.predict(batch)]
    return answers


def measure(
    model: Predictor, count: int, combinations: int, seed: int, largest: int = SIDES[-1]
) -> dict[str, dict[str, Score]]:
    """Compare the answers with those at native size.

    Args:
        model: Reads the pictures.
        count: Number of digits; of large pictures fewer are read.
        combinations: Number of random combinations.
        seed: Random seed.
        largest: Largest side of a picture, in pixels; larger ones are left out.

    Returns:
        Scores by axis and rendering.
    """
    inks, labels = draw_digits(count, seed)
    native = read(model, (render(ink, Rendering(), number) for number, ink in enumerate(inks)))
    scores = {}
    for axis, renderings in axes().items():
        scores[axis] = {}
        for name, rendering in renderings.items():
            if rendering.side > largest:
                continue
            numbers = range(min(count, max(1, _PIXELS_A_ROW // rendering.side**2)))
            answers = read(model, (render(inks[number], rendering, number) for number in numbers))
            score = scores[axis][name] = Score()
            for number, answer in zip(numbers, answers, strict=True):
                score.add(answer, native[number], labels[number])
            print(f"{axis:18} {name:40} {score}", file=sys.stderr, flush=True)
    generator = np.random.default_rng(seed)
    numbers = [int(number) for number in generator.integers(0, count, combinations)]
    pictures = (render(inks[number], random_rendering(generator), number) for number in numbers)
    scores["all at random"] = {"combinations": Score()}
    for number, answer in zip(numbers, read(model, pictures), strict=True):
        scores["all at random"]["combinations"].add(answer, native[number], labels[number])
    return scores


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="reference", help="Path of a .keras file, or 'reference'.")
    parser.add_argument("--digits", type=int, default=200, help="Number of digits.")
    parser.add_argument("--combinations", type=int, default=3000, help="Number of random combinations.")
    parser.add_argument("--seed", type=int, default=0, help="Random seed of digits, pens, paper and combinations.")
    parser.add_argument("--dry-run", action="store_true", help="Read few and small pictures and record nothing.")
    arguments = parser.parse_args()
    model = kerascnn.load(arguments.model)
    size = (
        (2, 4, arguments.seed, 100) if arguments.dry_run else (arguments.digits, arguments.combinations, arguments.seed)
    )
    scores = measure(model, *size)
    for axis, rows in scores.items():
        total, agreeing = (sum(getattr(row, key) for row in rows.values()) for key in ("num_samples", "agreeing"))
        print(f"{axis:18} {agreeing}/{total} agree with the native size")
    if not arguments.dry_run:
        results.write(
            "invariance",
            {
                "command": f"python benchmarks/invariance.py --digits {arguments.digits} "
                f"--combinations {arguments.combinations} --seed {arguments.seed}",
                "model": model.card.name,
                "digits": arguments.digits,
                "seed": arguments.seed,
                "scores": {axis: {name: asdict(row) for name, row in rows.items()} for axis, rows in scores.items()},
            },
        )


if __name__ == "__main__":
    main()
