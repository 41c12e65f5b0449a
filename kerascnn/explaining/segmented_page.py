"""Explain the segmentation of a page by a U-Net."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from kerascnn.explaining.results import PageExplanation, raise_no_ink
from kerascnn.explaining.segmented_page_figures import draw_class_maps, draw_mask, draw_seen
from kerascnn.images.binarization import binarize_page
from kerascnn.images.page_segmentation import (
    BACKGROUND,
    BOUNDARY,
    CLASS_NAMES,
    DIGIT_HEIGHT,
    FIRST_DIGIT,
    normalize_page,
)
from kerascnn.images.thumbnails import FIGURE_SIDE, shrink_picture
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segmenters import UnetSegmenter, measure_digit_height, segment_classically
from kerascnn.utils.illustration import Illustration, write_report
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.version import __version__

_MAX_DIGIT_MAPS = 4


def explain_page(
    picture: np.ndarray, name: str, predictor: Predictor, directory: OutputDirectory, progress: Callable[[str], None]
) -> PageExplanation:
    """Show how a U-Net segments a page, in figures and in an HTML report of them, `report.html`.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        name: Name of the picture, `-` for standard input.
        predictor: The U-Net.
        directory: Directory to write to.
        progress: Function that is called with a sentence before each step.

    Raises:
        ImageError: If nothing is written on the page.
    """
    binarized = binarize_page(picture)
    if not binarized.mask.any():
        raise_no_ink(name)
    seen = normalize_page(binarized, measure_digit_height(binarized, segment_classically(binarized).digits))
    progress("segmenting ...")
    probabilities = UnetSegmenter(predictor).probabilities(seen)
    classes = probabilities.argmax(axis=-1).astype(np.uint8)
    counts = np.bincount(classes.ravel(), minlength=len(CLASS_NAMES))
    progress("drawing ...")
    contents = write_report(
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
    picture = shrink_picture(picture, FIGURE_SIDE)
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
