"""Candidates for symbols: pieces of a page's ink that stand among its digits, each described by form, size and place.

Lengths are in heights of the digits beside a candidate, places against the line that these stand on, so that neither
the size of the writing nor a slope of its lines makes a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from kerascnn.images.components import Components, count_components, find_components, measure_stroke_width
from kerascnn.images.glyphs import Glyph, merge_glyphs

SYMBOLS = ".,-/:+"
"""The symbols of numbers that can be read: point, comma, hyphen or minus, slash, colon, plus."""

FORM = (
    "height",  # logarithm, in digit heights
    "width",
    "aspect",  # logarithm of width against height
    "fill",  # share of its box
    "middle",  # below the middle of the digits beside it
    "bottom",  # below their lower edge
    "top",  # below their upper edge
    "left gap",  # to the digit on the left; negative where the boxes overlap
    "right gap",
    "leftmost",  # 1 where no digit is near on the left
    "rightmost",
    "stroke width",
    "stroke ratio",  # logarithm of its width against that of the page's digits
    "elongation",  # of the ink, 0 for round and 1 for a line
    "upright",  # cosine of twice the angle of its axis to the horizontal, times the elongation
    "slant",  # sine of the same
    "straightness",  # spread of the ink beside its axis
    "holes",
    "pieces",  # 1 for two pieces, one above the other
    "distance",  # between the middles of the two
    "likeness",  # logarithm of the ratio of their areas
    "above",  # distance to a low piece right above or below, 1 if there is none
)
_GRID = 8  # cells of the little picture of a candidate, in either direction
FORM_FEATURES = (*FORM, *(f"cell {row} {column}" for row in range(_GRID) for column in range(_GRID)))
"""Names of the figures that describe the form and the place of a candidate."""

# What these leave out could not be a symbol of any hand; whether the rest is one, is fitted.
_REACH = 3.0  # digit heights to the nearest digit
_BESIDE = 0.9  # digit heights that the middle of a symbol may lie above or below the edges of the digits
_TALLEST, _WIDEST, _SMALLEST = 2.4, 1.6, 0.03  # digit heights
_FEWEST_PIXELS = 4
_MOST_CANDIDATES = 3000  # as many as a page may have glyphs
_SMALL = 0.45  # digit heights, a piece that may be one of the two points of a colon
_FURTHEST, _ASIDE = 1.1, 0.35  # digit heights between two points of a colon, downwards and sideways
_NEIGHBOURS = 6  # digits that tell where the line is
_FAR = 3.0  # digit heights from which a gap counts no further


@dataclass(frozen=True, eq=False)
class Candidate:
    """A piece of ink, or two above each other, that may be a symbol.

    Args:
        glyph: The ink.
        pieces: The numbers of its components.
        features: float32, `(len(FORM_FEATURES),)`.
    """

    glyph: Glyph
    pieces: tuple[int, ...]
    features: np.ndarray


class _Line(NamedTuple):
    """Where the digits beside a piece are: height, upper and lower edge, gaps to the nearest on the left and right."""

    height: float
    top: float
    bottom: float
    left_gap: float
    right_gap: float


def find_candidates(mask: np.ndarray, intensity: np.ndarray, digits: np.ndarray) -> list[Candidate]:
    """Find what may be a symbol on a page.

    Args:
        mask: bool, `(height, width)`: the ink of the page without printed lines.
        intensity: float32, `(height, width)`: how dark it is.
        digits: The boxes of what was read as digits, `(n, 4)`: left, top, right, bottom in pixels.

    Returns:
        At most as many candidates as a page has glyphs, the largest ones; a digit is among them as well.
    """
    if not len(digits):
        return []
    found = find_components(mask)
    typical = float(np.median(digits[:, 3] - digits[:, 1]))
    longest = np.maximum(found.width, found.height)
    usable = (longest >= _SMALLEST * typical) & (found.area >= _FEWEST_PIXELS)
    usable &= (found.height <= 2 * _TALLEST * typical) & (found.width <= 2 * _WIDEST * typical)
    chosen = np.flatnonzero(usable)
    chosen = np.sort(chosen[np.argsort(-longest[chosen], kind="stable")[:_MOST_CANDIDATES]])
    stroke = measure_stroke_width(mask)
    pieces: dict[int, Glyph] = {}
    lines: dict[int, _Line] = {}
    for index in chosen.tolist():
        piece = _crop(found, index, intensity)
        line = _find_line(piece, digits)
        if line is not None:
            pieces[index], lines[index] = piece, line
    low = [index for index, piece in pieces.items() if piece.height < _SMALL * lines[index].height]
    stacked = _find_stacked(low, pieces, lines)
    beside: dict[int, float] = {}
    for pair, distance in stacked.items():
        for index in pair:
            beside[index] = min(distance, beside.get(index, distance))
    pairs = [pair for pair in stacked if all(pieces[one].width < _SMALL * lines[one].height for one in pair)]
    candidates = [
        Candidate(piece, (index,), _describe([piece], lines[index], stroke, beside.get(index, 1.0)))
        for index, piece in pieces.items()
    ]
    for first, second in pairs:
        both = [pieces[first], pieces[second]]
        candidates.append(Candidate(merge_glyphs(both), (first, second), _describe(both, lines[first], stroke, 1.0)))
    return candidates


def erase_pieces(mask: np.ndarray, candidates: Sequence[Candidate]) -> np.ndarray:
    """Return a mask of the same page, bool `(height, width)`, without the ink of some candidates."""
    result = mask.copy()
    for candidate in candidates:
        result[candidate.glyph.window()][candidate.glyph.mask] = False
    return result


def _crop(found: Components, index: int, intensity: np.ndarray) -> Glyph:
    window, mask = found.window(index), found.crop(index)
    return Glyph(int(found.left[index]), int(found.top[index]), intensity[window] * mask, mask)


def _find_line(piece: Glyph, digits: np.ndarray) -> _Line | None:
    """Find the line that a piece stands on; None if it stands on none, or is too large or too small for it.

    A digit whose box is that of the piece says nothing of it.
    """
    middle = (piece.left + piece.right) / 2, (piece.top + piece.bottom) / 2
    left, top, right, bottom = digits.T
    heights = bottom - top
    own = (left < middle[0]) & (right > middle[0]) & (top < middle[1]) & (bottom > middle[1])
    own &= (right - left) * heights <= 2 * piece.width * piece.height
    level = (middle[1] > top - _BESIDE * heights) & (middle[1] < bottom + _BESIDE * heights) & ~own
    gaps = np.maximum(left - piece.right, piece.left - right)
    near = np.flatnonzero(level & (gaps < _REACH * heights))
    if not len(near):
        return None
    # Where lines lie close to each other, the digits of the nearer one count.
    offsets = np.abs((top + bottom)[near] / 2 - middle[1])
    near = near[np.argsort(np.maximum(gaps[near], 0) + 2 * offsets, kind="stable")[:_NEIGHBOURS]]
    height = max(float(np.median(heights[near])), 1.0)
    is_too_large = max(piece.height / _TALLEST, piece.width / _WIDEST) > height
    if is_too_large or max(piece.height, piece.width) < _SMALLEST * height:
        return None
    on_left = (left + right)[near] / 2 < middle[0]
    left_gap = min(((piece.left - right[near])[on_left] / height).tolist(), default=_FAR)
    right_gap = min(((left[near] - piece.right)[~on_left] / height).tolist(), default=_FAR)
    return _Line(height, float(np.median(top[near])), float(np.median(bottom[near])), left_gap, right_gap)


def _find_stacked(
    low: Sequence[int], pieces: dict[int, Glyph], lines: dict[int, _Line]
) -> dict[tuple[int, int], float]:
    """Find the low piece right below each low piece, with the distance of their middles in digit heights."""
    x = np.array([pieces[index].left + pieces[index].right for index in low]) / 2
    y = np.array([pieces[index].top + pieces[index].bottom for index in low]) / 2
    stacked = {}
    for place, index in enumerate(low):
        height = lines[index].height
        down = y - y[place]
        below = np.flatnonzero((down > 0) & (down < _FURTHEST * height) & (np.abs(x - x[place]) < _ASIDE * height))
        if len(below):
            nearest = int(below[down[below].argmin()])
            stacked[index, low[nearest]] = float(down[nearest]) / height
    return stacked


def _describe(pieces: Sequence[Glyph], line: _Line, stroke: float, above: float) -> np.ndarray:
    """Describe a candidate in the order of `FORM_FEATURES`."""
    glyph = pieces[0] if len(pieces) == 1 else merge_glyphs(pieces)
    height, mask = line.height, glyph.mask
    own_stroke = measure_stroke_width(mask)
    elongation, upright, slant, straightness = _measure_axis(mask)
    areas = [float(piece.mask.sum()) for piece in pieces]
    middles = [(piece.top + piece.bottom) / 2 for piece in pieces]
    holes = count_components(np.pad(~mask, 1, constant_values=True), connectivity=4) - 1
    form = [
        np.log(glyph.height / height),
        np.log(glyph.width / height),
        np.log(glyph.width / glyph.height),
        mask.mean(),
        ((glyph.top + glyph.bottom) - (line.top + line.bottom)) / 2 / height,
        (glyph.bottom - line.bottom) / height,
        (glyph.top - line.top) / height,
        np.clip(line.left_gap, -1, _FAR),
        np.clip(line.right_gap, -1, _FAR),
        line.left_gap >= _FAR,
        line.right_gap >= _FAR,
        own_stroke / height,
        np.log(own_stroke / stroke),
        elongation,
        elongation * upright,
        elongation * slant,
        straightness,
        min(holes, 3),
        len(pieces) > 1,
        (max(middles) - min(middles)) / height,
        abs(np.log(areas[0] / areas[-1])),
        above,
    ]
    return np.concatenate([np.asarray(form, np.float32), _shrink(mask).ravel()])


def _measure_axis(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Measure the elongation of ink, the direction of its axis, and its spread beside it against that along it."""
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, -rows]).astype(float)
    # A pixel is a square, not a point: a twelfth is the variance within it.
    (narrow, wide), axes = np.linalg.eigh(np.cov(points, bias=True) + np.eye(2) / 12)
    x, y = axes[:, 1]
    spread = float(np.sqrt(narrow / wide))
    return 1 - spread, float(x * x - y * y), float(2 * x * y), spread


def _shrink(mask: np.ndarray) -> np.ndarray:
    """Shrink a mask to a little picture, in the middle of a square: float32, `(_GRID, _GRID)`, 0..1."""
    side = max(mask.shape)
    square = np.zeros((side, side), np.float32)
    top, left = (side - mask.shape[0]) // 2, (side - mask.shape[1]) // 2
    square[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    if side < _GRID:
        square = cv2.resize(square, (_GRID, _GRID), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(square, (_GRID, _GRID), interpolation=cv2.INTER_AREA))
