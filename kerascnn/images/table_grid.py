"""Find ruled tables on a page: their frame, made upright as a homography says, and the lines in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.components import find_components

_MIN_WIDTH, _MIN_HEIGHT, _MIN_SIDE = 0.15, 0.05, 60  # shares of the page, and pixels, of a table
_MAX_FILL = 0.5  # of a frame's box that is ink
_STRAIGHT = 0.6  # share of a side that is straight
_THICKEST, _BRIDGED, _SHORTEST, _NEAREST = 0.012, 0.008, 0.035, 0.012  # of the page's longer side
_ROW_COVERAGE, _COLUMN_COVERAGE = 0.55, 0.45  # of its length that a line shows; boxes stand below a heading
_DRIFT = 2  # pixels by which a line may bend after its frame is upright
_HEADING_COVERAGE = 0.5


@dataclass(frozen=True, eq=False)
class TableGrid:
    """A ruled table on a page.

    Args:
        matrix: Homography, `(3, 3)`, from pixels of the page to those of the upright table.
        mask: bool, `(height, width)`: the foreground of the upright table.
        columns: Where its upright lines stand, from left to right, frame included.
        rows: Where its level lines stand, from top to bottom, frame included.
        is_open: For each column but the last, whether the line to its right ends below the first row.
        lines: bool, like `mask`: the foreground of its lines.
    """

    matrix: np.ndarray
    mask: np.ndarray
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    is_open: tuple[bool, ...]
    lines: np.ndarray

    def draw_lines(self, shape: tuple[int, ...]) -> np.ndarray:
        """Draw its lines where they are on the page, whose height and width are given: bool."""
        back = np.linalg.inv(self.matrix)
        drawn = cv2.warpPerspective(self.lines.astype(np.uint8) * 255, back, (shape[1], shape[0]))
        return np.asarray(drawn > 96)

    def list_boxes(self) -> list[tuple[int, int, int, int]]:
        """List left, top, width and height on the page of each cell."""
        boxes = []
        for row in range(len(self.rows) - 1):
            for column in range(len(self.columns) - 1):
                left, top, right, bottom = (round(edge) for edge in self.find_box(row, column, column))
                boxes.append((left, top, max(1, right - left), max(1, bottom - top)))
        return boxes

    def find_cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Find the row and the column of a point of the page; None outside the table."""
        across, down = self._map(np.array([[x, y]]), self.matrix)[0]
        row = int(np.searchsorted(self.rows, down)) - 1
        column = int(np.searchsorted(self.columns, across)) - 1
        inside = 0 <= row < len(self.rows) - 1 and 0 <= column < len(self.columns) - 1
        return (row, column) if inside else None

    def find_box(self, row: int, first: int, last: int) -> tuple[float, float, float, float]:
        """Find left, top, right and bottom on the page of the cells of a row from one column to another."""
        x, y = (self.columns[first], self.columns[last + 1]), (self.rows[row], self.rows[row + 1])
        corners = self._map(np.array([[a, b] for a in x for b in y]), np.linalg.inv(self.matrix))
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def crop(self, row: int, first: int, last: int) -> np.ndarray:
        """Crop the foreground inside the cells of a row from one column to another."""
        top, bottom = self.rows[row], self.rows[row + 1]
        left, right = self.columns[first], self.columns[last + 1]
        margin = max(4, round(0.17 * (bottom - top)))  # a thick frame is no stroke
        return self.mask[top + margin : bottom - margin, left + margin : right - margin]

    @staticmethod
    def _map(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        mapped = cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float64), matrix)
        return np.asarray(mapped.reshape(-1, 2))


def find_tables(mask: np.ndarray) -> list[TableGrid]:
    """Find the ruled tables of a page from top to bottom: closed frames that lines divide into cells.

    Args:
        mask: bool, `(height, width)`, the foreground of the page.
    """
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    found = find_components(closed)
    large = (found.width >= max(_MIN_SIDE, _MIN_WIDTH * mask.shape[1])) & (
        found.height >= max(_MIN_SIDE, _MIN_HEIGHT * mask.shape[0])
    )
    hollow = found.area < _MAX_FILL * found.width * found.height
    tables: list[tuple[int, TableGrid]] = []
    for index in sorted(np.flatnonzero(large & hollow), key=lambda index: -found.width[index] * found.height[index]):
        middle = found.left[index] + found.width[index] / 2, found.top[index] + found.height[index] / 2
        if any(table.find_cell(*middle) for _, table in tables):
            continue  # what stands in a table is none
        corners = _find_corners(found.crop(index))
        if corners is not None:
            table = _rule(mask, corners + np.array([found.left[index], found.top[index]]))
            if len(table.rows) > 2 or len(table.columns) > 2:
                tables.append((int(found.top[index]), table))
    return [table for _, table in sorted(tables, key=lambda item: item[0])]


def _find_corners(component: np.ndarray) -> np.ndarray | None:
    """Find the corners of a frame, `(4, 2)`, from the upper left clockwise; None if its sides are not straight."""
    height, width = component.shape
    first = component.argmax(axis=0), component.argmax(axis=1)
    last = height - 1 - component[::-1].argmax(axis=0), width - 1 - component[:, ::-1].argmax(axis=1)
    sides = [_fit_side(edge) for edge in (first[0], last[0], first[1], last[1])]
    top, bottom, left, right = sides
    if top is None or bottom is None or left is None or right is None:
        return None
    return np.array([_cross(top, left), _cross(top, right), _cross(bottom, right), _cross(bottom, left)])


def _fit_side(edge: np.ndarray) -> tuple[float, float] | None:
    """Fit slope and start of a straight side to its outermost pixels; what sticks out of it is left out."""
    margin = max(1, len(edge) // 16)
    places = np.arange(margin, len(edge) - margin)
    values = edge[margin : len(edge) - margin]
    tolerance = max(2.0, 0.006 * len(edge))
    # A line through two points that most others agree with.
    generator = np.random.default_rng(0)
    best, slope, start = 0, 0.0, 0.0
    for first, second in generator.integers(0, len(places), (200, 2)):
        if abs(first - second) < len(places) // 4:
            continue
        rise = (values[second] - values[first]) / (places[second] - places[first])
        agreeing = np.abs(values - values[first] - rise * (places - places[first])) <= tolerance
        if agreeing.sum() > best:
            best = int(agreeing.sum())
            slope, start = (float(one) for one in np.polyfit(places[agreeing], values[agreeing], 1))
    return (slope, start) if best >= _STRAIGHT * len(places) else None


def _cross(level: tuple[float, float], upright: tuple[float, float]) -> tuple[float, float]:
    """Cross a level side, y = slope x + start, with an upright one, x = slope y + start."""
    y = (level[0] * upright[1] + level[1]) / (1 - level[0] * upright[0])
    return upright[0] * y + upright[1], y


def _rule(mask: np.ndarray, corners: np.ndarray) -> TableGrid:
    """Make a table upright and find its lines."""
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = round(max(lengths[0], lengths[2])), round(max(lengths[1], lengths[3]))
    side = max(mask.shape)
    # Around it, so that the lines of the frame have two edges, however they bend.
    margin = max(8, round(_NEAREST * side))
    target = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32) + margin
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    size = width + 2 * margin, height + 2 * margin
    upright = cv2.warpPerspective(mask.astype(np.uint8) * 255, matrix, size) > 96
    level = _keep_lines(upright, side)
    rows = _find_lines(level, side, margin, _ROW_COVERAGE)
    # Digits one below the other would hang together by the level lines, as an upright line does.
    level = _keep_near(level, rows, side)
    standing = _keep_lines((upright & ~level).T, side)
    columns = _find_lines(standing, side, margin, _COLUMN_COVERAGE)
    # In a low heading the lines are short, in a high one the dashes are joined.
    heading = (upright | standing.T)[rows[0] : rows[1]]
    is_open = tuple(
        bool(heading[:, max(0, place - 3) : place + 4].any(axis=1).mean() < _HEADING_COVERAGE)
        for place in columns[1:-1]
    )
    lines = level | _keep_near(standing, columns, side).T
    return TableGrid(matrix, upright, columns, rows, is_open, lines & upright)


def _keep_near(lines: np.ndarray, places: Sequence[int], side: int) -> np.ndarray:
    """Keep what is near to the rows of some level lines."""
    near = np.zeros_like(lines)
    reach = max(3, round(_NEAREST * side / 2))
    for place in places:
        near[max(0, place - reach) : place + reach + 1] = True
    return np.asarray(lines & near)


def _keep_lines(mask: np.ndarray, side: int) -> np.ndarray:
    """Keep what is thin and long, dashes included, of the level lines of a table."""
    ink = mask.astype(np.uint8)
    thick = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((max(4, round(_THICKEST * side)), 1), np.uint8))
    thin = ink & (thick == 0)
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, max(3, round(_BRIDGED * side))), np.uint8))
    long = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, max(9, round(_SHORTEST * side))), np.uint8))
    return np.asarray(cv2.dilate(long, np.ones((2 * _DRIFT + 1, 1), np.uint8)) > 0)


def _find_lines(lines: np.ndarray, side: int, margin: int, coverage: float) -> tuple[int, ...]:
    """Find the rows of level lines that reach across a table with a margin around, the sides of the frame included."""
    first, last = margin, len(lines) - 1 - margin
    full = np.flatnonzero(lines[:, margin:-margin].mean(axis=1) >= coverage)
    nearest = max(6, round(_NEAREST * side))
    groups = np.split(full, np.flatnonzero(np.diff(full) > nearest) + 1) if len(full) else []
    inner = [round(float(group.mean())) for group in groups]
    return (first, *(place for place in inner if first + nearest < place < last - nearest), last)
