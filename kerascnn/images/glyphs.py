"""From a page's ink to glyphs: broken digits put together; specks, smudges and show-through left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.glyph_binarization import Ink

_FAINTEST = 0.35  # of the page's usual ink; fainter strokes shine through from the other side
_EDGE_LEVEL = 0.42  # of a stroke's own ink: where its soft edge ends
_SPECK = 0.22  # of the usual digit's height: what is smaller in both directions is no digit
_TALLEST, _SHORTEST = 3.0, 0.38  # of the usual digit's height
_LONGEST = 10  # digits that may touch in a row
_MAX_GAP = 0.22  # of the usual digit's height, between the parts of a broken digit
_MIN_HEIGHT = 7  # working pixels; less ink than this has no form


@dataclass(frozen=True, eq=False)
class Glyph:
    """One connected piece of writing, or several that belong together.

    Args:
        left: column of the box's first pixel on the page.
        top: row of the box's first pixel on the page.
        ink: the glyph alone, cut to its box.
    """

    left: int
    top: int
    ink: Ink

    @property
    def height(self) -> int:
        """The box's height in pixels."""
        return self.ink.mask.shape[0]

    @property
    def width(self) -> int:
        """The box's width in pixels."""
        return self.ink.mask.shape[1]

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height


def find_glyphs(contrast: np.ndarray, mask: np.ndarray) -> tuple[list[Glyph], list[Glyph]]:
    """Find the pieces of writing on a page that may be digits.

    Args:
        contrast: float32, `(height, width)`, as `BinarizedPage` has it.
        mask: bool, `(height, width)`, the ink without lines.

    Returns:
        The glyphs, in no order, and the fragments: pieces too small for a digit that may be part of one.
        Digits that touch are one glyph still.
    """
    parts = _components(contrast, mask)
    if not parts:
        return [], []
    level = _usual_level(contrast, parts)
    parts = _components(contrast, mask & (contrast >= _FAINTEST * level))
    parts = [part for part in parts if _peak(contrast, part) >= 1.3 * _FAINTEST * level]
    glyphs = [_sharpened(contrast, part) for part in parts]
    if not glyphs:
        return [], []
    height = median_digit_height(glyphs)
    glyphs = _put_together(glyphs, height)
    glyphs = [glyph for glyph in glyphs if not _lies_on_edge(glyph, mask.shape)]
    digits = [glyph for glyph in glyphs if _may_be_a_digit(glyph, height)]
    return digits, [glyph for glyph in glyphs if _is_fragment(glyph, height)]


def median_digit_height(glyphs: Sequence[Glyph]) -> float:
    """The height of a page's usual digit in pixels: the median, a glyph counting as often as it is tall."""
    heights = np.sort([float(glyph.height) for glyph in glyphs])
    return float(heights[np.searchsorted(np.cumsum(heights), heights.sum() / 2)])


@dataclass(frozen=True, eq=False)
class _Part:
    left: int
    top: int
    mask: np.ndarray


def _components(contrast: np.ndarray, mask: np.ndarray) -> list[_Part]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = np.maximum(stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_WIDTH])
    sizes[0] = 0
    # On a grainy page there are thousands of specks; none is worth a look beside the largest few hundred.
    chosen = np.argsort(-sizes)[:3000]
    chosen = chosen[sizes[chosen] >= max(4, 0.06 * np.percentile(sizes[chosen], 95))]
    parts = []
    for index in chosen:
        left, top, width, height, _ = (int(value) for value in stats[index])
        parts.append(_Part(left, top, labels[top : top + height, left : left + width] == index))
    return parts


def _peak(contrast: np.ndarray, part: _Part) -> float:
    height, width = part.mask.shape
    window = contrast[part.top : part.top + height, part.left : part.left + width]
    return float(np.percentile(window[part.mask], 85))


def _usual_level(contrast: np.ndarray, parts: Sequence[_Part]) -> float:
    """The contrast of the page's usual ink.

    The upper quartile over parts, each counting by its height squared: the paper's fibres and a
    compression's blocks are many, but small and faint.
    """
    levels = np.array([_peak(contrast, part) for part in parts])
    weights = np.array([float(part.mask.shape[0]) ** 2 for part in parts])
    order = np.argsort(levels)
    return float(levels[order][np.searchsorted(np.cumsum(weights[order]), 0.75 * weights.sum())])


def _sharpened(contrast: np.ndarray, part: _Part) -> Glyph:
    """A part outlined at a fixed share of its own ink, so that faint strokes are as wide as dark ones."""
    height, width = part.mask.shape
    values = contrast[part.top : part.top + height, part.left : part.left + width]
    full = max(float(np.percentile(values[part.mask], 80)), 1e-6)
    mask = part.mask & (values >= _EDGE_LEVEL * full)
    if _count(mask) > _count(part.mask):
        mask = part.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    low = 0.5 * _EDGE_LEVEL * full
    strength = np.clip((values[window] - low) / (full - low), 0, 1) * part.mask[window]
    ink = Ink(strength.astype(np.float32), mask[window])
    return Glyph(part.left + int(columns[0]), part.top + int(rows[0]), ink)


def _count(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0]


def _put_together(glyphs: Sequence[Glyph], usual: float) -> list[Glyph]:
    """Give every small or broken part to the digit that it belongs to."""
    glyphs = sorted(glyphs, key=lambda glyph: -glyph.height * glyph.width)
    result: list[Glyph] = []
    for part in glyphs:
        best = min(range(len(result)), key=lambda index: _gap(result[index], part), default=None)
        if best is not None and _belong_together(result[best], part, usual):
            result[best] = merge_glyphs([result[best], part])
        else:
            result.append(part)
    return result


def merge_glyphs(glyphs: Sequence[Glyph]) -> Glyph:
    """Several glyphs as one."""
    left, top = min(glyph.left for glyph in glyphs), min(glyph.top for glyph in glyphs)
    right, bottom = max(glyph.right for glyph in glyphs), max(glyph.bottom for glyph in glyphs)
    strength = np.zeros((bottom - top, right - left), np.float32)
    mask = np.zeros(strength.shape, dtype=bool)
    for glyph in glyphs:
        window = np.s_[glyph.top - top : glyph.bottom - top, glyph.left - left : glyph.right - left]
        strength[window] = np.maximum(strength[window], glyph.ink.strength)
        mask[window] |= glyph.ink.mask
    return Glyph(left, top, Ink(strength, mask))


def _gap(first: Glyph, second: Glyph) -> float:
    across = max(first.left - second.right, second.left - first.right, 0)
    along = max(first.top - second.bottom, second.top - first.bottom, 0)
    return float(max(across, along))


def _belong_together(body: Glyph, part: Glyph, usual: float) -> bool:
    if _gap(body, part) > _MAX_GAP * usual or max(part.height, part.width) < 0.06 * usual:
        return False
    height = max(body.bottom, part.bottom) - min(body.top, part.top)
    width = max(body.right, part.right) - min(body.left, part.left)
    if height > 1.35 * usual or width > 1.15 * max(usual, height):
        return False
    inside = min(body.right, part.right) - max(body.left, part.left)
    small = part.height < 0.4 * usual
    # A part above or below belongs to the body; one beside it only if it is too small to be a digit itself.
    return inside > 0.5 * min(part.width, body.width) or (small and measure_gap(body, part) <= 0.12 * usual)


def measure_gap(body: Glyph, part: Glyph) -> float:
    """The distance between the nearest ink of two glyphs in pixels."""
    both = merge_glyphs([body, part])
    away = np.ones(both.ink.mask.shape, np.uint8)
    _lay(away, body, both, 0)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 3)
    only_part = np.zeros(both.ink.mask.shape, np.uint8)
    _lay(only_part, part, both, 1)
    return float(distance[only_part > 0].min())


def _lay(canvas: np.ndarray, glyph: Glyph, both: Glyph, value: int) -> None:
    window = np.s_[glyph.top - both.top : glyph.bottom - both.top, glyph.left - both.left : glyph.right - both.left]
    canvas[window][glyph.ink.mask] = value


def _may_be_a_digit(glyph: Glyph, usual: float) -> bool:
    if glyph.height < max(_MIN_HEIGHT, _SHORTEST * usual) or glyph.height > _TALLEST * usual:
        return False
    if max(glyph.height, glyph.width) < _SPECK * usual:
        return False
    if glyph.width > _LONGEST * usual:
        return False
    # A filled block is a smudge or a corner of the table.
    filled = float(glyph.ink.mask.mean())
    return not (filled > 0.85 and glyph.width > 0.5 * glyph.height)


def _is_fragment(glyph: Glyph, usual: float) -> bool:
    """Whether a glyph is too low for a digit, but long enough for a stroke of one, such as the bar of a 5."""
    return glyph.height < _SHORTEST * usual and 0.25 * usual <= max(glyph.height, glyph.width) <= 0.9 * usual


def _lies_on_edge(glyph: Glyph, shape: tuple[int, int]) -> bool:
    """Whether a glyph is a strip along the edge of the picture: the edge of the sheet, or of a shadow."""
    upright = (glyph.left <= 1 or glyph.right >= shape[1] - 1) and glyph.width < 0.3 * glyph.height
    level = (glyph.top <= 1 or glyph.bottom >= shape[0] - 1) and glyph.height < 0.3 * glyph.width
    return upright or level
