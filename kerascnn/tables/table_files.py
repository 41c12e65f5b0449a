"""Write rows to a file that a spreadsheet opens: CSV or Excel's format, whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from kerascnn.tables.csv_files import format_csv
from kerascnn.utils.errors import OutputError
from kerascnn.utils.outputs import OutputDirectory

TABLE_SUFFIXES = (".csv", ".xlsx")
"""How the names of such files end."""

_KIND = "table"


class TableFile:
    """A file of rows, checked before any work and written after it; a context manager, as `OutputDirectory` is.

    Args:
        path: The file, which ends in one of `TABLE_SUFFIXES`.
        inputs: Files that the rows are made from.

    Raises:
        OutputError: If there is a file by that name that is no table which an earlier run wrote, or which has been
            changed since; or if what writes such a file is not installed.
    """

    def __init__(self, path: Path, inputs: Iterable[str | Path] = ()) -> None:
        if _is_workbook(path) and find_spec("openpyxl") is None:
            raise OutputError(f"{path} needs openpyxl; pip install 'kerascnn[tables]' adds it, or give a .csv file.")
        self.path = path
        self._output = OutputDirectory(path.parent, _KIND, [path.name], inputs)

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self._output.__exit__(*exception)

    @property
    def has_pictures(self) -> bool:
        """Whether pictures can stand in it."""
        return _is_workbook(self.path)

    def write(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        pictures: Mapping[tuple[int, int], bytes] | None = None,
    ) -> None:
        """Write the rows, all values as text, so that leading zeros stay.

        Args:
            columns: Names of the columns.
            rows: The values of each row, as many as there are columns.
            pictures: Encoded pictures of doubtful values, by row and column, to stand beside them; none in CSV.

        Raises:
            OutputError: If the file cannot be written.
        """
        if self.has_pictures:
            from kerascnn.tables.workbooks import encode_workbook

            content = encode_workbook(columns, rows, pictures or {})
        else:
            content = format_csv(columns, rows).encode("utf-8", "backslashreplace")
        self._output.write(self.path.name, content)


def _is_workbook(path: Path) -> bool:
    return path.suffix.lower() == ".xlsx"
