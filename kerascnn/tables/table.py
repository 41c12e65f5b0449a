"""A table of what is read on a page."""

from dataclasses import dataclass

from kerascnn.inference.page_text import Number


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
