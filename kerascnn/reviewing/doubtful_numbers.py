"""Numbers that a person should look at, each with a small picture of it and what stands around it."""

import hashlib
import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from kerascnn.images.documents import find_document
from kerascnn.inference.page_text import Box, Number, Page

_FRAME_COLOUR = (213, 94, 0)  # Okabe and Ito's vermilion: seen with every kind of colour vision
_BESIDE, _ABOVE = 1.6, 0.8  # what is shown beside and above a number, in heights of it
_HEIGHT = 60  # pixels of a number on the page of a review
_LARGEST, _MOST_ENLARGED = 760, 3.0  # pixels of a picture's longer side, factor
_QUALITY = 80  # of the JPEG compression
_DIGEST_LENGTH = 16  # hexadecimal digits, 64 bits: enough to tell the pictures of one person apart


@dataclass(frozen=True)
class DoubtfulNumber:
    """A number that was read on a picture and is to be checked.

    Args:
        file: Path of the picture or document as it was given.
        page: Number of the page in it, from 1.
        number: What was read, where, and how probably it is right.
        picture: Digest of the picture's pixels, which tells it from all others whatever its name is.
        cutout: The number in its surroundings with a frame around it, encoded as JPEG.
    """

    file: str
    page: int
    number: Number
    picture: str
    cutout: bytes


def find_doubtful(name: str, array: np.ndarray, page: Page, below: float) -> list[DoubtfulNumber]:
    """Find the numbers of a page that nobody has checked and that are less probable than a limit.

    Args:
        name: Name of the picture, such as `scan.pdf#3`.
        array: The picture, uint8 `(height, width)` or `(height, width, 3)`, RGB.
        page: What was read on it.
        below: Probability from which on a number need not be looked at, 0 to 1.
    """
    numbers = [number for line in page.lines for number in line.numbers]
    doubtful = [number for number in numbers if number.confidence < below and not number.corrected]
    if not doubtful:
        return []
    file, place = divide_name(name)
    digest = digest_picture(array)
    return [
        DoubtfulNumber(file, place, number, digest, _cut_out(array, number.box, page.rotation)) for number in doubtful
    ]


def digest_picture(array: np.ndarray) -> str:
    """Compute a digest of a picture's pixels, such as `sha256:0123456789abcdef`."""
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)
    return f"sha256:{digest.hexdigest()[:_DIGEST_LENGTH]}"


def divide_name(name: str) -> tuple[str, int]:
    """Divide the name of a picture into that of its file and the number of its page, from 1."""
    file = find_document(name)
    return file, 1 if file == name else int(name.rpartition("#")[2])


def turn_upright(part: np.ndarray, rotation: int) -> np.ndarray:
    """Turn a part of a picture as the whole was turned to be read, by degrees clockwise."""
    return np.ascontiguousarray(np.rot90(part, -(rotation // 90)))


def _cut_out(array: np.ndarray, box: Box, rotation: int) -> bytes:
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
