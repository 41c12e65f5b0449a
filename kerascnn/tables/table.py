"""A table of what is read on a page."""

from dataclasses import dataclass

from kerascnn.inference.page_text import Box, Number, Page, TableCell

STRUCK_OUT = "struck out"
"""What a cell says in which all is struck out."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        text: What stands in it, as it is written; empty if nothing does.
        number: The number that it was read as, with its box and confidence; None if nothing was read.
    """

    text: str = ""
    number: Number | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a page from top to bottom; each has a cell for each column, from left to right."""

    rows: tuple[tuple[Cell, ...], ...]

    @property
    def num_columns(self) -> int:
        """Number of columns; 0 if there is no row."""
        return len(self.rows[0]) if self.rows else 0

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """What stands in the cells, row by row."""
        return tuple(tuple(cell.text for cell in row) for row in self.rows)


def take_ruled_table(page: Page) -> Table:
    """Take the cells of a page's ruled tables, with what a person has said of their numbers since.

    Rows of narrower tables are filled up with empty cells.
    """
    rows = page.table or ()
    numbers = {number.box: number for line in page.lines for number in line.numbers}
    width = max(map(len, rows), default=0)
    return Table(tuple((*(_make_cell(cell, numbers) for cell in row), *[Cell()] * (width - len(row))) for row in rows))


def _make_cell(cell: TableCell, numbers: dict[Box, Number]) -> Cell:
    # A number of which a part could not be read stands in no line, and nobody can have corrected it.
    number = None if cell.number is None else numbers.get(cell.number.box, cell.number)
    return Cell(STRUCK_OUT if cell.is_struck_out else number.text if number else "", number)
