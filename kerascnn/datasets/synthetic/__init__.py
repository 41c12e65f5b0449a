"""Synthetic photos and scans of handwritten pages with known text and boxes, made of MNIST's digits.

They are the test data of `kerascnn.read` and the training data of the U-Net.
"""

from kerascnn.datasets.synthetic.page_files import write_pages
from kerascnn.datasets.synthetic.pages import STYLES, SyntheticPage, make_page

__all__ = ["STYLES", "SyntheticPage", "make_page", "write_pages"]
