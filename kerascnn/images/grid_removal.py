"""Remove grids that are fainter than the ink written over them, and box borders printed round single digits.

Lines that can be followed one by one are removed before, by `line_removal`.
"""

import cv2
import numpy as np

_GRID_SPAN = 0.7  # of the picture's width and height; a component that reaches so far is not a digit
_MAX_FILL = 0.5  # of its bounding box; a grid and a border are mostly empty

_BAND = 0.14  # of the box's side; a border's foreground lies in bands so wide along the four sides
_MIN_COVERAGE = 0.85  # of each side's length
_MIN_BORDER_SIDE = 24  # pixels; smaller rectangles are written zeros
_MAX_INSIDE = 0.03  # share of foreground between the bands


def remove_faint_grid(contrast: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Raise the threshold where a grid of lines connects everything.

    Args:
        contrast: float32, `(height, width)`, contrast to the background, larger is darker ink.
        mask: bool, `(height, width)`, the foreground.

    Returns:
        bool, `(height, width)`: the darker part of the foreground if that takes the grid apart, else `mask`.
    """
    if not _has_grid(mask):
        return mask
    values = contrast[mask]
    scaled = np.clip(values * (255 / max(float(values.max()), 1e-6)), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(scaled.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    darker = mask & (contrast >= level * float(values.max()) / 255)
    return mask if _has_grid(darker) else darker


def _has_grid(mask: np.ndarray) -> bool:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    height, width = mask.shape
    wide = stats[1:, cv2.CC_STAT_WIDTH] >= _GRID_SPAN * width
    tall = stats[1:, cv2.CC_STAT_HEIGHT] >= _GRID_SPAN * height
    boxes = stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]
    return bool((wide & tall & (stats[1:, cv2.CC_STAT_AREA] < _MAX_FILL * boxes)).any())


def remove_box_borders(mask: np.ndarray) -> np.ndarray:
    """Remove closed rectangular borders that touch no stroke, as forms and tables print them.

    Args:
        mask: bool, `(height, width)`, the foreground.

    Returns:
        bool, `(height, width)`: the foreground without them.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    result = mask
    sides = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    for index in np.flatnonzero(sides >= _MIN_BORDER_SIDE):
        left, top, width, height, area = (int(value) for value in stats[index])
        if index == 0 or area > _MAX_FILL * width * height:
            continue
        window = np.s_[top : top + height, left : left + width]
        component = labels[window] == index
        if _is_box_border(component):
            result = result.copy() if result is mask else result
            result[window] &= ~component
    return result


def _is_box_border(component: np.ndarray) -> bool:
    """Whether a component, cropped to its box, has four straight sides and nearly nothing inside."""
    height, width = component.shape
    rows, columns = max(2, round(_BAND * height)), max(2, round(_BAND * width))
    sides = (
        component[:rows].any(axis=0),
        component[-rows:].any(axis=0),
        component[:, :columns].any(axis=1),
        component[:, -columns:].any(axis=1),
    )
    if min(side.mean() for side in sides) < _MIN_COVERAGE:
        return False
    # A written zero is round: it leaves the corners of its box empty.
    corners = (
        component[:rows, :columns],
        component[:rows, -columns:],
        component[-rows:, :columns],
        component[-rows:, -columns:],
    )
    inside = component[rows:-rows, columns:-columns]
    return all(corner.any() for corner in corners) and bool(inside.mean() < _MAX_INSIDE)
