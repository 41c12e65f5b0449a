"""Write rows as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence


def format_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write rows as CSV, each value as it is: a number keeps its leading zeros.

    Args:
        columns: Names of the columns, for the first line; none for no such line.
        rows: The values of each row.

    Example:
        >>> format_csv(["file", "number"], [["card.png", "0042"]])
        'file,number\\ncard.png,0042\\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()
