"""Segmenters: find the digits on a page and where they touch, by the form of printed lines, by a U-Net, or by both."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.components import count_components, find_components
from kerascnn.images.glyphs import find_glyphs, median_digit_height
from kerascnn.images.grid_removal import remove_printed_lines
from kerascnn.images.page_segmentation import BACKGROUND, BOUNDARY, DIGIT_HEIGHT, normalize_page
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.tiling import segment_in_tiles
from kerascnn.saving.model_files import SEGMENTER, SHIPPED
from kerascnn.utils.errors import ModelError
from kerascnn.utils.suggestions import suggest

SEGMENTERS = ("both", "unet", "classical")
DEFAULT_SEGMENTER = "both"
"""The segmenter that did best on the synthetic pages of benchmarks/pages.py."""

# Chosen on synthetic pages of training digits. The recogniser rejects a cut too many, but cannot guess a missing one.
_SURE_ODDS = 8.0  # a pixel counts as boundary, or as a line, unless a digit is so many times as probable there
_SMALLEST_SEED = 12  # pixels of the segmented page; smaller components are not parts of digits


@dataclass(frozen=True, eq=False)
class DigitMasks:
    """The foreground of a page without what is printed on it: bool masks on the grid of the binarized page.

    In `separated`, digits that touch have a cut between them; it is None where the segmenter sees none. In `classes`,
    float32 `(height, width, num_classes)` on a grid of its own over the whole page, are the probabilities of
    `CLASS_NAMES` that a network gives each pixel; None without a network.
    """

    digits: np.ndarray
    separated: np.ndarray | None = None
    classes: np.ndarray | None = None


Segmenter = Callable[[BinarizedPage], DigitMasks]
"""Finds the pixels of a page's foreground that belong to digits."""


def segment_classically(page: BinarizedPage) -> DigitMasks:
    """Remove what has the form of ruled lines, grids and box borders. Digits that touch stay together."""
    return DigitMasks(remove_printed_lines(page.contrast, page.mask))


class UnetSegmenter:
    """Asks a U-Net, which also sees where one digit ends and the next begins.

    Args:
        predictor: The network, trained by `kerascnn fit --architecture unet`.
        alone: True if the network finds the digits, too. Else `segment_classically` does, and the network only
            separates them: synthetic pages have taught it little of what else is on people's paper.
    """

    def __init__(self, predictor: Predictor, alone: bool = False) -> None:
        self.predictor, self.alone = predictor, alone

    def __call__(self, page: BinarizedPage) -> DigitMasks:
        """Find the pixels of a page's foreground that belong to digits, and separate digits that touch."""
        if not page.mask.any():
            return DigitMasks(page.mask)
        mask = segment_classically(page).digits
        probabilities = self.probabilities(normalize_page(page, measure_digit_height(page, mask)))
        size = page.mask.shape[::-1]
        background = cv2.resize(probabilities[..., BACKGROUND], size, interpolation=cv2.INTER_LINEAR)
        surely = page.mask & (1 - background > _SURE_ODDS * background)
        mask = page.mask & (background < 0.5) if self.alone else _restore_strokes(mask, surely, page.mask)
        owners = _assign_nearest(cv2.resize(_find_seeds(probabilities), size, interpolation=cv2.INTER_NEAREST))
        return DigitMasks(mask, mask & ~_find_boundaries(owners, mask), probabilities)

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """Compute float32 `(height, width, num_classes)` for a page that `normalize_page` made."""
        return segment_in_tiles(image, self.predictor.engine.probabilities, self.predictor.card.input_shape[0])


def measure_digit_height(page: BinarizedPage, mask: np.ndarray) -> float:
    """Measure the median height in pixels of a page's digits, whose mask is given; `DIGIT_HEIGHT` where none is."""
    glyphs, _ = find_glyphs(page.contrast, mask)
    return median_digit_height(glyphs) if glyphs else float(DIGIT_HEIGHT)


def load_segmenter(segmenter: Segmenter | str | Path | None = None) -> Segmenter:
    """Choose how digits are separated from each other and from what else is on a page.

    Args:
        segmenter: A loaded segmenter; `"classical"`; `"unet"` for the U-Net that ships with the package; `"both"` (the
            default) for digits found by the former and separated by the latter; the path of another U-Net, to be used
            in the same way.

    Raises:
        ModelError: If the model cannot be loaded or does not segment pages.
    """
    if callable(segmenter):
        return segmenter
    name = str(segmenter or DEFAULT_SEGMENTER)
    if name == "classical":
        return segment_classically
    if name not in SEGMENTERS and not Path(name).is_file() and name not in SHIPPED:
        raise ModelError(
            f"there is no segmenter {name!r}{suggest(name, SEGMENTERS) or ';'} "
            f"give {', '.join(SEGMENTERS)}, or the .keras file of a U-Net."
        )
    predictor = load(SEGMENTER if name in SEGMENTERS else name)
    if not predictor.card.segments_pages:
        raise ModelError(
            f"the model {predictor.card.name!r} does not segment pages; give {', '.join(SEGMENTERS)}, or a "
            "model that 'kerascnn fit --architecture unet' has trained."
        )
    return UnetSegmenter(predictor, alone=name == "unet")


def _restore_strokes(mask: np.ndarray, of_digits: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Give a mask from which printed lines were removed the strokes of digits back that were taken for parts of them.

    All are bool, `(height, width)`; `of_digits` has the foreground that a network takes for digits. What is given back
    hangs together with something in the mask, or is a straight 1 that stands free between the lines of a table.
    """
    mask = mask | (_find_free_ones(of_digits, foreground) & of_digits)
    found = find_components(mask | of_digits)
    kept = np.zeros(len(found), bool)
    kept[np.unique(found.labels[mask]) - 1] = True
    return found.select(kept)


def _find_free_ones(of_digits: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Find upright components of the foreground that enclose nothing, as boxes do, most of which is of digits."""
    free = find_components(foreground)
    in_digits = np.bincount(free.labels[of_digits], minlength=len(free) + 1)[1:]
    chosen = (2 * in_digits > free.area) & (free.height > free.width)
    for index in np.flatnonzero(chosen):
        outside = np.pad(~free.crop(index), 1, constant_values=True)
        chosen[index] = count_components(outside, connectivity=4) == 1
    return free.select(chosen)


def _find_seeds(probabilities: np.ndarray) -> np.ndarray:
    """Number the connected insides of digits: float32, `(height, width)`, from 1; 0 elsewhere."""
    background, boundary = probabilities[..., BACKGROUND], probabilities[..., BOUNDARY]
    inside = (1 - background - boundary > _SURE_ODDS * boundary) & (background < 0.5)
    found = find_components(inside, connectivity=4)
    return np.asarray(found.labels * found.select(found.area >= _SMALLEST_SEED), np.float32)


def _assign_nearest(seeds: np.ndarray) -> np.ndarray:
    """Give every pixel the number of the nearest seed; zeros if there is none."""
    if not seeds.any():
        return seeds
    outside = (seeds == 0).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    numbers = np.zeros(labels.max() + 1, seeds.dtype)
    numbers[labels[seeds > 0]] = seeds[seeds > 0]
    return np.asarray(numbers[labels])


def _find_boundaries(owners: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Find the pixels of a mask where one owner's region ends and the next one's begins."""
    owned = np.where(mask, owners, 0)
    highest = cv2.dilate(owned, np.ones((3, 3), np.uint8))
    return mask & (highest > owned)
