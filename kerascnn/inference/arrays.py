"""Pictures in memory: arrays, tensors of any framework, and nested lists of numbers, one or many of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.images.decoding import Page, Picture
from kerascnn.utils.errors import ImageError

_CHANNELS = (1, 3, 4)
_EXPECTED = "expected a path, bytes, a file, a PIL image, or an array of numbers, (height, width) or (height, width, 3)"
_FEWEST_ROWS = 28  # a picture has more; an array of fewer rows is a stack of flat images


def split_pictures(pictures: Any, size: tuple[int, int] | None = None) -> Iterator[Picture]:
    """Divide what a user gives into its pictures.

    Args:
        pictures: A picture of any kind; an array, tensor or nested list of numbers: `(height, width)`,
            `(height, width, channels)`, `(n, height, width)`, `(n, height, width, channels)`,
            `(n, channels, height, width)`, or flat images `(n, height * width)` and `(height * width,)` of the given
            size; or a list of all these.
        size: Height and width of the images that a model takes; None where there is no model.

    Raises:
        ImageError: If it is nothing of that.
    """
    if isinstance(pictures, str | Path | bytes | Image.Image | Page) or hasattr(pictures, "read"):
        yield pictures
        return
    array = _as_array(pictures)
    if array is not None:
        yield from _split_array(array, size)
    elif hasattr(pictures, "__iter__") and not isinstance(pictures, np.ndarray | dict):
        for picture in pictures:
            yield from split_pictures(picture, size)
    else:
        raise ImageError(f"{_describe(pictures)} is not a picture; {_EXPECTED}.")


def take_single(picture: Any) -> Picture:
    """Return the only picture of what a user gives for one; raises ImageError if it is none, or several."""
    found = list(split_pictures(picture))
    if len(found) != 1:
        raise ImageError(f"{_describe(picture)} holds {len(found)} pictures; give one of them.")
    return found[0]


def _as_array(value: Any) -> np.ndarray | None:
    """Convert tensors and nested lists of numbers to an array; None for anything else."""
    if hasattr(value, "detach"):  # a tensor of PyTorch, which may be on a device or require a gradient
        value = value.detach().cpu()
    is_list = isinstance(value, list | tuple)
    if not (hasattr(value, "__array__") or is_list):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):  # lists of unequal lengths: pictures of several sizes, or no pictures
        if is_list:
            return None
        raise ImageError(f"{_describe(value)} is not a picture; {_EXPECTED}.") from None
    if array.dtype.kind in "biuf" and array.ndim:
        is_of_pictures = is_list and any(hasattr(one, "__array__") and np.ndim(one) > 1 for one in value)
        return None if is_of_pictures or (not array.size and is_list) else array
    if is_list:
        return None
    raise ImageError(f"{_describe(array)} is not a picture; {_EXPECTED}.")


def _split_array(array: np.ndarray, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    if size is not None and array.ndim in (1, 2) and array.shape[-1] == size[0] * size[1] and _are_flat(array, size):
        yield from array.reshape(-1, *size)
    elif array.ndim == 4:
        if array.shape[-1] not in _CHANNELS and array.shape[1] in _CHANNELS:
            array = np.moveaxis(array, 1, -1)
        yield from array
    elif array.ndim == 3 and array.shape[-1] not in _CHANNELS and array.shape[-1] != 2:
        # Three axes are a stack of grey images unless the last one counts colours.
        yield from array
    elif array.ndim in (2, 3):
        yield array
    else:
        raise ImageError(f"{_describe(array)} is not a picture; {_EXPECTED}.")


def _are_flat(array: np.ndarray, size: tuple[int, int]) -> bool:
    """Tell flat images, one in each row, from a picture that happens to be as wide as they are long.

    In a picture neighbouring rows are alike; in flat images they are of different images, and values are alike that are
    one line of the image apart.
    """
    if array.ndim == 1 or len(array) < _FEWEST_ROWS:
        return True
    values = array.astype(np.float32)
    between_rows = np.abs(np.diff(values, axis=0)).mean()
    between_lines = np.abs(values[:, size[1] :] - values[:, : -size[1]]).mean()
    return bool(between_lines < between_rows)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if value is None or isinstance(value, bool | int | float | complex):
        return repr(value)
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if isinstance(shape, tuple) else "")
