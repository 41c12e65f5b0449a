"""Over-segmentation of touching digits: too many cuts are proposed, and a lattice chooses among them.

Source: the over-segmentation with a graph of segments of LeCun, Bottou, Bengio, Haffner, "Gradient-based
learning applied to document recognition", 1998, section V, with a dynamic programme for the best path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from kerascnn.images.components import find_components, measure_stroke_width
from kerascnn.images.glyphs import Glyph, crop_glyph, merge_glyphs

_SEAM_HEIGHT = 40  # pixels; cuts are searched on a small copy
_OUTSIDE_COST = 4.0  # of a pixel outside the glyph, more than of any ink
_CUTS_PER_HEIGHT = 6  # cut candidates on a stretch as long as a digit is high
_ABOVE = 0.7  # of the narrower one's width, which pieces above each other share
_CLOSED = 0.05  # of the glyph's height, a gap in a stroke that still closes a loop
_LOOP = 0.35  # of the glyph's height, the lowest loop that may be a digit of its own
_FEWEST_PIXELS = 8  # of a segment
_SPLINTER = 0.12  # of the area of a segment's largest component
_FAR = 2  # widths of the widest digit, between two cuts; what is left there without splinters is too wide, too


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a glyph between two cuts.

    Args:
        first: Node of the cut on its left; 0 is the glyph's left edge.
        last: Node of the cut on its right; the largest node is the glyph's right edge.
        glyph: The stretch itself.
        ink_left: Ink that the cut on its left goes through, in stroke widths.
        ink_right: Ink that the cut on its right goes through, in stroke widths.
    """

    first: int
    last: int
    glyph: Glyph
    ink_left: float = 0.0
    ink_right: float = 0.0


def propose_segments(glyph: Glyph, digit_height: float, pieces: Sequence[Glyph] = ()) -> list[Segment]:
    """Propose the stretches of a glyph that may be one digit each.

    Args:
        glyph: One connected piece of writing.
        digit_height: Median digit height of the page in pixels.
        pieces: The digits that a segmentation network sees in the glyph, from left to right; empty where it sees one.

    Returns:
        The edges of a graph from the glyph's left edge to its right one, in which the pieces are one more path. A glyph
        without pieces that is too narrow for two digits is a single segment.
    """
    segments = _cut(glyph, digit_height)
    # A network that knows digits alone sees several of them in one letter.
    if len(pieces) < 2 or not _may_be_several(glyph, digit_height):
        return segments
    chain = [_cut(piece, digit_height) for piece in pieces]
    inner = _last_node(segments)
    end = inner + sum(map(_last_node, chain))
    segments = _renumber(segments, [*range(inner), end])
    start = 0
    for link in chain:
        # Cuts get the numbers that follow, so that nodes count up along every path.
        nodes = [start, *range(inner, inner + _last_node(link))]
        inner += _last_node(link)
        if link is chain[-1]:
            nodes[-1] = end
        segments += _renumber(link, nodes)
        start = nodes[-1]
    return segments


def _cut(glyph: Glyph, digit_height: float) -> list[Segment]:
    """List the segments between cuts through little ink; just one for a glyph that is too narrow for two digits."""
    if not _may_be_several(glyph, digit_height):
        return [Segment(0, 1, glyph)]
    seams = _find_seams(glyph)
    edges = [np.zeros(glyph.height, int), *(seam.columns for seam in seams), np.full(glyph.height, glyph.width)]
    segments = []
    widest = _FAR * _widest_digit(glyph.height, digit_height)
    leftmost, rightmost = (np.array([measure(edge) for edge in edges]) for measure in (np.min, np.max))
    for first in range(len(edges) - 1):
        # Without this, the work would grow by the square of a long glyph's width.
        is_near = leftmost[first + 1 :] - rightmost[first] <= widest
        is_near[-1] |= first == 0
        for last in (first + 1 + np.flatnonzero(is_near)).tolist():
            is_whole = first == 0 and last == len(edges) - 1
            stretch = glyph if is_whole else _crop_between(glyph, edges[first], edges[last])
            if stretch is None or not (is_whole or _has_size_of_digit(stretch, glyph, digit_height)):
                continue
            left = seams[first - 1].ink if first else 0.0
            right = seams[last - 1].ink if last <= len(seams) else 0.0
            segments.append(Segment(first, last, stretch, left, right))
    return segments


def _last_node(segments: Sequence[Segment]) -> int:
    return max(segment.last for segment in segments)


def _renumber(segments: Sequence[Segment], nodes: Sequence[int]) -> list[Segment]:
    return [replace(segment, first=nodes[segment.first], last=nodes[segment.last]) for segment in segments]


def divide_pieces(glyphs: Sequence[Glyph], pieces: Sequence[Glyph]) -> list[list[Glyph]]:
    """Divide pieces, digits as a network separates them, among the glyphs that have most of their pixels.

    Those of a glyph stand from left to right. Pieces above each other are one: a network also cuts a zero into an upper
    and a lower half.
    """
    corners = np.array([(piece.left, piece.top, piece.right, piece.bottom) for piece in pieces], int).reshape(-1, 4)
    return [_join_pieces(glyph, [pieces[index] for index in _find_near(glyph, corners)]) for glyph in glyphs]


def _find_near(glyph: Glyph, corners: np.ndarray) -> np.ndarray:
    """Find the boxes, given by their corners, int `(n, 4)`, that a glyph's box overlaps."""
    left, top, right, bottom = corners.T
    across = (left < glyph.right) & (right > glyph.left)
    return np.flatnonzero(across & (top < glyph.bottom) & (bottom > glyph.top))


def _join_pieces(glyph: Glyph, pieces: Sequence[Glyph]) -> list[Glyph]:
    inside = [piece for piece in pieces if _measure_overlap(piece, glyph) > 0.5]
    merged: list[Glyph] = []
    for piece in sorted(inside, key=lambda piece: piece.left + piece.right):
        if merged and _is_above(merged[-1], piece):
            piece = merge_glyphs([merged.pop(), piece])
        merged.append(piece)
    return merged


def _is_above(first: Glyph, second: Glyph) -> bool:
    shared = min(first.right, second.right) - max(first.left, second.left)
    return shared > _ABOVE * min(first.width, second.width)


def _measure_overlap(piece: Glyph, glyph: Glyph) -> float:
    """Return the share of a piece's pixels that are the glyph's, too."""
    left, right = max(piece.left, glyph.left), min(piece.right, glyph.right)
    top, bottom = max(piece.top, glyph.top), min(piece.bottom, glyph.bottom)
    if left >= right or top >= bottom:
        return 0.0
    first, second = (
        one.mask[top - one.top : bottom - one.top, left - one.left : right - one.left] for one in (piece, glyph)
    )
    return float((first & second).sum() / piece.mask.sum())


def _may_be_several(glyph: Glyph, digit_height: float) -> bool:
    return glyph.width > 0.8 * max(glyph.height, 0.8 * digit_height) and glyph.width > 0.62 * digit_height


def _has_size_of_digit(stretch: Glyph, glyph: Glyph, digit_height: float) -> bool:
    is_high = stretch.height >= 0.55 * min(digit_height, glyph.height)
    return is_high and stretch.width <= _widest_digit(stretch.height, digit_height)


def _widest_digit(height: float, digit_height: float) -> float:
    return 1.3 * max(digit_height, height)


class _Seam(NamedTuple):
    columns: np.ndarray  # of the cut in each row
    ink: float  # in stroke widths


def _find_seams(glyph: Glyph) -> list[_Seam]:
    """Find paths from top to bottom through little ink, and between loops side by side; from left to right."""
    scale = _SEAM_HEIGHT / glyph.height
    width = max(8, round(glyph.width * scale))
    small = cv2.resize(glyph.intensity, (width, _SEAM_HEIGHT), interpolation=cv2.INTER_AREA)
    stroke = max(1.5, measure_stroke_width(small > 0.4, mask_size=3) - 1)
    max_cuts = max(6, round(_CUTS_PER_HEIGHT * width / _SEAM_HEIGHT))
    paths, inks = _find_cheapest_paths(small, np.arange(3, width - 3, 3), reach=round(0.22 * _SEAM_HEIGHT))
    found = [(float(ink) / stroke, path) for path, ink in zip(paths, inks, strict=True)]
    found = [item for item in _keep_distinct(found) if item[0] <= 2.5]
    found = sorted(found, key=lambda item: item[0])[:max_cuts]
    rows = np.minimum((np.arange(glyph.height) * scale).astype(int), _SEAM_HEIGHT - 1)
    seams = [_Seam(np.round(path[rows] / scale).astype(int), ink) for ink, path in found]
    return sorted([*seams, *_find_loop_seams(glyph)], key=lambda seam: float(seam.columns.mean()))


def _find_loop_seams(glyph: Glyph) -> list[_Seam]:
    """Find the seams in the middle between large loops side by side, as two zeros share a stroke."""
    side = 2 * round(_CLOSED * glyph.height / 2) + 1
    closed = cv2.morphologyEx(
        np.pad(glyph.mask, side).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)
    )
    found = find_components(
        closed[side - 1 : glyph.height + side + 1, side - 1 : glyph.width + side + 1] == 0, connectivity=4
    )
    outside = found.labels[0, 0] - 1
    loops = [index for index in np.flatnonzero(found.height >= _LOOP * glyph.height) if index != outside]
    loops.sort(key=lambda index: found.left[index] + found.width[index] / 2)
    seams = []
    for first, second in pairwise(loops):
        if found.left[second] < found.left[first] + found.width[first] / 2:
            continue
        near = [
            cv2.distanceTransform((found.labels != index + 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
            for index in (first, second)
        ]
        middle = int(found.left[first] + found.width[first] // 2)
        beyond = (near[1] < near[0]) & (np.arange(glyph.width) >= middle)
        seams.append(_Seam(np.where(beyond.any(axis=1), beyond.argmax(axis=1), glyph.width), 0.0))
    return seams


def _find_cheapest_paths(small: np.ndarray, anchors: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Find for each anchor the path from top to bottom within `reach` columns that crosses the least ink.

    Returns:
        Columns, int `(num_anchors, height)`, and the ink on the path, float32 `(num_anchors,)`.
    """
    offsets = np.arange(-reach, reach + 1)
    padded = np.pad(small, ((0, 0), (reach, reach)), constant_values=_OUTSIDE_COST)
    # A small cost of leaving the middle keeps the paths of different anchors apart.
    cost = padded[:, anchors[:, None] + reach + offsets] + 0.004 * np.abs(offsets)
    total = cost[0]
    came_from = np.zeros(cost.shape, np.int8)
    # The totals so far of what lies to the left, above and to the right.
    choices = np.full((3, *total.shape), np.inf, total.dtype)
    for row in range(1, len(cost)):
        choices[0, :, 1:] = total[:, :-1] + 0.03
        choices[1] = total
        choices[2, :, :-1] = total[:, 1:] + 0.03
        came_from[row] = np.argmin(choices, axis=0) - 1
        total = choices.min(axis=0) + cost[row]
    each = np.arange(len(anchors))
    path = np.empty((len(cost), len(anchors)), int)
    path[-1] = np.argmin(total, axis=1)
    for row in range(len(cost) - 1, 0, -1):
        path[row - 1] = path[row] + came_from[row, each, path[row]]
    columns = path + anchors - reach
    ink = padded[np.arange(len(cost))[:, None], columns + reach].sum(axis=0)
    return columns.T, ink


def _keep_distinct(found: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
    """Keep the cheapest of seams that run together."""
    result: list[tuple[float, np.ndarray]] = []
    kept = np.zeros((len(found), len(found[0][1]) if found else 0))
    for cost, path in sorted(found, key=lambda item: item[0]):
        if (np.abs(path - kept[: len(result)]).mean(axis=1) >= 2).all():
            kept[len(result)] = path
            result.append((cost, path))
    return result


def _crop_between(glyph: Glyph, left: np.ndarray, right: np.ndarray) -> Glyph | None:
    """Crop what lies between two seams, given as a column for each row; None if that is next to nothing."""
    window = slice(max(0, int(left.min())), min(glyph.width, int(right.max())))
    columns = np.arange(window.start, window.stop)[None, :]
    inside = (columns >= left[:, None]) & (columns < right[:, None])
    mask = glyph.mask[:, window] & inside
    if mask.sum() < _FEWEST_PIXELS:
        return None
    # A cut leaves splinters of the neighbour.
    found = find_components(mask)
    mask = found.select(found.area >= _SPLINTER * found.area.max())
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return crop_glyph(glyph.intensity[:, window] * (near & inside), mask, glyph.left + window.start, glyph.top)
