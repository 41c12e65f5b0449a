"""Collect the tables of pages as they are read, and write them to a file with the pictures of doubtful values."""

from collections.abc import Sequence

from kerascnn.images.cutouts import cut_out
from kerascnn.images.decoding import Page as Picture
from kerascnn.inference.page_text import Page
from kerascnn.tables.columns import align_page
from kerascnn.tables.joining import JoinedTable, join_tables
from kerascnn.tables.table import Table, take_ruled_table
from kerascnn.tables.table_files import TableFile

DOUBTFUL_BELOW = 0.99
"""Probability below which a value has its picture beside it."""


class PageTables:
    """The tables of pages in the order of reading.

    Args:
        sources: The pictures; those with doubtful values are decoded again where pictures of these are wanted.
    """

    def __init__(self, sources: Sequence[Picture]) -> None:
        self._sources = {source.name: source for source in sources}
        self._tables: list[tuple[str, Table]] = []
        self._rotations: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._tables)

    def add(self, name: str, page: Page) -> Table:
        """Add what was read on a page, and return its table."""
        table = align_page(page) if page.table is None else take_ruled_table(page)
        self._tables.append((name, table))
        self._rotations[name] = page.rotation
        return table

    def join(self) -> JoinedTable:
        """Join all tables into one."""
        return join_tables(self._tables)

    def write(self, file: TableFile) -> JoinedTable:
        """Write all tables as one.

        Raises:
            OutputError: If the file cannot be written.
        """
        joined = self.join()
        file.write(joined.columns, joined.rows, self._cut_out(joined) if file.has_pictures else {})
        return joined

    def _cut_out(self, joined: JoinedTable) -> dict[tuple[int, int], bytes]:
        """Cut the doubtful numbers out of their pictures, one picture after the other."""
        pictures = {}
        name, array = "", None
        for place, (source, cell) in joined.cells.items():
            number = cell.number
            if number is None or number.corrected or number.confidence >= DOUBTFUL_BELOW:
                continue
            if array is None or source != name:
                name, array = source, self._sources[source].decode()
            pictures[place] = cut_out(array, number.box, self._rotations[name])
        return pictures
