"""Find the ink of one glyph in a picture: separate it from paper, shadow, box borders and specks."""

from dataclasses import dataclass

import cv2
import numpy as np

_WORKING_SIDE = 640  # pixels; enough for a hairline on a large canvas, small enough to be quick
_MIN_CONTRAST = 12  # grey levels between ink and paper below which a picture counts as blank
_MIN_SNR = 3.0  # ink must stand out from the paper's grain by so many of its standard deviations


@dataclass(frozen=True)
class Ink:
    """The ink of a picture.

    Args:
        strength: float32, `(height, width)`, 0 for paper to 1 for full ink.
        mask: bool, `(height, width)`, the pixels that belong to the glyph.
    """

    strength: np.ndarray
    mask: np.ndarray


def binarize_glyph(picture: np.ndarray) -> Ink | None:
    """Find the ink of the one glyph that a picture shows.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`, dark on light or light on dark.

    Returns:
        The ink, on the picture's own grid or, for large pictures, on a smaller one; None if there is none.
    """
    contrast = _contrast_with_paper(shrink(picture))
    threshold = _threshold(contrast)
    if threshold is None:
        return None
    mask = _glyph_components(contrast >= threshold)
    if not mask.any():
        return None
    full = float(np.percentile(contrast[mask], 75))
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # Half the threshold is paper: the soft edge of a stroke lies between.
    strength = np.clip((contrast - threshold / 2) / max(full - threshold / 2, 1e-6), 0, 1) * near
    return Ink(strength.astype(np.float32), mask)


def measure_stroke_width(mask: np.ndarray) -> float:
    """The usual width of a glyph's strokes in pixels, from the distance transform along their middle lines."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)
    # The ridge: pixels as far from paper as any neighbour, the middle line of the stroke.
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    return 2 * float(np.median(distance[ridge])) if ridge.any() else 1.0


def shrink(picture: np.ndarray) -> np.ndarray:
    """A picture of one glyph at the size at which it is looked at: at most `_WORKING_SIDE` pixels a side."""
    longest = max(picture.shape[:2])
    if longest <= _WORKING_SIDE:
        return picture
    scale = _WORKING_SIDE / longest
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _contrast_with_paper(picture: np.ndarray) -> np.ndarray:
    """How far each pixel lies from the paper, in the direction of the ink: float32, grey levels."""
    values = picture.astype(np.float32)
    if values.ndim == 2:
        values = values[..., None]
    difference = values - _paper(values)
    direction = _ink_direction(difference)
    return np.maximum(difference @ direction, 0)


def _paper(values: np.ndarray) -> np.ndarray:
    """The paper's colour at every pixel: a smooth surface through the pixels that look like the border."""
    height, width, _ = values.shape
    margin = max(1, round(min(height, width) * 0.04))
    border = np.ones((height, width), dtype=bool)
    border[margin : height - margin, margin : width - margin] = False
    level = np.median(values[border], axis=0)
    if min(height, width) < 64:
        return level
    # A quadratic surface, fitted twice: the second time without the pixels that the first fit shows to be ink.
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    step = max(1, min(height, width) // 100)
    samples, points = (
        values[::step, ::step].reshape(-1, values.shape[2]),
        terms[::step, ::step].reshape(-1, 6),
    )
    distance = np.abs(samples - level).max(axis=1)
    surface = None
    for _ in range(3):
        paper = distance <= max(np.percentile(distance, 60), 2.0)
        surface, *_ = np.linalg.lstsq(points[paper], samples[paper], rcond=None)
        distance = np.abs(samples - points @ surface).max(axis=1)
    return terms @ surface


def _ink_direction(difference: np.ndarray) -> np.ndarray:
    """The unit vector in colour space from paper to ink; its sign is the polarity."""
    flat = difference.reshape(-1, difference.shape[2])
    norms = np.linalg.norm(flat, axis=1)
    strongest = flat[norms >= np.percentile(norms, 97)]
    # The strongest deviations may be of both signs (a glare beside the ink): the larger group decides.
    axis = strongest[np.argmax(np.linalg.norm(strongest, axis=1))]
    side = strongest @ axis
    chosen = strongest[side > 0] if (side > 0).sum() >= (side < 0).sum() else strongest[side < 0]
    mean = chosen.mean(axis=0) if len(chosen) else axis
    return mean / max(float(np.linalg.norm(mean)), 1e-6)


def _threshold(contrast: np.ndarray) -> float | None:
    top = float(np.percentile(contrast, 99.7))
    if top < _MIN_CONTRAST:
        return None
    scaled = np.clip(contrast * (255 / top), 0, 255).astype(np.uint8)
    otsu, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    threshold = max(otsu * top / 255, 0.25 * top)
    paper = contrast[contrast < threshold]
    grain = float(paper.std()) if paper.size else 0.0
    return threshold if top >= _MIN_SNR * grain else None


def _glyph_components(mask: np.ndarray) -> np.ndarray:
    """Keep the components that make up the glyph; drop specks and what comes in from the edge."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask
    height, width = mask.shape
    areas = stats[1:, cv2.CC_STAT_AREA].astype(float)
    left, top = stats[1:, cv2.CC_STAT_LEFT], stats[1:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[1:, cv2.CC_STAT_WIDTH], top + stats[1:, cv2.CC_STAT_HEIGHT]
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    spans = np.maximum((right - left) / width, (bottom - top) / height)
    # A border of a box or an edge of the sheet runs along the edge of the picture and stays near it.
    thickness = areas / np.maximum(np.maximum(right - left, bottom - top), 1)
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
    reach = 0.35 * max(right[main] - left[main], bottom[main] - top[main])
    gap_x = np.maximum(np.maximum(left - right[main], left[main] - right), 0)
    gap_y = np.maximum(np.maximum(top - bottom[main], top[main] - bottom), 0)
    keep = (areas >= 0.04 * areas[main]) & (np.maximum(gap_x, gap_y) <= reach) & ~edge
    keep[main] = True
    return np.concatenate([[False], keep])[labels]
