"""From a photographed page to ink: illumination, paper and the table around the sheet removed.

The paper's colour at every pixel is estimated from the pixels that are not ink: a quadratic surface for
lamps and vignetting, a closing for shadows, a smooth fill under the strokes. Ink is then what the paper
lacks of its light, which is the same in the sun and in the shade.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.sheet_detection import find_sheet

_MAX_WORKING_PIXELS = 3_000_000  # digits of 4 mm on a sheet of A4 are still 28 pixels high
_MIN_WORKING_SIDE = 1000  # pixels; strokes of one or two pixels are enlarged before anything is measured
_MAX_ENLARGEMENT = 4.0
_PAPER_SIDE = 480  # pixels; illumination is smooth, so it is measured on a small copy
_NEAR = 2.5  # pixels of the small copy
_DOUBT = 0.02  # share of paper in a neighbourhood below which its mean counts less than half
_DARKEST_PAPER = 16.0  # grey levels; below, a ratio to the paper says nothing
_GRAIN_FACTOR = 5.0  # ink stands out from the paper's grain by so many of its standard deviations
_MIN_CONTRAST = 0.05  # of the paper's light: less than this nobody calls ink


@dataclass(frozen=True)
class BinarizedPage:
    """The ink of a page, on the working grid.

    Args:
        contrast: float32, `(height, width)`: the share of the paper's light that is missing, 0 to about 1.
        mask: bool, `(height, width)`: where the contrast stands out from the paper's grain.
        scale: working pixels per pixel of the picture.
    """

    contrast: np.ndarray
    mask: np.ndarray
    scale: float


def binarize_page(picture: np.ndarray, min_side: int = _MIN_WORKING_SIDE) -> BinarizedPage:
    """Find everything on a page that is darker than its paper (or lighter, on dark paper).

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        min_side: pixels; a picture whose longer side is shorter is enlarged to it.

    Returns:
        The ink, lines and smudges included.
    """
    scale = working_scale(picture.shape[0], picture.shape[1], min_side)
    values = _resized(picture, scale)
    values = values[..., None] if values.ndim == 2 else values
    small_scale = min(1.0, _PAPER_SIDE / max(values.shape[:2]))
    small = _resized(values, small_scale).reshape(*_size(values, small_scale)[::-1], values.shape[2])
    sheet = find_sheet(small)
    if _is_light_on_dark(small, sheet):
        values, small = 255 - values, 255 - small
    missing = _missing_light(values, _paper(small.astype(np.float32), sheet))
    whole_sheet = cv2.resize(sheet.astype(np.uint8), values.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    signed = missing @ _ink_direction(missing, whole_sheet)
    signed = cv2.GaussianBlur(signed, (0, 0), 0.8 if scale <= 1 else 0.8 * scale**0.5)
    threshold = np.maximum(_GRAIN_FACTOR * _grain(signed), _MIN_CONTRAST)
    contrast = np.maximum(signed, 0) * whole_sheet
    return BinarizedPage(contrast, contrast > threshold, scale)


def working_scale(height: int, width: int, min_side: int = _MIN_WORKING_SIDE) -> float:
    """How much a picture is shrunk or enlarged before it is read."""
    if height * width > _MAX_WORKING_PIXELS:
        return (_MAX_WORKING_PIXELS / (height * width)) ** 0.5
    return float(np.clip(min_side / max(height, width), 1.0, _MAX_ENLARGEMENT))


def _size(picture: np.ndarray, scale: float) -> tuple[int, int]:
    return max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))


def _resized(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    return cv2.resize(picture, _size(picture, scale), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _is_light_on_dark(small: np.ndarray, sheet: np.ndarray) -> bool:
    """Ink is the rarer of the two: which side of the usual colour holds the strong deviations?"""
    grey = small.mean(axis=2).astype(np.uint8)
    # The table must not reach into the medians along the sheet's edge.
    grey[~sheet] = np.median(grey[sheet])
    window = max(3, (min(grey.shape) // 3) | 1)
    difference = grey.astype(np.float32) - cv2.medianBlur(grey, window)
    difference = difference[sheet]
    grain = max(2.0, 4 * 1.4826 * float(np.median(np.abs(difference))))
    light = np.square(difference[difference > grain]).sum()
    dark = np.square(difference[difference < -grain]).sum()
    return bool(light > 2 * dark)


def _paper(small: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """The paper's colour at every pixel of the small copy: float32, of its shape."""
    surface = _quadratic_surface(small, sheet)
    ratio = _continued((small / surface).astype(np.float32), sheet)
    side = max(5, (min(small.shape[:2]) // 8) | 1)
    closed = _each_channel(lambda channel: _closed(channel, side), ratio)
    grain = 1.4826 * float(np.median(np.abs(ratio - closed)))
    paper = (ratio > closed - max(0.06, 2 * grain)).all(axis=2) & sheet
    # Beside a stroke the pixels are half ink: the fill keeps away from them.
    paper = cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    return np.maximum(surface * _filled(ratio, paper, closed, side), _DARKEST_PAPER).astype(np.float32)


def _filled(ratio: np.ndarray, paper: np.ndarray, closed: np.ndarray, side: int) -> np.ndarray:
    """The paper continued under the strokes: from near by where there is paper, else from further away."""
    result = closed
    # The nearest paper follows the edge of a shadow; the furthest reaches the middle of the broadest stroke.
    for reach in (side / 10, _NEAR):
        known = ratio * paper[..., None]
        total = _each_channel(lambda channel, reach=reach: cv2.GaussianBlur(channel, (0, 0), reach), known)
        weight = cv2.GaussianBlur(paper, (0, 0), reach)[..., None]
        result = (total + _DOUBT * result) / (weight + _DOUBT)
    return result


def _quadratic_surface(small: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """A quadratic surface through the lighter pixels, fitted again without those that lie far below it."""
    height, width, channels = small.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    step = max(1, min(height, width) // 80)
    inside = sheet[::step, ::step].ravel()
    points = terms[::step, ::step].reshape(-1, 6)[inside]
    samples = small[::step, ::step].reshape(-1, channels)[inside]
    chosen = np.ones(len(points), dtype=bool)
    surface = np.zeros((6, channels), np.float32)
    for _ in range(4):
        surface, *_ = np.linalg.lstsq(points[chosen], samples[chosen], rcond=None)
        residual = (samples - points @ surface).mean(axis=1)
        chosen = residual > -max(2.0, float(residual[chosen].std()))
    low, high = np.percentile(samples, 2, axis=0), np.percentile(samples, 99.5, axis=0)
    return np.clip(terms @ surface, np.maximum(0.5 * low, _DARKEST_PAPER), np.maximum(1.2 * high, _DARKEST_PAPER))


def _continued(values: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """The values on the sheet, and beyond its edge those of the nearest pixel on it."""
    if sheet.all():
        return values
    outside = (~sheet).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros(labels.max() + 1, np.int64)
    nearest[labels[sheet]] = np.flatnonzero(sheet)
    return values.reshape(-1, values.shape[2])[nearest[labels]]


def _closed(channel: np.ndarray, side: int) -> np.ndarray:
    # A pixel of grain must not lift its whole neighbourhood: the closing runs over a median.
    smooth = cv2.medianBlur(np.clip(channel * 128, 0, 255).astype(np.uint8), 5)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    # Continued beyond the edge, so that the wedge of a shadow there is not taken for a stroke.
    padded = cv2.copyMakeBorder(smooth, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[side:-side, side:-side]
    return closed.astype(np.float32) / 128


def _each_channel(function, values: np.ndarray) -> np.ndarray:
    return np.stack([function(np.ascontiguousarray(values[..., c])) for c in range(values.shape[2])], axis=-1)


def _missing_light(values: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """The share of the paper's light that is missing, a channel: float32, `(height, width, channels)`."""
    result = np.empty(values.shape, np.float32)
    for channel in range(values.shape[2]):
        whole = cv2.resize(paper[..., channel], values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        np.divide(values[..., channel], whole, out=whole, casting="unsafe")
        np.subtract(1, whole, out=result[..., channel])
    return result


def _ink_direction(missing: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """The weights of the channels, by how much of their light the strongest strokes take away."""
    channels = missing.shape[2]
    if channels == 1:
        return np.ones(1, np.float32)
    step = max(1, round((missing.shape[0] * missing.shape[1] / 300_000) ** 0.5))
    samples = missing[::step, ::step][sheet[::step, ::step]]
    strength = samples.mean(axis=1)
    if not len(samples):
        return np.full(channels, 1 / channels, np.float32)
    strongest = samples[strength >= np.percentile(strength, 98)].mean(axis=0)
    weights = np.maximum(strongest, 0.05)
    return (weights / weights.sum()).astype(np.float32)


def _grain(signed: np.ndarray) -> np.ndarray:
    """The paper's grain at every pixel, as the standard deviation of the contrast: float32."""
    side = 48
    height, width = signed.shape
    rows, columns = max(1, height // side), max(1, width // side)
    blocks = signed[: rows * side, : columns * side] if min(height, width) >= side else signed
    blocks = blocks[: rows * (blocks.shape[0] // rows), : columns * (blocks.shape[1] // columns)]
    blocks = blocks.reshape(rows, blocks.shape[0] // rows, columns, blocks.shape[1] // columns).swapaxes(1, 2)
    blocks = blocks.reshape(rows, columns, -1)[..., ::5]
    # From the lighter half alone, where there is no ink; in a normal distribution these two lie 1.26
    # standard deviations apart.
    low, high = np.percentile(blocks, (5, 35), axis=2)
    grain = (high - low) / 1.26
    # A block that is full of strokes takes its neighbours' grain.
    grain = cv2.medianBlur(grain.astype(np.float32), 5)
    return cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
