"""Draw an MNIST digit large: 28 x 28 grey pixels become crisp strokes of a chosen width."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Pen:
    """What draws.

    Args:
        width: of the stroke in pixels.
        pressure: the ink's coverage, 0 to 1.
    """

    width: float
    pressure: float


def drawn_digit(image: np.ndarray, height: float, pen: Pen, generator: np.random.Generator) -> np.ndarray:
    """Enlarge a digit and draw it with a pen.

    Args:
        image: uint8, (28, 28), 255 for ink.
        height: of the result's longer side in pixels, without its margin.
        pen: width and pressure of the stroke.
        generator: for the pen's unevenness.

    Returns:
        float32, `(height, width)`, the ink's coverage, 0 to 1, cut to the digit with a margin of a few
        pixels.
    """
    rows, columns = np.flatnonzero((image > 60).any(axis=1)), np.flatnonzero((image > 60).any(axis=0))
    top, bottom = max(0, rows[0] - 2), min(28, rows[-1] + 3)
    left, right = max(0, columns[0] - 2), min(28, columns[-1] + 3)
    scale = height / max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    part = image[top:bottom, left:right].astype(np.float32) / 255
    size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
    large = cv2.GaussianBlur(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), (0, 0), 0.25 * scale)
    solid = _outlined(large)
    depth = _depth(solid, generator)
    coverage = _with_width(solid, depth, pen.width)
    # A broad pen may close the loops of an 8: whoever writes with it writes so that they stay open.
    for width in (0.85 * pen.width, 0.7 * pen.width, 0.55 * pen.width):
        if _num_loops(coverage > 0.5) >= _num_loops(solid):
            break
        coverage = _with_width(solid, depth, width)
    return _cut((coverage * pen.pressure).astype(np.float32))


def _outlined(large: np.ndarray) -> np.ndarray:
    """The strokes' outline at the grey level that keeps the digit in one piece and its loops open."""
    best, best_form = large > 0.45, None
    for level in (0.45, 0.35, 0.55, 0.65):
        solid = large > level
        form = (_num_parts(solid), -_num_loops(solid))
        if best_form is None or form < best_form:
            best, best_form = solid, form
    return best


def _num_parts(solid: np.ndarray) -> int:
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
    return int((stats[1:, cv2.CC_STAT_AREA] > 0.01 * solid.size).sum())


def _num_loops(solid: np.ndarray) -> int:
    outside = np.pad(~solid, 1, constant_values=True).astype(np.uint8)
    return int(cv2.connectedComponents(outside, connectivity=4)[0]) - 2


def _depth(solid: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How deep each pixel lies inside the strokes: positive inside, negative outside, a little uneven."""
    inside = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    wobble = cv2.GaussianBlur(generator.normal(0, 1, solid.shape).astype(np.float32), (0, 0), 5)
    return inside - outside + 0.8 * wobble / max(float(wobble.std()), 1e-6) * 0.5


def _with_width(solid: np.ndarray, depth: np.ndarray, width: float) -> np.ndarray:
    """The strokes at another width: grown outwards, or drawn anew along their middle line."""
    ridge = _middle_line(solid)
    own = 2 * float(np.median(depth[ridge])) if ridge.any() else width
    if width >= own:
        return np.clip(depth + (width - own) / 2 + 0.5, 0, 1)
    along = cv2.distanceTransform((~ridge).astype(np.uint8), cv2.DIST_L2, 5)
    thin = np.clip(width / 2 - along + 0.5, 0, 1)
    return cv2.GaussianBlur(thin, (0, 0), 0.6)


def _middle_line(solid: np.ndarray) -> np.ndarray:
    """One pixel along the middle of the strokes, connected, by repeated thinning.

    Source: T. Zhang and C. Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27 (3),
    1984.
    """
    line = np.pad(solid, 1).astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for step in range(2):
            removable = _removable(line, step)
            if removable.any():
                line[removable] = 0
                changed = True
    return line[1:-1, 1:-1] > 0


def _removable(line: np.ndarray, step: int) -> np.ndarray:
    # The eight neighbours, clockwise from the north.
    offsets = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
    around = [np.roll(line, (-row, -column), axis=(0, 1)) for row, column in offsets]
    neighbours = sum(plane.astype(np.int8) for plane in around)
    changes = sum(((a == 0) & (b == 1)).astype(np.int8) for a, b in zip(around, around[1:] + around[:1], strict=True))
    north, east, south, west = around[0], around[2], around[4], around[6]
    if step == 0:
        open_side = (north & east & south == 0) & (east & south & west == 0)
    else:
        open_side = (north & east & west == 0) & (north & south & west == 0)
    return (line == 1) & (neighbours >= 2) & (neighbours <= 6) & (changes == 1) & open_side


def _cut(coverage: np.ndarray) -> np.ndarray:
    rows, columns = (
        np.flatnonzero((coverage > 0.02).any(axis=1)),
        np.flatnonzero((coverage > 0.02).any(axis=0)),
    )
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
