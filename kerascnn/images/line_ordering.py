"""Order digits into lines: slanted and uneven ones, columns of single digits, rows of tables."""

from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""

WIDE_GAP = 1.2
"""Digit heights, the narrowest gap between two numbers of one row."""

_MAX_SKEW = 0.3  # rise against run
_MAX_OFFSET = 0.55  # of the height, between a digit's middle and its line's
_RECENT = 4  # digits that tell where their line goes on
_AT_ONCE = 512  # boxes whose neighbours are looked for at once; those of all would take memory by the square
_WIDE_FACTOR = 2.2  # of the line's median gap, the narrowest gap between two numbers


def order_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Order boxes in the direction of reading.

    Returns:
        Indices into `boxes`: lines from top to bottom, each from left to right. Boxes at one height are one line,
        however wide the gaps: a table's row is a line.
    """
    if not boxes:
        return []
    array = np.asarray(boxes, dtype=float)
    x = array[:, 0] + array[:, 2] / 2
    y = array[:, 1] + array[:, 3] / 2
    heights = array[:, 3]
    slope = _estimate_skew(x, y, float(np.median(heights)))
    level = y - slope * x
    lines: list[list[int]] = []
    # Where each line goes on, and how high it is there.
    ends = np.empty((2, len(array)))
    for index in np.argsort(x, kind="stable"):
        number, (goes_on, height) = len(lines), ends[:, : len(lines)]
        offsets = np.abs(goes_on - level[index]) / np.maximum(height, heights[index])
        if len(lines) and offsets.min() <= _MAX_OFFSET:
            number = int(offsets.argmin())
            lines[number].append(int(index))
        else:
            lines.append([int(index)])
        recent = lines[number][-_RECENT:]
        ends[:, number] = np.median(level[recent]), np.median(heights[recent])
    return sorted(lines, key=lambda line: float(np.median(level[line])))


def split_line(boxes: Sequence[Box]) -> list[list[int]]:
    """Split a line into numbers, at gaps that are wide against the digits and the line's other gaps.

    The boxes are given from left to right; the result has the indices of each number's boxes.
    """
    array = np.asarray(boxes, dtype=float).reshape(-1, 4)
    gaps = array[1:, 0] - array[:-1, 0] - array[:-1, 2]
    if not len(gaps):
        return [list(range(len(array)))]
    limit = max(WIDE_GAP * float(np.median(array[:, 3])), _WIDE_FACTOR * float(np.median(gaps)))
    starts = np.flatnonzero(gaps > limit) + 1
    return [part.tolist() for part in np.split(np.arange(len(array)), starts)]


def format_line(digits: Sequence[str], boxes: Sequence[Box]) -> str:
    """Format a line, given from left to right, such as `"12 345"`: a space stands between its numbers."""
    return " ".join("".join(digits[index] for index in number) for number in split_line(boxes))


def _estimate_skew(x: np.ndarray, y: np.ndarray, height: float) -> float:
    """Estimate the slope at which the boxes' middles gather most closely on few lines."""
    if len(x) < 3:
        return 0.0
    # Neighbours vote: the nearest box on the right at about the same height.
    found = [_find_neighbours(x, y, height, start) for start in range(0, len(x), _AT_ONCE)]
    run, rise = np.concatenate(found, axis=1)
    if len(run) < 2:
        return 0.0
    slope = float(np.median(rise / run))
    return float(np.clip(slope, -_MAX_SKEW, _MAX_SKEW))


def _find_neighbours(x: np.ndarray, y: np.ndarray, height: float, start: int) -> np.ndarray:
    """Find how far the right neighbours of some boxes, from `start` on, lie to the right and below: `(2, n)`."""
    dx, dy = x[None, :] - x[start : start + _AT_ONCE, None], y[None, :] - y[start : start + _AT_ONCE, None]
    near = (dx > 0.3 * height) & (np.abs(dy) < _MAX_SKEW * dx + 0.3 * height)
    distance = np.where(near, dx + 2 * np.abs(dy), np.inf)
    nearest = np.argmin(distance, axis=1)
    rows = np.flatnonzero(np.isfinite(distance[np.arange(len(dx)), nearest]))
    return np.stack([dx[rows, nearest[rows]], dy[rows, nearest[rows]]])
