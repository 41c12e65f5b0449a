"""Stacks of images as arrays: the shapes and the ranges of values that people store them in."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_SHAPES = "(n, height, width), (n, height, width, 1 or 3), (n, 1 or 3, height, width) or (n, height * width) of squares"
_REC_601 = np.array([0.299, 0.587, 0.114])  # weights of red, green and blue in grey
# The largest value of a range: 0..1, four bits (scikit-learn's digits reach 16), eight bits, sixteen bits.
_FOUR_BITS = 16
_RANGES = (1, _FOUR_BITS, 255, 65_535)
_VALUES_AT_ONCE = 4_000_000


def convert_stacks(stacks: Mapping[str, Any]) -> list[np.ndarray]:
    """Convert stacks of images that were stored alike, such as the parts of a data set.

    Args:
        stacks: Arrays by their names, or what `numpy.asarray` makes one of: `(n, height, width)`, with 1 or 3 channels
            behind or before height and width, or `(n, height * width)` of square images. Integers or floats; all stacks
            together tell whether they reach 1, 16, 255 or 65,535.

    Returns:
        uint8, `(n, height, width)` each; colour becomes grey.

    Raises:
        ValueError: If a stack is empty, of another shape or of no numbers, or has values beyond these ranges.

    Example:
        >>> convert_stacks({"images": np.ones((2, 784))})[0].shape
        (2, 28, 28)
    """
    arrays = {name: _arrange(np.asarray(stack), name) for name, stack in stacks.items()}
    scale = 255 / _find_range(arrays)
    return [_scale(array, scale) for array in arrays.values()]


def square_images(rows: np.ndarray) -> np.ndarray:
    """View rows of pixels, `(n, side * side)`, as square images, `(n, side, side)`."""
    side = math.isqrt(rows.shape[1])
    return rows.reshape(-1, side, side)


def _arrange(array: np.ndarray, name: str) -> np.ndarray:
    """View the images of a stack as `(n, height, width)` or `(n, height, width, 3)`."""
    if array.dtype == bool:
        array = array.astype(np.uint8)
    # By its kind: a duration is an integer for NumPy.
    if array.dtype.kind not in "uif":
        raise ValueError(f"{name} has the type {array.dtype}; expected numbers from 0 to 255, or from 0 to 1")
    if array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape} and no images")
    if array.ndim == 2 and math.isqrt(array.shape[1]) ** 2 == array.shape[1]:
        return square_images(array)
    if array.ndim == 4 and array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = np.moveaxis(array, 1, -1)
    if array.ndim == 4 and array.shape[-1] == 4:
        if np.ptp(array[..., 3]):
            raise ValueError(
                f"{name} has images with transparency; lay them on a background, so that they have 1 or 3 channels"
            )
        array = array[..., :3]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[-1] == 3):
        raise ValueError(f"{name} has the shape {array.shape}; expected {_SHAPES}")
    return array


def _find_range(arrays: Mapping[str, np.ndarray]) -> int:
    for name, array in arrays.items():
        limit = 255 if np.issubdtype(array.dtype, np.floating) else _RANGES[-1]
        # A comparison with NaN is false.
        if not (array.min() >= 0 and array.max() <= limit):
            raise ValueError(f"{name} has values from {array.min():g} to {array.max():g}; expected 0 to 255, or 0 to 1")
    high = max(array.max() for array in arrays.values())
    return next(limit for limit in _RANGES if high <= limit and (limit != _FOUR_BITS or high >= limit - 1))


def _scale(array: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1 and array.dtype == np.uint8 and array.ndim == 3:
        return np.ascontiguousarray(array)
    # Some images at a time, so that the floats take no memory to speak of.
    result = np.empty(array.shape[:3], np.uint8)
    step = max(1, _VALUES_AT_ONCE // (array.size // len(array)))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        result[start : start + step] = np.round((part @ _REC_601 if part.ndim == 4 else part) * scale)
    return result
