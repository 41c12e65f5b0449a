"""Find the ruled lines of an upright table by their contrast: also faint, dashed and dotted ones.

A line is lighter than its surroundings nowhere along its length, handwriting is in most places. So the contrast is
eroded along the lines, and what is left in most of a row of pixels is a line. Upright lines are found as level ones of
the transposed picture.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

THICKEST, BRIDGED, SHORTEST, NEAREST = 0.012, 0.008, 0.035, 0.012
"""Greatest thickness, gap between dashes, length and distance of lines, as shares of the page's longer side."""

_DRIFT = 2  # pixels by which a line may bend after its frame is upright
_SMOOTHED = 5  # pixels along a line over which the grain is averaged
_NOISE = 2.0  # medians of a profile, up to which it is grain
_TRACED = 3  # distances of two lines, over which the bend of one is averaged
_LEFT_OUT = (8, 4, 2, 2)  # pixels from the curve of a line, beyond which it is something else, step by step
_FEWEST_POINTS = 20  # of a curve
_EDGE = 0.3  # of the contrast of a line, that its edge has
_HALF = 0.5  # of its peak, at which the thickness of a line is measured


def measure_lines(contrast: np.ndarray, side: int, *, shortest: int = 0, bridged: int = 0) -> np.ndarray:
    """Measure the contrast of the level line that goes through each pixel: float32, `(height, width)`.

    Args:
        contrast: Contrast of an upright table, `(height, width)`.
        side: Longer side of its page in pixels.
        shortest: Length of what is a line at least, in pixels; a share of the page by default.
        bridged: Gap between dashes at most, in pixels; a share of the page by default.
    """
    shortest = shortest or max(9, round(SHORTEST * side))
    bridged = bridged or max(3, round(BRIDGED * side))
    thick = cv2.morphologyEx(contrast, cv2.MORPH_OPEN, np.ones((max(4, round(THICKEST * side)), 1), np.uint8))
    thin = cv2.blur(contrast - thick, (_SMOOTHED, 1))
    near = cv2.dilate(thin, np.ones((2 * _DRIFT + 1, 1), np.uint8))
    whole = cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((1, bridged), np.uint8))
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8)))


def find_places(profile: np.ndarray, margin: int, nearest: int) -> tuple[tuple[int, ...], float]:
    """Find where lines are in a profile of their contrast; return the places, the sides included, and the threshold.

    Args:
        profile: Contrast of the line through each row of pixels of a table, `(height,)`.
        margin: Rows of pixels around its frame.
        nearest: Distance of two lines at least, in pixels.
    """
    first, last = margin, len(profile) - 1 - margin
    noise = _NOISE * max(float(np.median(profile)), 1e-4)
    peaks: list[int] = []
    for place in np.argsort(-profile, kind="stable"):
        if profile[place] <= noise:
            break
        if first + nearest < place < last - nearest and all(abs(place - peak) > nearest for peak in peaks):
            peaks.append(int(place))
    if not peaks:
        return (first, last), noise
    # Lines of one table are about equally dark, and far from the grain and the streaks of a copier: between these and
    # the line at which half of all contrast is reached, there is nothing.
    contrasts = profile[peaks]
    level = contrasts[np.searchsorted(np.cumsum(contrasts), contrasts.sum() / 2)]
    threshold = float(np.sqrt(noise * level))
    inner = sorted(_centre(profile, peak, nearest)[0] for peak in peaks if profile[peak] >= threshold)
    # A broad line has two edges.
    apart = [place for before, place in pairwise((first, *inner)) if place - before > nearest // 2]
    return (first, *apart, last), threshold


def bridge_lines(contrast: np.ndarray, profile: np.ndarray, places: Sequence[int], nearest: int) -> np.ndarray:
    """Remove level lines from the contrast; only what comes from both sides goes on where they were."""
    bridged = contrast.copy()
    for place in places:
        centre, thickness = _centre(profile, place, nearest)
        reach = int(np.clip(thickness // 2, 3, max(3, nearest // 2)))
        top, bottom = max(0, centre - reach), min(len(contrast) - 1, centre + reach)
        above, below = contrast[max(0, top - 3) : top], contrast[bottom + 1 : bottom + 4]
        both = [part.mean(axis=0) for part in (above, below) if len(part)]
        bridged[top : bottom + 1] = np.minimum.reduce(both)
    return bridged


def _centre(profile: np.ndarray, place: int, nearest: int) -> tuple[int, int]:
    """Find the middle and the thickness of a line near to a place."""
    start = max(0, place - nearest)
    near = profile[start : place + nearest + 1]
    high = np.flatnonzero(near >= _HALF * near.max())
    return start + int(high[0] + high[-1]) // 2, int(high[-1] - high[0]) + 1


def trace_lines(contrast: np.ndarray, found: np.ndarray, places: Sequence[int], nearest: int) -> np.ndarray:
    """Trace level lines along their bends, as thick as they are: bool, `(height, width)`.

    Args:
        contrast: Contrast of an upright table, `(height, width)`.
        found: bool, of the same shape: where a line is, or what is written along it.
        places: About where the lines are.
        nearest: Distance of two lines at least, in pixels.
    """
    lines = np.zeros(found.shape, bool)
    reach = max(4, nearest // 2)
    for place in places:
        top, bottom = max(0, place - reach), min(len(contrast), place + reach + 1)
        band, here = contrast[top:bottom], np.asarray(found[top:bottom].any(axis=0))
        if not here.any():
            continue
        # Writing is darker than a line may be, but nowhere as long.
        level = float(np.median(band[:, here].max(axis=0)))
        window = max(9, nearest * _TRACED)
        smooth = cv2.blur(np.minimum(band, 1.2 * level), (window, 3), borderType=cv2.BORDER_REPLICATE)
        middle = _fit_bend(smooth.argmax(axis=0), here)
        offsets = np.arange(len(band))[:, None] - np.round(middle).astype(int)
        inside = [band[(offsets == offset) & here] for offset in range(-reach, reach + 1)]
        across = np.array([np.median(values) if len(values) else 0.0 for values in inside])
        thick = _measure_thickness(across, reach)
        lines[top:bottom] |= (np.abs(offsets) <= thick // 2) & here
    return lines


def _fit_bend(places: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Fit a smooth curve to where a line is darkest, `(width,)`; what is written along it is left out."""
    across = np.linspace(-1, 1, len(places))
    chosen = np.asarray(here & (np.abs(places - np.median(places[here])) <= _LEFT_OUT[0]))
    curve = np.full(len(places), float(np.median(places[here])))
    for least in _LEFT_OUT[1:]:
        if chosen.sum() < _FEWEST_POINTS:
            break
        curve = np.polyval(np.polyfit(across[chosen], places[chosen], 3), across)
        chosen = np.asarray(here & (np.abs(places - curve) <= least))
    return curve


def _measure_thickness(across: np.ndarray, middle: int) -> int:
    """Measure how many pixels around the middle of a line are at least a part of its contrast, to either side alike."""
    dark = across >= _EDGE * across.max()
    half = 0
    while half < middle and (dark[middle - half - 1] or dark[middle + half + 1]):
        half += 1
    return 2 * half + 1
