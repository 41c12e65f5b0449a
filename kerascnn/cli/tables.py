"""The console and the shape of the tables that commands print for people."""

from rich.console import Console
from rich.table import Table


def stdout_console() -> Console:
    """Make a console on stdout that neither colours numbers nor cuts lines, and prints names as they are."""
    return Console(highlight=False, soft_wrap=True, markup=False)


def new_table(first: str, *others: str, numeric: bool = True) -> Table:
    """Make a table without borders from its headings; columns but the first are aligned to the right if numeric."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, justify="left")
    for name in others:
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    return table


def shorten(label: str, length: int = 6) -> str:
    """Cut a label to a number of characters, with an ellipsis where something is missing."""
    return label if len(label) <= length else label[: length - 1] + "…"
