"""The console and the shape of the tables that commands print for people."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerascnn.utils.names import show_hidden

_GAP = 2
"""Number of spaces between columns."""
_NARROWEST_WRAPPED = 20
"""Width below which a column of sentences is not wrapped: it would be a word a line."""


def stdout_console() -> Console:
    """Make a console on stdout that neither colours numbers nor cuts lines, and prints names as they are."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def table_width(console: Console) -> int | None:
    """Find the number of characters that a table may be wide; None where a file or pipe sets no limit."""
    return console.width if console.is_terminal or os.environ.get("COLUMNS", "").isdigit() else None


@dataclass
class TextTable:
    """A table without borders, of which every cell is shown in full however narrow the terminal is.

    Args:
        headings: Headings of the columns.
        left: Indices of the columns that are aligned to the left; the others are aligned to the right.
        wrapped: Index of a column of sentences, which may be wrapped; None if there is none.
        rows: The cells, row by row; a row may be shorter than the headings.
    """

    headings: Sequence[str]
    left: Sequence[int] = (0,)
    wrapped: int | None = None
    rows: list[Sequence[str]] = field(default_factory=list)

    def add_row(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append((*map(show_hidden, cells), *[""] * (len(self.headings) - len(cells))))

    def print(self, console: Console) -> None:
        """Print the table whole where it fits, else its columns in parts that do, else every row as a block."""
        width = table_width(console)
        parts = [range(len(self.headings))] if width is None else self._divide(width)
        if parts is None:
            for line in self._blocks():
                console.print(line)
            return
        for number, part in enumerate(parts):
            if number:
                console.print()
            if width is None:
                console.width = max(console.width, self._width_of(part))  # rich prints no table that is wider
            console.print(self._as_table(part), width=width or max(1, self._width_of(part)))

    def _widths(self) -> list[int]:
        return [max(map(cell_len, column)) for column in zip(self.headings, *self.rows, strict=True)]

    def _width_of(self, columns: Sequence[int]) -> int:
        widths = self._widths()
        return sum(widths[index] for index in columns) + _GAP * (len(columns) - 1)

    def _divide(self, width: int) -> list[Sequence[int]] | None:
        """Divide the columns into parts that fit, each with the first column; None where there is no room for that."""
        widths = self._widths()
        if self.wrapped is not None:
            widths[self.wrapped] = min(widths[self.wrapped], _NARROWEST_WRAPPED)
        parts: list[list[int]] = [[0]]
        for index in range(1, len(widths)):
            if sum(widths[one] + _GAP for one in parts[-1]) + widths[index] > width:
                if widths[0] + _GAP + widths[index] > width:
                    return None
                parts.append([0])
            parts[-1].append(index)
        return None if widths[0] > width else list(parts)

    def _as_table(self, columns: Sequence[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), collapse_padding=True, header_style="bold")
        for index in columns:
            table.add_column(
                Text(self.headings[index]),
                justify="left" if index in self.left else "right",
                no_wrap=index != self.wrapped,
            )
        for row in self.rows:
            table.add_row(*(Text(row[index]) for index in columns))
        return table

    def _blocks(self) -> Iterator[str]:
        for number, row in enumerate(self.rows):
            if number:
                yield ""
            for heading, cell in zip(self.headings, row, strict=True):
                if cell:
                    yield f"{heading}: {cell}" if heading else cell


def new_table(first: str, *others: str, numeric: bool = True, wrapped: int | None = None) -> TextTable:
    """Make a table from its headings; columns but the first are aligned to the right if numeric."""
    headings = (first, *others)
    left = [index for index in range(len(headings)) if index == 0 or not numeric or index == wrapped]
    return TextTable([show_hidden(heading) for heading in headings], left, wrapped)


def shorten(label: str, length: int = 6) -> str:
    """Cut a label to a number of characters, with an ellipsis where something is missing."""
    return label if len(label) <= length else label[: length - 1] + "…"
