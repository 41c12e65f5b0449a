"""Pages of handwritten digits with known text and boxes, as cameras, scanners and pens would make them.

They measure and test `kerascnn.read`, serve as training material, and are there for whoever needs test
pictures.
"""

from kerascnn.synthetic.pages import STYLES, SyntheticPage, make_page
from kerascnn.synthetic.writing import write_pages

__all__ = ["STYLES", "SyntheticPage", "make_page", "write_pages"]
