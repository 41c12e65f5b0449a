"""Numbers that a person should look at, each with a small picture of it and what stands around it."""

import hashlib
from dataclasses import dataclass

import numpy as np

from kerascnn.images.cutouts import cut_out
from kerascnn.images.documents import divide_name
from kerascnn.inference.page_text import Number, Page

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
        DoubtfulNumber(file, place, number, digest, cut_out(array, number.box, page.rotation)) for number in doubtful
    ]


def digest_picture(array: np.ndarray) -> str:
    """Compute a digest of a picture's pixels, such as `sha256:0123456789abcdef`."""
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)
    return f"sha256:{digest.hexdigest()[:_DIGEST_LENGTH]}"
