"""What a network that segments pages is given of a page, and the map of classes that it is to learn."""

from collections.abc import Sequence

import cv2
import numpy as np

from kerascnn.images.binarization import BinarizedPage

CLASS_NAMES = ("background", *"0123456789", "boundary")
BACKGROUND, FIRST_DIGIT, BOUNDARY = 0, 1, 11

DIGIT_HEIGHT = 28
"""Height in pixels to which a page's median digit is scaled before the page is segmented."""

_REACH = 1.25  # pixels of the class map by which a digit's class extends beyond its strokes
_FULL_PERCENTILE = 95  # of the foreground's contrast; mapped to intensity 255
_MAX_PIXELS = 4_000_000  # a page of specks would otherwise be enlarged beyond any memory
_MAX_SIDE = 16_000  # pixels; the network sees squares, of which a long strip of paper fills little


def normalize_page(page: BinarizedPage, digit_height: float) -> np.ndarray:
    """Scale a page, printed lines included, to the digit height and the stroke intensity at which it is segmented.

    The result is uint8, `(height, width)`, 0 is background and 255 is full ink. The median digit, whose height in
    pixels of `page` is given, is `DIGIT_HEIGHT` pixels high, or lower where the image would get too large.
    """
    scale = min(
        DIGIT_HEIGHT / digit_height, (_MAX_PIXELS / page.contrast.size) ** 0.5, _MAX_SIDE / max(page.contrast.shape)
    )
    height, width = (max(1, round(side * scale)) for side in page.contrast.shape)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(page.contrast, (width, height), interpolation=interpolation)
    full = float(np.percentile(page.contrast[page.mask], _FULL_PERCENTILE)) if page.mask.any() else 1.0
    return np.asarray(np.clip(resized * (255 / max(full, 1e-6)), 0, 255), np.uint8)


def draw_class_map(instances: np.ndarray, digits: Sequence[int], scale: float, size: tuple[int, int]) -> np.ndarray:
    """Draw the class of every pixel of a page: uint8, `size`, indices into `CLASS_NAMES`.

    The pixels of a digit are those of its strokes and a narrow rim around them. Pixels that belong to two digits in
    this sense are the boundary between them.

    Args:
        instances: Integers, `(height, width)`: the number of the digit that a pixel shows, counted from 1; 0 for none.
        digits: The value of each of these digits, 0 to 9.
        scale: Pixels of the map per pixel of the page.
        size: Height and width of the map.
    """
    reach = max(1, round(_REACH / scale))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    classes = np.zeros(instances.shape, np.uint8)
    for number, digit in enumerate(digits, start=1):
        window = _window_around(instances, number, reach)
        if window is None:  # The digit is hidden under its neighbours.
            continue
        near = cv2.dilate((instances[window] == number).astype(np.uint8), kernel) > 0
        shared = near & (classes[window] != BACKGROUND)
        classes[window][near] = FIRST_DIGIT + digit
        classes[window][shared] = BOUNDARY
    return cv2.resize(classes, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)


def _window_around(instances: np.ndarray, number: int, margin: int) -> tuple[slice, slice] | None:
    left, top, width, height = cv2.boundingRect((instances == number).astype(np.uint8))
    if not width:
        return None
    return np.s_[max(0, top - margin) : top + height + margin, max(0, left - margin) : left + width + margin]
