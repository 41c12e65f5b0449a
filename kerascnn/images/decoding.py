"""Open a picture safely: any format that Pillow reads, recognised by content, upright, without transparency."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

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

MAX_PIXELS = 120_000_000
"""Pictures with more pixels are refused before they are decoded; phones make 12 to 108 million."""

_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
# The largest value of a range: 8, 10, 12, 14 and 16 bits, as cameras and scanners have them.
_RANGES = (255, 1023, 4095, 16_383, 65_535)
# The brands that a HEIC or HEIF file names after the first eight bytes.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


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
    stream: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    with translate_decoding_errors(name), _open(stream, name) as image:
        return convert_frame(image, name)


def convert_frame(image: Image.Image, name: str) -> np.ndarray:
    """Convert the current frame of an open picture as `decode` does; raises ImageError if it is too large."""
    _refuse_if_too_large(image.size, name)
    with silent_library() if image.format == "TIFF" else nullcontext():
        image.load()
    return _to_array(image)


@contextmanager
def translate_decoding_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a file into an ImageError with one clear sentence."""
    try:
        # A size that Pillow merely warns of is within our own cap or refused by it.
        with warnings.catch_warnings():
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
            f"{name} is not a picture in a format that can be read (PNG, JPEG, TIFF, WebP ...)."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory; shrink it.") from error
    except PermissionError as error:
        raise ImageError(f"{name} cannot be opened: permission denied.") from error
    # Pillow's decoders raise almost anything on damaged files: OSError, SyntaxError, struct.error, IndexError ...
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")[:120]
        raise ImageError(f"{name} is damaged and cannot be decoded ({reason}).") from error


def _open(stream: Any, name: str) -> Image.Image:
    try:
        return Image.open(stream)
    except UnidentifiedImageError:
        if not _is_heic(stream):
            raise
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"{name} is a HEIC picture, which needs pillow-heif; pip install 'kerascnn[heic]' adds it."
        ) from error
    # Pillow's list of formats is left as it is: what other programs of the process open does not change.
    file = pillow_heif.open_heif(stream)
    _refuse_if_too_large(file.size, name)
    return file.to_pillow()


def _is_heic(stream: Any) -> bool:
    if isinstance(stream, str | Path):
        with Path(stream).open("rb") as file:
            head = file.read(12)
    else:
        stream.seek(0)
        head = stream.read(12)
        stream.seek(0)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


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


def _refuse_if_too_large(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> ImageError:
    return ImageError(f"{name} has more than {MAX_PIXELS:,} pixels, which is the most that is read; shrink or crop it.")


def _to_array(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode in _DEEP_MODES:
        return _scale_to_bytes(np.asarray(image))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = _lay_on_white(image.convert("RGBA"))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _lay_on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    laid = Image.alpha_composite(white, image).convert("RGB")
    alpha = image.getchannel("A")
    opacity = np.asarray(alpha)
    if np.ptp(np.asarray(laid.convert("L"))) < 8 and np.ptp(opacity) > 0:
        # White ink on nothing: the transparency itself is the drawing.
        return ImageOps.invert(alpha)
    return laid


def _scale_to_bytes(array: np.ndarray) -> np.ndarray:
    values = np.nan_to_num(array.astype(np.float32), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > _RANGES[-1]:  # a range that no picture has: heights or temperatures, perhaps
        values, limit = values - low, max(high - low, 1e-6)
    elif high <= 1 and array.dtype.kind == "f":
        limit = 1
    else:
        limit = next(limit for limit in _RANGES if high <= limit)
    return np.round(values * (255 / limit)).astype(np.uint8)
