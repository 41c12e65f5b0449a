"""Open a picture safely: any format that Pillow reads, recognised by content, upright, without transparency."""

import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kerascnn.utils.errors import ImageError

Picture: TypeAlias = str | Path | bytes | BinaryIO | np.ndarray | Image.Image
"""A picture as users have it: a path, encoded bytes, a binary file, an array or a PIL image."""

MAX_PIXELS = 120_000_000
"""Pictures with more pixels are refused before they are decoded; phones make 12 to 108 million."""

_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def decode(source: Picture, name: str | None = None) -> np.ndarray:
    """Decode a picture into an array.

    EXIF orientation is applied, transparency is laid on white, the first frame of an animation is taken, deep grey
    (16 and 32 bit) is scaled to 8 bit.

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
    name = name or (str(source) if isinstance(source, str | Path) else "the picture")
    if isinstance(source, Image.Image):
        _refuse_if_too_large(source.size, name)
        return _to_array(source)
    # Anything else that can be neither opened nor read is an array, or a tensor or a list that NumPy makes one of.
    if not (isinstance(source, str | Path | bytes) or hasattr(source, "read")):
        return _convert_array(np.asarray(source))
    stream: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        # A size that Pillow merely warns of is within our own cap or refused by it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(stream) as image:
                _refuse_if_too_large(image.size, name)
                image.load()
                return _to_array(image)
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
    if getattr(image, "is_animated", False):
        image.seek(0)
    if image.mode in _DEEP_MODES:
        return _scale_to_bytes(np.asarray(image))
    image = ImageOps.exif_transpose(image)
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
    if low >= 0 and high <= 255 and array.dtype.kind != "f":
        return values.astype(np.uint8)
    return np.round((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
