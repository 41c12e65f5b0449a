"""Tables of what is read: cells in rows and columns, and the files that they are written to."""

from kerascnn.tables.columns import align_page
from kerascnn.tables.csv_files import format_csv
from kerascnn.tables.joining import JoinedTable, join_tables
from kerascnn.tables.table import Cell, Table
from kerascnn.tables.table_files import TABLE_SUFFIXES, TableFile

__all__ = ["TABLE_SUFFIXES", "Cell", "JoinedTable", "Table", "TableFile", "align_page", "format_csv", "join_tables"]
