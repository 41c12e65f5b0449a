"""Cut digits that touch: too many cuts are proposed, and the recogniser says which of them to keep.

Source: the over-segmentation with a graph of segments of LeCun, Bottou, Bengio, Haffner, "Gradient-based
learning applied to document recognition", 1998, section V, with a dynamic programme for the best path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from kerascnn.images.glyph_binarization import Ink
from kerascnn.images.glyphs import Glyph

_SEAM_HEIGHT = 40  # pixels; cuts are searched on a small copy
_BEYOND = 4.0  # what a pixel outside the glyph costs, more than any ink
_CUTS_PER_HEIGHT = 6  # proposals on a stretch as long as a digit is high
# Log-probabilities that are taken off: for every stroke width of ink that a cut goes through, after the
# first half; for segments lower or wider than digits are. Chosen on synthetic pages of training digits.
_CUT_PENALTY, _FREE_CUT = 0.2, 0.5
_USUAL_SHARE, _SHARE_DEVIATION = 0.85, 0.15  # of the usual digit's height: what is lower is a digit's part
# Width against height of MNIST's training digits, 0 to 9: mean and standard deviation.
_ASPECTS = (0.91, 0.42, 0.95, 0.80, 0.79, 0.96, 0.73, 0.77, 0.76, 0.67)
_DEVIATIONS = (0.19, 0.20, 0.23, 0.17, 0.17, 0.27, 0.16, 0.18, 0.18, 0.14)
_ASPECT_WEIGHT = 0.4


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a glyph between two cuts.

    Args:
        first: the cut on its left; 0 is the glyph's left edge.
        last: the cut on its right; `num_cuts + 1` is the glyph's right edge.
        penalty: log-probability that its height and its left cut cost.
        aspect: its width against its height.
        glyph: the stretch itself.
    """

    first: int
    last: int
    penalty: float
    aspect: float
    glyph: Glyph


def propose_segments(glyph: Glyph, usual: float, parts: Sequence[Glyph] = ()) -> list[Segment]:
    """Propose the stretches of a glyph that may be one digit each.

    Args:
        glyph: one connected piece of writing.
        usual: the height of the page's usual digit in pixels.
        parts: the digits in it as a network sees them, from left to right; none where it sees one digit or was not
            asked.

    Returns:
        The segments. They are a graph from the glyph's left edge to its right one, in which the parts are one more way;
        just one segment for a glyph without parts that is not wide enough to be two digits.
    """
    whole = _stretches(glyph, usual)
    # A network that knows digits alone sees several of them in one letter.
    if len(parts) < 2 or not _may_be_several(glyph, usual):
        return whole
    ways = [[_as_part(segment, usual) for segment in _stretches(part, usual)] for part in parts]
    inner = _last(whole)
    end = inner + sum(map(_last, ways))
    segments = _renumbered(whole, [*range(inner), end])
    start = 0
    for way in ways:
        # Cuts get the numbers that follow, so that they count up along every way.
        nodes = [start, *range(inner, inner + _last(way))]
        inner += _last(way)
        if way is ways[-1]:
            nodes[-1] = end
        segments += _renumbered(way, nodes)
        start = nodes[-1]
    return segments


def _stretches(glyph: Glyph, usual: float) -> list[Segment]:
    """The segments between cuts of little ink; just one for a glyph that is not wide enough to be two digits."""
    if not _may_be_several(glyph, usual):
        return [Segment(0, 1, 0.0, 0.0, glyph)]
    seams, costs = _seams(glyph)
    edges = [np.zeros(glyph.height, int), *seams, np.full(glyph.height, glyph.width)]
    costs = [0.0, *costs]
    segments = []
    for first in range(len(edges) - 1):
        for last in range(first + 1, len(edges)):
            whole = first == 0 and last == len(edges) - 1
            piece = glyph if whole else _between(glyph, edges[first], edges[last])
            if piece is None or not (whole or _has_a_digits_size(piece, glyph, usual)):
                continue
            penalty = _cut_penalty(costs[first]) if first else 0.0
            aspect = _aspect(piece, usual)
            segments.append(Segment(first, last, penalty + _height_penalty(piece, usual), aspect, piece))
    return segments


def _as_part(segment: Segment, usual: float) -> Segment:
    """A segment that is a whole part pays for its height as the pieces of a cut do."""
    if segment.aspect:
        return segment
    piece = segment.glyph
    return replace(segment, penalty=_height_penalty(piece, usual), aspect=_aspect(piece, usual))


def _last(segments: Sequence[Segment]) -> int:
    return max(segment.last for segment in segments)


def _renumbered(segments: Sequence[Segment], nodes: Sequence[int]) -> list[Segment]:
    return [replace(segment, first=nodes[segment.first], last=nodes[segment.last]) for segment in segments]


def find_best_path(
    segments: Sequence[Segment], digits: Sequence[int | None], log_probabilities: Sequence[float]
) -> list[int]:
    """Choose the segments that make up a glyph best.

    Args:
        segments: of one glyph, as `propose_segments` gives them.
        digits: the recogniser's answer to each, None where it says that it is no digit.
        log_probabilities: of these answers.

    Returns:
        Indices into `segments`, from left to right.
    """
    scores = [
        log_probability - segment.penalty - _width_penalty(segment.aspect, digit)
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


def _aspect(piece: Glyph, usual: float) -> float:
    return piece.width / max(piece.height, 0.85 * usual)


def _may_be_several(glyph: Glyph, usual: float) -> bool:
    return glyph.width > 0.8 * max(glyph.height, 0.8 * usual) and glyph.width > 0.62 * usual


def _has_a_digits_size(piece: Glyph, glyph: Glyph, usual: float) -> bool:
    return piece.height >= 0.55 * min(usual, glyph.height) and piece.width <= 1.3 * max(usual, piece.height)


def _cut_penalty(cost: float) -> float:
    return _CUT_PENALTY * max(0.0, cost - _FREE_CUT)


def _height_penalty(piece: Glyph, usual: float) -> float:
    return 0.5 * (max(0.0, _USUAL_SHARE - piece.height / usual) / _SHARE_DEVIATION) ** 2


def _width_penalty(aspect: float, digit: int | None) -> float:
    """What a segment loses that is wider than the digit it is taken for: two digits look like a wide one."""
    if digit is None:
        return 0.0
    return 0.5 * (_ASPECT_WEIGHT * max(0.0, aspect - _ASPECTS[digit]) / _DEVIATIONS[digit]) ** 2


def _seams(glyph: Glyph) -> tuple[list[np.ndarray], list[float]]:
    """Ways from top to bottom across little ink: a column a row for each, and the ink in stroke widths."""
    scale = _SEAM_HEIGHT / glyph.height
    width = max(8, round(glyph.width * scale))
    small = cv2.resize(glyph.ink.strength, (width, _SEAM_HEIGHT), interpolation=cv2.INTER_AREA)
    stroke = max(1.5, _stroke_width(small > 0.4))
    max_cuts = max(6, round(_CUTS_PER_HEIGHT * width / _SEAM_HEIGHT))
    paths, inks = _cheapest_ways(small, np.arange(3, width - 3, 3), reach=round(0.22 * _SEAM_HEIGHT))
    found = [(float(ink) / stroke, path) for path, ink in zip(paths, inks, strict=True)]
    found = [item for item in _distinct(found) if item[0] <= 2.5]
    found = sorted(sorted(found, key=lambda item: item[0])[:max_cuts], key=lambda item: float(item[1].mean()))
    rows = np.minimum((np.arange(glyph.height) * scale).astype(int), _SEAM_HEIGHT - 1)
    seams = [np.round(path[rows] / scale).astype(int) for _, path in found]
    return seams, [cost for cost, _ in found]


def _stroke_width(mask: np.ndarray) -> float:
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    return 2 * float(np.median(distance[ridge])) - 1 if ridge.any() else 1.0


def _cheapest_ways(small: np.ndarray, anchors: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """For each anchor the way from top to bottom within `reach` columns that crosses the least ink.

    Returns:
        Columns, int `(num_anchors, height)`, and the ink on the way, float32 `(num_anchors,)`.
    """
    offsets = np.arange(-reach, reach + 1)
    padded = np.pad(small, ((0, 0), (reach, reach)), constant_values=_BEYOND)
    # A little for leaving the middle keeps the ways of different anchors apart.
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


def _distinct(found: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
    """Of seams that run together, the cheapest."""
    result: list[tuple[float, np.ndarray]] = []
    for cost, path in sorted(found, key=lambda item: item[0]):
        if all(np.abs(path - other).mean() >= 2 for _, other in result):
            result.append((cost, path))
    return result


def _between(glyph: Glyph, left: np.ndarray, right: np.ndarray) -> Glyph | None:
    columns = np.arange(glyph.width)[None, :]
    return _piece(glyph, (columns >= left[:, None]) & (columns < right[:, None]))


def find_parts(glyph: Glyph, pieces: Sequence[Glyph]) -> list[Glyph]:
    """The pieces that a glyph consists of.

    Args:
        glyph: a piece of writing.
        pieces: of the same page, where digits that touch were taken apart.

    Returns:
        Those of them whose ink is the glyph's, from left to right.
    """
    parts = [piece for piece in pieces if _ink_within(piece, glyph) > 0.5]
    return sorted(parts, key=lambda piece: piece.left + piece.right)


def _ink_within(piece: Glyph, glyph: Glyph) -> float:
    """The share of a piece's ink that is the glyph's, too."""
    left, right = max(piece.left, glyph.left), min(piece.right, glyph.right)
    top, bottom = max(piece.top, glyph.top), min(piece.bottom, glyph.bottom)
    if left >= right or top >= bottom:
        return 0.0
    common = [
        one.ink.mask[top - one.top : bottom - one.top, left - one.left : right - one.left] for one in (piece, glyph)
    ]
    return float((common[0] & common[1]).sum() / piece.ink.mask.sum())


def _piece(glyph: Glyph, inside: np.ndarray) -> Glyph | None:
    """What of a glyph lies inside a region: bool, of its shape. None if that is next to nothing."""
    mask = glyph.ink.mask & inside
    if mask.sum() < 8:
        return None
    mask = _largest_parts(mask)
    rows, filled = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, filled[0] : filled[-1] + 1]
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    ink = Ink(glyph.ink.strength[window] * (near & inside)[window], mask[window])
    return Glyph(glyph.left + int(filled[0]), glyph.top + int(rows[0]), ink)


def _largest_parts(mask: np.ndarray) -> np.ndarray:
    """Without the splinters that a cut leaves of its neighbour."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= 0.12 * areas.max())[labels] & mask
