"""Documents of several pictures: pages of a PDF or TIFF, frames of an animation, rows of a table, arrays."""

import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile

from kerascnn.images.array_files import describe_arrays, read_array_file
from kerascnn.images.decoding import Page, Picture, convert_frame, decode, translate_decoding_errors
from kerascnn.images.gif_frames import count_gif_frames
from kerascnn.images.opening import MAX_BYTES, open_file, open_image
from kerascnn.images.page_choice import PageChoice
from kerascnn.images.pdf_pages import MAX_UNNAMED_PAGES, PDF_HEAD, count_pdf_pages, draw_pdf_page, is_pdf
from kerascnn.images.pixel_tables import read_pixel_table
from kerascnn.images.stacks import convert_stacks
from kerascnn.utils.errors import DataError, ImageError

_PAGE_NAME = re.compile(r"(?P<path>.+)#(?P<number>[1-9]\d*)", re.DOTALL)
MAX_FRAMES = 10_000
"""Frames of an animation or pages of a TIFF from which a document is refused."""

_PART = 2**20  # bytes that are read of a stream at once
_APNG_HEAD = 256  # bytes within which a PNG says that it is animated
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


def list_pages(source: Picture, choice: PageChoice | None = None) -> list[Page]:
    """Divide a source into its pictures.

    Args:
        source: A picture; or a document: a PDF, a multi-page TIFF, an animated GIF, WebP or PNG, a table of
            pixels (`.csv`), an array (`.npy`, `.npz`), or one page of these by its name (`scan.tif#3`).
        choice: The numbers of the pictures that are wanted; None for all.

    Returns:
        The pictures, decoded when they are asked for; those of a document are named `scan.tif#1` and so on. What cannot
        be opened, or is no such page, is a picture that cannot be decoded.
    """
    pages = _list_all(source, MAX_UNNAMED_PAGES if choice is None else MAX_FRAMES)
    return pages if choice is None else _choose(pages, choice, name_picture(source))


def read_picture(stream: Any) -> bytes:
    """Read a picture from a stream, which may never end: no more than shows that it is none."""
    content = BytesIO()
    while content.tell() <= MAX_BYTES and (part := stream.read(_PART)):
        content.write(part)
    return content.getvalue()


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


def divide_name(name: str) -> tuple[str, int]:
    """Divide the name of a picture into that of its file and the number of its page, from 1."""
    file = find_document(name)
    return file, 1 if file == name else int(name.rpartition("#")[2])


def _list_all(source: Picture, most: int = MAX_FRAMES) -> list[Page]:
    """List the pictures of a source; a PDF of more than `most` pages is a picture that cannot be decoded."""
    if isinstance(source, Page):
        return [source]
    if isinstance(source, str | Path):
        return _list_pages_of_path(source, most)
    if hasattr(source, "read"):
        stream: Any = source
        stream.seek(0)
        return [Page("picture" + page.name[1:], page.decode) for page in _list_all(read_picture(stream), most)]
    if isinstance(source, bytes):
        if len(source) > MAX_BYTES:
            return [_refuse("-", ImageError(f"standard input has more than {MAX_BYTES:,} bytes; give a file."))]
        return _list_frames(source, "-", most) or [Page("-", lambda: decode(source, "standard input"))]
    return [Page(name_picture(source), lambda: decode(source))]


def _list_pages_of_path(path: str | Path, most: int) -> list[Page]:
    file, name = Path(path), str(path)
    document = find_document(name)
    if document != name and Path(document).is_file():
        pages, number = _list_all(document), int(name.rpartition("#")[2])
        if number > len(pages):
            return [_refuse(name, _no_such_page(document, len(pages), name))]
        return [Page(name, pages[number - 1].decode)]
    if file.suffix.lower() in _ARRAY_SUFFIXES and file.is_file():
        try:
            return _number_pages(name, *_read_images(file))
        except ImageError as error:
            return [_refuse(name, error)]
    return _list_frames(file, name, most) or [Page(name, lambda: decode(path))]


def _choose(pages: Sequence[Page], choice: PageChoice, name: str) -> list[Page]:
    """Choose pages; one that is wanted although it is not there is a picture that cannot be decoded."""
    chosen = [pages[number - 1] for number in choice.list_numbers(len(pages))]
    missing = choice.find_missing(len(pages))
    if missing is not None:
        page = f"{name}#{missing}"
        chosen.append(_refuse(page, _no_such_page(name, len(pages), page)))
    return chosen


def _no_such_page(document: str, count: int, page: str) -> ImageError:
    pictures = "1 picture" if count == 1 else f"{count:,} pictures"
    return ImageError(f"{document} has {pictures}; there is no {page}.")


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
            loaded = read_array_file(path)
            stored = loaded if isinstance(loaded, np.ndarray) else _choose_array(loaded)
            if stored.ndim == 2 and stored.shape[0] == stored.shape[1]:
                stored = stored[None]
        (images,) = convert_stacks({"it": stored})
    except DataError as error:
        raise ImageError(str(error)) from error
    # A damaged table raises almost anything.
    except Exception as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise ImageError(f"{path} holds no images that can be read ({reason}).") from error
    return len(images), lambda index: images[index]


def _choose_array(arrays: dict[str, np.ndarray]) -> np.ndarray:
    by_name = {name.lower(): name for name in arrays}
    chosen = next((by_name[name] for name in _ARRAYS if name in by_name), None)
    if chosen is None and len(arrays) != 1:
        raise ValueError(f"it has the arrays {describe_arrays(arrays)}; expected x_test or images")
    return arrays[chosen or next(iter(arrays))]


# === Frames ===


def _list_frames(source: Path | bytes, name: str, most: int) -> list[Page]:
    """List the pages of a PDF or TIFF or frames of an animation; none if it is one picture, or cannot be opened."""
    try:
        head = _read_head(source)
    # The decoder will say what is wrong with it.
    except Exception:
        return []
    if is_pdf(head):
        return _list_pdf_pages(source, name, most)
    try:
        if not _may_have_frames(head):
            return []
        with open_image(source, name) as image:
            numbers = list(_find_frames(image))
    except Exception:
        return []
    if len(numbers) > MAX_FRAMES:
        return [_refuse(name, _too_many(name))]
    return [] if len(numbers) < 2 else _number_pages(name, len(numbers), _Frames(source, numbers, name).read)


def _list_pdf_pages(source: Path | bytes, name: str, most: int) -> list[Page]:
    def draw(index: int) -> np.ndarray:
        return draw_pdf_page(source, name, index)

    try:
        count = count_pdf_pages(source, name)
    except ImageError as error:
        return [_refuse(name, error)]
    if count > MAX_FRAMES:
        return [_refuse(name, _too_many(name))]
    if count > most:
        reason = f"{name} has {count:,} pages; say which of them are wanted, such as --pages 1-{most}."
        return [_refuse(name, ImageError(reason))]
    return [Page(name, partial(draw, 0))] if count == 1 else _number_pages(name, count, draw)


def _too_many(name: str) -> ImageError:
    return ImageError(
        f"{name} has more than {MAX_FRAMES:,} pictures, which is the most that is read of a file; divide it."
    )


def _read_head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:PDF_HEAD]
    with open_file(source) as stream:
        return stream.read(PDF_HEAD)


def _may_have_frames(head: bytes) -> bool:
    """Tell whether the first bytes are those of a format with frames; other pictures need not be opened twice."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    is_animated_png = head[:4] == b"\x89PNG" and b"acTL" in head[:_APNG_HEAD]
    return is_webp or is_animated_png or head[:4] in (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _find_frames(image: Image.Image) -> Iterator[int]:
    """Find the numbers of `MAX_FRAMES` frames and one more at most, without the thumbnails and masks of a TIFF."""
    if isinstance(image, GifImageFile):
        yield from range(count_gif_frames(image.fp, MAX_FRAMES + 1) if image.fp is not None else 1)
        return
    if not isinstance(image, TiffImageFile):
        yield from range(min(getattr(image, "n_frames", 1), MAX_FRAMES + 1))
        return
    for number in range(MAX_FRAMES + 1):
        try:
            image.seek(number)
        except EOFError:
            return
        kind = image.tag_v2.get(_SUBFILE_TYPE, 0)
        if not (isinstance(kind, int) and kind & (_THUMBNAIL | _MASK)):
            yield number


class _Frames:
    """The frames of one document, decoded one at a time: an animation is drawn frame upon frame.

    The file is open from the first frame that is read to the last: a directory may have more documents than a process
    may have open files.
    """

    def __init__(self, source: Path | bytes, numbers: Sequence[int], name: str) -> None:
        self._source, self._numbers, self._name, self._lock = source, numbers, name, Lock()
        self._image: Image.Image | None = None
        self._opened = ExitStack()
        weakref.finalize(self, self._opened.close)

    def read(self, index: int) -> np.ndarray:
        """Decode a frame."""
        name = f"{self._name}#{index + 1}"
        with self._lock, translate_decoding_errors(name):
            if self._image is None:
                self._image = self._opened.enter_context(open_image(self._source, name))
            try:
                self._image.seek(self._numbers[index])
                return convert_frame(self._image, name)
            finally:
                if index + 1 == len(self._numbers):
                    self._image = None
                    self._opened.close()
