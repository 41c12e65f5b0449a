"""Put symbols into lines of digits: which line each stands in, and between which of its digits."""

from collections.abc import Sequence

import numpy as np

from kerascnn.images.line_ordering import split_line

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""

_REACH = 4.0  # digit heights between a symbol and the nearest digit of its line; steps up or down count twice


def assign_symbols(lines: Sequence[Sequence[Box]], symbols: Sequence[Box]) -> list[list[int]]:
    """Find the symbols of each line: those whose nearest digit stands in it, as indices into `symbols`.

    Args:
        lines: The boxes of the digits of each line.
        symbols: The boxes of the symbols; one that is far from all digits is in no line.
    """
    result: list[list[int]] = [[] for _ in lines]
    digits = np.array([box for line in lines for box in line], float).reshape(-1, 4)
    owners = [number for number, line in enumerate(lines) for _ in line]
    for index, symbol in enumerate(symbols if owners else ()):
        distance = _measure_distances(digits, symbol)
        nearest = int(distance.argmin())
        if distance[nearest] <= _REACH:
            result[owners[nearest]].append(index)
    return result


def split_with_symbols(digits: Sequence[Box], symbols: Sequence[Box]) -> list[list[int]]:
    """Split a line with symbols into numbers, at wide gaps, as `split_line` does without.

    Args:
        digits: The boxes of the digits from left to right.
        symbols: The boxes of the symbols, in any order.

    Returns:
        For each number what stands in it from left to right: indices into the digits, and behind these into the
        symbols. There is a digit in each number.
    """
    if not symbols:
        return split_line(digits)
    boxes = np.array([*digits, *symbols], float).reshape(-1, 4)
    height = float(np.median(boxes[: len(digits), 3]))
    # A point is as tall as the line for the purpose of gaps, which count against the height of digits.
    boxes[len(digits) :, 3] = height
    order = np.argsort(2 * boxes[:, 0] + boxes[:, 2], kind="stable").tolist()
    groups = [[order[place] for place in group] for group in split_line([tuple(boxes[index]) for index in order])]
    return _join_lone_symbols(groups, boxes, len(digits))


def _join_lone_symbols(groups: list[list[int]], boxes: np.ndarray, num_digits: int) -> list[list[int]]:
    """Join groups without a digit with the nearer one of the groups beside them."""
    result: list[list[int]] = []
    waiting: list[int] = []
    for group in groups:
        has_digit = min(group) < num_digits
        if not has_digit and result and (group is groups[-1] or _is_nearer(boxes, result[-1], group, groups)):
            result[-1] = [*result[-1], *waiting, *group]
            waiting = []
        elif not has_digit:
            waiting += group
        else:
            result.append([*waiting, *group])
            waiting = []
    if waiting and result:
        result[-1] += waiting
    return result


def _is_nearer(boxes: np.ndarray, before: list[int], group: list[int], groups: list[list[int]]) -> bool:
    """Tell whether a group is nearer to the one before than to the one behind it."""
    behind = groups[groups.index(group) + 1]
    left = boxes[group[0], 0] - boxes[before[-1], 0] - boxes[before[-1], 2]
    right = boxes[behind[0], 0] - boxes[group[-1], 0] - boxes[group[-1], 2]
    return bool(left <= right)


def _measure_distances(digits: np.ndarray, symbol: Box) -> np.ndarray:
    """Measure how far a symbol is from each digit, `(n, 4)`, in heights of the digit."""
    left, top, width, height = digits.T
    beside = np.maximum(np.maximum(left - symbol[0] - symbol[2], symbol[0] - left - width), 0)
    middle = symbol[1] + symbol[3] / 2
    above = np.maximum(np.maximum(top - middle, middle - top - height), 0)
    return np.asarray((beside + 2 * above) / np.maximum(height, 1))
