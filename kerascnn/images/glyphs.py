"""Glyphs: the pieces of writing on a page, broken digits merged; specks, smudges and show-through left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.components import Window, bounding_box, count_components, find_components, median_height

_FAINTEST = 0.35  # of the page's typical contrast of ink; fainter strokes shine through from the other side
_EDGE_LEVEL = 0.42  # of a stroke's own contrast, at which its soft edge ends
_MAX_COMPONENTS = 3000  # a grainy page has many thousands of specks; none matters beside the largest components
# Boxes of writing lie side by side, a frame and a table around them; those of a hatching all lie upon each other, and
# their masks would take many times the memory of the page.
_MAX_OVERLAP = 2
# Shares of the median digit height:
_SPECK = 0.22  # a component smaller than this in both directions is not a digit
_TALLEST, _SHORTEST = 3.0, 0.38
_MAX_GAP = 0.22  # between the parts of a broken digit
_LONGEST = 30  # digits that may touch in a row, or hang together by a line
_MIN_HEIGHT = 7  # pixels of the page's grid; a lower digit cannot be recognised


@dataclass(frozen=True, eq=False)
class Glyph:
    """One connected piece of writing, or several that belong together, cropped to their bounding box.

    Args:
        left: Column of the box's first pixel on the page or picture.
        top: Row of the box's first pixel on the page or picture.
        intensity: float32, `(height, width)`: stroke intensity, 0 is background and 1 is full ink.
        mask: bool, `(height, width)`: the pixels that belong to the strokes.
    """

    left: int
    top: int
    intensity: np.ndarray
    mask: np.ndarray

    @property
    def height(self) -> int:
        """Height of the box in pixels."""
        return int(self.mask.shape[0])

    @property
    def width(self) -> int:
        """Width of the box in pixels."""
        return int(self.mask.shape[1])

    @property
    def right(self) -> int:
        """Column after the last."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Row after the last."""
        return self.top + self.height

    def window(self, left: int = 0, top: int = 0) -> Window:
        """Return the box on a grid whose first pixel lies at `left`, `top` of the page."""
        return np.s_[self.top - top : self.bottom - top, self.left - left : self.right - left]


def crop_glyph(intensity: np.ndarray, mask: np.ndarray, left: int = 0, top: int = 0) -> Glyph:
    """Crop a glyph to the bounding box of its mask, which has one pixel set at least.

    The intensity is float32, `(height, width)`, 0 is background and 1 is full ink; `left` and `top` are the place of
    its first pixel on the page.
    """
    rows, columns = bounding_box(mask)
    return Glyph(left + columns.start, top + rows.start, intensity[rows, columns], mask[rows, columns])


def find_glyphs(contrast: np.ndarray, mask: np.ndarray) -> tuple[list[Glyph], list[Glyph]]:
    """Find the pieces of writing on a page that may be digits.

    Args:
        contrast: float32, `(height, width)`, as in `BinarizedPage`.
        mask: bool, `(height, width)`, the foreground without printed lines.

    Returns:
        The glyphs, in any order (digits that touch are still one), and the fragments, which may be parts of a digit.
    """
    parts = _find_parts(mask)
    if not parts:
        return [], []
    level = _typical_level(contrast, parts)
    parts = _find_parts(mask & (contrast >= _FAINTEST * level))
    parts = [part for part in parts if _measure_peak(contrast, part) >= 1.3 * _FAINTEST * level]
    glyphs = [_sharpen(contrast, part) for part in parts]
    if not glyphs:
        return [], []
    digit_height = median_digit_height(glyphs)
    glyphs = _merge_parts(glyphs, digit_height)
    glyphs = [glyph for glyph in glyphs if not _lies_on_edge(glyph, mask.shape)]
    digits = [glyph for glyph in glyphs if _may_be_a_digit(glyph, digit_height)]
    return digits, [glyph for glyph in glyphs if _is_fragment(glyph, digit_height)]


def median_digit_height(glyphs: Sequence[Glyph]) -> float:
    """Return the median height of a page's digits in pixels, estimated from its glyphs, at least one."""
    return median_height(glyph.height for glyph in glyphs)


def merge_glyphs(glyphs: Sequence[Glyph]) -> Glyph:
    """Make one glyph of several."""
    left, top = min(glyph.left for glyph in glyphs), min(glyph.top for glyph in glyphs)
    right, bottom = max(glyph.right for glyph in glyphs), max(glyph.bottom for glyph in glyphs)
    intensity = np.zeros((bottom - top, right - left), np.float32)
    mask = np.zeros(intensity.shape, dtype=bool)
    for glyph in glyphs:
        window = glyph.window(left, top)
        intensity[window] = np.maximum(intensity[window], glyph.intensity)
        mask[window] |= glyph.mask
    return Glyph(left, top, intensity, mask)


def measure_gap(body: Glyph, part: Glyph) -> float:
    """Measure the distance between the nearest strokes of two glyphs in pixels."""
    both = merge_glyphs([body, part])
    outside_body = np.ones(both.mask.shape, np.uint8)
    outside_body[body.window(both.left, both.top)][body.mask] = 0
    distance = cv2.distanceTransform(outside_body, cv2.DIST_L2, 3)
    return float(distance[part.window(both.left, both.top)][part.mask].min())


@dataclass(frozen=True, eq=False)
class _Part:
    window: Window
    mask: np.ndarray


def _find_parts(mask: np.ndarray) -> list[_Part]:
    found = find_components(mask)
    sizes = np.maximum(found.height, found.width)
    chosen = np.argsort(-sizes)[:_MAX_COMPONENTS]
    # The background counts as a component of size 0, so that the limit is low where there are few components.
    limit = 0.06 * np.percentile([0, *sizes[chosen]], 95)
    chosen = chosen[sizes[chosen] >= max(4, limit)]
    boxes = np.cumsum((found.width.astype(float) * found.height)[chosen][::-1])[::-1]
    chosen = chosen[boxes <= _MAX_OVERLAP * mask.size]
    return [_Part(found.window(index), found.crop(index)) for index in chosen]


def _measure_peak(contrast: np.ndarray, part: _Part) -> float:
    return float(np.percentile(contrast[part.window][part.mask], 85))


def _typical_level(contrast: np.ndarray, parts: Sequence[_Part]) -> float:
    """Return the typical contrast of the page's ink: the upper quartile over parts, weighted by height squared."""
    # The paper's fibres and a compression's blocks are many, but small and faint.
    levels = np.array([_measure_peak(contrast, part) for part in parts])
    weights = np.array([float(part.mask.shape[0]) ** 2 for part in parts])
    order = np.argsort(levels)
    return float(levels[order][np.searchsorted(np.cumsum(weights[order]), 0.75 * weights.sum())])


def _sharpen(contrast: np.ndarray, part: _Part) -> Glyph:
    """Outline a part at a fixed share of its own contrast, so that faint strokes are as wide as dark ones."""
    values = contrast[part.window]
    full = max(float(np.percentile(values[part.mask], 80)), 1e-6)
    mask = part.mask & (values >= _EDGE_LEVEL * full)
    if count_components(mask) > count_components(part.mask):
        mask = part.mask
    low = 0.5 * _EDGE_LEVEL * full
    intensity = np.clip((values - low) / (full - low), 0, 1) * part.mask
    rows, columns = part.window
    return crop_glyph(intensity.astype(np.float32), mask, columns.start, rows.start)


def _merge_parts(glyphs: Sequence[Glyph], digit_height: float) -> list[Glyph]:
    """Merge every small or broken part with the digit that it belongs to."""
    glyphs = sorted(glyphs, key=lambda glyph: -glyph.height * glyph.width)
    result: list[Glyph] = []
    boxes = np.empty((len(glyphs), 4), int)  # of the result: in one array, since every part looks at all of them
    for part in glyphs:
        place = int(_measure_box_gaps(boxes[: len(result)], part).argmin()) if result else 0
        if result and _belong_together(result[place], part, digit_height):
            result[place] = merge_glyphs([result[place], part])
        else:
            place = len(result)
            result.append(part)
        boxes[place] = _corners(result[place])
    return result


def _corners(glyph: Glyph) -> tuple[int, int, int, int]:
    return glyph.left, glyph.top, glyph.right, glyph.bottom


def _measure_box_gaps(corners: np.ndarray, part: Glyph) -> np.ndarray:
    """Measure the distances between boxes, given by their corners, int `(n, 4)`, and that of a part: `(n,)`."""
    left, top, right, bottom = corners.T
    across = np.maximum(left - part.right, part.left - right)
    along = np.maximum(top - part.bottom, part.top - bottom)
    return np.asarray(np.maximum(np.maximum(across, along), 0))


def _belong_together(body: Glyph, part: Glyph, digit_height: float) -> bool:
    is_far = _measure_box_gaps(np.array([_corners(body)]), part)[0] > _MAX_GAP * digit_height
    if is_far or max(part.height, part.width) < 0.06 * digit_height:
        return False
    height = max(body.bottom, part.bottom) - min(body.top, part.top)
    width = max(body.right, part.right) - min(body.left, part.left)
    if height > 1.35 * digit_height or width > 1.15 * max(digit_height, height):
        return False
    overlap = min(body.right, part.right) - max(body.left, part.left)
    small = part.height < 0.4 * digit_height
    # A part above or below belongs to the body; one beside it only if it is too small to be a digit itself.
    return overlap > 0.5 * min(part.width, body.width) or (small and measure_gap(body, part) <= 0.12 * digit_height)


def _may_be_a_digit(glyph: Glyph, digit_height: float) -> bool:
    if glyph.height < max(_MIN_HEIGHT, _SHORTEST * digit_height) or glyph.height > _TALLEST * digit_height:
        return False
    if max(glyph.height, glyph.width) < _SPECK * digit_height or glyph.width > _LONGEST * digit_height:
        return False
    # A filled block is a smudge or a corner of the table.
    filled = float(glyph.mask.mean())
    return not (filled > 0.85 and glyph.width > 0.5 * glyph.height)


def _is_fragment(glyph: Glyph, digit_height: float) -> bool:
    """Tell whether a glyph is too low for a digit, but long enough for a stroke of one, such as the bar of a 5."""
    longest = max(glyph.height, glyph.width)
    return glyph.height < _SHORTEST * digit_height and 0.25 * digit_height <= longest <= 0.9 * digit_height


def _lies_on_edge(glyph: Glyph, shape: tuple[int, ...]) -> bool:
    """Tell whether a glyph is a strip along the edge of the picture: the edge of the sheet, or of a shadow."""
    upright = (glyph.left <= 1 or glyph.right >= shape[1] - 1) and glyph.width < 0.3 * glyph.height
    level = (glyph.top <= 1 or glyph.bottom >= shape[0] - 1) and glyph.height < 0.3 * glyph.width
    return upright or level
