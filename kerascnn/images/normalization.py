"""Bring a picture into the form in which MNIST's digits are: the step that decides whether real pictures are read.

MNIST's own procedure, as QMNIST reconstructed it: the ink's bounding box, aspect kept, area-averaged into 20x20, scaled
to the maximum of ink, and placed in 28x28 so that the centre of mass falls on the centre.

Source: C. Yadav and L. Bottou, "Cold case: the lost MNIST digits", NeurIPS 2019.
"""

import cv2
import numpy as np

from kerascnn.images.glyph_binarization import Ink, measure_stroke_width
from kerascnn.images.single_glyph import find_single_glyph

_BOX_SHARE = 20 / 28  # of MNIST's 28 pixels, the digit's box takes 20
_STROKE_SHARES = (
    0.095,
    0.20,
)  # stroke width against box, the range that is left alone; MNIST's median is 0.14
_BLACK = 8  # the brightest pixel that still is black
_BROADEST_STROKE = 0.38  # against box; what is broader is no stroke, and thinned it would look like one


def prepare_like_mnist(picture: np.ndarray, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Turn a picture of one glyph into an image as MNIST has them.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`, dark on light or light on dark.
        size: height and width of the result in pixels.

    Returns:
        uint8, `size`: 0 for paper, 255 for full ink. A picture that is such an image already (of that size,
        light on black) passes unchanged; a picture without ink gives zeros.

    Example:
        >>> prepare_like_mnist(np.full((100, 80), 255, np.uint8)).max()
        0
    """
    if is_prepared(picture, size):
        return picture if picture.ndim == 2 else picture[..., 0]
    ink = find_single_glyph(picture)
    return np.zeros(size, np.uint8) if ink is None else normalize_glyph(ink, size)


def prepare_by_resizing(picture: np.ndarray, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Turn a picture of anything into a grey image of a fixed size.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        size: height and width of the result in pixels.

    Returns:
        uint8, `size`: grey, padded to the result's proportions with the colour of its border, area-resized. A grey
        picture of that size passes unchanged.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.shape == tuple(size):
        return grey
    height, width = grey.shape
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    scale = min(size[0] / height, size[1] / width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(grey, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    result = np.full(size, round(float(np.median(border))), np.uint8)
    top, left = (size[0] - inner[1]) // 2, (size[1] - inner[0]) // 2
    result[top : top + inner[1], left : left + inner[0]] = resized
    return result


def is_prepared(picture: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether a picture is an MNIST-like image already: of that size, without colour, light ink on black."""
    if picture.shape[:2] != tuple(size):
        return False
    if picture.ndim == 3:
        if np.ptp(picture, axis=2).max() > 0:
            return False
        picture = picture[..., 0]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return _mostly_black(border) and _mostly_black(picture)


def _mostly_black(values: np.ndarray) -> bool:
    # Counting takes a tenth of the time of a median, which matters to those who give ten thousand images.
    return 2 * np.count_nonzero(values <= _BLACK) > values.size


def normalize_glyph(ink: Ink, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Scale a glyph into its box and centre it by its mass.

    Args:
        ink: the glyph.
        size: height and width of the result in pixels.

    Returns:
        uint8, `size`, 0..255.
    """
    rows, columns = np.flatnonzero(ink.mask.any(axis=1)), np.flatnonzero(ink.mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    strength, mask = ink.strength[top:bottom, left:right], ink.mask[top:bottom, left:right]
    strength = normalize_stroke_width(strength, mask)
    box = round(min(size) * _BOX_SHARE)
    scale = box / max(strength.shape)
    inner = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
    small = cv2.resize(strength, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    small = np.clip(small / max(float(small.max()), 1e-6), 0, 1)
    return _centred_by_mass(small, size)


def normalize_stroke_width(strength: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Thicken hairlines and thin markers, so that strokes are as wide as in MNIST against their box.

    Blots, which are no strokes, stay as they are.

    Args:
        strength: float32, `(height, width)`, the glyph cut to its box.
        mask: bool, of the same shape.

    Returns:
        float32, grown by a margin where the stroke was thickened.
    """
    longest = max(strength.shape)
    share = measure_stroke_width(mask) / longest
    low, high = _STROKE_SHARES
    if low <= share <= high or share > _BROADEST_STROKE:
        return strength
    change = (low if share < low else high) * longest - share * longest
    radius = round(abs(change) / 2)
    if radius == 0:
        return strength
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if change > 0:
        return cv2.dilate(np.pad(strength, radius), kernel)
    thinned = cv2.erode(strength, kernel)
    # Erosion may break a stroke that is thinner than the rest: then the glyph stays as it is.
    return thinned if _components(thinned > 0.3) == _components(mask) else strength


def _components(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


def _centred_by_mass(small: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = small.shape
    total = float(small.sum()) or 1.0
    centre_y = float((small.sum(axis=1) * np.arange(height)).sum()) / total
    centre_x = float((small.sum(axis=0) * np.arange(width)).sum()) / total
    top = int(np.clip(round((size[0] - 1) / 2 - centre_y), 0, size[0] - height))
    left = int(np.clip(round((size[1] - 1) / 2 - centre_x), 0, size[1] - width))
    result = np.zeros(size, np.uint8)
    result[top : top + height, left : left + width] = np.round(small * 255)
    return result
