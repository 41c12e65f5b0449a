"""A sheet while it is written: coverage by ink, whose ink it is, and where the next glyph goes."""

from dataclasses import dataclass, field

import numpy as np

from kerascnn.images.components import bounding_box

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


@dataclass
class Sheet:
    """A page while it is written.

    Args:
        ink: Coverage by ink, float32 `(height, width)`, 0..1.
        instances: Number of the glyph whose ink a pixel shows, uint16 `(height, width)`, counted from 1; 0 for paper.
        num_glyphs: Number of glyphs written so far.
        lines: Digits of each line.
        boxes: Boxes of the glyphs of each line.
    """

    ink: np.ndarray
    instances: np.ndarray
    num_glyphs: int = 0
    lines: list[str] = field(default_factory=list)
    boxes: list[list[Box]] = field(default_factory=list)


def make_sheet(height: int, width: int) -> Sheet:
    """Make an empty sheet."""
    return Sheet(np.zeros((height, width), np.float32), np.zeros((height, width), np.uint16))


def find_touching_column(ink: np.ndarray, glyph: np.ndarray, previous: Box, top: int) -> float:
    """Find the column at which a glyph just touches its left neighbour."""
    start = int(previous[0] + previous[2])
    for x in range(start, int(previous[0]), -1):
        window = ink[top : top + glyph.shape[0], x : x + glyph.shape[1]]
        overlap = (window > 0.5) & (glyph[: window.shape[0], : window.shape[1]] > 0.5)
        if overlap.sum() > 4:
            return float(x)
    return float(start)


def place_glyph(sheet: Sheet, glyph: np.ndarray, left: int, top: int) -> Box:
    """Put a glyph, coverage float32 `(height, width)`, on a sheet as its next instance; return the box of its ink."""
    left = int(np.clip(left, 0, sheet.ink.shape[1] - glyph.shape[1]))
    top = int(np.clip(top, 0, sheet.ink.shape[0] - glyph.shape[0]))
    window = np.s_[top : top + glyph.shape[0], left : left + glyph.shape[1]]
    level = min(0.5, 0.9 * float(glyph.max()))  # a hairline thinner than a pixel covers no pixel by half
    sheet.num_glyphs += 1
    # Where two glyphs cross, a pixel belongs to the darker stroke.
    sheet.instances[window][(glyph > 0.6 * level) & (glyph >= sheet.ink[window])] = sheet.num_glyphs
    np.maximum(sheet.ink[window], glyph, out=sheet.ink[window])
    rows, columns = bounding_box(glyph > level)
    width, height = columns.stop - columns.start, rows.stop - rows.start
    return float(left + columns.start), float(top + rows.start), float(width), float(height)
