"""Synthetic scans of tables and forms that somebody filled in by hand, with what stands in each cell and field."""

from kerascnn.datasets.synthetic.documents.document_files import write_forms, write_tables
from kerascnn.datasets.synthetic.documents.entries import Entry
from kerascnn.datasets.synthetic.documents.forms import SyntheticForm, make_form
from kerascnn.datasets.synthetic.documents.scanning import DOCUMENT_STYLES
from kerascnn.datasets.synthetic.documents.tables import SyntheticTable, make_table

__all__ = [
    "DOCUMENT_STYLES",
    "Entry",
    "SyntheticForm",
    "SyntheticTable",
    "make_form",
    "make_table",
    "write_forms",
    "write_tables",
]
