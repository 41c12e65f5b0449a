"""Handwriting variants that MNIST's writers rarely used: an upstroke and a foot on the 1, a bar through the 7.

MNIST's ones are mostly bare strokes; in much of the world a 1 has an upstroke and then resembles MNIST's 7.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with
_INK = 128  # intensity from which a pixel belongs to the stroke


def vary_handwriting(
    images: np.ndarray, labels: np.ndarray, magnitude: float, generator: np.random.Generator
) -> np.ndarray:
    """Add upstrokes, feet and bars to some ones and sevens, in a copy of the images.

    Args:
        images: uint8, `(n, height, width)`, 0 is background and 255 is ink.
        labels: Digits, integers, `(n,)`.
        magnitude: Factor on the shares of changed digits, 1 for the usual shares.
        generator: Source of all randomness.
    """
    images = images.copy()
    for digit, share, draw in ((1, 0.35, _draw_upstroke), (1, 0.2, _draw_foot), (7, 0.2, _draw_bar)):
        of_digit = np.flatnonzero(labels == digit)
        for index in of_digit[generator.uniform(size=len(of_digit)) < share * magnitude]:
            draw(images[index], generator)
    return images


def _draw_upstroke(image: np.ndarray, generator: np.random.Generator) -> None:
    stem = _find_stem(image)
    if stem is None:
        return
    length = generator.uniform(0.2, 0.6) * stem.height
    # The angle is measured from the stem, so that a slanted 1 gets a slanted upstroke; 0 points down along the stem.
    angle = np.arctan2(stem.top[0] - stem.bottom[0], stem.height) + np.deg2rad(generator.uniform(20, 60))
    end = (stem.top[0] - length * np.sin(angle), stem.top[1] + length * np.cos(angle))
    _draw_line(image, stem.top, end, stem, generator)


def _draw_foot(image: np.ndarray, generator: np.random.Generator) -> None:
    stem = _find_stem(image)
    if stem is None:
        return
    left, right = generator.uniform(0.08, 0.3, 2) * stem.height
    x, y, tilt = *stem.bottom, generator.uniform(-1, 1)
    _draw_line(image, (x - left, y + tilt), (x + right, y - tilt), stem, generator)


def _draw_bar(image: np.ndarray, generator: np.random.Generator) -> None:
    stem = _find_stem(image)
    if stem is None:
        return
    y = stem.top[1] + generator.uniform(0.45, 0.6) * stem.height
    x = _middle(image, round(y))
    left, right = generator.uniform(0.12, 0.3, 2) * stem.height
    tilt = generator.uniform(-1, 1.5)
    _draw_line(image, (x - left, y + tilt), (x + right, y - tilt), stem, generator)


@dataclass(frozen=True)
class _Stem:
    """The long stroke of a 1 or 7: its ends as (x, y) on the stroke's middle line, height and width in pixels."""

    top: tuple[float, float]
    bottom: tuple[float, float]
    height: float
    width: float


def _find_stem(image: np.ndarray) -> _Stem | None:
    rows = np.flatnonzero((image >= _INK).any(axis=1))
    if len(rows) < 10:  # the digit lies on its side, or has next to no ink
        return None
    top = (_middle(image, rows[0]), rows[0] + 0.5)
    bottom = (_middle(image, rows[-1]), rows[-1] - 0.5)
    # The lower part of either digit is the stem alone; a slanted stroke is wider along the row than across itself.
    across = np.median((image[rows[len(rows) // 2] : rows[-1]] >= _INK).sum(axis=1))
    slant = np.arctan2(abs(top[0] - bottom[0]), rows[-1] - rows[0])
    return _Stem(top, bottom, float(rows[-1] - rows[0]), float(across * np.cos(slant)))


def _middle(image: np.ndarray, row: int) -> float:
    columns = np.flatnonzero(image[row] >= _INK)
    return float(columns.mean()) if len(columns) else image.shape[1] / 2


def _draw_line(
    image: np.ndarray, start: tuple[float, float], end: tuple[float, float], stem: _Stem, generator: np.random.Generator
) -> None:
    # OpenCV's anti-aliasing adds about a pixel to the thickness.
    thickness = int(np.clip(round(stem.width * generator.uniform(0.7, 1.1) - 0.8), 1, 3))
    first, last = ([round(value * (1 << _SHIFT)) for value in point] for point in (start, end))
    cv2.line(image, first, last, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=_SHIFT)
