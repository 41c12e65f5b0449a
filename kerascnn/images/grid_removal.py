"""Nets of lines that could not be followed one by one, but that are fainter than the ink written over them."""

import cv2
import numpy as np

_SPAN = 0.7  # of the picture's width and height: ink that reaches so far is no digit
_MAX_FILL = 0.5  # of its box


def without_faint_net(contrast: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Raise the threshold where a net of lines holds everything together.

    Args:
        contrast: float32, `(height, width)`, the ink's strength.
        mask: bool, `(height, width)`, the ink.

    Returns:
        bool, of the same shape: the darker part of the ink if that takes the net apart, else the mask as it is.
    """
    if not _has_net(mask):
        return mask
    values = contrast[mask]
    scaled = np.clip(values * (255 / max(float(values.max()), 1e-6)), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(scaled.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    darker = mask & (contrast >= level * float(values.max()) / 255)
    return mask if _has_net(darker) else darker


def _has_net(mask: np.ndarray) -> bool:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    height, width = mask.shape
    wide = stats[1:, cv2.CC_STAT_WIDTH] >= _SPAN * width
    tall = stats[1:, cv2.CC_STAT_HEIGHT] >= _SPAN * height
    boxes = stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]
    return bool((wide & tall & (stats[1:, cv2.CC_STAT_AREA] < _MAX_FILL * boxes)).any())
