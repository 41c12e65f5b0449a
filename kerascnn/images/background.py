"""Background estimation: the colour of the paper at every pixel, strokes filled in.

A picture of one glyph is compared with the paper that its border shows. On a photographed page a quadratic surface
follows lamps and vignetting, a closing follows shadows, and a smooth fill continues the paper under the strokes.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

_MIN_SIDE = 64  # pixels; a smaller picture of one glyph is taken to be lit evenly
_NEAR = 2.5  # pixels of the small copy
_DOUBT = 0.02  # share of paper in a neighbourhood below which its mean counts less than half
_DARKEST_PAPER = 16.0  # grey levels; below, a ratio to the paper means nothing


def estimate_background(values: np.ndarray) -> np.ndarray:
    """Estimate the background of a picture of one glyph from the pixels that resemble the picture's border.

    From float32 `(height, width, channels)`, 0..255: float32 `(channels,)` for a small picture, else a quadratic
    surface of the picture's shape.
    """
    height, width, channels = values.shape
    margin = max(1, round(min(height, width) * 0.04))
    border = np.ones((height, width), dtype=bool)
    border[margin : height - margin, margin : width - margin] = False
    level: np.ndarray = np.median(values[border], axis=0)
    if min(height, width) < _MIN_SIDE:
        return level
    terms = _quadratic_terms(height, width)
    step = max(1, min(height, width) // 100)
    samples, points = values[::step, ::step].reshape(-1, channels), terms[::step, ::step].reshape(-1, 6)
    distance = np.abs(samples - level).max(axis=1)
    surface = None
    # Each fit leaves out the pixels that the one before shows to be foreground.
    for _ in range(3):
        paper = distance <= max(np.percentile(distance, 60), 2.0)
        surface = _fit(points[paper], samples[paper])
        distance = np.abs(samples - points @ surface).max(axis=1)
    return np.asarray(terms @ surface)


def estimate_page_background(small: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Estimate the background of a page: float32, `(height, width, channels)`, at least `_DARKEST_PAPER`.

    Args:
        small: float32, `(height, width, channels)`, 0..255, the page at a few hundred pixels, dark on light.
        sheet: bool, `(height, width)`, the pixels that show the sheet of paper.
    """
    surface = _fit_page_surface(small, sheet)
    ratio = _extrapolate((small / surface).astype(np.float32), sheet)
    side = max(5, (min(small.shape[:2]) // 8) | 1)
    closed = _map_channels(partial(_close, side=side), ratio)
    grain = 1.4826 * float(np.median(np.abs(ratio - closed)))
    paper = (ratio > closed - max(0.06, 2 * grain)).all(axis=2) & sheet
    # Beside a stroke the pixels are half ink: the fill keeps away from them.
    paper = cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    background = np.maximum(surface * _fill_strokes(ratio, paper, closed, side), _DARKEST_PAPER)
    return np.asarray(background, np.float32)


def _quadratic_terms(height: int, width: int) -> np.ndarray:
    """Evaluate 1, x, y, x², xy, y² on a grid from -1 to 1: float32, `(height, width, 6)`."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _fit(points: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Fit the coefficients of the quadratic terms by least squares: float32, `(6, channels)`."""
    # The normal equations of six terms take a twentieth of the time of a decomposition of all the points.
    normal = points.T.astype(np.float64) @ points + 1e-9 * len(points) * np.eye(points.shape[1])
    return np.asarray(np.linalg.solve(normal, points.T.astype(np.float64) @ samples), np.float32)


def _fit_page_surface(small: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Fit a quadratic surface to the lighter pixels, again and again without those that lie far below it."""
    height, width, channels = small.shape
    terms = _quadratic_terms(height, width)
    step = max(1, min(height, width) // 80)
    inside = sheet[::step, ::step].ravel()
    points = terms[::step, ::step].reshape(-1, 6)[inside]
    samples = small[::step, ::step].reshape(-1, channels)[inside]
    chosen = np.ones(len(points), dtype=bool)
    surface = np.zeros((6, channels), np.float32)
    for _ in range(4):
        surface = _fit(points[chosen], samples[chosen])
        residual = (samples - points @ surface).mean(axis=1)
        chosen = residual > -max(2.0, float(residual[chosen].std()))
    low, high = np.percentile(samples, 2, axis=0), np.percentile(samples, 99.5, axis=0)
    limits = np.maximum(0.5 * low, _DARKEST_PAPER), np.maximum(1.2 * high, _DARKEST_PAPER)
    return np.asarray(np.clip(terms @ surface, *limits))


def _extrapolate(values: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Give the pixels beyond the sheet's edge the values of the nearest pixel on it."""
    if sheet.all():
        return values
    outside = (~sheet).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros(labels.max() + 1, np.int64)
    nearest[labels[sheet]] = np.flatnonzero(sheet)
    return np.asarray(values.reshape(-1, values.shape[2])[nearest[labels]])


def _close(channel: np.ndarray, side: int) -> np.ndarray:
    # A pixel of grain must not lift its whole neighbourhood: the closing runs over a median.
    smooth = cv2.medianBlur(np.clip(channel * 128, 0, 255).astype(np.uint8), 5)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    # Replicated beyond the edge, so that the wedge of a shadow there is not taken for a stroke.
    padded = cv2.copyMakeBorder(smooth, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[side:-side, side:-side]
    return closed.astype(np.float32) / 128


def _fill_strokes(ratio: np.ndarray, paper: np.ndarray, closed: np.ndarray, side: int) -> np.ndarray:
    """Continue the paper under the strokes: from near by where there is paper, else from further away."""
    result = closed
    # The nearest paper follows the edge of a shadow; the furthest reaches the middle of the broadest stroke.
    for reach in (side / 10, _NEAR):
        known = ratio * paper[..., None]
        total = _map_channels(partial(_blur, sigma=reach), known)
        weight = _blur(paper, reach)[..., None]
        result = (total + _DOUBT * result) / (weight + _DOUBT)
    return result


def _blur(channel: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(channel, (0, 0), sigma))


def _map_channels(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    return np.stack([function(np.ascontiguousarray(values[..., c])) for c in range(values.shape[2])], axis=-1)
