"""Images that stay in a file and are read when they are asked for, so that a data set may be larger than memory."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np

from kerascnn.utils.errors import DataError

LARGEST_IN_MEMORY = 512 * 2**20
"""Bytes; a part of a data set that is larger stays in its file."""

_CHUNK = 4096  # images


class StoredImages:
    """Images in a file that are indexed like an array: by a number, a slice or an array of numbers.

    Args:
        file: open for reading in binary, not buffered; it stays open as long as the images are in use.
        offset: bytes before the first image.
        shape: `(n, height, width)` of the unsigned bytes in the file.
        transposed: turn each image over its diagonal when it is read.
        name: of the file, for errors.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self, file: BinaryIO, offset: int, shape: tuple[int, int, int], name: str, transposed: bool = False
    ) -> None:
        self._file, self._offset, self._stored_shape = file, offset, tuple(shape)
        self._name, self._transposed = name, transposed
        self._bytes = shape[1] * shape[2]
        self._lock = Lock()
        self.shape = (shape[0], shape[2], shape[1]) if transposed else tuple(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        """uint8, `(height, width)` for a number, else `(k, height, width)`."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                return self[np.arange(start, stop, step)]
            return self._turned(self._consecutive(start, max(0, stop - start)))
        if np.ndim(key) == 0:
            return self._turned(self._consecutive(int(key) % len(self), 1))[0]
        indices = np.asarray(key) % len(self)
        result = np.empty((len(indices), *self._stored_shape[1:]), np.uint8)
        for place, index in enumerate(indices.tolist()):
            result[place] = self._consecutive(index, 1)[0]
        return self._turned(result)

    def _consecutive(self, first: int, count: int) -> np.ndarray:
        wanted = count * self._bytes
        with self._lock:
            self._file.seek(self._offset + first * self._bytes)
            content = self._file.read(wanted)
        if len(content) != wanted:
            raise DataError(f"{self._name} ended while it was read; was it changed? Start again with the whole file.")
        return np.frombuffer(content, np.uint8).reshape(count, *self._stored_shape[1:])

    def _turned(self, images: np.ndarray) -> np.ndarray:
        return images.transpose(0, 2, 1) if self._transposed else images


class Selection:
    """Some of a part's images, chosen by number and looked up when they are asked for.

    Args:
        images: an array or stored images, `(n, height, width)`.
        indices: integers, `(k,)`.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, images: "Images", indices: np.ndarray) -> None:
        self._images, self._indices = images, indices
        self.shape = (len(indices), *images.shape[1:])

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        """uint8, `(height, width)` for a number, else `(k, height, width)`."""
        return self._images[self._indices[key]]


Images = np.ndarray | StoredImages | Selection
"""What a data set's images may be: in memory, in a file, or some of either."""


def selected(images: Images, indices: np.ndarray) -> Images:
    """Some images: copied if they are in memory, else looked up when they are asked for."""
    return images[indices] if isinstance(images, np.ndarray) else Selection(images, indices)


def in_chunks(images: Images) -> Iterable[np.ndarray]:
    """All images in their order, some thousands at a time."""
    return (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))


def open_stored(path: Path, offset: int, shape: tuple[int, int, int], transposed: bool = False) -> StoredImages:
    """Images in a file of the user's.

    Args:
        path: the file, not compressed.
        offset: bytes before the first image.
        shape: `(n, height, width)`.
        transposed: turn each image over its diagonal when it is read.

    Returns:
        The images.

    Raises:
        DataError: if the file is shorter or longer than that.
    """
    expected, found = offset + shape[0] * shape[1] * shape[2], path.stat().st_size
    if found != expected:
        raise DataError(
            f"{path} is damaged: its header promises {expected - offset} bytes, it has "
            f"{'only ' if found < expected else ''}{found - offset}; get it again from its source."
        )
    return StoredImages(path.open("rb", buffering=0), offset, shape, str(path), transposed)


def gathered(batches: Iterable[np.ndarray], size: tuple[int, int]) -> Images:
    """Put images that are made one batch after the other where they have room: in memory, else in a temporary file.

    Args:
        batches: uint8, `(k, height, width)` each.
        size: height and width of an image in pixels.

    Returns:
        All of them: an array, or images in a file that vanishes with the process.
    """
    kept: list[np.ndarray] = []
    count, file = 0, None
    for batch in batches:
        count += len(batch)
        if file is None and count * size[0] * size[1] > LARGEST_IN_MEMORY:
            file = tempfile.TemporaryFile(prefix="kerascnn-images-", buffering=0)  # noqa: SIM115, the images keep it open
            for earlier in kept:
                file.write(earlier.tobytes())
            kept = []
        if file is None:
            kept.append(batch)
        else:
            file.write(batch.tobytes())
    if file is None:
        return np.concatenate(kept) if kept else np.empty((0, *size), np.uint8)
    return StoredImages(file, 0, (count, *size), "a temporary file")
