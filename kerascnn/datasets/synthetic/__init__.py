"""Synthetic photos and scans of handwritten pages with known text and boxes, made of MNIST's digits.

They are the test data of `kerascnn.read` and the training data of the U-Net.
"""

from kerascnn.datasets.synthetic.documents import (
    DOCUMENT_STYLES,
    Entry,
    SyntheticForm,
    SyntheticTable,
    make_form,
    make_table,
    write_forms,
    write_tables,
)
from kerascnn.datasets.synthetic.page_files import write_pages
from kerascnn.datasets.synthetic.pages import STYLES, SyntheticPage, make_page
from kerascnn.datasets.synthetic.symbol_pages import SYMBOL_STYLES, make_symbol_page

__all__ = [
    "DOCUMENT_STYLES",
    "STYLES",
    "SYMBOL_STYLES",
    "Entry",
    "SyntheticForm",
    "SyntheticPage",
    "SyntheticTable",
    "make_form",
    "make_page",
    "make_symbol_page",
    "make_table",
    "write_forms",
    "write_pages",
    "write_tables",
]
