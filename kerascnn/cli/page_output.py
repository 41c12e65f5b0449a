"""What `read` prints and writes of the pages that it reads: text, JSON, or a table."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascnn.cli.options import Format
from kerascnn.cli.printing import print_json, print_lines, print_message, print_text
from kerascnn.utils.errors import OutputError

TABLE = {
    "table": Annotated[
        bool,
        typer.Option(
            "--table", help="Read the cells of ruled tables, each for itself; --format csv prints them as a table."
        ),
    ]
}

if TYPE_CHECKING:
    from kerascnn.images.decoding import Page
    from kerascnn.inference.page_text import Page as PageText
    from kerascnn.tables import TableFile


class PageOutput:
    """Prints pages as they are read; what goes into one table for all of them, at the end.

    Args:
        format: How to print them. Text is not printed where a table is written to a file.
        sources: The pictures that are read.
        mark_unread: Whether text has a mark where something could not be read.
        ruled: Whether something is known of the numbers.
    """

    def __init__(self, format: Format, sources: Sequence["Page"], *, mark_unread: bool, ruled: bool) -> None:
        from kerascnn.tables.page_tables import PageTables

        self._format, self._mark_unread, self._ruled = format, mark_unread, ruled
        self._single = len(sources) == 1
        self._tables = PageTables(sources)

    def add(self, name: str, page: "PageText", file: "TableFile | None") -> None:
        """Print what was read on a page, below its name if it is not the only one."""
        if file is not None or self._format is Format.csv:
            table = self._tables.add(name, page)
            if self._format is Format.csv and self._single:
                print_text(_format_csv((), table.texts))
        if self._format is Format.json:
            print_json({"image": name, **page.to_dict()})
        elif self._format is Format.text and file is None:
            print_lines([*([] if self._single else [f"{name}:"]), *self._format_text(page)])
        is_marked = self._mark_unread or page.table is not None
        remark = _describe_gaps(page, mark_unread=is_marked, ruled=self._ruled)
        if remark:
            print_message(remark if self._single else f"{name}: {remark}")

    def _format_text(self, page: "PageText") -> list[str]:
        from kerascnn.tables.table import take_ruled_table

        if page.table is not None:
            return _align(take_ruled_table(page).texts)
        return (page.marked_text if self._mark_unread else page.text).split("\n")

    def finish(self, file: "TableFile | None") -> None:
        """Print or write what has the rows of all pages.

        Raises:
            OutputError: If the file cannot be written.
        """
        if not len(self._tables):
            return
        if self._format is Format.csv and not self._single:
            joined = self._tables.join()
            print_text(_format_csv(joined.columns, joined.rows))
        if file is not None:
            joined = self._tables.write(file)
            print_message(f"wrote {file.path}: {count_rows(len(joined.rows))}")


def count_rows(count: int) -> str:
    """Say how many rows there are."""
    return "1 row" if count == 1 else f"{count:,} rows"


def open_table_file(output: str | None, sources: Sequence["Page"]) -> AbstractContextManager["TableFile | None"]:
    """Prepare the file of a table, and check it before any work; None if the output is a directory or nothing.

    Raises:
        OutputError: If the output is a file that is there and no table.
    """
    from kerascnn.tables import TABLE_SUFFIXES, TableFile

    if output is None or Path(output).is_dir():
        return nullcontext()
    if Path(output).suffix.lower() not in TABLE_SUFFIXES:
        if Path(output).exists():
            raise OutputError(f"--output {output} is a file; give a directory, or a table that ends in .csv or .xlsx.")
        return nullcontext()
    from kerascnn.images.documents import find_document

    return TableFile(Path(output), {find_document(source.name) for source in sources})


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write the rows of a table below each other, so that an empty cell is seen."""
    widths: dict[int, int] = {}
    for row in rows:
        for column, text in enumerate(row):
            widths[column] = max(widths.get(column, 1), len(text))
    return ["  ".join(f"{text:{widths[column]}}" for column, text in enumerate(row)).rstrip() for row in rows]


def _format_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from kerascnn.tables import format_csv

    return format_csv(columns, rows)


def _describe_gaps(page: "PageText", *, mark_unread: bool, ruled: bool) -> str:
    """Say that a page has no digits, and how much on it could not be read; nothing where all was read."""
    parts = [] if page.lines else ["no number of that kind found" if ruled else "no digits found"]
    if page.unread:
        pieces = "1 piece" if len(page.unread) == 1 else f"{len(page.unread)} pieces"
        state = "read as no such number" if ruled else "could not be read"
        parts.append(f"{pieces} of writing {state}" + ("" if mark_unread else "; --mark-unread shows where"))
    return "; ".join(parts)
