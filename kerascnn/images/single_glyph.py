"""The one glyph that a picture shows."""

from typing import Literal, NamedTuple

import numpy as np

from kerascnn.images.binarization import binarize_glyph, binarize_page, shrink
from kerascnn.images.components import find_components
from kerascnn.images.glyphs import Glyph, crop_glyph, find_glyphs
from kerascnn.images.grid_removal import remove_printed_lines

_SMALLEST_PAGE = 64  # pixels; smaller pictures show a glyph and little of its background
_MIN_SIDE = 500  # pixels; one glyph needs no finer grid, and takes a quarter of the time of a page's
_TRUSTED_SHARE = 0.3  # of the largest component that runs out of the picture
_MAIN_SHARE = 0.35  # of the whole foreground; where no glyph has so much, the picture shows many things, or noise


class SingleGlyph(NamedTuple):
    """The glyph of a picture, and how it was found.

    Args:
        glyph: The glyph, on a grid of its own.
        grid: Height and width of that grid, which covers the picture.
        found_by: `"page"` if the picture was treated as a page, `"simple"` if as a glyph on even paper.
    """

    glyph: Glyph
    grid: tuple[int, int]
    found_by: Literal["page", "simple"]


def find_single_glyph(picture: np.ndarray) -> SingleGlyph | None:
    """Find the one glyph that a picture shows; None if the picture is blank.

    A large picture is treated as a page: shadows, the table around the sheet and ruled lines are removed. Where that
    leaves little, because the glyph fills the picture or runs out of it, the simple way decides. Where the foreground
    is scattered no glyph is picked out of it, or noise would become digits: all of it is given, which is not a digit.
    """
    small = shrink(picture)
    found = _find_on_page(small) if min(picture.shape[:2]) >= _SMALLEST_PAGE else None
    if found is not None:
        return found
    glyph = binarize_glyph(small)
    return None if glyph is None else SingleGlyph(glyph, (small.shape[0], small.shape[1]), "simple")


def _find_on_page(small: np.ndarray) -> SingleGlyph | None:
    page = binarize_page(small, _MIN_SIDE)
    mask = remove_printed_lines(page.contrast, page.mask)
    glyphs, _ = find_glyphs(page.contrast, mask)
    chosen = max(glyphs, key=lambda glyph: _measure_prominence(glyph, mask.shape), default=None)
    if chosen is None or chosen.mask.sum() < _TRUSTED_SHARE * _measure_largest_at_edge(mask):
        return None
    level = float(np.percentile(page.contrast[chosen.window()][chosen.mask], 75))
    as_dark = mask & (page.contrast >= 0.5 * level)
    if chosen.mask.sum() < _MAIN_SHARE * as_dark.sum():
        intensity = np.clip(page.contrast / level, 0, 1) * as_dark
        chosen = crop_glyph(intensity.astype(np.float32), as_dark)
    return SingleGlyph(chosen, (mask.shape[0], mask.shape[1]), "page")


def _measure_largest_at_edge(mask: np.ndarray) -> int:
    """Return the area of the largest component that reaches the edge of the picture."""
    found = find_components(mask)
    labels = np.unique(np.concatenate([found.labels[edge] for edge in (0, -1, np.s_[:, 0], np.s_[:, -1])]))
    return int(found.area[labels[labels > 0] - 1].max(initial=0))


def _measure_prominence(glyph: Glyph, shape: tuple[int, ...]) -> float:
    """Measure how much ink a glyph has, less so towards the edge of the picture."""
    off_x = abs((glyph.left + glyph.right) / shape[1] - 1)
    off_y = abs((glyph.top + glyph.bottom) / shape[0] - 1)
    return float(glyph.mask.sum()) * (1 - 0.6 * max(off_x, off_y))
