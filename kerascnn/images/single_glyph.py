"""The one glyph that a picture shows."""

import cv2
import numpy as np

from kerascnn.images.glyph_binarization import Ink, binarize_glyph, shrink
from kerascnn.images.glyphs import Glyph, find_glyphs
from kerascnn.images.grid_removal import remove_box_borders, remove_faint_grid
from kerascnn.images.line_removal import remove_lines
from kerascnn.images.page_binarization import binarize_page

_SMALLEST_PAGE = 64  # pixels; smaller pictures show a glyph and little of its paper
_MIN_SIDE = 500  # pixels; one glyph needs no finer grid, and takes a quarter of the time of a page's
_TRUSTED_SHARE = 0.3  # of the largest piece of ink that runs out of the picture
_MAIN_SHARE = 0.35  # of all the ink; where no glyph has so much, the picture shows many things, or noise


def find_single_glyph(picture: np.ndarray) -> Ink | None:
    """Find the ink of the one glyph that a picture shows.

    A large picture is treated as a page: shadows, the table around the sheet and ruled lines are removed. Where that
    leaves little, because the glyph fills the picture or runs out of it, the simple way decides. Where the ink is
    scattered no glyph is picked out of it, or noise would become digits: all of it is given, which is no digit.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`, dark on light or light on dark.

    Returns:
        The ink, on the picture's own grid, a smaller or a finer one; None if there is none.
    """
    if min(picture.shape[:2]) < _SMALLEST_PAGE:
        return binarize_glyph(picture)
    small = shrink(picture)
    page = binarize_page(small, _MIN_SIDE)
    mask = remove_box_borders(remove_faint_grid(page.contrast, remove_lines(page.mask)))
    glyphs, _ = find_glyphs(page.contrast, mask)
    chosen = max(glyphs, key=lambda glyph: _prominence(glyph, mask.shape), default=None)
    if chosen is None or chosen.ink.mask.sum() < _TRUSTED_SHARE * _largest_at_edge(mask):
        return binarize_glyph(picture)
    window = np.s_[chosen.top : chosen.bottom, chosen.left : chosen.right]
    level = float(np.percentile(page.contrast[window][chosen.ink.mask], 75))
    as_dark = mask & (page.contrast >= 0.5 * level)
    if chosen.ink.mask.sum() < _MAIN_SHARE * as_dark.sum():
        return Ink((np.clip(page.contrast / level, 0, 1) * as_dark).astype(np.float32), as_dark)
    return _on_page(chosen, mask.shape)


def _on_page(glyph: Glyph, shape: tuple[int, ...]) -> Ink:
    strength, mask = np.zeros(shape, np.float32), np.zeros(shape, bool)
    window = np.s_[glyph.top : glyph.bottom, glyph.left : glyph.right]
    strength[window], mask[window] = glyph.ink.strength, glyph.ink.mask
    return Ink(strength, mask)


def _largest_at_edge(mask: np.ndarray) -> int:
    """The pixels of the largest piece of ink that reaches the edge of the picture."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return int(max((stats[index, cv2.CC_STAT_AREA] for index in at_edge if index), default=0))


def _prominence(glyph: Glyph, shape: tuple[int, ...]) -> float:
    """How much ink a glyph has, less so towards the edge of the picture."""
    off_x = abs((glyph.left + glyph.right) / shape[1] - 1)
    off_y = abs((glyph.top + glyph.bottom) / shape[0] - 1)
    return float(glyph.ink.mask.sum()) * (1 - 0.6 * max(off_x, off_y))
