"""Synthetic pages as the U-Net takes them, with a class for each pixel."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from kerascnn.datasets.synthetic import STYLES, SyntheticPage, make_page
from kerascnn.images.binarization import binarize_page
from kerascnn.images.page_segmentation import draw_class_map, normalize_page
from kerascnn.utils.cores import count_cores

_HEIGHTS = (36, 80)  # digit heights in pixels; the U-Net sees smaller ones, and small pages are made faster
_TOUCHING_SHARE = 0.5  # share of pages, of any style, on which digits touch: their boundaries are hardest to learn
_FIRST_TEST_SEED = 20_000_000
_STREAM = 1 << 33  # keeps these random numbers apart from those of the page itself

NUM_TEST_PAGES = 51
"""Number of test pages: three of each style."""


@dataclass(frozen=True, eq=False)
class LabelledPage:
    """A page with labels for training and testing; both arrays are uint8 `(height, width)`."""

    intensity: np.ndarray  # of the strokes, 0 is background, as `kerascnn.images.normalize_page` gives it
    classes: np.ndarray  # indices into `CLASS_NAMES`


def make_training_pages(count: int, first_seed: int) -> list[LabelledPage]:
    """Make pages of MNIST's training digits: every style in turn, on half of the pages with touching digits.

    Args:
        count: Number of pages.
        first_seed: Random seed of the first page; the following pages count up.
    """

    def make(number: int) -> LabelledPage:
        generator = np.random.default_rng([first_seed + number, _STREAM])
        height, touching = int(generator.integers(*_HEIGHTS)), bool(generator.random() < _TOUCHING_SHARE)
        style, seed = list(STYLES)[number % len(STYLES)], first_seed + number
        return _label(make_page(style, seed, part="train", digit_height=height, touching=touching or None))

    return _make_in_threads(make, count, "train")


def make_test_pages(count: int = NUM_TEST_PAGES) -> list[LabelledPage]:
    """Make pages of MNIST's test digits as `make_page` does, every style in turn: always the same ones."""

    def make(number: int) -> LabelledPage:
        return _label(make_page(list(STYLES)[number % len(STYLES)], _FIRST_TEST_SEED + number, part="test"))

    return _make_in_threads(make, count, "test")


def _make_in_threads(make: Callable[[int], LabelledPage], count: int, part: str) -> list[LabelledPage]:
    make_page(part=part)  # reads MNIST once, before each of the threads would do so
    with ThreadPoolExecutor(count_cores()) as threads:
        return list(threads.map(make, range(count)))


def _label(page: SyntheticPage) -> LabelledPage:
    """Compute the input of the U-Net and its target."""
    ink = binarize_page(page.picture)
    heights = [box[3] for line in page.boxes for box in line]
    seen = normalize_page(ink, float(np.median(heights)) * ink.scale)
    digits = [int(digit) for line in page.lines for digit in line]
    return LabelledPage(
        seen, draw_class_map(page.instances, digits, seen.shape[0] / page.instances.shape[0], seen.shape)
    )


def digest_pages(pages: Sequence[LabelledPage]) -> str:
    """Compute the SHA-256 over the intensities and classes of pages."""
    result = hashlib.sha256()
    for page in pages:
        result.update(page.intensity.tobytes())
        result.update(page.classes.tobytes())
    return f"sha256:{result.hexdigest()}"
