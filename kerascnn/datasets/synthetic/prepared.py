"""Images as the preparation makes them of synthetic pictures: digits, and what was taken for one but shows none."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.datasets.synthetic.pictures import SyntheticPicture, make_pictures
from kerascnn.images.candidates import STAGES, Candidate, resample
from kerascnn.images.normalization import normalize_glyph

_DIGIT_RECALL, _DIGIT_PRECISION = 0.75, 0.6  # of the digit's pixels: a candidate that shows the digit
_NONE_SHARE = 0.35  # a candidate that shares less with the digit shows none
_MOST = 2  # images of either kind of one picture


@dataclass(frozen=True, eq=False)
class PreparedPictures:
    """Images that candidates of pictures became: uint8 `(n, 28, 28)`, and the digits, integers, of those of one."""

    images: np.ndarray
    labels: np.ndarray
    outliers: np.ndarray


def make_prepared_pictures(
    images: np.ndarray, labels: np.ndarray, count: int, generator: np.random.Generator
) -> PreparedPictures:
    """Make pictures, look for candidates of their ink, and normalize these as for the network.

    Args:
        images: Digits, uint8 `(n, 28, 28)`, 0 is background and 255 is ink.
        labels: Their labels, integers `(n,)`.
        count: Number of pictures.
        generator: Source of all randomness.
    """
    digits: list[np.ndarray] = []
    of_digits: list[int] = []
    outliers: list[np.ndarray] = []
    for shown in make_pictures(images, labels, count, generator):
        candidates = _find(shown.picture)
        generator.shuffle(candidates)
        right, wrong = _judge(shown, candidates)
        digits += [normalize_glyph(candidate.glyph) for candidate in right[:_MOST]]
        of_digits += [shown.label or 0] * len(right[:_MOST])
        outliers += [normalize_glyph(candidate.glyph) for candidate in wrong[:_MOST]]
    return PreparedPictures(np.stack(digits), np.array(of_digits, np.uint8), np.stack(outliers))


def measure_overlap(candidate: Candidate, cover: np.ndarray) -> tuple[float, float]:
    """Measure the shares of a glyph's pixels and of a candidate's that they have in common: recall and precision.

    The cover is float32 `(height, width)`, 0..1, on the grid of the picture.
    """
    shape = candidate.source.mask.shape
    # The map has a grid of its own.
    way = cv2.INTER_AREA if shape[1] < cover.shape[1] else cv2.INTER_LINEAR
    resized = cv2.resize(cover, shape[::-1], interpolation=way)
    shown = resized > 0.4 * max(float(resized.max()), 1e-6)
    common = int((shown[candidate.glyph.window()] & candidate.glyph.mask).sum())
    return common / max(int(shown.sum()), 1), common / max(int(candidate.areas.sum()), 1)


def _find(picture: np.ndarray) -> list[Candidate]:
    small = resample(picture)
    # A page's candidates are as these are, and take most of the time.
    return [candidate for find in STAGES[:-1] for candidate in find(small)]


def _judge(shown: SyntheticPicture, candidates: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """Divide candidates into those that show the digit and those that show none; others are neither."""
    if shown.shows_many:
        return [], []
    if shown.label is None:
        return [], candidates
    overlaps = [measure_overlap(candidate, shown.cover) for candidate in candidates]
    right = [recall >= _DIGIT_RECALL and precision >= _DIGIT_PRECISION for recall, precision in overlaps]
    wrong = [min(overlap) < _NONE_SHARE for overlap in overlaps]
    return (
        [candidate for candidate, chosen in zip(candidates, right, strict=True) if chosen],
        [candidate for candidate, chosen in zip(candidates, wrong, strict=True) if chosen],
    )
