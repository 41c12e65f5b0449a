"""Random affine and elastic warping of glyphs, with changes of stroke width and degradations.

Each image is changed in one pass: an affine map with a smooth elastic displacement (one interpolation for both),
then the stroke is thickened or thinned, then some images are degraded.

Source for elastic displacement: P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural
networks applied to visual document analysis", ICDAR 2003.
"""

from functools import cache

import cv2
import numpy as np

from kerascnn.datasets.augmentation.degradations import degrade

ROTATION = 12.0  # degrees, largest angle
SCALE = 0.12  # largest relative change of width and of height, each by itself
NARROW = 0.45  # smallest further factor on the width of a few digits, as of narrow handwriting or squeezed pictures
NARROW_SHARE = 0.08
SQUARE_SHARE = 0.06  # share of the glyphs whose box is stretched to a square, as some data sets and forms have them
SQUARE = 2.5  # largest factor of that; a bare 1 becomes a bar, not a block
SHEAR = 0.24  # tangent of the largest slant
SHIFT = 1.5  # pixels
ELASTIC = 0.9  # pixels, standard deviation of the displacement
_THICKER, _THINNER = 0.25, -0.45  # pixels a side; smaller changes of the stroke width are not made
_INK = 128  # intensity from which a pixel belongs to a stroke
_ELASTIC_GRID = 5  # control points a side, interpolated by cubic B-splines


def augment(images: np.ndarray, magnitude: float, generator: np.random.Generator) -> np.ndarray:
    """Change each image at random without changing its class.

    Args:
        images: uint8, `(n, height, width)`, 0 is background and 255 is ink; not changed.
        magnitude: Augmentation magnitude: 0 for no change, 1 for the usual change.
        generator: Source of all randomness; the same state gives the same images.
    """
    _, height, width = images.shape
    stretch = _draw_stretches(images, magnitude, generator)
    maps_x, maps_y = _draw_maps((height, width), stretch, magnitude, generator)
    pen = magnitude * generator.uniform(-1, 1, len(images))
    result = _remap_each(images, maps_x, maps_y)
    _change_stroke_widths(result, pen)
    return degrade(result, magnitude, generator)


def _remap_each(images: np.ndarray, maps_x: np.ndarray, maps_y: np.ndarray) -> np.ndarray:
    """Remap each image by its own maps; pixels from outside of it become black."""
    count, height, width = images.shape
    result = np.empty_like(images)
    # Many images, one above the other, take a single call; OpenCV allows at most 32,767 rows.
    most = 32_767 // height
    for start in range(0, count, most):
        chosen = np.s_[start : start + most]
        x, y = maps_x[chosen], maps_y[chosen]
        y[(y < 0) | (y > height - 1)] = -2 * height * most
        y += np.arange(len(y), dtype=np.float32)[:, None, None] * height
        source, x, y = (values.reshape(-1, width) for values in (images[chosen], x, y))
        stack = cv2.remap(source, x, y, cv2.INTER_LINEAR)
        result[chosen] = stack.reshape(-1, height, width)
    return result


def _draw_stretches(images: np.ndarray, magnitude: float, generator: np.random.Generator) -> np.ndarray:
    """Draw factors on the width and the height of each glyph, `(2, n)`: few are made narrow, few square."""
    factors, chances = np.ones((2, len(images))), generator.uniform(size=len(images))
    narrow = np.flatnonzero(chances < NARROW_SHARE * magnitude)
    factors[0, narrow] = generator.uniform(NARROW, 1, len(narrow))
    for index in np.flatnonzero(chances > 1 - SQUARE_SHARE * magnitude):
        left, top, width, height = cv2.boundingRect((images[index] >= _INK).astype(np.uint8))
        if width and height:
            axis, start, end = (0, left, left + width) if width < height else (1, top, top + height)
            middle = images.shape[2 - axis] / 2
            room = middle / max(middle - start, end - middle)  # The glyph stays inside of the image.
            factors[axis, index] = min(SQUARE, room, max(width, height) / (end - start))
    return factors


def _draw_maps(
    size: tuple[int, int], stretch: np.ndarray, magnitude: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the columns and rows that the pixels come from: two float32 arrays `(count, height, width)`."""
    (height, width), count = size, stretch.shape[1]
    angle = np.deg2rad(generator.uniform(-ROTATION, ROTATION, count) * magnitude)
    scale_x, scale_y = stretch * np.exp(magnitude * generator.uniform(-SCALE, SCALE, (2, count)))
    shear = generator.uniform(-SHEAR, SHEAR, count) * magnitude
    shift_x, shift_y = generator.uniform(-SHIFT, SHIFT, (2, count)) * magnitude
    cosine, sine = np.cos(angle), np.sin(angle)
    # The inverse map, from the result back to the source, as coefficients of products of basis functions of y and x.
    maps = np.zeros((2, count, 2 + _ELASTIC_GRID, 2 + _ELASTIC_GRID), np.float32)
    maps[0, :, 0, 0], maps[1, :, 0, 0] = shift_x + (width - 1) / 2, shift_y + (height - 1) / 2
    maps[0, :, 0, 1], maps[1, :, 0, 1] = cosine / scale_x, -sine / scale_y
    maps[0, :, 1, 0], maps[1, :, 1, 0] = (sine + shear * cosine) / scale_x, (cosine - shear * sine) / scale_y
    bend = generator.standard_normal((2, count, _ELASTIC_GRID, _ELASTIC_GRID))
    maps[:, :, 2:, 2:] = bend * (ELASTIC * magnitude)
    # OpenBLAS multiplies many small matrices on this thread. For large ones it would use a pool, whose threads spin
    # while idle, on the cores that the training step needs.
    maps_x, maps_y = _basis(height) @ maps @ _basis(width).T
    return maps_x, maps_y


@cache
def _basis(size: int) -> np.ndarray:
    """Make the basis of an axis: 1, distance from the middle, cubic B-splines; float32 `(size, 2 + grid points)`."""
    position = np.linspace(0.5, _ELASTIC_GRID - 1.5, size)[:, None]
    distance = np.abs(position - np.arange(_ELASTIC_GRID))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    splines = np.where(distance < 1, near, far)
    return np.column_stack([np.ones(size), np.arange(size) - (size - 1) / 2, splines]).astype(np.float32)


def _change_stroke_widths(images: np.ndarray, changes: np.ndarray) -> None:
    """Thicken (change > 0) or thin (change < 0) strokes in place by up to about a pixel on each side."""
    _, height, width = images.shape
    for chosen, change, outside in ((changes > _THICKER, cv2.dilate, 0), (changes < _THINNER, cv2.erode, 255)):
        before = images[chosen]
        if not len(before):
            continue
        # Many images, one above the other, take a single call; a row between them keeps them apart.
        stack = np.full((len(before), height + 1, width), outside, np.uint8)
        stack[:, :height] = before
        full = change(stack.reshape(-1, width), _CROSS).reshape(stack.shape)[:, :height]
        shares = np.abs(changes[chosen], dtype=np.float32)
        # A hairline would vanish when it is thinned: then the image stays as it is.
        shares[full.mean(axis=(1, 2), dtype=np.float32) < 0.25 * before.mean(axis=(1, 2), dtype=np.float32)] = 0
        mixed = before + shares[:, None, None] * (full - before.astype(np.float32))
        images[chosen] = np.clip(mixed + 0.5, 0, 255)


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
