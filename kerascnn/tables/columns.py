"""Find the columns of a page from where its numbers stand: over all of it, so that an empty cell keeps its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from kerascnn.inference.page_text import Number, Page, turn_box
from kerascnn.tables.table import Cell, Table

_REACH = 0.5  # digit heights beyond a number that still count as its column; between two numbers are 1.2 at least
_ALIGNED = 0.3  # weight of a common edge or middle against that of the width that is shared


@dataclass(frozen=True)
class _Placed:
    """A number, and where it stands from left to right on the upright page without skew."""

    number: Number
    left: float
    right: float


@dataclass
class _Column:
    """The numbers of a column, by the row that they stand in."""

    members: dict[int, _Placed] = field(default_factory=dict)

    @property
    def places(self) -> np.ndarray:
        """Left edge, right edge and middle of each number, `(n, 3)`."""
        edges = np.array([(one.left, one.right) for one in self.members.values()])
        return np.column_stack([edges, edges.mean(axis=1)])


def align_page(page: Page) -> Table:
    """Arrange the numbers of a page in rows and columns.

    Each line is a row. Numbers of one column stand below each other: they share some of their width, and most of them a
    left edge, a right edge or a middle. Distances count in digit heights, and a skew of the page is taken out.

    Args:
        page: What was read.
    """
    lines = _place_numbers(page)
    if not lines:
        return Table(())
    height = _measure_height(page)
    # The fullest rows show the columns best; in the second pass all columns are known.
    order = sorted(range(len(lines)), key=lambda row: -len(lines[row]))
    columns: list[_Column] = []
    for known in (False, True):
        before, columns = columns, [_Column() for _ in columns]
        for row in order:
            _add_row(columns, before if known else None, row, lines[row], height)
    filled = [column.members for column in columns if column.members]
    return Table(tuple(tuple(_make_cell(members.get(row)) for members in filled) for row in range(len(lines))))


def _make_cell(placed: _Placed | None) -> Cell:
    return Cell() if placed is None else Cell(placed.number.text, placed.number)


def _place_numbers(page: Page) -> list[list[_Placed]]:
    boxes = [[turn_box(number.box, page.rotation) for number in line.numbers] for line in page.lines]
    slope = _measure_skew(boxes)
    lines = []
    for line, upright in zip(page.lines, boxes, strict=True):
        placed = []
        for number, (left, top, width, height) in zip(line.numbers, upright, strict=True):
            # On a page turned by a small angle, what stands lower is moved sideways by as much as rows rise.
            shift = slope * (top + height / 2)
            placed.append(_Placed(number, left + shift, left + width + shift))
        if placed:
            lines.append(sorted(placed, key=lambda one: one.left))
    return lines


def _measure_skew(lines: Sequence[Sequence[tuple[int, int, int, int]]]) -> float:
    """Measure the rise against the run of the rows, as a median over neighbours."""
    slopes = [
        (second[1] + second[3] / 2 - first[1] - first[3] / 2) / run
        for line in lines
        for first, second in pairwise(line)
        if (run := second[0] + second[2] / 2 - first[0] - first[2] / 2) > 0
    ]
    return float(np.median(slopes)) if slopes else 0.0


def _measure_height(page: Page) -> float:
    boxes = [turn_box(number.box, page.rotation) for line in page.lines for number in line.numbers]
    return float(np.median([box[3] for box in boxes]))


def _add_row(
    columns: list[_Column], known: list[_Column] | None, row: int, numbers: Sequence[_Placed], height: float
) -> None:
    """Put the numbers of a row into the columns that they fit best, and into new ones where they fit none."""
    scores = np.array([[_score(number, column, height) for column in known or columns] for number in numbers])
    matches = _match(scores.reshape(len(numbers), len(columns)))
    for number, index in zip(numbers, matches, strict=True):
        if index is not None:
            columns[index].members[row] = number
    for number, index in zip(numbers, matches, strict=True):
        if index is None:
            place = sum(_stands_left(column, number) for column in columns)
            columns.insert(place, _Column({row: number}))
            if known is not None:
                known.insert(place, columns[place])


def _stands_left(column: _Column, number: _Placed) -> bool:
    return bool(column.members) and float(np.median(column.places[:, 2])) < (number.left + number.right) / 2


def _score(number: _Placed, column: _Column, height: float) -> float:
    """Score how well a number fits a column, 0 for not at all: the width that they share, and what is aligned."""
    if not column.members:
        return 0.0
    left, right = number.left - _REACH * height, number.right + _REACH * height
    # The typical extent: a number that was put in wrongly does not widen the column.
    places = column.places
    low, high = np.percentile(places[:, 0], 10), np.percentile(places[:, 1], 90)
    shared = min(right, float(high) + _REACH * height) - max(left, float(low) - _REACH * height) - _REACH * height
    if shared <= 0:
        return 0.0
    typical = np.median(places, axis=0)
    own = np.array([number.left, number.right, (number.left + number.right) / 2])
    distance = float(np.abs(own - typical).min()) / height
    return min(1.0, shared / (number.right - number.left)) + _ALIGNED * float(np.exp(-distance))


def _match(scores: np.ndarray) -> list[int | None]:
    """Match numbers with columns, both from left to right, so that the sum of the scores, `(n, m)`, is the highest."""
    rows, columns = scores.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            joined = best[i - 1, j - 1] + scores[i - 1, j - 1]
            best[i, j] = max(best[i - 1, j], best[i, j - 1], joined)
    result: list[int | None] = [None] * rows
    i, j = rows, columns
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            result[i] = j
    return result
