"""Documents of several pictures: pages of a TIFF, frames of an animation, rows of a table, images of an array."""

import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from kerascnn.images.decoding import Page, Picture, convert_frame, decode, translate_decoding_errors
from kerascnn.images.pixel_tables import read_pixel_table
from kerascnn.images.stacks import convert_stacks
from kerascnn.utils.errors import ImageError

_PAGE_NAME = re.compile(r"(?P<path>.+)#(?P<number>[1-9]\d*)", re.DOTALL)
_HEAD = 256  # bytes from which a document of several pictures is recognised
_SUBFILE_TYPE = 254  # tag of a TIFF
_THUMBNAIL, _MASK = 1, 4
# Of the arrays of an .npz, those that are predicted, the first that is there.
_ARRAYS = ("x_test", "test_images", "x", "images", "data", "x_train", "train_images")
_ARRAY_SUFFIXES = (".csv", ".tsv", ".npy", ".npz")

_Reader = Callable[[int], np.ndarray]
"""Decodes a page by its index, from 0."""


def name_picture(source: Picture) -> str:
    """Return the name of a picture in results: its path, `-` for encoded bytes, `picture` for one in memory.

    The pictures of a document are numbered, such as `scan.tif#3`.
    """
    if isinstance(source, Page):
        return source.name
    if isinstance(source, bytes):
        return "-"
    return str(source) if isinstance(source, str | Path) else "picture"


def list_pages(source: Picture) -> list[Page]:
    """Divide a source into its pictures.

    Args:
        source: A picture; or a document: a multi-page TIFF, an animated GIF, WebP or PNG, a table of pixels (`.csv`),
            an array (`.npy`, `.npz`), or one page of these by its name (`scan.tif#3`).

    Returns:
        The pictures, decoded when they are asked for; those of a document are named `scan.tif#1` and so on. What cannot
        be opened, or is no such page, is a picture that cannot be decoded.
    """
    if isinstance(source, Page):
        return [source]
    if isinstance(source, str | Path):
        return _list_pages_of_path(source)
    if hasattr(source, "read"):
        stream: Any = source
        stream.seek(0)
        return [Page("picture" + page.name[1:], page.decode) for page in list_pages(stream.read())]
    if isinstance(source, bytes):
        return _list_frames(source, "-") or [Page("-", lambda: decode(source, "standard input"))]
    return [Page(name_picture(source), lambda: decode(source))]


def find_page(source: Picture) -> Page:
    """Return the only picture of a source; raises ImageError if it is a document of several."""
    pages = list_pages(source)
    if len(pages) == 1:
        return pages[0]
    name = name_picture(source)
    raise ImageError(f"{name} has {len(pages):,} pictures; name one of them, such as {name}#1.")


def find_document(name: str) -> str:
    """Return the name of the file that a picture by this name comes from."""
    match = _PAGE_NAME.fullmatch(name)
    return name if match is None or Path(name).exists() else match["path"]


def _list_pages_of_path(path: str | Path) -> list[Page]:
    file, name = Path(path), str(path)
    document = find_document(name)
    if document != name and Path(document).is_file():
        pages, number = list_pages(document), int(name.rpartition("#")[2])
        if number > len(pages):
            return [_refuse(name, ImageError(f"{document} has {len(pages):,} pictures; there is no {name}."))]
        return [Page(name, pages[number - 1].decode)]
    if file.suffix.lower() in _ARRAY_SUFFIXES and file.is_file():
        try:
            return _number_pages(name, *_read_images(file))
        except ImageError as error:
            return [_refuse(name, error)]
    return _list_frames(file, name) or [Page(name, lambda: decode(path))]


def _refuse(name: str, error: ImageError) -> Page:
    def decode_nothing() -> np.ndarray:
        raise error

    return Page(name, decode_nothing)


def _number_pages(name: str, count: int, read: _Reader) -> list[Page]:
    return [Page(f"{name}#{index + 1}", partial(read, index)) for index in range(count)]


# === Tables and arrays ===


def _read_images(path: Path) -> tuple[int, _Reader]:
    """Read the images of a table or array; return their number and their reader."""
    try:
        if path.suffix.lower() in (".csv", ".tsv"):
            stored: Any = read_pixel_table(path).pixels
        else:
            loaded = np.load(path, allow_pickle=False)
            stored = loaded if isinstance(loaded, np.ndarray) else _choose_array(loaded)
            if stored.ndim == 2 and stored.shape[0] == stored.shape[1]:
                stored = stored[None]
        (images,) = convert_stacks({"it": stored})
    # Damaged archives raise almost anything.
    except Exception as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise ImageError(f"{path} holds no images that can be read ({reason}).") from error
    return len(images), lambda index: images[index]


def _choose_array(archive: Any) -> Any:
    by_name = {name.lower(): name for name in archive.files}
    chosen = next((by_name[name] for name in _ARRAYS if name in by_name), None)
    if chosen is None and len(archive.files) != 1:
        raise ValueError(f"it has the arrays {', '.join(archive.files)}; expected x_test or images")
    return archive[chosen or archive.files[0]]


# === Frames ===


def _list_frames(source: Path | bytes, name: str) -> list[Page]:
    """List the frames of an animation or pages of a TIFF; none if it is a single picture, or cannot be opened."""
    if not _may_have_frames(source):
        return []
    try:
        image = Image.open(BytesIO(source) if isinstance(source, bytes) else source)
        numbers = list(_find_frames(image))
    # The decoder will say what is wrong with it.
    except Exception:
        return []
    if len(numbers) < 2:
        image.close()
        return []
    return _number_pages(name, len(numbers), _Frames(image, numbers, name).read)


def _may_have_frames(source: Path | bytes) -> bool:
    """Tell whether the first bytes are those of a format with frames; other pictures need not be opened twice."""
    if isinstance(source, bytes):
        head = source[:_HEAD]
    else:
        try:
            with source.open("rb") as stream:
                head = stream.read(_HEAD)
        except OSError:
            return False
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    is_animated_png = head[:4] == b"\x89PNG" and b"acTL" in head
    return is_webp or is_animated_png or head[:4] in (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _find_frames(image: Image.Image) -> Iterator[int]:
    """Find the numbers of the frames, from 0, without the thumbnails and masks of a TIFF."""
    count = getattr(image, "n_frames", 1)
    for number in range(count):
        if count > 1 and isinstance(image, TiffImageFile):
            image.seek(number)
            kind = image.tag_v2.get(_SUBFILE_TYPE, 0)
            if isinstance(kind, int) and kind & (_THUMBNAIL | _MASK):
                continue
        yield number


class _Frames:
    """The frames of one open file, decoded one at a time: an animation is drawn frame upon frame."""

    def __init__(self, image: Image.Image, numbers: Sequence[int], name: str) -> None:
        self._image, self._numbers, self._name, self._lock = image, numbers, name, Lock()
        weakref.finalize(self, image.close)

    def read(self, index: int) -> np.ndarray:
        """Decode a frame."""
        name = f"{self._name}#{index + 1}"
        with self._lock, translate_decoding_errors(name):
            self._image.seek(self._numbers[index])
            return convert_frame(self._image, name)
