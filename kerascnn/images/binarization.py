"""Binarization of a photographed page: separate ink from its background."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.background import estimate_page_background
from kerascnn.images.sheet_detection import find_sheet

_MAX_PAGE_PIXELS = 3_000_000  # digits of 4 mm on a sheet of A4 are still 28 pixels high
_MIN_PAGE_SIDE = 1000  # pixels; strokes of one or two pixels are enlarged before anything is measured
_MAX_ENLARGEMENT = 4.0
_BACKGROUND_SIDE = 480  # pixels; illumination is smooth, so that it is estimated on a small copy
_GRAIN_FACTOR = 5.0  # standard deviations of the paper's grain by which the foreground of a page stands out
_MIN_CONTRAST = 0.05  # share of the background's light; a weaker contrast is not ink


@dataclass(frozen=True, eq=False)
class BinarizedPage:
    """The foreground of a page, on a grid that suits its size.

    Args:
        contrast: float32, `(height, width)`: the missing share of the background's light, 0..1; about 1 is black ink.
        mask: bool, `(height, width)`: where the contrast stands out from the paper's grain.
        scale: Pixels of this grid per pixel of the picture.
    """

    contrast: np.ndarray
    mask: np.ndarray
    scale: float


def binarize_page(picture: np.ndarray, min_side: int = _MIN_PAGE_SIDE) -> BinarizedPage:
    """Find everything on a page that is darker than its background, or lighter on dark paper.

    Illumination, shadows and the table around the sheet are removed; printed lines and smudges are not. The contrast
    is a ratio to the background's light, which is the same in the sun and in the shade.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.
        min_side: Pixels to which the longer side of a smaller picture is enlarged, at most four times.
    """
    scale = _choose_scale(picture.shape[0], picture.shape[1], min_side)
    values = np.atleast_3d(_resize(picture, scale))
    small = np.atleast_3d(_resize(values, min(1.0, _BACKGROUND_SIDE / max(values.shape[:2]))))
    sheet = find_sheet(small)
    if _is_light_on_dark(small, sheet):
        values, small = 255 - values, 255 - small
    missing = _measure_missing_light(values, estimate_page_background(small.astype(np.float32), sheet))
    whole_sheet = cv2.resize(sheet.astype(np.uint8), values.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    signed = missing @ _weigh_channels(missing, whole_sheet)
    signed = cv2.GaussianBlur(signed, (0, 0), 0.8 if scale <= 1 else 0.8 * scale**0.5)
    threshold = np.maximum(_GRAIN_FACTOR * _measure_grain(signed), _MIN_CONTRAST)
    contrast = np.maximum(signed, 0) * whole_sheet
    return BinarizedPage(contrast, contrast > threshold, scale)


def _choose_scale(height: int, width: int, min_side: int) -> float:
    if height * width > _MAX_PAGE_PIXELS:
        return float((_MAX_PAGE_PIXELS / (height * width)) ** 0.5)
    return float(np.clip(min_side / max(height, width), 1.0, _MAX_ENLARGEMENT))


def _resize(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def _is_light_on_dark(small: np.ndarray, sheet: np.ndarray) -> bool:
    """Find the polarity: ink is the rarer side, and holds the strong deviations from the median."""
    grey = small.mean(axis=2).astype(np.uint8)
    # The table must not reach into the medians along the sheet's edge.
    grey[~sheet] = np.median(grey[sheet])
    window = max(3, (min(grey.shape) // 3) | 1)
    difference = (grey.astype(np.float32) - cv2.medianBlur(grey, window))[sheet]
    grain = max(2.0, 4 * 1.4826 * float(np.median(np.abs(difference))))
    light = np.square(difference[difference > grain]).sum()
    dark = np.square(difference[difference < -grain]).sum()
    return bool(light > 2 * dark)


def _measure_missing_light(values: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Measure the share of the background's light that is missing: float32, `(height, width, channels)`."""
    result = np.empty(values.shape, np.float32)
    for channel in range(values.shape[2]):
        whole = cv2.resize(background[..., channel], values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        np.divide(values[..., channel], whole, out=whole, casting="unsafe")
        np.subtract(1, whole, out=result[..., channel])
    return result


def _weigh_channels(missing: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Weigh the channels by how much of their light the strongest strokes take away: float32, `(channels,)`."""
    channels = missing.shape[2]
    if channels == 1:
        return np.ones(1, np.float32)
    step = max(1, round((missing.shape[0] * missing.shape[1] / 300_000) ** 0.5))
    samples = missing[::step, ::step][sheet[::step, ::step]]
    if not len(samples):
        return np.full(channels, 1 / channels, np.float32)
    mean = samples.mean(axis=1)
    weights = np.maximum(samples[mean >= np.percentile(mean, 98)].mean(axis=0), 0.05)
    return np.asarray((weights / weights.sum()).astype(np.float32))


def _measure_grain(signed: np.ndarray) -> np.ndarray:
    """Measure the standard deviation of the paper's grain around every pixel: float32, `(height, width)`."""
    side = 48
    height, width = signed.shape
    rows, columns = max(1, height // side), max(1, width // side)
    blocks = signed[: rows * side, : columns * side] if min(height, width) >= side else signed
    blocks = blocks[: rows * (blocks.shape[0] // rows), : columns * (blocks.shape[1] // columns)]
    blocks = blocks.reshape(rows, blocks.shape[0] // rows, columns, blocks.shape[1] // columns).swapaxes(1, 2)
    blocks = blocks.reshape(rows, columns, -1)[..., ::5]
    # From the lighter half alone, where there is no ink: in a normal distribution these two percentiles lie 1.26
    # standard deviations apart.
    low, high = np.percentile(blocks, (5, 35), axis=2)
    # A block that is full of strokes takes its neighbours' grain.
    grain = cv2.medianBlur(((high - low) / 1.26).astype(np.float32), 5)
    return np.asarray(cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR))
