"""What the ink of a synthetic sheet shows, on the grid on which the sheet is read."""

from typing import NamedTuple

import cv2
import numpy as np

from kerascnn.datasets.synthetic.writing import Writing
from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.glyphs import Glyph


class SheetTruth(NamedTuple):
    """Whose ink is where.

    Args:
        owners: Number of the glyph that a pixel of the page belongs to, 0 for none.
        areas: Pixels of each number.
        shown: What each glyph shows.
    """

    owners: np.ndarray
    areas: np.ndarray
    shown: np.ndarray

    def count_pixels(self, glyph: Glyph) -> np.ndarray:
        """Count the pixels of each of the sheet's glyphs in a glyph that was found."""
        return np.bincount(self.owners[glyph.window()][glyph.mask], minlength=len(self.areas))[1:]


def find_truth(sheet: Writing, page: BinarizedPage) -> SheetTruth:
    """Find whose ink is where on the grid of a binarized sheet."""
    size = page.mask.shape[1], page.mask.shape[0]
    owners = cv2.resize(sheet.instances, size, interpolation=cv2.INTER_NEAREST) * page.mask
    return SheetTruth(owners, np.bincount(owners.ravel(), minlength=len(sheet.shown) + 1), np.array(sheet.shown))
