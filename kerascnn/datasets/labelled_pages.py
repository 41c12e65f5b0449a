"""Synthetic pages as a network sees them, with what each of their pixels shows."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from kerascnn.datasets.synthetic import STYLES, SyntheticPage, make_page
from kerascnn.images.page_binarization import binarize_page
from kerascnn.images.page_segmentation import draw_class_map, normalize_page
from kerascnn.utils.cores import num_cores

_HEIGHTS = (36, 80)  # pixels; digits are shrunk to less than that, and small pages are made sooner
_TOUCHING_SHARE = 0.5  # of the pages, in whatever style: where digits touch is what is hardest to see
_FIRST_TEST_SEED = 20_000_000
_STREAM = 1 << 33  # keeps these random numbers apart from those of the page itself


NUM_TEST_PAGES = 51
"""Three pages a style."""


@dataclass(frozen=True, eq=False)
class LabelledPage:
    """A page to learn from.

    Args:
        strength: uint8, `(height, width)`, as `segmentation.strength` gives it.
        classes: uint8, `(height, width)`, indices of `CLASS_NAMES`.
    """

    strength: np.ndarray
    classes: np.ndarray


def training_pages(count: int, first_seed: int) -> list[LabelledPage]:
    """Make pages of MNIST's training digits: every style in turn, on half of the pages with neighbours that touch.

    Args:
        count: how many.
        first_seed: of the first page; the others count up.

    Returns:
        The pages; the same arguments give the same ones.
    """

    def make(number: int) -> LabelledPage:
        generator = np.random.default_rng([first_seed + number, _STREAM])
        height, touching = int(generator.integers(*_HEIGHTS)), bool(generator.random() < _TOUCHING_SHARE)
        style, seed = list(STYLES)[number % len(STYLES)], first_seed + number
        return labelled(make_page(style, seed, part="train", digit_height=height, touching=touching or None))

    return _made(make, count, "train")


def held_out_pages(count: int = NUM_TEST_PAGES) -> list[LabelledPage]:
    """Make pages of MNIST's test digits as `make_page` makes them, every style in turn.

    Args:
        count: how many.

    Returns:
        The pages, always the same ones.
    """

    def make(number: int) -> LabelledPage:
        return labelled(make_page(list(STYLES)[number % len(STYLES)], _FIRST_TEST_SEED + number, part="test"))

    return _made(make, count, "test")


def _made(make: Callable[[int], LabelledPage], count: int, part: str) -> list[LabelledPage]:
    make_page(part=part)  # reads MNIST, which each of the threads would do
    with ThreadPoolExecutor(num_cores()) as threads:
        return list(threads.map(make, range(count)))


def labelled(page: SyntheticPage) -> LabelledPage:
    """What the network sees of a synthetic page, and what it should say."""
    ink = binarize_page(page.picture)
    heights = [box[3] for line in page.boxes for box in line]
    seen = normalize_page(ink, float(np.median(heights)) * ink.scale)
    digits = [int(digit) for line in page.lines for digit in line]
    return LabelledPage(
        seen, draw_class_map(page.instances, digits, seen.shape[0] / page.instances.shape[0], seen.shape)
    )


def digest(pages: Sequence[LabelledPage]) -> str:
    """The SHA-256 of pages and what they show."""
    result = hashlib.sha256()
    for page in pages:
        result.update(page.strength.tobytes())
        result.update(page.classes.tobytes())
    return f"sha256:{result.hexdigest()}"
