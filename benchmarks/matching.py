"""Which of a page's digits were found, split or merged, by the boxes of what was read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]  # left, top, width, height

_INSIDE = 0.6  # of a box's area: what lies in another one so far belongs to it


@dataclass(frozen=True)
class Matches:
    """What became of the digits of a page.

    Args:
        found: digits that one box shows, and that box no other digit.
        split: digits that lie in pieces in several boxes.
        merged: digits that share a box with another digit.
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
    """The areas that boxes of two lists have in common, `(len(first), len(second))`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    return np.maximum(high - low, 0).prod(axis=2)
