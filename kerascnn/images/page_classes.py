"""What a pixel of a page can show, and the map of it that a network is to learn."""

from collections.abc import Sequence

import cv2
import numpy as np

CLASS_NAMES = ("background", *"0123456789", "boundary")
BACKGROUND, FIRST_DIGIT, BOUNDARY = 0, 1, 11

DIGIT_HEIGHT = 28
"""Pixels that a usual digit is high when a page is segmented."""

_REACH = 1.25  # pixels of the segmented page by which a digit's pixels reach beyond its ink


def class_map(instances: np.ndarray, digits: Sequence[int], scale: float, size: tuple[int, int]) -> np.ndarray:
    """What each pixel of a page shows.

    A digit's pixels are those of its ink and a little around it; those that belong to two digits in this way are their
    boundary.

    Args:
        instances: integers, `(height, width)`, whose ink a pixel shows, counted from 1; 0 for none.
        digits: what each of them is.
        scale: pixels of the map per pixel of the page.
        size: height and width of the map.

    Returns:
        uint8 of that size, indices of `CLASS_NAMES`.
    """
    reach = max(1, round(_REACH / scale))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    classes = np.zeros(instances.shape, np.uint8)
    for number, digit in enumerate(digits, start=1):
        window = _window(instances, number, reach)
        if window is None:  # hidden under its neighbours
            continue
        near = cv2.dilate((instances[window] == number).astype(np.uint8), kernel) > 0
        shared = near & (classes[window] != BACKGROUND)
        classes[window][near] = FIRST_DIGIT + digit
        classes[window][shared] = BOUNDARY
    return cv2.resize(classes, size[::-1], interpolation=cv2.INTER_NEAREST)


def _window(instances: np.ndarray, number: int, margin: int) -> tuple[slice, slice] | None:
    """The box around one instance with a margin."""
    left, top, width, height = cv2.boundingRect((instances == number).astype(np.uint8))
    if not width:
        return None
    return np.s_[max(0, top - margin) : top + height + margin, max(0, left - margin) : left + width + margin]
