"""Read ruled tables: each cell for itself."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from kerascnn.images.glyphs import Glyph
from kerascnn.images.table_grid import TableGrid
from kerascnn.inference.glyph_recognition import Solution, judge_solutions, weigh_solution
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_reading import read_by_rule
from kerascnn.inference.page_composition import Sheet, compose_page, compose_ruled_page
from kerascnn.inference.page_text import Box, Digit, Line, Number, Page, Symbol, TableCell
from kerascnn.inference.symbol_reading import FoundSymbol, PageSymbols

_FEWEST_BOXES = 3  # equal ones in a row that are taken for the boxes of one number
_WIDEST_BOX = 1.35  # of a row's height
_EQUAL = 0.06  # of their mean, by which the widths of boxes may differ
_ALL_OR_NONE = 0.8  # of the rows, in which all boxes are filled or none
_INSIDE = 0.2  # of a mark's width, by which it may reach over the edge of a box to either side
_STRIKE = 0.8  # of the width of what is written, that a straight stroke goes across
_LONG_STRIKE = 0.7  # of a cell's height
_LIKELY = 0.5  # probability of a number from which what looks like a stroke through it is one of its own


class _Place(NamedTuple):
    """The cells of a row from one column to another that hold one number, and whether others of the column do."""

    row: int
    first: int
    last: int
    is_of_numbers: bool


class _CellReader(NamedTuple):
    sheet: Sheet
    rule: Rule | None
    min_confidence: float
    symbols: PageSymbols | None


class _ReadCell(NamedTuple):
    """A cell, what stands in it, and the boxes of what could not be read."""

    cell: TableCell
    digits: tuple[Digit, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    unread: tuple[Box, ...] = ()


def read_tables(
    grids: Sequence[TableGrid],
    solutions: Sequence[Solution],
    sheet: Sheet,
    rule: Rule | None,
    min_confidence: float,
    symbols: PageSymbols | None = None,
) -> Page:
    """Read the ruled tables of a page; what stands outside them is left out.

    Equal narrow boxes in a row that stand below one heading, or that are filled all or not at all, hold one number.

    Args:
        grids: The tables.
        solutions: What was recognised in each glyph in their cells.
        sheet: How it lies on its picture.
        rule: What is known of the number in each cell; None for nothing.
        min_confidence: Lowest probability of what is kept, 0 to 1.
        symbols: What stands between the digits; None if that was not looked for.

    Returns:
        The page, whose `table` has the cells of all tables.
    """
    reader = _CellReader(sheet, rule, min_confidence, symbols)
    rows: list[tuple[TableCell, ...]] = []
    lines: list[Line] = []
    unread: list[Box] = []
    for grid in grids:
        contents = _assign(solutions, grid)
        groups = _join_boxes(grid, contents)
        of_numbers = _weigh_by_column(contents, groups, len(grid.rows) - 1)
        for row in range(len(grid.rows) - 1):
            places = [_Place(row, first, last, (row, first) in of_numbers) for first, last in groups]
            read = [_read_cell(grid, place, contents, reader) for place in places]
            rows.append(tuple(one.cell for one in read))
            numbers = tuple(
                one.cell.number for one in read if one.cell.number is not None and "?" not in one.cell.number.text
            )
            if numbers:
                digits = tuple(digit for one in read for digit in one.digits)
                between = None if symbols is None else tuple(symbol for one in read for symbol in one.symbols)
                lines.append(Line(" ".join(number.text for number in numbers), digits, numbers, between))
            unread += [box for one in read for box in one.unread]
    text = "\n".join(line.text for line in lines)
    return Page(tuple(lines), tuple(unread), sheet.rotation, text, tuple(rows))


def _assign(solutions: Sequence[Solution], grid: TableGrid) -> dict[tuple[int, int], list[Solution]]:
    """Assign what was recognised to the cells of a table, by its middle."""
    contents: dict[tuple[int, int], list[Solution]] = {}
    for solution in solutions:
        cell = grid.find_cell(*_find_middle(solution.whole))
        if cell is not None:
            contents.setdefault(cell, []).append(solution)
    return contents


def _find_middle(glyph: Glyph) -> tuple[float, float]:
    return glyph.left + glyph.width / 2, glyph.top + glyph.height / 2


def _weigh_by_column(
    contents: dict[tuple[int, int], list[Solution]], groups: Sequence[tuple[int, int]], num_rows: int
) -> set[tuple[int, int]]:
    """Weigh what was recognised by what the other cells of its column hold, in place: digits among digits.

    The cells of the column that have more digits than other marks count, by the rule of succession. A first row of
    letters is a heading, and stays as it is.

    Returns:
        Row and first column of each cell that is in no heading, in a column of which at least half of the cells with
        something in them hold numbers.
    """
    of_numbers: set[tuple[int, int]] = set()
    found = {cell: _count_digits(inside) for cell, inside in contents.items()}
    heading = [found[cell] for cell in found if cell[0] == 0]
    has_heading = sum(digits for digits, _ in heading) < sum(others for _, others in heading)
    for first, last in groups:
        places = [
            [(row, column) for column in range(first, last + 1) if (row, column) in found]
            for row in range(int(has_heading), num_rows)
        ]
        sums = [np.sum([found[cell] for cell in cells], axis=0) for cells in places if cells]
        held = sum(bool(digits > others) for digits, others in sums)
        if 2 * held >= len(sums):
            of_numbers |= {(row, first) for row in range(int(has_heading), num_rows)}
        for cells in places:
            if not cells:
                continue
            digits, others = np.sum([found[cell] for cell in cells], axis=0)
            own = int(digits > others)
            odds = (held - own + 1) / (len(sums) - held - (1 - own) + 1)
            for cell in cells:
                contents[cell] = [weigh_solution(solution, odds) for solution in contents[cell]]
    return of_numbers


def _count_digits(solutions: Sequence[Solution]) -> tuple[int, int]:
    """Count the answers that are digits, and the others."""
    answers = [answer for solution in solutions for answer in solution.answers]
    digits = sum(answer.none < answer.confidence for answer in answers)
    return digits, len(answers) - digits


def _join_boxes(grid: TableGrid, contents: dict[tuple[int, int], list[Solution]]) -> list[tuple[int, int]]:
    """Join the columns that are boxes of one number: the first and the last of each group."""
    count = len(grid.columns) - 1
    if any(grid.is_open):
        starts = [0, *(column + 1 for column, is_open in enumerate(grid.is_open) if not is_open)]
        return [(first, after - 1) for first, after in zip(starts, [*starts[1:], count], strict=True)]
    groups, first = [], 0
    while first < count:
        last = next((last for last in range(count - 1, first, -1) if _are_boxes(grid, contents, first, last)), first)
        groups.append((first, last))
        first = last + 1
    return groups


def _are_boxes(grid: TableGrid, contents: dict[tuple[int, int], list[Solution]], first: int, last: int) -> bool:
    widths = np.diff(grid.columns)[first : last + 1]
    height = float(np.median(np.diff(grid.rows)))
    if len(widths) < _FEWEST_BOXES or widths.mean() > _WIDEST_BOX * height or np.ptp(widths) > _EQUAL * widths.mean():
        return False
    filled = _count_marks(grid, contents)[:, first : last + 1]
    used = filled[filled.any(axis=1)]
    whole = (used > 0).all(axis=1)
    return bool(len(used) and whole.mean() >= _ALL_OR_NONE and np.median(used) <= 1)


def _count_marks(grid: TableGrid, contents: dict[tuple[int, int], list[Solution]]) -> np.ndarray:
    """Count the marks in each cell, `(rows, columns)`; one that goes across several, as a strike does, is in each."""
    counts = np.zeros((len(grid.rows) - 1, len(grid.columns) - 1), int)
    for (row, column), solutions in contents.items():
        for solution in solutions:
            whole = solution.whole
            inner, y = _INSIDE * whole.width, whole.top + whole.height / 2
            ends = [grid.find_cell(x, y) for x in (whole.left + inner, whole.right - inner)]
            first, last = (column if end is None else end[1] for end in ends)
            counts[row, min(first, column) : max(last, column) + 1] += 1
    return counts


def _read_cell(
    grid: TableGrid, place: _Place, contents: dict[tuple[int, int], list[Solution]], reader: _CellReader
) -> _ReadCell:
    """Read one cell."""
    box = _find_box(grid.find_box(place.row, place.first, place.last), reader.sheet)
    columns = range(place.first, place.last + 1)
    solutions = [solution for column in columns for solution in contents.get((place.row, column), ())]
    cells = {(place.row, column) for column in columns}
    if reader.symbols is not None:
        reader = reader._replace(symbols=PageSymbols(*(_choose_inside(some, grid, cells) for some in reader.symbols)))
    page = _compose(solutions, reader)
    number = _join_numbers(page, is_ruled=reader.rule is not None)
    height = grid.rows[place.row + 1] - grid.rows[place.row]
    # Of the letters of a heading or a label, some look like a stroke across the others.
    inside = grid.crop(place.row, place.first, place.last)
    is_struck_out = place.is_of_numbers and _is_struck_out(inside, height)
    # By a rule, a struck-out number is as likely as any other.
    plain = number if reader.rule is None or not is_struck_out else _read_freely(solutions, reader)
    if is_struck_out and (plain is None or plain.confidence < _LIKELY):
        return _ReadCell(TableCell(box, None, is_struck_out=True))
    digits = tuple(digit for line in page.lines for digit in line.digits)
    symbols = tuple(symbol for line in page.lines for symbol in line.symbols or ())
    return _ReadCell(TableCell(box, number), digits, symbols, page.unread)


def _choose_inside(symbols: Sequence[FoundSymbol], grid: TableGrid, cells: set[tuple[int, int]]) -> list[FoundSymbol]:
    return [one for one in symbols if grid.find_cell(*_find_middle(one.glyph)) in cells]


def _read_freely(solutions: Sequence[Solution], reader: _CellReader) -> Number | None:
    page = compose_page(judge_solutions(solutions), reader.sheet, reader.min_confidence)
    return _join_numbers(page, is_ruled=False)


def _compose(solutions: Sequence[Solution], reader: _CellReader) -> Page:
    if reader.rule is None:
        return compose_page(judge_solutions(solutions), reader.sheet, reader.min_confidence, reader.symbols)
    ruled = read_by_rule(solutions, reader.rule, reader.min_confidence, reader.symbols)
    return compose_ruled_page(ruled, reader.sheet)


def _join_numbers(page: Page, *, is_ruled: bool) -> Number | None:
    """Join what stands in a cell into one number: a wide gap, as boxes make it, does not end it.

    A `?` stands for what could not be read.
    """
    numbers = [number for line in page.lines for number in line.numbers]
    if page.unread:
        text = "".join(page.marked_text.split())
        return Number(text, 0.0, _enclose([*(number.box for number in numbers), *page.unread]))
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    gap = " " if is_ruled else ""
    text = " ".join(gap.join(number.text for number in line.numbers) for line in page.lines)
    confidence = float(np.prod([number.confidence for number in numbers]))
    return Number(text, confidence, _enclose([number.box for number in numbers]))


def _enclose(boxes: Sequence[Box]) -> Box:
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    return left, top, right - left, bottom - top


def _find_box(edges: tuple[float, float, float, float], sheet: Sheet) -> Box:
    left, top, right, bottom = (round(edge / sheet.scale) for edge in edges)
    return sheet.turn_back((left, top, max(1, right - left), max(1, bottom - top)))


def _is_struck_out(inside: np.ndarray, height: int) -> bool:
    """Tell whether a straight stroke goes across all that is written in a cell."""
    columns = np.flatnonzero(inside.any(axis=0))
    if not len(columns):
        return False
    length = max(_LONG_STRIKE * height, _STRIKE * (columns[-1] - columns[0] + 1))
    found = cv2.HoughLinesP(
        inside.astype(np.uint8) * 255, 1, np.pi / 180, max(10, round(0.6 * length)), minLineLength=length, maxLineGap=3
    )
    if found is None:
        return False
    lines = np.abs(found.reshape(-1, 4).astype(float))
    return bool((np.abs(lines[:, 3] - lines[:, 1]) < np.abs(lines[:, 2] - lines[:, 0])).any())
