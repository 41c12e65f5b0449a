"""Decode a picture: upright, without transparency, at eight bits, in little more memory than the picture needs."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from kerascnn.images.opening import open_image, refuse_if_too_large, take_turns, too_large
from kerascnn.utils.errors import ImageError
from kerascnn.utils.quiet import silent_library


@dataclass(frozen=True, eq=False)
class Page:
    """One picture of a document that has several (`kerascnn.images.documents`).

    Args:
        name: Name of the document and number of the picture, such as `scan.tif#3`.
        decode: Function that decodes it; raises ImageError if it is damaged.
    """

    name: str
    decode: Callable[[], np.ndarray]


Picture: TypeAlias = str | Path | bytes | BinaryIO | np.ndarray | Image.Image | Page
"""A picture as users have it: a path, encoded bytes, a binary file, an array, a PIL image or a page of a document."""

_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
# The largest value of a range: 8, 10, 12, 14 and 16 bits, as cameras and scanners have them.
_RANGES = (255, 1023, 4095, 16_383, 65_535)
_TRANSPARENT_MODES = ("LA", "PA", "RGBA", "RGBa", "La")
_STRIP = 2_000_000  # pixels that are converted at once
# A few pixels that are so many times as large as all others that those would become black: defects of a sensor, or what
# a program writes where nothing was measured. A stroke has more pixels.
_DEFECT = 255
_MOST_DEFECTS = 16
_EVEN = 8  # grey levels by which a picture of nothing may differ
_LARGEST = float(np.finfo(np.float32).max)
_ORIENTATION = 0x0112  # tag of EXIF


def decode(source: Picture, name: str | None = None) -> np.ndarray:
    """Decode a picture into an array.

    EXIF orientation is applied, transparency is laid on white, the first frame of an animation is taken, and deep grey
    (16 and 32 bit) is scaled to 8 bit by its range, not by what the picture has of it. HEIC needs pillow-heif.

    Args:
        source: A path, encoded bytes, a binary file, a PIL image, or an array `(height, width)`, `(height, width, 1)`,
            `(height, width, 3)` or `(height, width, 4)` of integers 0..255 or floats 0..1 or 0..255.
        name: Name of the picture in an error message; by default its path, or "the picture".

    Returns:
        uint8, `(height, width)` for a grey picture or `(height, width, 3)` in RGB.

    Raises:
        ImageError: If the file is missing, empty, not a picture, damaged, or larger than `MAX_PIXELS`; if an array has
            another shape or values outside 0..255.

    Example:
        >>> decode("seven.png").shape
        (28, 28)
    """
    if isinstance(source, Page):
        return source.decode()
    name = name or (str(source) if isinstance(source, str | Path) else "the picture")
    if isinstance(source, Image.Image):
        return convert_frame(source, name)
    # Anything else that can be neither opened nor read is an array, or a tensor or a list that NumPy makes one of.
    if not (isinstance(source, str | Path | bytes) or hasattr(source, "read")):
        return _convert_array(np.asarray(source))
    with translate_decoding_errors(name), open_image(source, name) as image:
        return convert_frame(image, name)


def convert_frame(image: Image.Image, name: str) -> np.ndarray:
    """Convert the current frame of an open picture as `decode` does; raises ImageError if it is too large."""
    refuse_if_too_large(image, name)
    with take_turns(image):
        with silent_library() if image.format == "TIFF" else nullcontext():
            image.load()
        return _to_array(image)


@contextmanager
def translate_decoding_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a file into an ImageError with one clear sentence."""
    try:
        # A size that Pillow merely warns of is within our own cap or refused by it.
        with warnings.catch_warnings(), translate_memory_errors(name):
            warnings.simplefilter("ignore")
            yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name}: there is no such file.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a directory; expected a picture.") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a picture in a format that can be read (PNG, JPEG, TIFF, WebP, GIF, BMP, PNM, TGA, AVIF, "
            "HEIC or PDF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise too_large(name) from error
    except PermissionError as error:
        raise ImageError(f"{name} cannot be opened: permission denied.") from error
    # Pillow's decoders raise almost anything on damaged files: OSError, SyntaxError, struct.error, IndexError ...
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")[:120]
        raise ImageError(f"{name} is damaged and cannot be decoded ({reason}).") from error


@contextmanager
def translate_memory_errors(name: str) -> Iterator[None]:
    """Turn the error of a picture for which the memory is too small into an ImageError."""
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        raise ImageError(f"{name} does not fit into memory; shrink it.") from error


def _convert_array(array: np.ndarray) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[-1] not in (3, 4)):
        raise ImageError(
            f"an array of shape {array.shape} is not a picture; expected (height, width) or (height, width, 3)."
        )
    array = _to_bytes(array)
    return _to_array(Image.fromarray(array)) if array.ndim == 3 and array.shape[-1] == 4 else array


def _to_bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    values = array.astype(np.float64)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise ImageError(
            f"the array's values reach from {values.min():g} to {values.max():g}; expected 0 to 255 (or floats 0 to 1)."
        )
    if np.issubdtype(array.dtype, np.floating) and values.max() <= 1:
        values = values * 255
    return np.ascontiguousarray(np.round(values), dtype=np.uint8)


def _to_array(image: Image.Image) -> np.ndarray:
    if image.mode in _DEEP_MODES:
        return _scale_to_bytes(image)
    if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
        return _lay_on_white(image)
    return _convert(image, "L" if image.mode in ("1", "L") else "RGB")


def _cut_into_strips(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield rows, and the part of a picture that they are: a copy of all of it would need as much memory again."""
    rows = max(1, _STRIP // image.width)
    if rows >= image.height:
        yield slice(0, image.height), image
        return
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _convert(image: Image.Image, mode: str) -> np.ndarray:
    """Convert a picture to grey (`L`) or colour (`RGB`)."""
    upright, result = _make_upright(image, mode)
    for rows, strip in _cut_into_strips(image):
        result[rows] = np.asarray(strip.convert(mode))
    return upright


def _lay_on_white(image: Image.Image) -> np.ndarray:
    upright, result = _make_upright(image, "RGB")
    grey: list[int] = []  # the darkest and the lightest of each strip
    opacity: list[int] = []
    for rows, strip in _cut_into_strips(image):
        strip = strip.convert("RGBA")
        laid = Image.alpha_composite(Image.new("RGBA", strip.size, (255, 255, 255, 255)), strip).convert("RGB")
        result[rows] = np.asarray(laid)
        for found, channel in ((grey, laid.convert("L")), (opacity, strip.getchannel("A"))):
            values = np.asarray(channel)
            found += [int(values.min()), int(values.max())]
    if max(grey) - min(grey) >= _EVEN or max(opacity) == min(opacity):
        return upright
    # White ink on nothing: the transparency itself is the drawing.
    upright, result = _make_upright(image, "L")
    for rows, strip in _cut_into_strips(image):
        result[rows] = 255 - np.asarray(strip.convert("RGBA").getchannel("A"))
    return upright


def _scale_to_bytes(image: Image.Image) -> np.ndarray:
    """Scale deep grey to 8 bits by its range."""
    largest = _find_largest(image)
    limits = [(values.min(), values.max()) for _, values in _cut_into_values(image, largest)]
    low, high = float(min(low for low, _ in limits)), float(max(high for _, high in limits))
    start = 0.0
    if low < 0 or high > _RANGES[-1]:  # a range that no picture has: heights or temperatures, perhaps
        start, limit = low, max(high - low, 1e-6)
    elif high <= 1 and image.mode == "F":
        limit = 1
    else:
        limit = next(limit for limit in _RANGES if high <= limit)
    upright, result = _make_upright(image, "L")
    with np.errstate(over="ignore"):
        for rows, values in _cut_into_values(image, largest):
            result[rows] = np.clip(np.round((values - start) * (255 / limit)), 0, 255)
    return upright


def _find_largest(image: Image.Image) -> float:
    """Find the largest magnitude of a value of deep grey that is no defect."""
    most = max(1, min(_MOST_DEFECTS, image.width * image.height // 1000))
    top = np.zeros(0, np.float32)
    for _, values in _cut_into_values(image, _LARGEST):
        top = np.append(top, np.abs(values))
        top = np.partition(top, max(0, top.size - most - 1))[-most - 1 :]
    usual = float(top.min())
    return min(usual * _DEFECT, _LARGEST) if usual > 0 else _LARGEST


def _cut_into_values(image: Image.Image, largest: float) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows, and the values in them, float32 `(height, width)`; 0 for NaN, infinity and what is too large."""
    for rows, strip in _cut_into_strips(image):
        values = np.nan_to_num(np.asarray(strip).astype(np.float32), posinf=0, neginf=0)
        values[np.abs(values) > largest] = 0
        yield rows, values


def _read_orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    # A picture is not damaged where only what a camera says of it is.
    except Exception:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _make_upright(image: Image.Image, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Make the array of a picture as its EXIF orientation says, and a view of it as the picture lies in the file."""
    orientation = _read_orientation(image)
    is_on_side = orientation in (5, 6, 7, 8)
    size = (image.width, image.height) if is_on_side else (image.height, image.width)
    upright = np.empty(size if mode == "L" else (*size, 3), np.uint8)
    across, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    view = upright[:: -1 if down else 1, :: -1 if across else 1]
    return upright, view.swapaxes(0, 1) if is_on_side else view
