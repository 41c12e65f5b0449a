"""Pages of handwritten digits with known text and boxes, as cameras, scanners and pens would make them.

They measure and test `kerascnn.read`, serve as training material, and are there for whoever needs test
pictures.
"""

from kerascnn.datasets.synthetic.page_files import write_pages
from kerascnn.datasets.synthetic.pages import STYLES, SyntheticPage, make_page

__all__ = ["STYLES", "SyntheticPage", "make_page", "write_pages"]
