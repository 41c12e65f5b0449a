"""Remove printed and drawn lines from the foreground of a page: ruled and squared paper, tables, underlines.

A line is a thin run of foreground, much longer than a digit is high, that is straight or gently bent. Its pixels are
erased, except where a stroke crosses it: there the foreground is thicker than the line, and stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.components import find_components, median_height

_THICKNESSES = (3.0, 6.0, 12.0, 24.0)  # thousandths of the page's longer side
_STROKES_FROM = 12.0  # thicker lines may be pen strokes, unless several of them span the page
_MIN_PIECE = 0.025  # of the page's longer side, between two strokes that cross the line
_MAX_INTERRUPTION = 0.25  # of the page's longer side
_MIN_FILLED = 0.85  # of the columns between two pieces of a line
_MIN_LENGTH = 0.06  # of the page's longer side
_MIN_ASPECT = 12  # length against thickness
_MAX_SLOPE = 0.2
_MIN_COVERAGE = 0.6  # of its length that a line must show
_SPANNING, _MIN_SPANNING = 0.8, 3  # of the page's extent; the number of such lines that makes paper ruled
_MAX_TOOTH_SLOPE = 0.12
_TOOTH_TOLERANCE = 0.06  # of length and pitch, by which the short upright lines of boxes and combs may differ
_MIN_PITCH = 0.3  # of their length
_MIN_DIGIT_HEIGHTS = 2.5  # length of a line in median digit heights


@dataclass(frozen=True, eq=False)
class RuledLine:
    """One nearly horizontal line (in the transposed page: one nearly vertical line).

    Args:
        start: First column in pixels.
        centre: float32, `(length,)`, the line's middle row at each of its columns.
        thickness: Thickness in pixels.
    """

    start: int
    centre: np.ndarray
    thickness: float

    @property
    def end(self) -> int:
        """Column after the last."""
        return self.start + len(self.centre)

    def slope(self, at_end: bool) -> float:
        """Measure rise against run over the last quarter, or the first."""
        tail = max(2, len(self.centre) // 4)
        part = self.centre[-tail:] if at_end else self.centre[:tail]
        return float(part[-1] - part[0]) / (tail - 1)


def remove_lines(mask: np.ndarray, known: tuple[Sequence[RuledLine], Sequence[RuledLine]] = ((), ())) -> np.ndarray:
    """Remove lines from the foreground of a page; strokes that touch or cross them are kept.

    Args:
        mask: bool, `(height, width)`.
        known: Lines that were found by other means: horizontal ones, and vertical ones as on the transposed page.
    """
    ink = mask.astype(np.uint8)
    horizontal, vertical = _find_candidates(ink), _find_candidates(_transpose(ink))
    horizontal = _reject_strokes(horizontal, ink.shape[1], max(ink.shape))
    vertical = _reject_strokes(vertical, ink.shape[0], max(ink.shape))
    if not any((horizontal, vertical, *known)):
        return mask
    height = _estimate_digit_height(_erase_all(ink, [*horizontal, *known[0]], [*vertical, *known[1]]))
    horizontal, vertical = _accept(horizontal, vertical, ink.shape, height)
    teeth = _find_teeth(_erase_all(ink, horizontal, []), [*horizontal, *known[0]])
    horizontal = [*_prolong(horizontal, ink.shape[1]), *known[0]]
    vertical = [*_prolong(vertical, ink.shape[0]), *known[1], *teeth]
    rest = _erase_all(ink, horizontal, vertical)
    thickness = max([line.thickness for line in [*horizontal, *vertical]], default=0.0)
    return _repair(rest, ink, thickness) > 0


def _transpose(ink: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(ink.T)


def _erase_all(ink: np.ndarray, horizontal: Sequence[RuledLine], vertical: Sequence[RuledLine]) -> np.ndarray:
    ink = ink.copy()
    for line in horizontal:
        _erase(ink, line)
    if vertical:
        ink = _transpose(ink)
        for line in vertical:
            _erase(ink, line)
        ink = _transpose(ink)
    return ink


def _find_candidates(ink: np.ndarray) -> list[RuledLine]:
    """Find everything nearly horizontal that is long, thin and straight."""
    side = max(ink.shape)
    found: list[RuledLine] = []
    if ink.shape[1] < _MIN_PIECE * side:
        return found
    for share in _THICKNESSES:
        # On a strip of paper no line is thicker than the strip.
        thickness = max(3, min(round(share * side / 1000), len(ink)))
        pieces = _find_thin_runs(
            _erase_all(ink, found, []), thickness, max(_MIN_PIECE * side, _MIN_ASPECT * thickness / 2)
        )
        length = max(_MIN_LENGTH * side, _MIN_ASPECT * thickness)
        found += [line for line in _chain(pieces, ink) if len(line.centre) >= length]
    return found


def _reject_strokes(lines: Sequence[RuledLine], extent: int, side: int) -> list[RuledLine]:
    """Keep thick lines only where several span the page, as the squares of a small picture do, but no pen's 1."""
    thickest = _STROKES_FROM * side / 1000
    thick = [line for line in lines if line.thickness > thickest]
    spanning = [line for line in thick if len(line.centre) >= _SPANNING * extent]
    kept = spanning if len(spanning) >= _MIN_SPANNING else []
    return [line for line in lines if line.thickness <= thickest or line in kept]


def _chain(pieces: Sequence[RuledLine], ink: np.ndarray) -> list[RuledLine]:
    """Put the pieces of one line together: thick strokes across a line interrupt it."""
    result: list[RuledLine] = []
    ends = np.empty((len(pieces), 4))  # of the result; a line that goes on in a later one is out of reach
    for piece in sorted(pieces, key=lambda line: line.start):
        near = _find_near(ends[: len(result)], piece, _MAX_INTERRUPTION * max(ink.shape))
        before = next((index for index in near[::-1] if _continues(result[index], piece, ink)), None)
        if before is not None:
            piece = _join(result[before], piece)
            ends[before, 0] = np.inf
        ends[len(result)] = piece.end, piece.centre[-1], piece.slope(at_end=True), piece.thickness
        result.append(piece)
    return [line for line, end in zip(result, ends[:, 0], strict=False) if np.isfinite(end)]


def _find_near(ends: np.ndarray, piece: RuledLine, reach: float) -> np.ndarray:
    """Find the lines that a piece may continue, by their ends, `(n, 4)`: roughly, before `_continues` looks closely."""
    candidates = np.flatnonzero((ends[:, 0] <= piece.start) & (ends[:, 0] >= piece.start - reach))
    end, row, slope, thickness = ends[candidates].T
    gap = piece.start - end + 1
    ahead = np.abs(row + slope * gap - piece.centre[0])
    behind = np.abs(row + piece.slope(at_end=False) * gap - piece.centre[0])
    return np.asarray(candidates[np.minimum(ahead, behind) <= 2.5 + thickness / 2 + 0.04 * gap])


def _join(line: RuledLine, piece: RuledLine) -> RuledLine:
    between = np.linspace(line.centre[-1], piece.centre[0], piece.start - line.end + 2)[1:-1]
    centre = np.concatenate([line.centre, between, piece.centre]).astype(np.float32)
    return RuledLine(line.start, centre, (line.thickness + piece.thickness) / 2)


def _continues(line: RuledLine, piece: RuledLine, ink: np.ndarray) -> bool:
    """Tell whether a piece lies where a line goes on, with ink all the way: between two 1s there is paper."""
    gap = piece.start - line.end
    if not 0 <= gap <= _MAX_INTERRUPTION * max(ink.shape):
        return False
    if abs(line.thickness - piece.thickness) > 0.6 * max(line.thickness, piece.thickness) + 1:
        return False
    slopes = line.slope(at_end=True), piece.slope(at_end=False)
    ahead = line.centre[-1] + slopes[0] * (gap + 1)
    behind = piece.centre[0] - slopes[1] * (gap + 1)
    tolerance = 1.5 + line.thickness / 2 + 0.04 * gap
    if abs(ahead - piece.centre[0]) > tolerance and abs(behind - line.centre[-1]) > tolerance:
        return False
    columns = np.arange(line.end, piece.start)
    rows = np.linspace(line.centre[-1], piece.centre[0], gap + 2)[1:-1].round().astype(int)
    near = [ink[np.clip(rows + shift, 0, len(ink) - 1), columns] for shift in (-1, 0, 1)]
    return gap == 0 or float(np.mean(np.max(near, axis=0))) >= _MIN_FILLED


def _find_thin_runs(ink: np.ndarray, thickness: int, length: float) -> list[RuledLine]:
    tall = _keep_tall(ink, thickness + 1)
    thin = ink & ~tall & 1
    # A stroke that crosses a line interrupts it: the gap is bridged where it is full of ink, else only if it is tiny.
    joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, 4 * thickness + 3), np.uint8))
    joined = cv2.bitwise_and(joined, cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, 9), np.uint8)))
    runs = find_components(joined)
    chosen = np.flatnonzero((runs.width >= length) & (runs.height <= _MAX_SLOPE * runs.width + 3 * thickness))
    parts = [(thin[runs.window(index)] * runs.crop(index), runs.left[index], runs.top[index]) for index in chosen]
    lines = [_fit_line(part, int(left), int(top), thickness) for part, left, top in parts]
    return [line for line in lines if line is not None]


def _keep_tall(ink: np.ndarray, height: int) -> np.ndarray:
    """Keep the foreground in columns of at least `height` pixels; beyond the edge of the page there is none."""
    kernel = np.ones((height, 1), np.uint8)
    # OpenCV's opening moves by a pixel with an even kernel; with mirrored anchors it stays in place.
    eroded = cv2.erode(ink, kernel, anchor=(0, height // 2), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    anchor = (0, height - 1 - height // 2)
    return np.asarray(cv2.dilate(eroded, kernel, anchor=anchor, borderType=cv2.BORDER_CONSTANT, borderValue=0))


def _fit_line(part: np.ndarray, left: int, top: int, thickness: int) -> RuledLine | None:
    """Fit a gently bent line to a run of foreground; None if it is not a line."""
    counts = part.sum(axis=0)
    columns = np.flatnonzero(counts)
    if len(columns) < _MIN_COVERAGE * part.shape[1]:
        return None
    rows = (part * np.arange(part.shape[0])[:, None]).sum(axis=0)[columns] / counts[columns]
    thickness_found = float(np.median(counts[columns]))
    x = columns / max(1, part.shape[1] - 1)
    chosen = np.ones(len(columns), dtype=bool)
    for _ in range(3):
        coefficients = np.polyfit(x[chosen], rows[chosen], 3)
        residual = np.abs(rows - np.polyval(coefficients, x))
        chosen = residual <= max(1.0, 2 * float(np.median(residual)))
        if chosen.sum() < 8:
            return None
    if np.mean(residual <= max(1.5, 0.5 * thickness_found)) < 0.75:
        return None
    centre = np.polyval(coefficients, np.arange(part.shape[1]) / max(1, part.shape[1] - 1)) + top
    return RuledLine(left, centre.astype(np.float32), min(thickness_found, float(thickness)))


def _erase(ink: np.ndarray, line: RuledLine) -> None:
    """Erase a line in place; columns where the foreground is thicker than the line belong to a stroke, and stay."""
    reach = int(np.ceil(line.thickness)) + 2
    limit = round(1.6 * line.thickness) + 2
    left, right, centre = _extend(line, ink.shape[1])
    top = max(0, int(centre.min()) - reach - limit)
    bottom = min(ink.shape[0], int(centre.max()) + reach + limit + 1)
    if bottom <= top:
        return
    strip = ink[top:bottom, left:right]
    tall = _keep_tall(strip, limit)
    near = np.abs(np.arange(top, bottom)[:, None] - centre[None, :]) <= reach
    strip[near & (tall == 0)] = 0


def _extend(line: RuledLine, width: int) -> tuple[int, int, np.ndarray]:
    """Extend a line a little beyond its ends, or to the edges of the page if it spans most of it."""
    length = len(line.centre)
    reach = width if length > 0.5 * width else round(4 * line.thickness)
    left, right = max(0, line.start - reach), min(width, line.end + reach)
    before = line.centre[0] - line.slope(at_end=False) * np.arange(line.start - left, 0, -1)
    after = line.centre[-1] + line.slope(at_end=True) * np.arange(1, right - line.end + 1)
    return left, right, np.concatenate([before, line.centre, after]).astype(np.float32)


def _estimate_digit_height(ink: np.ndarray) -> float:
    """Estimate the median digit height in pixels from what is left; infinite if nothing is."""
    heights = find_components(ink).height
    heights = heights[heights >= 0.012 * max(ink.shape)]
    return median_height(heights) if len(heights) else float("inf")


def _accept(
    horizontal: Sequence[RuledLine], vertical: Sequence[RuledLine], shape: tuple[int, int], digit_height: float
) -> tuple[list[RuledLine], list[RuledLine]]:
    """Leave out candidates that may be digits: a 1 is as straight as a table's line."""
    height, width = shape
    sure_horizontal = [line for line in horizontal if _is_sure(line, width, digit_height)]
    sure_vertical = [line for line in vertical if _is_sure(line, height, digit_height)]
    more_horizontal = [line for line in horizontal if _ends_on(line, sure_vertical)]
    more_vertical = [line for line in vertical if _ends_on(line, sure_horizontal)]
    return (
        sure_horizontal + [line for line in more_horizontal if line not in sure_horizontal],
        sure_vertical + [line for line in more_vertical if line not in sure_vertical],
    )


def _find_teeth(ink: np.ndarray, lines: Sequence[RuledLine]) -> list[RuledLine]:
    """Find the short upright lines of boxes and combs: equal ones at equal distances along a horizontal line.

    Args:
        ink: The foreground without the horizontal lines.
        lines: The horizontal lines.
    """
    turned = _transpose(ink)
    found: list[RuledLine] = []
    for thickness in sorted({max(3, round(1.6 * line.thickness) + 1) for line in lines}):
        bars = _find_thin_runs(turned, thickness, 3 * thickness)
        bars = [bar for bar in _chain(bars, turned) if abs(bar.slope(at_end=True)) < _MAX_TOOTH_SLOPE]
        for line in lines:
            if max(3, round(1.6 * line.thickness) + 1) == thickness:
                for at_end in (False, True):
                    standing = [bar for bar in bars if _touches(bar, line, at_end)]
                    found += _find_repeated(standing, turned, at_end)
    return found


def _touches(bar: RuledLine, line: RuledLine, at_end: bool) -> bool:
    """Tell whether a bar of the transposed page begins, or ends, at a horizontal line."""
    column = round(float(bar.centre[-1 if at_end else 0])) - line.start
    if not -line.thickness <= column < len(line.centre) + line.thickness:
        return False
    row = float(line.centre[int(np.clip(column, 0, len(line.centre) - 1))])
    return abs((bar.end if at_end else bar.start) - row) <= 2 * line.thickness + 2


def _find_repeated(bars: Sequence[RuledLine], turned: np.ndarray, at_end: bool) -> list[RuledLine]:
    """Find the bars that repeat: of one length, and in steps of one pitch. Those that a stroke hides are added."""
    best: list[RuledLine] = []
    place = np.array([float(bar.centre[-1 if at_end else 0]) for bar in bars])
    length = np.array([len(bar.centre) for bar in bars], dtype=float)
    for first, second in ((i, j) for i in range(len(bars)) for j in range(len(bars)) if place[i] < place[j]):
        pitch = place[second] - place[first]
        same = np.abs(length - length[first]) <= max(2.0, _TOOTH_TOLERANCE * length[first])
        steps = (place - place[first]) / pitch
        regular = same & (np.abs(steps - np.round(steps)) * pitch <= max(2.0, _TOOTH_TOLERANCE * pitch))
        if not same[second] or pitch < _MIN_PITCH * length[first] or regular.sum() < max(_MIN_SPANNING, len(best) + 1):
            continue
        best = [bar for bar, chosen in zip(bars, regular, strict=True) if chosen]
        best += _find_hidden(bars[first], pitch, (steps[regular].min(), steps[regular].max()), turned)
    return best


def _find_hidden(bar: RuledLine, pitch: float, steps: tuple[float, float], turned: np.ndarray) -> list[RuledLine]:
    """Find the places in steps of a pitch from a bar where there is ink for most of its length."""
    result = []
    for step in range(round(steps[0]) - 1, round(steps[1]) + 2):
        centre = (bar.centre + step * pitch).astype(np.float32)
        rows = centre.round().astype(int)
        if rows.min() < 2 or rows.max() >= len(turned) - 2:
            continue
        near = [turned[rows + shift, np.arange(bar.start, bar.end)] for shift in (-2, -1, 0, 1, 2)]
        if np.mean(np.max(near, axis=0)) >= _MIN_FILLED:
            result.append(RuledLine(bar.start, centre, bar.thickness))
    return result


def _repair(rest: np.ndarray, ink: np.ndarray, thickness: float) -> np.ndarray:
    """Bridge the gaps that a line's removal left in thin strokes, where there was ink before."""
    side = 2 * round(thickness / 2) + 5
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.bitwise_and(cv2.morphologyEx(rest, cv2.MORPH_CLOSE, kernel), ink))


def _prolong(lines: Sequence[RuledLine], extent: int) -> list[RuledLine]:
    """Prolong the lines of ruled and squared paper across the page: often only a stretch of a line was found."""
    spanning = [line for line in lines if len(line.centre) >= _SPANNING * extent]
    if len(spanning) < _MIN_SPANNING:
        return list(lines)
    slope = float(np.median([(line.centre[-1] - line.centre[0]) / len(line.centre) for line in spanning]))
    result = []
    for line in lines:
        before = line.centre[0] - slope * np.arange(line.start, 0, -1)
        after = line.centre[-1] + slope * np.arange(1, extent - line.end + 1)
        centre = np.concatenate([before, line.centre, after]).astype(np.float32)
        result.append(RuledLine(0, centre, line.thickness))
    return result


def _is_sure(line: RuledLine, extent: int, digit_height: float) -> bool:
    margin = 0.02 * extent + 2 * line.thickness
    spans = line.start <= margin and line.end >= extent - margin
    return spans or line.end - line.start >= _MIN_DIGIT_HEIGHTS * digit_height


def _ends_on(line: RuledLine, across: Sequence[RuledLine]) -> bool:
    """Tell whether a line runs from one sure line to another, upright on both and as thin as they are."""
    slope = abs(float(line.centre[-1] - line.centre[0])) / max(1, len(line.centre))
    return slope < 0.06 and all(
        any(_ends_near(line, position, row, other) for other in across)
        for position, row in ((line.start, line.centre[0]), (line.end, line.centre[-1]))
    )


def _ends_near(line: RuledLine, position: int, row: float, other: RuledLine) -> bool:
    column = round(float(row)) - other.start
    if not 0 <= column < len(other.centre) or line.thickness > 1.6 * other.thickness + 1:
        return False
    return abs(float(other.centre[column]) - position) <= 3 * other.thickness + 3
