"""Remove from a page what is known to be printed, the lines of a table or all of a form, and what is outside fields."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from kerascnn.images.binarization import BinarizedPage
from kerascnn.images.components import find_components, measure_stroke_width

Box = tuple[int, int, int, int]

_MARGIN = 0.35  # of a field's height around it, of which the print tells how the paper bends there
_FRINGE = 1  # pixels around print that was measured on the page
_REACH = 8  # pixels, by which it may


def keep_writing(
    page: BinarizedPage, printed: np.ndarray, fields: Sequence[Box], *, is_exact: bool = False
) -> BinarizedPage:
    """Keep what is written in the fields of a form, or in the cells of a table.

    Strokes that cross a printed line are closed again where it was.

    Args:
        page: The page; a filled-in form is registered to the blank one.
        printed: bool, of the same shape: what is printed, such as the foreground of the blank form.
        fields: Left, top, width and height of each field in pixels of both.
        is_exact: Whether the print was found on this very page, so that it lies where it is and is as wide.

    Returns:
        The page with nothing else on it.
    """
    kept = page.mask.copy()
    # At the edge of a field, a stroke of its neighbour would look like the edge of a line.
    for field in [_enclose(fields)] if is_exact else fields:
        window = _surround(field, page.mask.shape)
        here = printed[window] if is_exact else _shift_to(printed, page.mask, window)
        # Where fields adjoin, the lines between them are erased from either side.
        kept[window] &= _erase(page.mask[window], here, _FRINGE if is_exact else None)
    inside = np.zeros_like(page.mask)
    for left, top, width, height in fields:
        # What is written over the edge of a field belongs to it; the rest of its surroundings tells other things.
        over = round(_MARGIN * height / 2)
        inside[max(0, top - over) : top + height + over, max(0, left - over) : left + width + over] = True
    kept &= inside
    return replace(page, mask=kept, contrast=page.contrast * kept)


def _enclose(fields: Sequence[Box]) -> Box:
    left, top = min(field[0] for field in fields), min(field[1] for field in fields)
    right, bottom = (max(field[axis] + field[axis + 2] for field in fields) for axis in (0, 1))
    return left, top, right - left, bottom - top


def _surround(field: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, width, height = field
    margin = round(_MARGIN * height)
    return (
        slice(max(0, top - margin), min(shape[0], top + height + margin)),
        slice(max(0, left - margin), min(shape[1], left + width + margin)),
    )


def _shift_to(printed: np.ndarray, mask: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    """Cut the print of a window out where it agrees best with what is in the window of a mask."""
    around = np.pad(printed, _REACH)[
        window[0].start : window[0].stop + 2 * _REACH, window[1].start : window[1].stop + 2 * _REACH
    ]
    scores = cv2.matchTemplate(around.astype(np.float32), mask[window].astype(np.float32), cv2.TM_CCORR)
    # Of places that agree alike, the nearest one.
    rows, columns = np.mgrid[-_REACH : _REACH + 1, -_REACH : _REACH + 1]
    scores -= 1e-3 * max(float(scores.max()), 1e-6) * np.hypot(rows, columns)
    top, left = np.unravel_index(int(scores.argmax()), scores.shape)
    height, width = mask[window].shape
    return np.asarray(around[top : top + height, left : left + width])


def _erase(mask: np.ndarray, printed: np.ndarray, fringe: int | None) -> np.ndarray:
    """Erase print and a fringe of so many pixels from a mask; strokes that cross it stay whole."""
    if not printed.any():
        return mask
    thickness = max(2, round(measure_stroke_width(printed)))
    # Print that was copied or photographed is as much as half as wide again.
    wide = _widen(printed, thickness // 2 if fringe is None else fringe)
    rest = mask & ~wide
    reach = 2 * thickness + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(np.pad(rest, reach).astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    found = find_components(rest | (closed[reach:-reach, reach:-reach] & wide & mask))
    edge = thickness if fringe is None else 2 * fringe
    near = np.bincount(found.labels[_widen(printed, edge)], minlength=len(found) + 1)[1:]
    # What lies along print for the most part is an edge of it.
    return found.select(near <= found.area / 2)


def _widen(mask: np.ndarray, reach: int) -> np.ndarray:
    side = 2 * reach + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)
