"""Find ruled tables on a page: their frame, made upright as a homography says, and the lines in it."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.components import find_components
from kerascnn.images.table_lines import (
    BRIDGED,
    NEAREST,
    SHORTEST,
    bridge_lines,
    find_places,
    measure_lines,
    trace_lines,
)

_MIN_WIDTH, _MIN_HEIGHT, _MIN_SIDE = 0.15, 0.015, 28  # shares of the page, and pixels, of a row of boxes
_WHOLE_PAGE = 0.9  # of the page's width and height, from which a frame may be the edge of the sheet
_MAX_FILL = 0.5  # of a frame's box that is ink
_STRAIGHT, _TOLERANCE = 0.6, 0.006  # shares of a side: what is straight at least, and by how much that bends
_CROSSED = 0.03  # of a side, that a line across it is thick at most
_OPEN_SIDE = 0.02  # of the length of a side, by which lines reach beyond it where the table is open
_ROW_COVERAGE, _COLUMN_COVERAGE = 0.6, 0.7  # of its length that a line shows
_ROWS_OF_LINE = 1.1  # row heights that an upright line is long at least
_FEWEST_LINES = 2  # level ones of a table, those of its frame
_WHOLE_LINE, _NO_GAP = 0.85, 3  # of the height of a table that has only one row, and pixels, of a line in it
_DASH_GAP = 0.17  # of a row's height, between dashes at most; between digits in two rows is more
_MANY_LINES = 3  # level lines from which there is a row below the first one
_HEADING_CONTRAST = 0.4  # of its contrast below, that a line has in the heading at least
_LEAST_OF_HEADING = 0.2  # of the heading's height, in which a line may be fainter
_SAME_ANGLE = 4  # degrees between two tables of a page at most
_TO_THE_SIDE = 0.7  # of the pixels beside a frame's side, that a line across covers
_EQUAL_BOXES = 0.3  # of their mean width, by which boxes differ at most
_FEWEST_CELLS = 3  # a stamp with a line of letters is no table


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


def find_tables(page: BinarizedPage) -> list[TableGrid]:
    """Find the ruled tables of a page from top to bottom: closed frames that lines divide into cells."""
    mask = page.mask
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    found = find_components(closed)
    large = (found.width >= max(_MIN_SIDE, _MIN_WIDTH * mask.shape[1])) & (
        found.height >= max(_MIN_SIDE, _MIN_HEIGHT * mask.shape[0])
    )
    hollow = found.area < _MAX_FILL * found.width * found.height
    tables: list[tuple[float, TableGrid]] = []
    largest: np.ndarray | None = None
    # The shadow along the edges of a sheet is a frame, too, and comes after all others.
    is_edge = (found.width > _WHOLE_PAGE * mask.shape[1]) & (found.height > _WHOLE_PAGE * mask.shape[0])
    order = np.lexsort((-found.width * found.height, is_edge))
    for index in order[(large & hollow)[order]]:
        if is_edge[index] and tables:
            break
        middle = found.left[index] + found.width[index] / 2, found.top[index] + found.height[index] / 2
        if any(table.find_cell(*middle) for _, table in tables):
            continue  # what stands in a table is none
        corners = _find_corners(found.crop(index))
        if corners is None or (largest is not None and not _lies_like(corners, largest)):
            continue
        table = _rule(page, corners + np.array([found.left[index], found.top[index]]))
        if _is_table(table) and (largest is None or _is_divided(table)):
            largest = corners if largest is None else largest
            tables.append((float(found.top[index]), table))
    return [table for _, table in sorted(tables, key=lambda item: item[0])]


def _lies_like(corners: np.ndarray, largest: np.ndarray) -> bool:
    """Tell whether a frame lies at the same angle as the largest table: a stamp seldom does."""
    angles = [np.arctan2(*(one[1] - one[0] + one[2] - one[3])[::-1]) for one in (corners, largest)]
    return bool(abs(angles[0] - angles[1]) < np.radians(_SAME_ANGLE))


def _is_divided(table: TableGrid) -> bool:
    """Tell whether the level lines go from side to side, as the letters of a stamp do not."""
    reach = max(4, (table.columns[-1] - table.columns[0]) // 30)
    ends = slice(table.columns[0], table.columns[0] + reach), slice(table.columns[-1] - reach, table.columns[-1])
    near = [table.lines[row - 4 : row + 5] for row in table.rows[1:-1]]
    return all(bool(line[:, end].any(axis=0).mean() > _TO_THE_SIDE) for line in near for end in ends)


def _is_table(table: TableGrid) -> bool:
    """Tell whether there are several cells; those of a single row are boxes."""
    widths, heights = np.diff(table.columns), np.diff(table.rows)
    if len(heights) > 1:
        return len(heights) * len(widths) >= _FEWEST_CELLS
    return len(widths) >= _FEWEST_CELLS and bool(np.ptp(widths) < _EQUAL_BOXES * widths.mean())


def _find_corners(component: np.ndarray) -> np.ndarray | None:
    """Find the corners of a frame, `(4, 2)`, from the upper left clockwise; None if its sides are not straight.

    Where lines reach beyond the outermost ones across them, as in a table that is open at the sides, their ends make
    the side.
    """
    height, width = component.shape
    first = component.argmax(axis=0), component.argmax(axis=1)
    last = height - 1 - component[::-1].argmax(axis=0), width - 1 - component[:, ::-1].argmax(axis=1)
    edges = first[0], last[0], first[1], last[1]
    top, bottom, left, right = (_fit_side(edge) for edge in edges)
    level = None if top is None or bottom is None else (_find_ends(edges[0], top), _find_ends(edges[1], bottom))
    upright = None if left is None or right is None else (_find_ends(edges[2], left), _find_ends(edges[3], right))
    if level is not None:
        left, right = (_take_outer(side, level, end) for end, side in enumerate((left, right)))
    if upright is not None:
        top, bottom = (_take_outer(side, upright, end) for end, side in enumerate((top, bottom)))
    if top is None or bottom is None or left is None or right is None:
        return None
    return np.array([_cross(top, left), _cross(top, right), _cross(bottom, right), _cross(bottom, left)])


_Side = tuple[float, float]  # slope and start
_Ends = tuple[tuple[float, float], tuple[float, float]]  # of a side: place along it, and value


def _find_ends(edge: np.ndarray, side: _Side) -> _Ends:
    """Find the first and the last place of the longest stretch in which an edge agrees with a side."""
    places = np.arange(len(edge))
    agreeing = np.flatnonzero(np.abs(edge - side[0] * places - side[1]) <= max(2.0, _TOLERANCE * len(edge)))
    stretches = np.split(agreeing, np.flatnonzero(np.diff(agreeing) > max(3, _CROSSED * len(edge))) + 1)
    longest = max(stretches, key=len)
    first, last = int(longest[0]), int(longest[-1])
    return (first, side[0] * first + side[1]), (last, side[0] * last + side[1])


def _take_outer(side: _Side | None, ends: tuple[_Ends, _Ends], end: int) -> _Side | None:
    """Take a side, or the line through the ends of both sides across it if these lie further out: 0 for before it."""
    (start, first), (stop, last) = ends[0][end], ends[1][end]
    through = (stop - start) / max(last - first, 1.0)
    outer = (through, start - through * first)
    if side is None:
        return outer
    beyond = [side[0] * place + side[1] - at for place, at in ((first, start), (last, stop))]
    reach = _OPEN_SIDE * (last - first)
    return outer if min(beyond if end == 0 else [-value for value in beyond]) > reach else side


def _fit_side(edge: np.ndarray) -> _Side | None:
    """Fit slope and start of a straight side to its outermost pixels; what sticks out of it is left out."""
    margin = max(1, len(edge) // 16)
    places = np.arange(margin, len(edge) - margin)
    values = edge[margin : len(edge) - margin]
    tolerance = max(2.0, _TOLERANCE * len(edge))
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


def _rule(page: BinarizedPage, corners: np.ndarray) -> TableGrid:
    """Make a table upright and find its lines."""
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = round(max(lengths[0], lengths[2])), round(max(lengths[1], lengths[3]))
    side = max(page.mask.shape)
    nearest = max(6, round(NEAREST * side))
    # Around it, so that the lines of the frame have two edges, however they bend.
    margin = max(8, nearest)
    target = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32) + margin
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    size = width + 2 * margin, height + 2 * margin
    contrast = np.asarray(cv2.warpPerspective(page.contrast, matrix, size))
    upright = cv2.warpPerspective(page.mask.astype(np.uint8) * 255, matrix, size) > 96
    level = measure_lines(contrast, side)
    profile = np.quantile(level[:, margin:-margin], 1 - _ROW_COVERAGE, axis=1)
    rows, least = find_places(profile, margin, nearest)
    # Digits one below the other would hang together by the level lines, as an upright line does.
    row_height = float(np.median(np.diff(rows)))
    has_rows = len(rows) > _FEWEST_LINES
    turned = np.ascontiguousarray((bridge_lines(contrast, profile, rows, nearest) if has_rows else contrast).T)
    shortest = round(max(SHORTEST * side, _ROWS_OF_LINE * row_height) if has_rows else _WHOLE_LINE * height)
    gap = max(3, round(min(BRIDGED * side, _DASH_GAP * row_height))) if has_rows else _NO_GAP
    standing = measure_lines(turned, side, shortest=shortest, bridged=gap)
    # Boxes stand below a heading.
    body = standing[:, rows[1 if len(rows) > _MANY_LINES else 0] : -margin]
    reached = np.quantile(body, 1 - _COLUMN_COVERAGE, axis=1)
    columns, faintest = find_places(reached, margin, nearest)
    heading = measure_lines(turned[:, rows[0] : rows[1]], side, shortest=gap, bridged=gap)
    is_open = tuple(_is_open(heading, place, float(reached[place])) for place in columns[1:-1])
    lines = trace_lines(contrast, level >= least, rows, nearest)
    lines |= trace_lines(np.ascontiguousarray(contrast.T), standing >= faintest, columns, nearest).T
    return TableGrid(matrix, upright, columns, rows, is_open, lines & upright)


def _is_open(heading: np.ndarray, place: int, contrast: float) -> bool:
    """Tell whether a line of a contrast, whose place is given, is missing in the heading, `(width, height)`."""
    margin = heading.shape[1] // 5
    seen = heading[max(0, place - 3) : place + 4, margin : heading.shape[1] - margin].max(axis=0)
    # Letters reach across a part of the height.
    return bool(np.quantile(seen, _LEAST_OF_HEADING) < _HEADING_CONTRAST * contrast)
