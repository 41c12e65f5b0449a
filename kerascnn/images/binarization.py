"""Binarization: separate ink from its background, on a picture of one glyph and on a photographed page."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.background import estimate_background, estimate_page_background
from kerascnn.images.components import find_components
from kerascnn.images.glyphs import Glyph, crop_glyph
from kerascnn.images.sheet_detection import find_sheet

_GLYPH_SIDE = 640  # pixels; enough for a hairline on a large canvas, small enough to be quick
_MIN_LEVELS = 12  # grey levels between ink and background below which a picture of one glyph is blank
_MIN_SNR = 3.0  # standard deviations of the paper's grain by which ink must stand out from it

_MAX_PAGE_PIXELS = 3_000_000  # digits of 4 mm on a sheet of A4 are still 28 pixels high
_MIN_PAGE_SIDE = 1000  # pixels; strokes of one or two pixels are enlarged before anything is measured
_MAX_ENLARGEMENT = 4.0
_BACKGROUND_SIDE = 480  # pixels; illumination is smooth, so that it is estimated on a small copy
_GRAIN_FACTOR = 5.0  # standard deviations of the paper's grain by which the foreground of a page stands out
_MIN_CONTRAST = 0.05  # share of the background's light; a weaker contrast is not ink


# === One glyph ===


def binarize_glyph(picture: np.ndarray) -> Glyph | None:
    """Find the foreground of the one glyph that a picture shows, without box borders and specks.

    The picture is uint8, `(height, width)` or `(height, width, 3)`, dark on light or light on dark. The glyph lies on
    the picture's own grid; it is None if nothing stands out from the background.
    """
    contrast = _subtract_background(picture)
    threshold = _find_threshold(contrast)
    if threshold is None:
        return None
    mask = _keep_glyph(contrast >= threshold)
    if not mask.any():
        return None
    full = float(np.percentile(contrast[mask], 75))
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # Half the threshold is background: the soft edge of a stroke lies between.
    intensity = np.clip((contrast - threshold / 2) / max(full - threshold / 2, 1e-6), 0, 1) * near
    return crop_glyph(intensity.astype(np.float32), mask)


def shrink(picture: np.ndarray) -> np.ndarray:
    """Shrink a picture of one glyph to at most `_GLYPH_SIDE` pixels a side."""
    longest = max(picture.shape[:2])
    return picture if longest <= _GLYPH_SIDE else _resize(picture, _GLYPH_SIDE / longest)


def _subtract_background(picture: np.ndarray) -> np.ndarray:
    """Measure how far each pixel lies from the background towards the ink: float32, `(height, width)`, grey levels."""
    values = np.atleast_3d(picture.astype(np.float32))
    difference = values - estimate_background(values)
    return np.asarray(np.maximum(difference @ _find_ink_direction(difference), 0))


def _find_ink_direction(difference: np.ndarray) -> np.ndarray:
    """Find the unit vector in colour space from background to ink; its sign is the polarity."""
    flat = difference.reshape(-1, difference.shape[2])
    norms = np.linalg.norm(flat, axis=1)
    strongest = flat[norms >= np.percentile(norms, 97)]
    # The strongest deviations may be of both signs (a glare beside the ink): the larger group decides.
    axis = strongest[np.argmax(np.linalg.norm(strongest, axis=1))]
    side = strongest @ axis
    chosen = strongest[side > 0] if (side > 0).sum() >= (side < 0).sum() else strongest[side < 0]
    mean: np.ndarray = chosen.mean(axis=0) if len(chosen) else axis
    return mean / max(float(np.linalg.norm(mean)), 1e-6)


def _find_threshold(contrast: np.ndarray) -> float | None:
    """Find the contrast that parts ink from background, by Otsu's method; None for a blank picture."""
    top = float(np.percentile(contrast, 99.7))
    if top < _MIN_LEVELS:
        return None
    scaled = np.clip(contrast * (255 / top), 0, 255).astype(np.uint8)
    otsu, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    threshold = max(otsu * top / 255, 0.25 * top)
    background = contrast[contrast < threshold]
    grain = float(background.std()) if background.size else 0.0
    return threshold if top >= _MIN_SNR * grain else None


def _keep_glyph(mask: np.ndarray) -> np.ndarray:
    """Keep the components that make up the glyph; drop specks and what comes in from the edge."""
    found = find_components(mask)
    if not len(found):
        return mask
    height, width = mask.shape
    areas = found.area.astype(float)
    left, top, right, bottom = found.left, found.top, found.left + found.width, found.top + found.height
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    spans = np.maximum(found.width / width, found.height / height)
    # A border of a box or an edge of the sheet runs along the edge of the picture and stays near it.
    thickness = areas / np.maximum(np.maximum(found.width, found.height), 1)
    centre_x, centre_y = (left + right) / 2 / width, (top + bottom) / 2 / height
    off_centre = np.maximum(np.abs(centre_x - 0.5), np.abs(centre_y - 0.5)) * 2
    edge = touches & ((off_centre > 0.75) | ((spans > 0.9) & (thickness < 0.06 * max(height, width))))
    score = areas * (1 - 0.6 * off_centre)
    score[edge] = 0
    if not score.any():
        score = areas
        edge = np.zeros_like(edge)
    main = int(np.argmax(score))
    # Parts of a broken glyph are sizeable and close; specks are neither.
    reach = 0.35 * max(found.width[main], found.height[main])
    gap_x = np.maximum(np.maximum(left - right[main], left[main] - right), 0)
    gap_y = np.maximum(np.maximum(top - bottom[main], top[main] - bottom), 0)
    keep = (areas >= 0.04 * areas[main]) & (np.maximum(gap_x, gap_y) <= reach) & ~edge
    keep[main] = True
    return found.select(keep)


# === A page ===


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
