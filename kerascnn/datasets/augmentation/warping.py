"""Random changes to images of glyphs, as other hands, pens and cameras would make them.

Each image is changed in one pass: an affine map with a smooth elastic displacement (one interpolation for both),
then the stroke is thickened or thinned, then some images get traces of pens, scanners and cameras. Everything
follows from the generator that is passed in.

Source for elastic displacement: P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural
networks applied to visual document analysis", ICDAR 2003.
"""

from functools import cache

import cv2
import numpy as np

from kerascnn.datasets.augmentation.degradations import leave_traces

ROTATION = 12.0  # degrees, largest angle
SCALE = 0.12  # largest relative change of width and of height, each by itself
NARROW = 0.75  # of its width: how a scanner of other proportions, or a narrow hand, shows a digit
NARROW_SHARE = 0.08
SHEAR = 0.24  # tangent of the largest slant
SHIFT = 1.5  # pixels
ELASTIC = 0.9  # pixels, standard deviation of the displacement
_THICKER, _THINNER = 0.25, -0.45  # of a pixel's width a side: a pen's change that is smaller is none
_ELASTIC_GRID = 5  # control points a side; smooth between them


def augment(images: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Change each image at random, keeping what it means.

    Args:
        images: uint8, `(n, height, width)`, light glyphs on black.
        strength: 0 for no change, 1 for the usual one.
        generator: the source of all randomness; the same state gives the same images.

    Returns:
        uint8, of the same shape.

    Example:
        >>> augment(images, 1.0, np.random.default_rng(0)).shape == images.shape
        True
    """
    count, height, width = images.shape
    maps_x, maps_y = _displaced_grids(count, height, width, strength, generator)
    pen = generator.uniform(-1, 1, count) * strength
    result = _each_moved(images, maps_x, maps_y)
    for index in np.flatnonzero((pen > _THICKER) | (pen < _THINNER)):
        result[index] = _with_other_pen(result[index], pen[index])
    return leave_traces(result, strength, generator)


def _each_moved(images: np.ndarray, maps_x: np.ndarray, maps_y: np.ndarray) -> np.ndarray:
    """Each image with its pixels taken from where the maps say; black where they say a place outside it."""
    count, height, width = images.shape
    result = np.empty_like(images)
    # Stacked upon each other, many images are one call; OpenCV takes at most 32,767 rows.
    most = 32_767 // height
    for start in range(0, count, most):
        chosen = np.s_[start : start + most]
        x, y = maps_x[chosen], maps_y[chosen]
        y[(y < 0) | (y > height - 1)] = -2 * height * most
        y += np.arange(len(y), dtype=np.float32)[:, None, None] * height
        stack = cv2.remap(
            images[chosen].reshape(-1, width), x.reshape(-1, width), y.reshape(-1, width), cv2.INTER_LINEAR
        )
        result[chosen] = stack.reshape(-1, height, width)
    return result


def _displaced_grids(
    count: int, height: int, width: int, strength: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the result comes from: two float32 arrays `(count, height, width)`."""
    angle = np.deg2rad(generator.uniform(-ROTATION, ROTATION, count) * strength)
    scale_x, scale_y = np.exp(generator.uniform(-SCALE, SCALE, (2, count)) * strength)
    scale_x[generator.uniform(size=count) < NARROW_SHARE * strength] *= NARROW
    shear = generator.uniform(-SHEAR, SHEAR, count) * strength
    shift_x, shift_y = generator.uniform(-SHIFT, SHIFT, (2, count)) * strength
    cosine, sine = np.cos(angle), np.sin(angle)
    # The inverse map, from the result back to the source, as coefficients of products of functions of y and of x.
    maps = np.zeros((2, count, 2 + _ELASTIC_GRID, 2 + _ELASTIC_GRID), np.float32)
    maps[0, :, 0, 0], maps[1, :, 0, 0] = shift_x + (width - 1) / 2, shift_y + (height - 1) / 2
    maps[0, :, 0, 1], maps[1, :, 0, 1] = cosine / scale_x, -sine / scale_y
    maps[0, :, 1, 0], maps[1, :, 1, 0] = (sine + shear * cosine) / scale_x, (cosine - shear * sine) / scale_y
    bend = generator.standard_normal((2, count, _ELASTIC_GRID, _ELASTIC_GRID))
    maps[:, :, 2:, 2:] = bend * (ELASTIC * strength)
    # Products of many small matrices, not of two large ones: OpenBLAS makes them on this thread. After a large one its
    # other threads wait at full speed for the next, on the cores that the training step needs.
    maps_x, maps_y = _functions(height) @ maps @ _functions(width).T
    return maps_x, maps_y


@cache
def _functions(size: int) -> np.ndarray:
    """1, the distance from the middle, and the cubic B-splines of a coarse grid, at each place along an axis.

    float32, `(size, 2 + grid)`.
    """
    position = np.linspace(0.5, _ELASTIC_GRID - 1.5, size)[:, None]
    distance = np.abs(position - np.arange(_ELASTIC_GRID))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    splines = np.where(distance < 1, near, far)
    return np.column_stack([np.ones(size), np.arange(size) - (size - 1) / 2, splines]).astype(np.float32)


def _with_other_pen(image: np.ndarray, change: float) -> np.ndarray:
    """Thicken (change > 0) or thin (change < 0) the stroke by up to about a pixel on each side."""
    if change > 0:
        full = cv2.dilate(image, _CROSS)
    else:
        full = cv2.erode(image, _CROSS)
        # A hairline would vanish: then the image stays as it is.
        if full.sum() < 0.25 * image.sum():
            return image
    return cv2.addWeighted(full, abs(change), image, 1 - abs(change), 0)


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
