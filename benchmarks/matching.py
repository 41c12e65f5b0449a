"""Compare the boxes of a page's digits with those that were read: found, split or merged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]  # left, top, width, height

_INSIDE = 0.6  # share of a box's area in another box, from which on it belongs to that one


@dataclass(frozen=True)
class Matches:
    """Counts of a page's digits by their result.

    Args:
        found: Number of digits with one box of their own.
        split: Number of digits in pieces in several boxes.
        merged: Number of digits that share a box with another digit.
    """

    found: int
    split: int
    merged: int


def match(true: Sequence[Box], read: Sequence[Box]) -> Matches:
    """Compare the boxes of the digits on a page with those of what was read."""
    if not true or not read:
        return Matches(0, 0, 0)
    common = _intersections(np.array(true, float), np.array(read, float))
    true_area, read_area = (np.prod(np.array(boxes, float)[:, 2:], axis=1) for boxes in (true, read))
    digit_in_box = common >= _INSIDE * true_area[:, None]
    box_in_digit = common >= _INSIDE * read_area[None, :]
    merged = (digit_in_box & (digit_in_box.sum(axis=0) > 1)).any(axis=1)
    split = (box_in_digit.sum(axis=1) > 1) & ~merged
    found = digit_in_box.any(axis=1) & ~merged & ~split
    return Matches(int(found.sum()), int(split.sum()), int(merged.sum()))


def _intersections(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Areas of the intersections of the boxes of two lists, `(len(first), len(second))`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    return np.maximum(high - low, 0).prod(axis=2)
