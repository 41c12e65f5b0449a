"""Find the sheet of paper on a darker table, so that what lies around it is not read."""

import cv2
import numpy as np

from kerascnn.images.components import find_components

_MIN_SHARE = 0.15  # of the picture that a sheet takes
_MAX_SHARE = 0.99
_NUM_LEVELS = 12  # brightnesses at which an outline is looked for
_MIN_SOLIDITY = 0.88  # a sheet is convex, a patch of light seldom is
_MIN_STEP = 0.25  # of the sheet's brightness that is lost across its edge within a few pixels


def find_sheet(small: np.ndarray) -> np.ndarray:
    """Find the sheet on a page, uint8 `(height, width, channels)` of a few hundred pixels; all True where none is."""
    everything = np.ones(small.shape[:2], dtype=bool)
    if min(small.shape[:2]) < 40:
        return everything
    # Strokes are closed, so that a sheet full of writing is one light patch.
    grey = cv2.medianBlur(small.max(axis=2), 5)
    side = max(3, (min(grey.shape) // 20) | 1)
    closed = _close(grey, side)
    low, high = np.percentile(closed, (1, 98))
    best, best_step = None, _MIN_STEP
    # A shadow across sheet and table leaves no level that is right beforehand: the sharpest outline counts.
    for level in np.linspace(low, high, _NUM_LEVELS + 2)[1:-1]:
        hull = _convex_patch(closed > level)
        step = 0.0 if hull is None else _edge_step(closed, hull)
        if step > best_step:
            best, best_step = hull, step
    if best is None:
        return everything
    margin = max(3, round(0.012 * max(small.shape[:2]))) | 1
    return cv2.erode(best.astype(np.uint8), np.ones((margin, margin), np.uint8), borderValue=1) > 0


def _close(grey: np.ndarray, side: int) -> np.ndarray:
    """Close dark strokes; a dark strip along the edge of the picture goes on beyond it, and stays."""
    padded = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.asarray(closed[side:-side, side:-side])


def _convex_patch(light: np.ndarray) -> np.ndarray | None:
    """Find the hull of the largest light patch, if it has a sheet's size and form."""
    sheet = _largest(light.astype(np.uint8))
    if not _MIN_SHARE <= sheet.mean() <= _MAX_SHARE:
        return None
    hull = _hull(sheet)
    return hull if sheet.sum() >= _MIN_SOLIDITY * hull.sum() else None


def _largest(light: np.ndarray) -> np.ndarray:
    opened = cv2.morphologyEx(light, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    found = find_components(opened, connectivity=4)
    if not len(found):
        return opened > 0
    return np.asarray(found.labels == 1 + int(np.argmax(found.area)))


def _hull(sheet: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(sheet.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(contours))
    result = np.zeros(sheet.shape, np.uint8)
    cv2.fillConvexPoly(result, hull, 1)
    return result > 0


def _edge_step(closed: np.ndarray, sheet: np.ndarray) -> float:
    """Measure the share of the brightness that is lost at once across most of an edge; little for a shadow's."""
    reach = 4
    inner = cv2.erode(closed, np.ones((3, 3), np.uint8))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    lightest = cv2.dilate(inner, kernel).astype(np.float32)
    darkest = cv2.erode(closed, kernel).astype(np.float32)
    edge = sheet & (cv2.erode(sheet.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0)
    if not edge.any():
        return 0.0
    return float(np.percentile((lightest[edge] - darkest[edge]) / np.maximum(lightest[edge], 1), 25))
