"""Open picture files: of the formats that are named here alone, told by their content, and only regular files.

Pillow knows many more formats, and starts another program for one of them (Ghostscript for EPS). What is not named here
is no picture, whatever its name ends with.
"""

import errno
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from PIL import Image, TgaImagePlugin, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from kerascnn.utils.errors import ImageError

# Importing a plugin registers its format, and so do these; for a format that is not registered Pillow would import all
# plugins. The others of this list are registered by Pillow itself.
_REGISTERED = (TiffImagePlugin.TiffImageFile, WebPImagePlugin.WebPImageFile, TgaImagePlugin.TgaImageFile)

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", *(str(plugin.format) for plugin in _REGISTERED))
"""The formats that are decoded, beside AVIF and HEIC; multi-picture JPEG files are JPEG."""

MAX_PIXELS = 120_000_000
"""Pictures with more pixels are refused before they are decoded; phones make 12 to 108 million."""

MAX_BYTES = 4 * MAX_PIXELS
"""Bytes from which a picture on standard input is refused: no picture within `MAX_PIXELS` needs more."""

# Decoders that hold the whole picture several times: the most pixels are fewer, so that the memory is the same.
_COPYING_FORMATS = {"WEBP", "AVIF"}  # HEIC is decoded by another library
_DRAWN_OVER = {"GIF", "PNG"}  # animations, whose last frames are kept
_COPIES = 2
_LARGE = MAX_PIXELS // 8  # pixels, from which pictures are decoded one at a time
# libtiff maps a file into memory, and the process dies if another program makes the file shorter then: a file that is
# not large is read first.
_MAPPED = 64 * 2**20
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# The brands that an AVIF, HEIC or HEIF file names after the first eight bytes; some may be either.
_AVIF_BRANDS = {b"avif", b"avis", b"mif1", b"msf1"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_decoding_large = threading.Lock()


def open_file(path: Path) -> io.BufferedReader | io.BytesIO:
    """Open a file for reading; a device or a pipe, which may never end, is refused.

    Raises:
        ImageError: If it is no regular file; OSError if it cannot be opened.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise ImageError(f"{path} is a link to itself; give the file that it should lead to.") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ImageError(f"{path} is no file, but a device or a pipe; give a file, or - for standard input.")
    file = path.open("rb")
    if os.fstat(file.fileno()).st_size == 0 and not _can_be_read(file):
        file.close()
        raise ImageError(f"{path} is no file that is stored, but one that the system makes up; give a picture.")
    if file.peek(4)[:4] not in _TIFF_MAGIC or os.fstat(file.fileno()).st_size > _MAPPED:
        return file
    with file:
        return io.BytesIO(file.read())


def _can_be_read(file: io.BufferedReader) -> bool:
    try:
        file.peek(1)
        return True
    except OSError:
        return False


@contextmanager
def open_image(source: Any, name: str) -> Iterator[Image.Image]:
    """Open a picture without decoding it.

    Args:
        source: A path, encoded bytes or a binary file.
        name: Name of the picture in an error message.

    Yields:
        The picture, with `MAX_PIXELS` pixels at most.

    Raises:
        ImageError: If it is too large, or needs a decoder that is not installed; almost anything if it is damaged.
    """
    is_path = isinstance(source, str | Path)
    stream: Any = open_file(Path(source)) if is_path else io.BytesIO(source) if isinstance(source, bytes) else source
    with stream if is_path else nullcontext(), warnings.catch_warnings():
        # What Pillow warns of is refused, or does not matter.
        warnings.simplefilter("ignore")
        # Not by its name: Pillow maps a named file into memory.
        with _identify(stream, name) as image:
            refuse_if_too_large(image, name)
            yield image


def refuse_if_too_large(image: Image.Image, name: str) -> None:
    """Raise ImageError if a picture has too many pixels, before it is decoded."""
    is_drawn_over = image.format in _DRAWN_OVER and getattr(image, "is_animated", False)
    is_copied = image.format in _COPYING_FORMATS or is_drawn_over
    limit = MAX_PIXELS // _COPIES if is_copied else MAX_PIXELS
    if image.width * image.height > limit:
        raise too_large(name, limit)


def too_large(name: str, limit: int = MAX_PIXELS) -> ImageError:
    """Make the error of a picture that has too many pixels."""
    return ImageError(f"{name} has more than {limit:,} pixels, which is the most that is read; shrink or crop it.")


def take_turns(image: Image.Image) -> AbstractContextManager[Any]:
    """Return a context in which large pictures are decoded one at a time, others at once."""
    return _decoding_large if image.width * image.height > _LARGE else nullcontext()


def is_picture(path: Path) -> bool:
    """Tell whether a file has the content of a picture, which may be damaged."""
    try:
        with open_image(path, str(path)):
            return True
    except UnidentifiedImageError:
        return False
    # A damaged picture is a picture; the decoder will say what is wrong with it.
    except Exception:
        return True


def _identify(stream: Any, name: str) -> Image.Image:
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        stream.seek(0)
        head = stream.read(12)
        stream.seek(0)
        brand = head[8:12] if head[4:8] == b"ftyp" else b""
        if brand in _AVIF_BRANDS:
            with suppress(UnidentifiedImageError):
                return _identify_avif(stream)
            stream.seek(0)
        if brand not in _HEIC_BRANDS:
            raise
    return _open_heic(stream, name)


def _identify_avif(stream: Any) -> Image.Image:
    from PIL import AvifImagePlugin  # a large library, which few pictures need

    return Image.open(stream, formats=[AvifImagePlugin.AvifImageFile.format])


def _open_heic(stream: Any, name: str) -> Image.Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"{name} is a HEIC picture, which needs pillow-heif; pip install 'kerascnn[documents]' adds it."
        ) from error
    # Pillow's list of formats is left as it is: what other programs of the process open does not change.
    file = pillow_heif.open_heif(stream)
    if file.size[0] * file.size[1] > MAX_PIXELS // _COPIES:
        raise too_large(name, MAX_PIXELS // _COPIES)
    image: Image.Image = file.to_pillow()
    return image
