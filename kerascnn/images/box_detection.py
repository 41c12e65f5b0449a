"""Detect printed boxes by their insides: paper that four straight lines enclose, also where a digit touches them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from kerascnn.images.components import Components, find_components
from kerascnn.images.line_removal import RuledLine

_SMALLEST = 16  # pixels, of a box's side
_MAX_BOXES = 3000  # a sheet of A4 has 2,500 squares of 5 mm; more and smaller ones are a pattern, not boxes to write in
_MIN_FILL = 0.6  # of the rectangle around the inside of a box, which a digit in it may take away in part
_MAX_FILL = 0.97  # of the space between the sides; more is a box in which nothing is written
_MAX_SLOPE = 0.15
_TOLERANCE = 0.012  # of a side's length, by which a straight side may bend, and a pixel at least
_STRAIGHT, _MIN_STRAIGHT = 0.8, 0.4  # share of straight pixels: mean of the four sides, and of each side
_THICKEST = 0.2  # of a box's shorter side
_MIN_INK = 0.3  # of a box's height, of what is written in it


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of a box, seen from inside: the row of the last paper in each column, and the line beyond it."""

    line: RuledLine
    straight: float


@dataclass(frozen=True, eq=False)
class _Box:
    top: _Side
    bottom: _Side
    left: _Side  # sides of the transposed page
    right: _Side
    is_written: bool


def find_boxes(mask: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Find printed boxes, with or without something in them.

    Args:
        mask: bool, `(height, width)`, the foreground of a page.

    Returns:
        Left, top, width and height of each, between the middles of its lines, in no particular order; none where there
        are more than a sheet has.
    """
    outlines = [_outline(box) for box in _find_all(mask)]
    return [(round(x), round(y), round(right - x), round(bottom - y)) for x, y, right, bottom in outlines]


def find_box_sides(mask: np.ndarray) -> tuple[list[RuledLine], list[RuledLine]]:
    """Find the lines of printed boxes: single ones that hold something, rows and tables of boxes.

    Args:
        mask: bool, `(height, width)`, the foreground of a page.

    Returns:
        The horizontal lines, and the vertical ones as lines of the transposed page.
    """
    boxes = _find_all(mask)
    shared = _find_shared(boxes)
    boxes = [box for box, has_neighbour in zip(boxes, shared, strict=True) if box.is_written or has_neighbour]
    return (
        [side.line for box in boxes for side in (box.top, box.bottom)],
        [side.line for box in boxes for side in (box.left, box.right)],
    )


def _find_all(mask: np.ndarray) -> list[_Box]:
    paper = find_components(~mask, connectivity=4)
    candidates = _find_candidates(paper, mask.shape)
    if len(candidates) > _MAX_BOXES:
        return []
    return [box for index in candidates if (box := _measure_box(paper, index, mask))]


def _find_candidates(paper: Components, shape: tuple[int, ...]) -> np.ndarray:
    inside = (paper.left > 0) & (paper.top > 0)
    inside &= (paper.left + paper.width < shape[1]) & (paper.top + paper.height < shape[0])
    large = np.minimum(paper.width, paper.height) >= _SMALLEST
    return np.flatnonzero(inside & large & (paper.area >= _MIN_FILL * paper.width * paper.height))


def _measure_box(paper: Components, index: int, mask: np.ndarray) -> _Box | None:
    crop = paper.crop(index)
    filled = _fill(crop)
    top, left = int(paper.top[index]), int(paper.left[index])
    sides = [
        _measure_side(filled, mask, top, left, at_end=False),
        _measure_side(filled, mask, top, left, at_end=True),
        _measure_side(filled.T, mask.T, left, top, at_end=False),
        _measure_side(filled.T, mask.T, left, top, at_end=True),
    ]
    above, below, before, after = sides
    if above is None or below is None or before is None or after is None:
        return None
    if above.straight + below.straight + before.straight + after.straight < 4 * _STRAIGHT:
        return None
    box = _Box(above, below, before, after, is_written=False)
    x, y, right, bottom = _outline(box)
    across, along = (box.left.line.thickness + box.right.line.thickness) / 2, box.top.line.thickness
    written = find_components(filled & ~crop)
    # What touches a side from inside takes some of the paper away.
    is_written = filled.sum() < _MAX_FILL * (right - x - across) * (bottom - y - along)
    return replace(box, is_written=is_written or bool((written.height >= _MIN_INK * crop.shape[0]).any()))


def _fill(crop: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(crop.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(crop.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled > 0


def _measure_side(filled: np.ndarray, mask: np.ndarray, top: int, left: int, *, at_end: bool) -> _Side | None:
    """Measure the upper side of a box's inside, or the lower one."""
    height, width = filled.shape
    rows = height - 1 - filled[::-1].argmax(axis=0) if at_end else filled.argmax(axis=0)
    columns = np.arange(width)
    middle = slice(max(1, width // 12), width - max(1, width // 12))
    slope, start = _fit_edge(columns[middle], rows[middle], at_end)
    if abs(slope) > _MAX_SLOPE:
        return None
    edge = start + slope * columns
    straight = np.abs(rows - edge) <= max(1.0, _TOLERANCE * width)
    if straight[middle].mean() < _MIN_STRAIGHT:
        return None
    thickness = _measure_thickness(mask, top + rows[straight], left + columns[straight], 1 if at_end else -1)
    if not 0 < thickness <= _THICKEST * min(height, width):
        return None
    centre = top + edge + (1 if at_end else -1) * (thickness + 1) / 2
    return _Side(RuledLine(left, centre.astype(np.float32), thickness), float(straight[middle].mean()))


def _fit_edge(columns: np.ndarray, rows: np.ndarray, at_end: bool) -> tuple[float, float]:
    """Fit a line to the outermost rows: what is written in a box touches its sides from inside alone."""
    chosen = np.ones(len(columns), dtype=bool)
    slope, start = 0.0, float(rows.max() if at_end else rows.min())
    for number in range(4):
        inside = (start + slope * columns - rows) * (1 if at_end else -1)
        new = chosen & (inside <= max(1.5, float(np.median(inside[chosen]))))
        # The same pixels would give the same line again.
        if new.sum() < 4 or (number and new.sum() == chosen.sum()):
            break
        chosen = new
        slope, start = (float(value) for value in np.polyfit(columns[chosen], rows[chosen], 1))
    return slope, start


def _measure_thickness(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray, direction: int) -> float:
    """Measure how far the foreground goes on beyond the inside, as a median over columns."""
    limit = 64
    reach = np.clip(rows[:, None] + direction * np.arange(1, limit), 0, mask.shape[0] - 1)
    ink = mask[reach, columns[:, None]]
    return float(np.median(np.where(ink.all(axis=1), limit, ink.argmin(axis=1))))


def _find_shared(boxes: Sequence[_Box]) -> list[bool]:
    """Tell which boxes stand beside or above another one of the same height or width."""
    edges = np.array([_outline(box) for box in boxes], dtype=float).reshape(-1, 2, 2)
    return [any(_are_neighbours(edges, index, axis) for axis in (0, 1)) for index in range(len(boxes))]


def _are_neighbours(edges: np.ndarray, index: int, axis: int) -> bool:
    """Tell whether a box has a neighbour along an axis; edges are `(num_boxes, 2, 2)`: first and last, x and y."""
    side = float(np.min(edges[index, 1] - edges[index, 0]))
    same = np.abs(edges[:, :, 1 - axis] - edges[index, :, 1 - axis]).max(axis=1) <= max(3.0, 0.08 * side)
    gaps = np.abs(edges[:, 0, axis] - edges[index, 1, axis]), np.abs(edges[:, 1, axis] - edges[index, 0, axis])
    return bool((same & (np.minimum(*gaps) < 0.6 * side)).any())


def _outline(box: _Box) -> tuple[float, float, float, float]:
    left, right = (float(np.median(side.line.centre)) for side in (box.left, box.right))
    top, bottom = (float(np.median(side.line.centre)) for side in (box.top, box.bottom))
    return left, top, right, bottom
