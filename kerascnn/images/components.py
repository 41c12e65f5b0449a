"""Connected components of a mask, and what is measured on a mask: its bounding box, stroke width and median height."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import SupportsIndex

import cv2
import numpy as np

Window = tuple[slice, slice]
"""Rows and columns of a box."""


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of a mask, in no particular order.

    In `labels`, int32 `(height, width)`, 0 is background and `index + 1` is the component with that index. The other
    arrays, `(num_components,)`, have the bounding box and the number of pixels of each component.
    """

    labels: np.ndarray
    left: np.ndarray
    top: np.ndarray
    width: np.ndarray
    height: np.ndarray
    area: np.ndarray

    def __len__(self) -> int:
        return len(self.area)

    def window(self, index: SupportsIndex) -> Window:
        """Return the bounding box of a component."""
        top, left = int(self.top[index]), int(self.left[index])
        return np.s_[top : top + int(self.height[index]), left : left + int(self.width[index])]

    def crop(self, index: SupportsIndex) -> np.ndarray:
        """Return the mask of a component, cropped to its bounding box: bool, `(height, width)`."""
        return np.asarray(self.labels[self.window(index)] == int(index) + 1)

    def select(self, chosen: np.ndarray) -> np.ndarray:
        """Return the mask of some components: bool, `(height, width)`, from bool, `(num_components,)`."""
        return np.asarray(np.concatenate([[False], chosen])[self.labels])


def find_components(mask: np.ndarray, connectivity: int = 8) -> Components:
    """Find the components of a mask, bool or uint8, that are connected across corners (8) or along sides alone (4)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    stats = stats[1:]
    return Components(
        labels,
        left=stats[:, cv2.CC_STAT_LEFT],
        top=stats[:, cv2.CC_STAT_TOP],
        width=stats[:, cv2.CC_STAT_WIDTH],
        height=stats[:, cv2.CC_STAT_HEIGHT],
        area=stats[:, cv2.CC_STAT_AREA],
    )


def count_components(mask: np.ndarray, connectivity: int = 8) -> int:
    """Count the components of a mask that are connected across corners (8) or along sides alone (4)."""
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)[0]) - 1


def bounding_box(mask: np.ndarray) -> Window:
    """Return the smallest box that holds the nonzero pixels of a mask, of which there must be one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.s_[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]


def measure_stroke_width(mask: np.ndarray, mask_size: int = 5) -> float:
    """Measure the median width of the strokes of a mask, in pixels; 1 if it has none."""
    widths = measure_stroke_widths(mask, mask_size)
    return float(np.median(widths)) if len(widths) else 1.0


def measure_stroke_widths(mask: np.ndarray, mask_size: int = 5) -> np.ndarray:
    """Measure the widths of the strokes of a mask along their midlines, in pixels.

    Args:
        mask: bool, `(height, width)`.
        mask_size: Size of the distance transform's own mask: 5 pixels, or 3, which is quicker and less accurate.

    Returns:
        float32, `(num_pixels_of_midlines,)`.
    """
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, mask_size)
    # The ridge of the distance, where no neighbour is further from the background, is the midline of a stroke.
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    return np.asarray(2 * distance[ridge])


def median_height(heights: Iterable[float]) -> float:
    """Return the median of heights, each counted as often as it is tall, so that specks do not outvote digits."""
    ascending = np.sort(np.fromiter(heights, float))
    return float(ascending[np.searchsorted(np.cumsum(ascending), ascending.sum() / 2)])
