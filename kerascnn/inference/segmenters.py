"""Which of a page's ink belongs to digits, and where they part: by the form of lines, by a U-Net, or by both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from kerascnn.images.glyphs import find_glyphs, median_digit_height
from kerascnn.images.grid_removal import remove_box_borders, remove_faint_grid
from kerascnn.images.line_removal import remove_lines
from kerascnn.images.page_binarization import BinarizedPage
from kerascnn.images.page_segmentation import BACKGROUND, BOUNDARY, DIGIT_HEIGHT, normalize_page
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.tiling import segment
from kerascnn.saving.model_files import SEGMENTER
from kerascnn.utils.errors import ModelError

SEGMENTERS = ("both", "unet", "classical")
DEFAULT_SEGMENTER = "both"
"""Whichever did better on the synthetic pages of benchmarks/pages.py."""

# Chosen on synthetic pages of training digits. The recogniser turns down a cut too many; a missing one is not guessed.
_BOUNDARY_ODDS = 8.0  # a pixel counts as boundary unless a digit is so many times as probable there
_SMALLEST_SEED = 12  # pixels of the segmented page; less than this is no part of a digit


@dataclass(frozen=True, eq=False)
class DigitMasks:
    """The ink of a page without what is printed on it.

    Args:
        mask: bool, `(height, width)`, as large as the page's ink.
        apart: the same with a cut between digits that touch; None where the segmenter sees none.
    """

    mask: np.ndarray
    apart: np.ndarray | None = None


class Segmenter(Protocol):
    """Finds the digits' ink."""

    def __call__(self, ink: BinarizedPage) -> DigitMasks:
        """What of the page's ink are digits."""


def segment_classically(ink: BinarizedPage) -> DigitMasks:
    """Take away what has the form of rules, grids and frames. Digits that touch stay together.

    Args:
        ink: of the page.

    Returns:
        The rest.
    """
    return DigitMasks(remove_box_borders(remove_faint_grid(ink.contrast, remove_lines(ink.mask))))


class UnetSegmenter:
    """Asks a U-Net, which sees where one digit ends and the next begins, too.

    Args:
        predictor: the network, trained by `kerascnn fit --architecture unet`.
        alone: whether the network says what is ink of digits. Else `classical` does, and the network says where they
            part: of what else is on people's paper, made pages have taught it little.
    """

    def __init__(self, predictor: Predictor, alone: bool = False) -> None:
        self.predictor, self.alone = predictor, alone

    def __call__(self, ink: BinarizedPage) -> DigitMasks:
        """What of the page's ink are digits, and where they are to be cut apart."""
        mask = segment_classically(ink).mask
        probabilities = self.probabilities(normalize_page(ink, measure_digit_height(ink, mask)))
        size = ink.mask.shape[::-1]
        if self.alone:
            mask = ink.mask & (cv2.resize(probabilities[..., BACKGROUND], size, interpolation=cv2.INTER_LINEAR) < 0.5)
        owners = _nearest(cv2.resize(_seeds(probabilities), size, interpolation=cv2.INTER_NEAREST))
        return DigitMasks(mask, mask & ~_between(owners, mask))

    def probabilities(self, seen: np.ndarray) -> np.ndarray:
        """What each pixel of a page shows.

        Args:
            seen: uint8, `(height, width)`, the page as `strength` gives it.

        Returns:
            float32, `(height, width, num_classes)`.
        """
        return segment(seen, self.predictor.engine.probabilities, self.predictor.card.input_shape[0])


def measure_digit_height(ink: BinarizedPage, mask: np.ndarray) -> float:
    """The height of a page's usual digit in pixels of its ink.

    Args:
        ink: of the page.
        mask: bool, what of it belongs to digits, as far as is known.

    Returns:
        The height; that of the network's own digits where there is none.
    """
    glyphs, _ = find_glyphs(ink.contrast, mask)
    return median_digit_height(glyphs) if glyphs else float(DIGIT_HEIGHT)


def load_segmenter(segmenter: Segmenter | str | Path | None = None) -> Segmenter:
    """Choose how digits are told from what else is on a page.

    Args:
        segmenter: one that is loaded; `"classical"`; `"unet"` for the U-Net that ships with the package; `"both"` for
            the one's ink and the other's cuts; the path of another U-Net, to be used like that; None for `"both"`.

    Returns:
        The segmenter.

    Raises:
        ModelError: if the model cannot be loaded or does not segment pages.
    """
    if callable(segmenter):
        return segmenter
    name = str(segmenter or DEFAULT_SEGMENTER)
    if name == "classical":
        return segment_classically
    predictor = load(SEGMENTER if name in SEGMENTERS else name)
    if not predictor.card.segments_pages:
        raise ModelError(
            f"the model {predictor.card.name!r} does not segment pages; give {', '.join(SEGMENTERS)}, or a "
            "model that 'kerascnn fit --architecture unet' has trained."
        )
    return UnetSegmenter(predictor, alone=name == "unet")


def _seeds(probabilities: np.ndarray) -> np.ndarray:
    """Number the connected insides of digits, int32 `(height, width)` from 1; 0 elsewhere."""
    paper, boundary = probabilities[..., BACKGROUND], probabilities[..., BOUNDARY]
    inside = (1 - paper - boundary > _BOUNDARY_ODDS * boundary) & (paper < 0.5)
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    numbers[stats[numbers, cv2.CC_STAT_AREA] < _SMALLEST_SEED] = 0
    return numbers.astype(np.float32)


def _nearest(seeds: np.ndarray) -> np.ndarray:
    """The number of the nearest seed at every pixel; zeros if there is none."""
    if not seeds.any():
        return seeds
    _, labels = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(labels.max() + 1, seeds.dtype)
    numbers[labels[seeds > 0]] = seeds[seeds > 0]
    return numbers[labels]


def _between(owners: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The pixels of ink where one owner's ends and the next one's begins."""
    owned = np.where(mask, owners, 0)
    highest = cv2.dilate(owned, np.ones((3, 3), np.uint8))
    return mask & (highest > owned)
