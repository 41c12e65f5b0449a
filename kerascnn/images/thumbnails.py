"""Small copies of pictures, for what is drawn of them."""

import cv2
import numpy as np

FIGURE_SIDE = 2000
"""Pixels of a picture's longer side in a figure, which shows fewer."""


def shrink_picture(picture: np.ndarray, longest: int) -> np.ndarray:
    """Shrink a picture, uint8 `(height, width)` or `(height, width, 3)`, whose longer side has more pixels than given.

    What draws pictures makes several copies, which would be large ones.
    """
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
