"""Join the tables of several pages into one, with the file and the page of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kerascnn.images.documents import divide_name
from kerascnn.tables.table import Cell, Table

PLACE_COLUMNS = ("file", "page")
"""The columns before those of the tables."""


@dataclass(frozen=True)
class JoinedTable:
    """The rows of several tables.

    Args:
        columns: Names of the columns: `file`, `page`, and a number for each column of the widest table.
        rows: The values of each row, as many as there are columns.
        cells: The cell and the name of its picture, by the row and the column that its value stands in.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    cells: Mapping[tuple[int, int], tuple[str, Cell]]


def join_tables(tables: Sequence[tuple[str, Table]]) -> JoinedTable:
    """Join tables, each given with the name of its picture, such as `scan.pdf#3`."""
    width = max((table.num_columns for _, table in tables), default=0)
    columns = (*PLACE_COLUMNS, *(str(number + 1) for number in range(width)))
    rows: list[tuple[str, ...]] = []
    cells = {}
    for name, table in tables:
        file, page = divide_name(name)
        for row in table.rows:
            for place, cell in enumerate(row, start=len(PLACE_COLUMNS)):
                cells[len(rows), place] = name, cell
            rows.append((file, str(page), *(cell.text for cell in row), *[""] * (width - len(row))))
    return JoinedTable(columns, tuple(rows), cells)
