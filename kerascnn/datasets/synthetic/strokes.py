"""Enlarge an MNIST digit: 28 x 28 grey pixels become crisp strokes of a chosen width."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.components import bounding_box, count_components, find_components


@dataclass(frozen=True)
class Pen:
    """A pen: width of its stroke in pixels, and coverage by ink, 0..1."""

    width: float
    pressure: float


def draw_digit(image: np.ndarray, height: float, pen: Pen, generator: np.random.Generator) -> np.ndarray:
    """Enlarge a digit and draw it with a pen: coverage by ink, float32, 0..1, cropped to the digit.

    Args:
        image: uint8, `(28, 28)`, 0 is background and 255 is ink.
        height: Longer side of the digit in pixels, without a margin.
        pen: Width and pressure of the stroke.
        generator: Source of the pen's unevenness.
    """
    rows, columns = bounding_box(image > 60)
    scale = height / max(rows.stop - rows.start, columns.stop - columns.start)
    # Two pixels more on each side: the strokes end in faint ones.
    part = image[max(0, rows.start - 2) : rows.stop + 2, max(0, columns.start - 2) : columns.stop + 2]
    part = part.astype(np.float32) / 255
    size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
    large = cv2.GaussianBlur(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), (0, 0), 0.25 * scale)
    solid = _find_outline(large)
    depth = _signed_distance(solid, generator)
    coverage = _set_width(solid, depth, pen.width)
    # A broad pen would close the loops of an 8; people who use one keep them open.
    for width in (0.85 * pen.width, 0.7 * pen.width, 0.55 * pen.width):
        if _count_loops(coverage > 0.5) >= _count_loops(solid):
            break
        coverage = _set_width(solid, depth, width)
    return _crop((coverage * pen.pressure).astype(np.float32))


def _find_outline(large: np.ndarray) -> np.ndarray:
    """Threshold at the grey level that keeps the digit in one piece and its loops open."""
    best, best_form = large > 0.45, None
    for level in (0.45, 0.35, 0.55, 0.65):
        solid = large > level
        form = (_count_components(solid), -_count_loops(solid))
        if best_form is None or form < best_form:
            best, best_form = solid, form
    return best


def _count_components(solid: np.ndarray) -> int:
    return int((find_components(solid).area > 0.01 * solid.size).sum())


def _count_loops(solid: np.ndarray) -> int:
    return count_components(np.pad(~solid, 1, constant_values=True), connectivity=4) - 1


def _signed_distance(solid: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Measure the distance of each pixel from the outline, positive inside the strokes, with a little unevenness."""
    inside = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    wobble = cv2.GaussianBlur(generator.normal(0, 1, solid.shape).astype(np.float32), (0, 0), 5)
    return inside - outside + 0.8 * wobble / max(float(wobble.std()), 1e-6) * 0.5


def _set_width(solid: np.ndarray, depth: np.ndarray, width: float) -> np.ndarray:
    """Draw the strokes at another width: grown outwards, or thin along their skeleton."""
    ridge = _skeletonize(solid)
    own = 2 * float(np.median(depth[ridge])) if ridge.any() else width
    if width >= own:
        drawn: np.ndarray = np.clip(depth + (width - own) / 2 + 0.5, 0, 1)
        return drawn
    along = cv2.distanceTransform((~ridge).astype(np.uint8), cv2.DIST_L2, 5)
    thin = np.clip(width / 2 - along + 0.5, 0, 1)
    drawn = cv2.GaussianBlur(thin, (0, 0), 0.6)
    return drawn


def _skeletonize(solid: np.ndarray) -> np.ndarray:
    """Thin the strokes to a connected line of one pixel.

    Source: T. Zhang and C. Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27 (3), 1984.
    """
    line = np.pad(solid, 1).astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for step in range(2):
            removable = _find_removable(line, step)
            line[removable] = 0
            changed |= bool(removable.any())
    return line[1:-1, 1:-1] > 0


def _find_removable(line: np.ndarray, step: int) -> np.ndarray:
    # The eight neighbours, clockwise from the north, as Zhang and Suen number them.
    offsets = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
    around = [np.roll(line, (-row, -column), axis=(0, 1)) for row, column in offsets]
    neighbours = sum(plane.astype(np.int8) for plane in around)
    changes = sum(((a == 0) & (b == 1)).astype(np.int8) for a, b in zip(around, around[1:] + around[:1], strict=True))
    north, east, south, west = around[0], around[2], around[4], around[6]
    if step == 0:
        open_side = (north & east & south == 0) & (east & south & west == 0)
    else:
        open_side = (north & east & west == 0) & (north & south & west == 0)
    removable: np.ndarray = (line == 1) & (neighbours >= 2) & (neighbours <= 6) & (changes == 1) & open_side
    return removable


def _crop(coverage: np.ndarray) -> np.ndarray:
    inked = coverage > 0.02
    return coverage[bounding_box(inked)] if inked.any() else coverage
