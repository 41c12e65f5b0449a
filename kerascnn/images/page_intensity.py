"""The picture of a page that the network sees: its ink at a fixed size of the digits and a fixed strength."""

import cv2
import numpy as np

from kerascnn.images.page_binarization import PageInk
from kerascnn.images.page_classes import DIGIT_HEIGHT

_FULL = 95  # percentile of the ink's contrast that counts as full ink
_MOST_PIXELS = 4_000_000  # a page of specks would be enlarged beyond any memory


def strength(ink: PageInk, usual_height: float) -> np.ndarray:
    """Bring a page to the size and strength at which it is segmented.

    Args:
        ink: of the page, with whatever is printed on it.
        usual_height: of its digits in pixels of `ink`.

    Returns:
        uint8, `(height, width)`, 255 for full ink; its digits are `DIGIT_HEIGHT` pixels high, unless that would be too
        many pixels.
    """
    scale = min(DIGIT_HEIGHT / usual_height, (_MOST_PIXELS / ink.contrast.size) ** 0.5)
    height, width = (max(1, round(side * scale)) for side in ink.contrast.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(ink.contrast, (width, height), interpolation=way)
    full = float(np.percentile(ink.contrast[ink.mask], _FULL)) if ink.mask.any() else 1.0
    return np.clip(small * (255 / max(full, 1e-6)), 0, 255).astype(np.uint8)
