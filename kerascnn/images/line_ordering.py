"""Order digits into lines: slanted and uneven ones, columns of single digits, rows of tables."""

from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""

_MAX_SKEW = 0.3  # rise against run
_MAX_OFFSET = 0.55  # of the height, between a digit's middle and its line's
_WIDE_GAP = 1.2  # digit heights, the narrowest gap between two numbers of one row
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
    for index in np.argsort(x, kind="stable"):
        candidates = [(_measure_offset(line, index, level, heights), number) for number, line in enumerate(lines)]
        offset, number = min(candidates, default=(np.inf, -1))
        if offset <= _MAX_OFFSET:
            lines[number].append(int(index))
        else:
            lines.append([int(index)])
    return sorted(lines, key=lambda line: float(np.median(level[line])))


def format_line(digits: Sequence[str], boxes: Sequence[Box]) -> str:
    """Format a line, such as `"12 345"`: a space stands at gaps wide against the digits and the line's other gaps.

    The digits and their boxes are given from left to right.
    """
    array = np.asarray(boxes, dtype=float)
    gaps = array[1:, 0] - array[:-1, 0] - array[:-1, 2]
    if not len(gaps):
        return "".join(digits)
    limit = max(_WIDE_GAP * float(np.median(array[:, 3])), _WIDE_FACTOR * float(np.median(gaps)))
    return digits[0] + "".join(" " * bool(gap > limit) + digit for gap, digit in zip(gaps, digits[1:], strict=True))


def _measure_offset(line: list[int], index: int, level: np.ndarray, heights: np.ndarray) -> float:
    """Measure how far a box lies from where its line goes on, in digit heights."""
    recent = line[-4:]
    height = max(float(np.median(heights[recent])), float(heights[index]))
    return abs(float(np.median(level[recent])) - float(level[index])) / height


def _estimate_skew(x: np.ndarray, y: np.ndarray, height: float) -> float:
    """Estimate the slope at which the boxes' middles gather most closely on few lines."""
    if len(x) < 3:
        return 0.0
    # Neighbours vote: the nearest box on the right at about the same height.
    dx, dy = x[None, :] - x[:, None], y[None, :] - y[:, None]
    near = (dx > 0.3 * height) & (np.abs(dy) < _MAX_SKEW * dx + 0.3 * height)
    distance = np.where(near, dx + 2 * np.abs(dy), np.inf)
    nearest = np.argmin(distance, axis=1)
    rows = np.flatnonzero(np.isfinite(distance[np.arange(len(x)), nearest]))
    if len(rows) < 2:
        return 0.0
    run, rise = dx[rows, nearest[rows]], dy[rows, nearest[rows]]
    slope = float(np.median(rise / run))
    return float(np.clip(slope, -_MAX_SKEW, _MAX_SKEW))
