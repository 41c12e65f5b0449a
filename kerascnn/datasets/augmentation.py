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

from kerascnn.datasets.traces import leave_traces

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
    bend = generator.standard_normal((2, count, _ELASTIC_GRID**2)) * (ELASTIC * strength)
    # The inverse map, from the result back to the source: its part of 1, of x and of y, then of each spline.
    affine_x = np.stack([shift_x + (width - 1) / 2, cosine / scale_x, (sine + shear * cosine) / scale_x], axis=1)
    affine_y = np.stack([shift_y + (height - 1) / 2, -sine / scale_y, (cosine - shear * sine) / scale_y], axis=1)
    weights = np.concatenate([np.concatenate([affine_x, affine_y]), bend.reshape(2 * count, -1)], axis=1)
    # Not `@`: the threads of NumPy's library would take the cores from the training step, for a product so small.
    maps = cv2.gemm(weights.astype(np.float32), _basis(height, width), 1, None, 0)
    maps_x, maps_y = maps.reshape(2, count, height, width)
    return maps_x, maps_y


@cache
def _basis(height: int, width: int) -> np.ndarray:
    """What every map is a sum of, at each pixel: 1, x and y from the middle, and the cubic B-splines of a coarse grid.

    One product of matrices then makes all the maps of a batch. float32, `(3 + grid * grid, height * width)`.
    """
    y, x = np.mgrid[:height, :width].astype(np.float64)
    splines = np.einsum("yi,xj->ijyx", _spline_weights(height), _spline_weights(width))
    affine = np.stack([np.ones_like(x), x - (width - 1) / 2, y - (height - 1) / 2])
    return np.concatenate([affine, splines.reshape(-1, height, width)]).reshape(-1, height * width).astype(np.float32)


def _spline_weights(size: int) -> np.ndarray:
    position = np.linspace(0.5, _ELASTIC_GRID - 1.5, size)[:, None]
    distance = np.abs(position - np.arange(_ELASTIC_GRID))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far)


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
