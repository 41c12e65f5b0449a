"""Take printed and drawn lines out of a page's ink: ruled and squared paper, tables, underlines.

A line is a thin run of ink, much longer than a digit is high, that is straight or gently bent. Its pixels
go, except where a stroke crosses it: there the ink is thicker than the line, and stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_THICKNESSES = (3.0, 6.0, 12.0, 24.0)  # thousandths of the page's longer side
_STROKES_FROM = 12.0  # what is thicker may be a pen's stroke, unless several such lines span the page
_MIN_PIECE = 0.025  # of the page's longer side, between two strokes that cross the line
_MAX_INTERRUPTION = 0.25  # of the page's longer side
_INK_BETWEEN = 0.85  # of the columns between two pieces of a line
_MIN_LENGTH = 0.06  # of the page's longer side
_MIN_ASPECT = 12  # length against thickness
_MAX_SLOPE = 0.2
_MIN_COVERAGE = 0.6  # of its length that a line must show
_SPANNING, _MIN_SPANNING = 0.8, 3  # of the page's extent, and so many such lines make paper ruled
_DIGITS_LONG = 2.5  # lines are longer than so many digits are high


@dataclass(frozen=True, eq=False)
class RuledLine:
    """One nearly horizontal line (in the transposed page: one nearly vertical line).

    Args:
        start: first column in pixels.
        centre: float32, `(length,)`, the line's middle row at each of its columns.
        thickness: in pixels.
    """

    start: int
    centre: np.ndarray
    thickness: float

    @property
    def end(self) -> int:
        """The column after the last."""
        return self.start + len(self.centre)

    def slope(self, at_end: bool) -> float:
        """Rise against run over the last quarter, or the first."""
        tail = max(2, len(self.centre) // 4)
        part = self.centre[-tail:] if at_end else self.centre[:tail]
        return float(part[-1] - part[0]) / (tail - 1)


def remove_lines(mask: np.ndarray) -> np.ndarray:
    """Remove lines from ink.

    Args:
        mask: bool, `(height, width)`, the ink of a page.

    Returns:
        bool, `(height, width)`: the same without lines; strokes that touch or cross them are kept.
    """
    ink = mask.astype(np.uint8)
    horizontal, vertical = _candidates(ink), _candidates(_transposed(ink))
    horizontal = _without_strokes(horizontal, ink.shape[1], max(ink.shape))
    vertical = _without_strokes(vertical, ink.shape[0], max(ink.shape))
    if not horizontal and not vertical:
        return mask
    height = _usual_height(_without(ink, horizontal, vertical))
    horizontal, vertical = _accepted(horizontal, vertical, ink.shape, height)
    rest = _without(ink, _prolonged(horizontal, ink.shape[1]), _prolonged(vertical, ink.shape[0]))
    thickness = max([rule.thickness for rule in [*horizontal, *vertical]], default=0.0)
    return _repaired(rest, ink, thickness) > 0


def _transposed(ink: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(ink.T)


def _without(ink: np.ndarray, horizontal: Sequence[RuledLine], vertical: Sequence[RuledLine]) -> np.ndarray:
    for rule in horizontal:
        ink = _erased(ink, rule)
    if vertical:
        ink = _transposed(ink)
        for rule in vertical:
            ink = _erased(ink, rule)
        ink = _transposed(ink)
    return ink


def _candidates(ink: np.ndarray) -> list[RuledLine]:
    """Everything nearly horizontal that is long, thin and straight."""
    side = max(ink.shape)
    found: list[RuledLine] = []
    for share in _THICKNESSES:
        thickness = max(3, round(share * side / 1000))
        rest = ink
        for rule in found:
            rest = _erased(rest, rule)
        pieces = _thin_runs(rest, thickness, max(_MIN_PIECE * side, _MIN_ASPECT * thickness / 2))
        lines = _chained(pieces, ink)
        found += [rule for rule in lines if len(rule.centre) >= max(_MIN_LENGTH * side, _MIN_ASPECT * thickness)]
    return found


def _without_strokes(rules: Sequence[RuledLine], extent: int, side: int) -> list[RuledLine]:
    """Thick lines count where several span the page: the squares of a picture that shows few of them, not a pen's 1."""
    thickest = _STROKES_FROM * side / 1000
    thick = [rule for rule in rules if rule.thickness > thickest]
    spanning = [rule for rule in thick if len(rule.centre) >= _SPANNING * extent]
    kept = spanning if len(spanning) >= _MIN_SPANNING else []
    return [rule for rule in rules if rule.thickness <= thickest or rule in kept]


def _chained(pieces: Sequence[RuledLine], ink: np.ndarray) -> list[RuledLine]:
    """Pieces of one line put together: thick strokes across a line interrupt it."""
    result: list[RuledLine] = []
    for piece in sorted(pieces, key=lambda rule: rule.start):
        before = next((rule for rule in reversed(result) if _continues(rule, piece, ink)), None)
        if before is None:
            result.append(piece)
            continue
        result.remove(before)
        between = np.linspace(before.centre[-1], piece.centre[0], piece.start - before.end + 2)[1:-1]
        centre = np.concatenate([before.centre, between, piece.centre]).astype(np.float32)
        result.append(RuledLine(before.start, centre, (before.thickness + piece.thickness) / 2))
    return result


def _continues(rule: RuledLine, piece: RuledLine, ink: np.ndarray) -> bool:
    """Whether a piece lies where a line goes on, with ink all the way: between two 1s there is paper."""
    gap = piece.start - rule.end
    if not 0 <= gap <= _MAX_INTERRUPTION * max(ink.shape):
        return False
    if abs(rule.thickness - piece.thickness) > 0.6 * max(rule.thickness, piece.thickness) + 1:
        return False
    slopes = rule.slope(at_end=True), piece.slope(at_end=False)
    ahead = rule.centre[-1] + slopes[0] * (gap + 1)
    behind = piece.centre[0] - slopes[1] * (gap + 1)
    tolerance = 1.5 + rule.thickness / 2 + 0.04 * gap
    if abs(ahead - piece.centre[0]) > tolerance and abs(behind - rule.centre[-1]) > tolerance:
        return False
    columns = np.arange(rule.end, piece.start)
    rows = np.linspace(rule.centre[-1], piece.centre[0], gap + 2)[1:-1].round().astype(int)
    near = [ink[np.clip(rows + shift, 0, len(ink) - 1), columns] for shift in (-1, 0, 1)]
    return gap == 0 or float(np.mean(np.max(near, axis=0))) >= _INK_BETWEEN


def _thin_runs(ink: np.ndarray, thickness: int, length: float) -> list[RuledLine]:
    tall = _tall(ink, thickness + 1)
    thin = ink & ~tall & 1
    # What crosses a line interrupts it: the gap is bridged where it is full of ink, else only if it is tiny.
    joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, 4 * thickness + 3), np.uint8))
    joined &= cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, 9), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    rules = []
    for index in range(1, count):
        left, top, width, height, _ = stats[index]
        if width < length or height > _MAX_SLOPE * width + 3 * thickness:
            continue
        window = np.s_[top : top + height, left : left + width]
        rule = _fitted(thin[window] * (labels[window] == index), int(left), int(top), thickness)
        if rule is not None:
            rules.append(rule)
    return rules


def _tall(ink: np.ndarray, height: int) -> np.ndarray:
    """The ink in columns of at least `height` pixels; beyond the edge of the page there is none."""
    kernel = np.ones((height, 1), np.uint8)
    constant = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    # OpenCV's opening moves by a pixel with an even kernel; with mirrored anchors it stays in place.
    eroded = cv2.erode(ink, kernel, anchor=(0, height // 2), **constant)
    return cv2.dilate(eroded, kernel, anchor=(0, height - 1 - height // 2), **constant)


def _fitted(part: np.ndarray, left: int, top: int, thickness: int) -> RuledLine | None:
    """The gently bent line through a run of ink, if it is one."""
    counts = part.sum(axis=0)
    columns = np.flatnonzero(counts)
    if len(columns) < _MIN_COVERAGE * part.shape[1]:
        return None
    rows = (part * np.arange(part.shape[0])[:, None]).sum(axis=0)[columns] / counts[columns]
    usual = float(np.median(counts[columns]))
    x = columns / max(1, part.shape[1] - 1)
    chosen = np.ones(len(columns), dtype=bool)
    for _ in range(3):
        coefficients = np.polyfit(x[chosen], rows[chosen], 3)
        residual = np.abs(rows - np.polyval(coefficients, x))
        chosen = residual <= max(1.0, 2 * float(np.median(residual)))
        if chosen.sum() < 8:
            return None
    if np.mean(residual <= max(1.5, 0.5 * usual)) < 0.75:
        return None
    centre = np.polyval(coefficients, np.arange(part.shape[1]) / max(1, part.shape[1] - 1)) + top
    return RuledLine(left, centre.astype(np.float32), min(usual, float(thickness)))


def _erased(ink: np.ndarray, rule: RuledLine) -> np.ndarray:
    """Ink without the line; columns where the ink is thicker than the line belong to a stroke, and stay."""
    reach = int(np.ceil(rule.thickness)) + 2
    limit = round(1.6 * rule.thickness) + 2
    left, right, centre = _extended(rule, ink.shape[1])
    top = max(0, int(centre.min()) - reach - limit)
    bottom = min(ink.shape[0], int(centre.max()) + reach + limit + 1)
    if bottom <= top:
        return ink
    strip = ink[top:bottom, left:right]
    tall = _tall(strip, limit)
    near = np.abs(np.arange(top, bottom)[:, None] - centre[None, :]) <= reach
    result = ink.copy()
    result[top:bottom, left:right] = np.where(near & (tall == 0), 0, strip)
    return result


def _extended(rule: RuledLine, width: int) -> tuple[int, int, np.ndarray]:
    """The line a little beyond its ends, or to the edges of the page if it spans most of it."""
    length = len(rule.centre)
    reach = width if length > 0.5 * width else round(4 * rule.thickness)
    left, right = max(0, rule.start - reach), min(width, rule.end + reach)
    before = rule.centre[0] - rule.slope(at_end=False) * np.arange(rule.start - left, 0, -1)
    after = rule.centre[-1] + rule.slope(at_end=True) * np.arange(1, right - rule.end + 1)
    return left, right, np.concatenate([before, rule.centre, after]).astype(np.float32)


def _usual_height(ink: np.ndarray) -> float:
    """The height in pixels of most of what is left: the digits', if there are any; else infinite."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    heights = stats[1:, cv2.CC_STAT_HEIGHT].astype(float)
    heights = heights[heights >= 0.012 * max(ink.shape)]
    if not len(heights):
        return float("inf")
    order = np.sort(heights)
    # Every height counts as often as it is tall, so that specks do not outvote digits.
    return float(order[np.searchsorted(np.cumsum(order), order.sum() / 2)])


def _accepted(
    horizontal: Sequence[RuledLine], vertical: Sequence[RuledLine], shape: tuple[int, int], digit_height: float
) -> tuple[list[RuledLine], list[RuledLine]]:
    """Leave out what may be a digit: a 1 is as straight as a table's line."""
    height, width = shape
    sure_horizontal = [rule for rule in horizontal if _is_sure(rule, width, digit_height)]
    sure_vertical = [rule for rule in vertical if _is_sure(rule, height, digit_height)]
    more_horizontal = [rule for rule in horizontal if _ends_on(rule, sure_vertical)]
    more_vertical = [rule for rule in vertical if _ends_on(rule, sure_horizontal)]
    return (
        sure_horizontal + [rule for rule in more_horizontal if rule not in sure_horizontal],
        sure_vertical + [rule for rule in more_vertical if rule not in sure_vertical],
    )


def _repaired(rest: np.ndarray, ink: np.ndarray, thickness: float) -> np.ndarray:
    """Bridge the gaps that a line's removal left in thin strokes, where there was ink before."""
    side = 2 * round(thickness / 2) + 5
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.morphologyEx(rest, cv2.MORPH_CLOSE, kernel) & ink


def _prolonged(rules: Sequence[RuledLine], extent: int) -> list[RuledLine]:
    """On ruled and squared paper every line spans the page, where only a stretch of it was found as well."""
    spanning = [rule for rule in rules if len(rule.centre) >= _SPANNING * extent]
    if len(spanning) < _MIN_SPANNING:
        return list(rules)
    slope = float(np.median([(rule.centre[-1] - rule.centre[0]) / len(rule.centre) for rule in spanning]))
    result = []
    for rule in rules:
        before = rule.centre[0] - slope * np.arange(rule.start, 0, -1)
        after = rule.centre[-1] + slope * np.arange(1, extent - rule.end + 1)
        centre = np.concatenate([before, rule.centre, after]).astype(np.float32)
        result.append(RuledLine(0, centre, rule.thickness))
    return result


def _is_sure(rule: RuledLine, extent: int, digit_height: float) -> bool:
    margin = 0.02 * extent + 2 * rule.thickness
    spans = rule.start <= margin and rule.end >= extent - margin
    return spans or rule.end - rule.start >= _DIGITS_LONG * digit_height


def _ends_on(rule: RuledLine, across: Sequence[RuledLine]) -> bool:
    """Whether a line runs from one sure line to another, upright on both and as thin as they are."""
    slope = abs(float(rule.centre[-1] - rule.centre[0])) / max(1, len(rule.centre))
    return slope < 0.06 and all(
        any(_touches(rule, position, row, other) for other in across)
        for position, row in ((rule.start, rule.centre[0]), (rule.end, rule.centre[-1]))
    )


def _touches(rule: RuledLine, position: int, row: float, other: RuledLine) -> bool:
    column = round(float(row)) - other.start
    if not 0 <= column < len(other.centre) or rule.thickness > 1.6 * other.thickness + 1:
        return False
    return abs(float(other.centre[column]) - position) <= 3 * other.thickness + 3
