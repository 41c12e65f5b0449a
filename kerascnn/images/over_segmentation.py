"""Over-segmentation of touching digits: too many cuts are proposed, and the recogniser's answers choose among them.

Source: the over-segmentation with a graph of segments of LeCun, Bottou, Bengio, Haffner, "Gradient-based
learning applied to document recognition", 1998, section V, with a dynamic programme for the best path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from kerascnn.images.components import find_components, measure_stroke_width
from kerascnn.images.glyphs import Glyph, crop_glyph

_SEAM_HEIGHT = 40  # pixels; cuts are searched on a small copy
_OUTSIDE_COST = 4.0  # of a pixel outside the glyph, more than of any ink
_CUTS_PER_HEIGHT = 6  # cut candidates on a stretch as long as a digit is high
# Penalties on the log-probability: for every stroke width of ink that a cut goes through, after the first half; for
# segments lower or wider than digits are. Chosen on synthetic pages of training digits.
_CUT_PENALTY, _FREE_CUT = 0.2, 0.5
_COMPLETE, _COMPLETE_DEVIATION = 0.85, 0.15  # of the median digit height; a lower segment is a part of a digit
# Width against height of MNIST's training digits, 0 to 9: mean and standard deviation.
_ASPECTS = (0.91, 0.42, 0.95, 0.80, 0.79, 0.96, 0.73, 0.77, 0.76, 0.67)
_DEVIATIONS = (0.19, 0.20, 0.23, 0.17, 0.17, 0.27, 0.16, 0.18, 0.18, 0.14)
_ASPECT_WEIGHT = 0.4
_FEWEST_PIXELS = 8  # of a segment
_SPLINTER = 0.12  # of the area of a segment's largest component


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a glyph between two cuts.

    Args:
        first: Node of the cut on its left; 0 is the glyph's left edge.
        last: Node of the cut on its right; the largest node is the glyph's right edge.
        penalty: Log-probability to subtract for its height and its left cut.
        aspect: Its width divided by its height.
        glyph: The stretch itself.
    """

    first: int
    last: int
    penalty: float
    aspect: float
    glyph: Glyph


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
    chain = [[_as_piece(segment, digit_height) for segment in _cut(piece, digit_height)] for piece in pieces]
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
        return [Segment(0, 1, 0.0, 0.0, glyph)]
    seams, costs = _find_seams(glyph)
    edges = [np.zeros(glyph.height, int), *seams, np.full(glyph.height, glyph.width)]
    costs = [0.0, *costs]
    segments = []
    for first in range(len(edges) - 1):
        for last in range(first + 1, len(edges)):
            is_whole = first == 0 and last == len(edges) - 1
            stretch = glyph if is_whole else _crop_between(glyph, edges[first], edges[last])
            if stretch is None or not (is_whole or _has_size_of_digit(stretch, glyph, digit_height)):
                continue
            penalty = _CUT_PENALTY * max(0.0, costs[first] - _FREE_CUT) + _penalize_height(stretch, digit_height)
            segments.append(Segment(first, last, penalty, _measure_aspect(stretch, digit_height), stretch))
    return segments


def _as_piece(segment: Segment, digit_height: float) -> Segment:
    """Penalize the height of a segment that is a whole piece, as that of a segment between cuts."""
    if segment.aspect:
        return segment
    penalty, aspect = _penalize_height(segment.glyph, digit_height), _measure_aspect(segment.glyph, digit_height)
    return replace(segment, penalty=penalty, aspect=aspect)


def _last_node(segments: Sequence[Segment]) -> int:
    return max(segment.last for segment in segments)


def _renumber(segments: Sequence[Segment], nodes: Sequence[int]) -> list[Segment]:
    return [replace(segment, first=nodes[segment.first], last=nodes[segment.last]) for segment in segments]


def find_best_path(
    segments: Sequence[Segment], digits: Sequence[int | None], log_probabilities: Sequence[float]
) -> list[int]:
    """Choose the segments that make up a glyph best, and return their indices from left to right.

    Args:
        segments: The segments of one glyph, from `propose_segments`.
        digits: The recogniser's answer to each, 0 to 9; None where it rejects the segment.
        log_probabilities: Natural logarithm of the probability of each answer.
    """
    scores = [
        log_probability - segment.penalty - _penalize_width(segment.aspect, digit)
        for segment, digit, log_probability in zip(segments, digits, log_probabilities, strict=True)
    ]
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for index in sorted(range(len(segments)), key=lambda index: (segments[index].first, segments[index].last)):
        segment = segments[index]
        if segment.first not in best:
            continue
        score, path = best[segment.first]
        score += scores[index]
        if segment.last not in best or score > best[segment.last][0]:
            best[segment.last] = (score, [*path, index])
    return best[max(best)][1]


def find_pieces(glyph: Glyph, pieces: Sequence[Glyph]) -> list[Glyph]:
    """Find the pieces, digits as a network separates them, most of whose pixels are a glyph's, from left to right."""
    inside = [piece for piece in pieces if _measure_overlap(piece, glyph) > 0.5]
    return sorted(inside, key=lambda piece: piece.left + piece.right)


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


def _measure_aspect(glyph: Glyph, digit_height: float) -> float:
    return glyph.width / max(glyph.height, 0.85 * digit_height)


def _may_be_several(glyph: Glyph, digit_height: float) -> bool:
    return glyph.width > 0.8 * max(glyph.height, 0.8 * digit_height) and glyph.width > 0.62 * digit_height


def _has_size_of_digit(stretch: Glyph, glyph: Glyph, digit_height: float) -> bool:
    is_high = stretch.height >= 0.55 * min(digit_height, glyph.height)
    return is_high and stretch.width <= 1.3 * max(digit_height, stretch.height)


def _penalize_height(stretch: Glyph, digit_height: float) -> float:
    return 0.5 * (max(0.0, _COMPLETE - stretch.height / digit_height) / _COMPLETE_DEVIATION) ** 2


def _penalize_width(aspect: float, digit: int | None) -> float:
    """Penalize a segment that is wider than the digit it is taken for: two digits look like a wide one."""
    if digit is None:
        return 0.0
    return 0.5 * (_ASPECT_WEIGHT * max(0.0, aspect - _ASPECTS[digit]) / _DEVIATIONS[digit]) ** 2


def _find_seams(glyph: Glyph) -> tuple[list[np.ndarray], list[float]]:
    """Find paths from top to bottom through little ink: the column in each row, and the ink in stroke widths."""
    scale = _SEAM_HEIGHT / glyph.height
    width = max(8, round(glyph.width * scale))
    small = cv2.resize(glyph.intensity, (width, _SEAM_HEIGHT), interpolation=cv2.INTER_AREA)
    stroke = max(1.5, measure_stroke_width(small > 0.4, mask_size=3) - 1)
    max_cuts = max(6, round(_CUTS_PER_HEIGHT * width / _SEAM_HEIGHT))
    paths, inks = _find_cheapest_paths(small, np.arange(3, width - 3, 3), reach=round(0.22 * _SEAM_HEIGHT))
    found = [(float(ink) / stroke, path) for path, ink in zip(paths, inks, strict=True)]
    found = [item for item in _keep_distinct(found) if item[0] <= 2.5]
    found = sorted(sorted(found, key=lambda item: item[0])[:max_cuts], key=lambda item: float(item[1].mean()))
    rows = np.minimum((np.arange(glyph.height) * scale).astype(int), _SEAM_HEIGHT - 1)
    seams = [np.round(path[rows] / scale).astype(int) for _, path in found]
    return seams, [cost for cost, _ in found]


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
    for row in range(1, len(cost)):
        left = np.pad(total[:, :-1] + 0.03, ((0, 0), (1, 0)), constant_values=np.inf)
        right = np.pad(total[:, 1:] + 0.03, ((0, 0), (0, 1)), constant_values=np.inf)
        choices = np.stack([left, total, right])
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
    for cost, path in sorted(found, key=lambda item: item[0]):
        if all(np.abs(path - other).mean() >= 2 for _, other in result):
            result.append((cost, path))
    return result


def _crop_between(glyph: Glyph, left: np.ndarray, right: np.ndarray) -> Glyph | None:
    """Crop what lies between two seams, given as a column for each row; None if that is next to nothing."""
    columns = np.arange(glyph.width)[None, :]
    inside = (columns >= left[:, None]) & (columns < right[:, None])
    mask = glyph.mask & inside
    if mask.sum() < _FEWEST_PIXELS:
        return None
    # A cut leaves splinters of the neighbour.
    found = find_components(mask)
    mask = found.select(found.area >= _SPLINTER * found.area.max())
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return crop_glyph(glyph.intensity * (near & inside), mask, glyph.left, glyph.top)
