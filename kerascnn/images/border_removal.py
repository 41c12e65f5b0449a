"""Boxes that are printed round single digits, as forms and tables have them: closed frames that touch no stroke."""

import cv2
import numpy as np

_BAND = 0.14  # of the box's side: a frame's ink lies in a band so wide along the four sides
_COVERED = 0.85  # of each side's length
_MIN_SIDE = 24  # pixels; smaller ones are written zeros
_MAX_FILL = 0.5  # of its box


def without_frames(mask: np.ndarray) -> np.ndarray:
    """Remove closed rectangular frames.

    Args:
        mask: bool, `(height, width)`, the ink.

    Returns:
        bool, of the same shape.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    result = mask
    for index in np.flatnonzero(np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= _MIN_SIDE):
        left, top, width, height, area = (int(value) for value in stats[index])
        if index == 0 or area > _MAX_FILL * width * height:
            continue
        window = np.s_[top : top + height, left : left + width]
        part = labels[window] == index
        if is_frame(part):
            result = result.copy() if result is mask else result
            result[window] &= ~part
    return result


def is_frame(part: np.ndarray) -> bool:
    """Whether a piece of ink, cut to its box, is a rectangular frame: four straight sides and nearly nothing inside."""
    height, width = part.shape
    rows, columns = max(2, round(_BAND * height)), max(2, round(_BAND * width))
    sides = (
        part[:rows].any(axis=0),
        part[-rows:].any(axis=0),
        part[:, :columns].any(axis=1),
        part[:, -columns:].any(axis=1),
    )
    if min(side.mean() for side in sides) < _COVERED:
        return False
    # A written zero is round: it leaves the corners of its box free.
    corners = (part[:rows, :columns], part[:rows, -columns:], part[-rows:, :columns], part[-rows:, -columns:])
    inside = part[rows:-rows, columns:-columns]
    return all(corner.any() for corner in corners) and inside.mean() < 0.03
