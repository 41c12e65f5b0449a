"""Cut numbers out of pictures, to be looked at by a person."""

import io

import cv2
import numpy as np
from PIL import Image

_FRAME_COLOUR = (213, 94, 0)  # Okabe and Ito's vermilion: seen with every kind of colour vision
_BESIDE, _ABOVE = 1.6, 0.8  # what is shown beside and above a number, in heights of it
_HEIGHT = 60  # pixels of a number on the page of a review
_LARGEST, _MOST_ENLARGED = 760, 3.0  # pixels of a picture's longer side, factor
_QUALITY = 80  # of the JPEG compression

Box = tuple[int, int, int, int]


def turn_upright(part: np.ndarray, rotation: int) -> np.ndarray:
    """Turn a part of a picture as the whole was turned to be read, by degrees clockwise."""
    return np.ascontiguousarray(np.rot90(part, -(rotation // 90)))


def cut_out(array: np.ndarray, box: Box, rotation: int) -> bytes:
    """Cut a number and its surroundings out of a picture, upright and with a frame around it, encoded as JPEG.

    Args:
        array: The picture, uint8 `(height, width)` or `(height, width, 3)`, RGB.
        box: Left, top, width and height of the number in pixels.
        rotation: Degrees clockwise by which the picture is turned to be read: 0, 90, 180 or 270.
    """
    left, top, width, height = box
    tall = width if rotation in (90, 270) else height
    beside, above = (_ABOVE, _BESIDE) if rotation in (90, 270) else (_BESIDE, _ABOVE)
    x, y = max(0, round(left - beside * tall)), max(0, round(top - above * tall))
    part = array[y : round(top + height + above * tall), x : round(left + width + beside * tall)]
    scale = min(_HEIGHT / max(tall, 1), _LARGEST / max(part.shape[:2]), _MOST_ENLARGED)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if part.ndim == 2:
        part = cv2.cvtColor(part, cv2.COLOR_GRAY2RGB)
    start = (round((left - x) * scale) - 5, round((top - y) * scale) - 5)
    end = (round((left + width - x) * scale) + 5, round((top + height - y) * scale) + 5)
    framed: np.ndarray = cv2.rectangle(np.ascontiguousarray(part), start, end, _FRAME_COLOUR, 2, cv2.LINE_AA)
    stream = io.BytesIO()
    Image.fromarray(turn_upright(framed, rotation)).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
