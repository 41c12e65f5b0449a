"""Handwriting variants that MNIST's writers rarely used, such as an upstroke and a foot on the 1, a bar through the 7.

MNIST's ones are mostly bare strokes; in much of the world a 1 has an upstroke and then resembles MNIST's 7.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.datasets.augmentation.drawn_forms import draw_forms

_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with
_INK = 128  # intensity from which a pixel belongs to the stroke
_MARGIN = 8  # pixels around the image while a stroke is added, before it is centred again
_STEEPEST = math.radians(20)  # smallest angle of an upstroke to its stem
_FLATTEST = math.radians(62)  # largest angle of an upstroke to the vertical; a flatter one would make a 7


def vary_handwriting(
    images: np.ndarray, labels: np.ndarray, magnitude: float, generator: np.random.Generator
) -> np.ndarray:
    """Give some digits another form of the same digit, in a copy of the images.

    Ones get an upstroke, a foot or both, sevens a bar. Some of these, zeros, fours and nines give way to drawn ones.

    Args:
        images: uint8, `(n, height, width)`, 0 is background and 255 is ink.
        labels: Digits, integers, `(n,)`.
        magnitude: Factor on the shares of changed digits, 1 for the usual shares.
        generator: Source of all randomness.
    """
    images = images.copy()
    chances = generator.uniform(size=len(images))
    for digit, variants in _VARIANTS.items():
        of_digit = np.flatnonzero(labels == digit)
        ends = magnitude * np.cumsum([share for share, _ in variants])
        numbers = np.searchsorted(ends, chances[of_digit], side="right")
        for index, number in zip(of_digit, numbers, strict=True):
            if number < len(variants):
                images[index] = _vary(images[index], digit, variants[number][1], generator)
    return images


_Point = tuple[float, float]


@dataclass(frozen=True)
class _Stem:
    """The long stroke of a 1 or 7: its ends as (x, y) on the stroke's middle line, height and width in pixels."""

    top: _Point
    bottom: _Point
    height: float
    width: float


_Stroke = Callable[[np.ndarray, _Stem, np.random.Generator], tuple[_Point, _Point]]


def _vary(image: np.ndarray, digit: int, strokes: tuple[_Stroke, ...], generator: np.random.Generator) -> np.ndarray:
    """Add strokes to a digit; without any, replace it by a drawn form."""
    if not strokes:
        drawn = draw_forms(digit, image.shape)
        return np.asarray(drawn[generator.integers(len(drawn))])
    canvas = cv2.copyMakeBorder(image, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=0)
    stem = _find_stem(canvas)
    if stem is None:
        return image
    for start, end in [stroke(canvas, stem, generator) for stroke in strokes]:
        _draw_line(canvas, start, end, stem, generator)
    return _centre_by_mass(canvas, image.shape)


def _find_upstroke(image: np.ndarray, stem: _Stem, generator: np.random.Generator) -> tuple[_Point, _Point]:
    length = generator.uniform(0.2, 0.9) * stem.height
    steepest = max(math.atan2(stem.top[0] - stem.bottom[0], stem.height) + _STEEPEST, 0)
    angle = generator.uniform(steepest, max(steepest, _FLATTEST))
    return stem.top, (stem.top[0] - length * math.sin(angle), stem.top[1] + length * math.cos(angle))


def _find_foot(image: np.ndarray, stem: _Stem, generator: np.random.Generator) -> tuple[_Point, _Point]:
    left, right = generator.uniform(0.1, 0.4, 2) * stem.height
    return _find_crossing(stem.bottom, left, right, generator.uniform(-1, 1))


def _find_bar(image: np.ndarray, stem: _Stem, generator: np.random.Generator) -> tuple[_Point, _Point]:
    y = stem.top[1] + generator.uniform(0.45, 0.6) * stem.height
    left, right = generator.uniform(0.12, 0.3, 2) * stem.height
    return _find_crossing((_middle(image, round(y)), y), left, right, generator.uniform(-1, 1.5))


def _find_crossing(point: _Point, left: float, right: float, tilt: float) -> tuple[_Point, _Point]:
    x, y = point
    return (x - left, y + tilt), (x + right, y - tilt)


def _find_stem(image: np.ndarray) -> _Stem | None:
    mask = (image >= _INK).astype(np.uint8)
    _, first, _, height = cv2.boundingRect(mask)
    if height < 10:  # the digit lies on its side, or has next to no ink
        return None
    last = first + height - 1
    top = (_middle(image, first), first + 0.5)
    bottom = (_middle(image, last), last - 0.5)
    # The lower part of either digit is the stem alone; a slanted stroke is wider along the row than across itself.
    across = cv2.countNonZero(mask[first + height // 2 : last]) / (height - height // 2 - 1)
    slant = math.atan2(abs(top[0] - bottom[0]), height - 1)
    return _Stem(top, bottom, float(height - 1), across * math.cos(slant))


def _middle(image: np.ndarray, row: int) -> float:
    columns = np.flatnonzero(image[row] >= _INK)
    return (float(columns[0]) + float(columns[-1])) / 2 if len(columns) else image.shape[1] / 2


def _draw_line(image: np.ndarray, start: _Point, end: _Point, stem: _Stem, generator: np.random.Generator) -> None:
    # OpenCV's anti-aliasing adds about a pixel to the thickness.
    thickness = min(max(round(stem.width * generator.uniform(0.6, 1.05) - 0.8), 1), 3)
    first, last = ([round(value * (1 << _SHIFT)) for value in point] for point in (start, end))
    cv2.line(image, first, last, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=_SHIFT)


def _centre_by_mass(canvas: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Cut an image out of a canvas: the centre of mass in its middle, as far as the ink's box stays inside."""
    moments, (left, top, width, height) = cv2.moments(canvas), cv2.boundingRect(canvas)
    x = round(moments["m10"] / moments["m00"] - (size[1] - 1) / 2)
    y = round(moments["m01"] / moments["m00"] - (size[0] - 1) / 2)
    x, y = min(max(x, left + width - size[1]), left), min(max(y, top + height - size[0]), top)
    x, y = min(max(x, 0), 2 * _MARGIN), min(max(y, 0), 2 * _MARGIN)
    return canvas[y : y + size[0], x : x + size[1]]


_VARIANTS: dict[int, tuple[tuple[float, tuple[_Stroke, ...]], ...]] = {
    0: ((0.08, ()),),
    1: ((0.2, (_find_upstroke,)), (0.08, (_find_foot,)), (0.12, (_find_upstroke, _find_foot)), (0.08, ())),
    4: ((0.1, ()),),
    7: ((0.16, (_find_bar,)), (0.1, ())),
    9: ((0.1, ()),),
}
