"""Random changes to images of glyphs, as other hands, pens and cameras would make them.

Each image is changed in one pass: an affine map with a smooth elastic displacement (one interpolation for both),
then the stroke is thickened or thinned, then some images get traces of pens, scanners and cameras. Everything
follows from the generator that is passed in.

Source for elastic displacement: P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural
networks applied to visual document analysis", ICDAR 2003.
"""

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
    result = np.empty_like(images)
    for index in range(count):
        image = cv2.remap(images[index], maps_x[index], maps_y[index], cv2.INTER_LINEAR)
        result[index] = _with_other_pen(image, pen[index])
    return leave_traces(result, strength, generator)


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
    # The inverse map, from the result back to the source.
    linear = np.empty((count, 2, 2))
    linear[:, 0, 0], linear[:, 0, 1] = cosine / scale_x, (sine + shear * cosine) / scale_x
    linear[:, 1, 0], linear[:, 1, 1] = -sine / scale_y, (cosine - shear * sine) / scale_y
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    maps_x = linear[:, 0, 0, None, None] * x + linear[:, 0, 1, None, None] * y + (width - 1) / 2
    maps_y = linear[:, 1, 0, None, None] * x + linear[:, 1, 1, None, None] * y + (height - 1) / 2
    bend_x, bend_y = _smooth_fields(2 * count, height, width, generator).reshape(2, count, height, width)
    maps_x += shift_x[:, None, None] + bend_x * (ELASTIC * strength)
    maps_y += shift_y[:, None, None] + bend_y * (ELASTIC * strength)
    return maps_x.astype(np.float32), maps_y.astype(np.float32)


def _smooth_fields(count: int, height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Random fields that vary smoothly: normal values on a coarse grid, interpolated by cubic B-splines."""
    coarse = generator.standard_normal((count, _ELASTIC_GRID, _ELASTIC_GRID)).astype(np.float32)
    weights_y, weights_x = _spline_weights(height), _spline_weights(width)
    return np.einsum("yi,nij,xj->nyx", weights_y, coarse, weights_x, optimize=True)


def _spline_weights(size: int) -> np.ndarray:
    position = np.linspace(0.5, _ELASTIC_GRID - 1.5, size)[:, None]
    distance = np.abs(position - np.arange(_ELASTIC_GRID))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def _with_other_pen(image: np.ndarray, change: float) -> np.ndarray:
    """Thicken (change > 0) or thin (change < 0) the stroke by up to about a pixel on each side."""
    if change > 0.25:
        full = cv2.dilate(image, _CROSS)
    elif change < -0.45:
        full = cv2.erode(image, _CROSS)
        # A hairline would vanish: then the image stays as it is.
        if full.sum() < 0.25 * image.sum():
            return image
    else:
        return image
    return cv2.addWeighted(full, abs(change), image, 1 - abs(change), 0)


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
