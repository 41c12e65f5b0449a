"""Images that stay in a file and are read when they are indexed, so that a data set may be larger than memory."""

import tempfile
from collections.abc import Iterable
from io import FileIO
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

from kerascnn.utils.errors import DataError

LARGEST_IN_MEMORY = 512 * 2**20
"""Size in bytes above which one part of a data set stays in its file."""

_CHUNK_SIZE = 4096  # images
_MAX_IMAGE_PIXELS = 16_000_000  # of an image in a file: several are read at once


class Images(Protocol):
    """Images of a data set, uint8 `(n, height, width)`: an array, or an object that is indexed like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number, height and width of the images."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always uint8."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any:
        """uint8, `(height, width)` for a number, `(k, height, width)` for a slice or an array of numbers."""


class StoredImages:
    """Images in a file.

    Reads instead of `numpy.memmap`: a mapped file counts as memory of the process, page by page, up to its whole size.

    Args:
        file: File open for reading in binary, not buffered; it stays open as long as the images are in use.
        offset: Number of bytes before the first image.
        shape: `(n, height, width)` of the unsigned bytes in the file.
        transposed: Whether the file stores each image transposed, as EMNIST's files do.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, file: FileIO, offset: int, shape: tuple[int, int, int], transposed: bool = False) -> None:
        self._file, self._offset, self._stored_size, self._transposed = file, offset, shape[1:], transposed
        self._lock = Lock()
        self.shape: tuple[int, ...] = (shape[0], *(reversed(shape[1:]) if transposed else shape[1:]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(*key.indices(len(self))) if isinstance(key, slice) else np.asarray(key) % len(self)
        images = np.empty((*numbers.shape, *self._stored_size), np.uint8)
        if isinstance(key, slice) and key.step is None and len(numbers):
            self._read(images, int(numbers[0]))
        else:
            for image, number in zip(images.reshape(-1, *self._stored_size), numbers.ravel().tolist(), strict=True):
                self._read(image, number)
        return images.swapaxes(-2, -1) if self._transposed else images

    def _read(self, images: np.ndarray, first: int) -> None:
        """Read consecutive images into an array."""
        with self._lock:
            self._file.seek(self._offset + first * prod(self._stored_size))
            count = self._file.readinto(images.data)
        if count != images.size:
            raise DataError(f"{self._file.name} became shorter while it was read; start again with all of it.")


class Selection:
    """Some images, chosen by number (`indices`, `(k,)`) and looked up when they are indexed."""

    dtype = np.dtype(np.uint8)

    def __init__(self, images: Images, indices: np.ndarray) -> None:
        self._images, self._indices = images, indices
        self.shape: tuple[int, ...] = (len(indices), *images.shape[1:])

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        images: np.ndarray = self._images[self._indices[key]]
        return images


def select_images(images: Images, indices: np.ndarray) -> Images:
    """Choose images by number: copied if they are in memory, else looked up when they are indexed."""
    return images[indices] if isinstance(images, np.ndarray) else Selection(images, indices)


def read_in_chunks(images: Images) -> Iterable[np.ndarray]:
    """Yield all images in their order, some thousands of small ones at a time."""
    step = _count_at_once(images)
    return (images[start : start + step] for start in range(0, len(images), step))


def take_some(images: Images, count: int) -> np.ndarray:
    """Return the first images, fewer if they are large."""
    some: np.ndarray = images[: min(count, _count_at_once(images))]
    return some


def _count_at_once(images: Images) -> int:
    return max(1, min(_CHUNK_SIZE, LARGEST_IN_MEMORY // 8 // max(1, prod(images.shape[1:]))))


def open_stored(path: Path, offset: int, shape: tuple[int, int, int], transposed: bool = False) -> StoredImages:
    """Open images in a user's file, which must not be compressed; the arguments are those of `StoredImages`.

    Raises:
        DataError: If the file is shorter or longer than its header says.
    """
    if shape[1] * shape[2] > _MAX_IMAGE_PIXELS:
        raise DataError(
            f"{path} has images of {shape[1]:,} x {shape[2]:,} pixels; images of a data set have at most "
            f"{_MAX_IMAGE_PIXELS:,}."
        )
    expected, found = offset + shape[0] * shape[1] * shape[2], path.stat().st_size
    if found != expected:
        raise DataError(
            f"{path} is damaged: its header promises {expected - offset} bytes, it has "
            f"{'only ' if found < expected else ''}{found - offset}; get it again from its source."
        )
    return StoredImages(path.open("rb", buffering=0), offset, shape, transposed)


def collect_images(batches: Iterable[np.ndarray], size: tuple[int, int]) -> Images:
    """Put batches of images together: in memory if they fit, else in a file that vanishes with the process.

    Args:
        batches: uint8, `(k, height, width)` each.
        size: Height and width of an image in pixels.
    """
    kept: list[np.ndarray] = []
    count, file = 0, None
    for batch in batches:
        count += len(batch)
        kept.append(batch)
        if file is None and count * size[0] * size[1] > LARGEST_IN_MEMORY:
            file = tempfile.TemporaryFile(prefix="kerascnn-images-", buffering=0)  # noqa: SIM115, the images keep it open
        if file is not None:
            for part in kept:
                file.write(part.tobytes())
            kept.clear()
    if file is None:
        return np.concatenate(kept) if kept else np.empty((0, *size), np.uint8)
    return StoredImages(file, 0, (count, *size))
