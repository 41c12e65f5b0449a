"""Explain a page: what a U-Net sees of it, and what it says that each pixel shows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from kerascnn.explaining.segmented_page_figures import draw_class_maps, draw_mask, draw_seen
from kerascnn.images.page_binarization import binarize_page
from kerascnn.images.page_segmentation import (
    BACKGROUND,
    BOUNDARY,
    CLASS_NAMES,
    DIGIT_HEIGHT,
    FIRST_DIGIT,
    normalize_page,
)
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segmenters import UnetSegmenter, measure_digit_height, segment_classically
from kerascnn.utils.illustration import Illustration, written
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.version import __version__

_MAX_DIGIT_MAPS = 4


@dataclass(frozen=True)
class PageExplanation:
    """What was explained, and where it was written.

    Args:
        image: the picture's name.
        model: the network's name.
        pixels: how many pixels of the segmented page show each class, by its name.
        files: what was written, the page last.
    """

    image: str
    model: str
    pixels: dict[str, int]
    files: tuple[Path, ...]

    @property
    def report(self) -> Path:
        """The page."""
        return self.files[-1]

    def to_dict(self) -> dict:
        """The same in plain types, for JSON."""
        return {
            "image": self.image,
            "model": self.model,
            "pixels": self.pixels,
            "report": str(self.report),
            "files": [str(path) for path in self.files],
        }


def explain_page(
    picture: np.ndarray, name: str, predictor: Predictor, directory: OutputDirectory, progress: Callable[[str], None]
) -> PageExplanation:
    """Show what a U-Net makes of a page, in pictures and on one page, `report.html`.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        name: of the picture.
        predictor: the U-Net.
        directory: to write to.
        progress: called with a sentence from time to time.

    Returns:
        What was explained, and the files.

    Raises:
        OutputError: if the files cannot be written.
    """
    ink = binarize_page(picture)
    seen = normalize_page(ink, measure_digit_height(ink, segment_classically(ink).mask))
    progress("segmenting ...")
    probabilities = UnetSegmenter(predictor).probabilities(seen)
    classes = probabilities.argmax(axis=-1).astype(np.uint8)
    counts = np.bincount(classes.ravel(), minlength=len(CLASS_NAMES))
    progress("drawing ...")
    contents = written(
        f"What each pixel of {'standard input' if name == '-' else Path(name).name} shows",
        f"The model {predictor.card.name} is a U-Net: its contracting path sees what a neighbourhood shows, its "
        "expanding path says where.",
        _illustrations(picture, seen, probabilities, classes, counts),
        [
            ("model", str(predictor.path or predictor.card.name)),
            ("software", f"kerascnn {__version__} on {predictor.engine.name}"),
        ],
    )
    files = directory.write_all(contents)
    return PageExplanation(name, predictor.card.name, dict(zip(CLASS_NAMES, counts.tolist(), strict=True)), files)


def _illustrations(
    picture: np.ndarray, seen: np.ndarray, probabilities: np.ndarray, classes: np.ndarray, counts: np.ndarray
) -> list[Illustration]:
    size = picture.shape[1::-1]
    digits = np.arange(FIRST_DIGIT, BOUNDARY)
    shown = [digit for digit in digits[np.argsort(-counts[digits], kind="stable")] if counts[digit]][:_MAX_DIGIT_MAPS]
    chosen = [BACKGROUND, BOUNDARY, *shown]
    titles = ["paper", "boundary", *(f"the digit {CLASS_NAMES[index]}" for index in shown)]
    return [
        Illustration(
            "mask",
            draw_mask(picture, cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST), CLASS_NAMES),
            "the page with the mask over it",
            "Each colour is a digit. Black is where one digit ends and the next begins: there, kerascnn read cuts them "
            "apart. What has no colour counts as paper, printed lines too.",
            "What it says",
            f"{1 - counts[BACKGROUND] / counts.sum():.1%} of the pixels belong to digits. Which digit it is, the "
            "recogniser decides afterwards.",
        ),
        Illustration(
            "seen",
            draw_seen(seen),
            "the ink of the page",
            f"Light and paper are taken out, and the page is brought to a size at which its digits are about "
            f"{DIGIT_HEIGHT} pixels high: {seen.shape[1]} x {seen.shape[0]} pixels here.",
            "What it sees",
        ),
        Illustration(
            "probabilities",
            draw_class_maps(probabilities[..., chosen], titles),
            "maps of probabilities",
            "Bright is probable. The network gives one such map a class; the mask shows the most probable class of "
            "each pixel.",
            "How sure it is",
        ),
    ]
