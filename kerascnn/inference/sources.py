"""Sources of pictures: files, directories, standard input, and pictures that are in memory already."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from kerascnn.images.decoding import Picture, decode
from kerascnn.utils.errors import ImageError
from kerascnn.utils.outputs import list_written

STANDARD_INPUT = "-"
"""Stands for the picture on standard input wherever a path is expected."""

OnError = Callable[[str, ImageError], None]
"""Called with the name of a picture that cannot be read, and the reason; the other pictures go on."""

DRAWINGS = "drawings"
"""Kind of the files that show how pictures were read (`kerascnn.utils.outputs`)."""

_USUAL_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif",
    ".tiff", ".webp",
}  # fmt: skip


def expand_directories(arguments: Sequence[str], output: str | None = None) -> list[str]:
    """Replace each directory by the pictures below it, in alphabetical order.

    A named file stands for itself, whatever it is. In a directory, hidden files are left out, and so are files that
    neither end like a picture nor are one, and what an earlier run drew in the directory `output`.

    Raises:
        ImageError: If a directory holds no picture.
    """
    sources: list[str] = []
    drawn = _drawings(output)
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT or not path.is_dir():
            sources.append(argument)
            continue
        members = (member for member in sorted(path.rglob("*")) if member.resolve() not in drawn)
        found = [str(member) for member in members if _is_picture(member, path)]
        if not found:
            raise ImageError(
                f"{argument} holds no pictures; give a directory with picture files, or the files themselves."
            )
        sources += found
    return sources


def name_picture(source: Picture) -> str:
    """Return the name of a picture in results: its path, `-` for encoded bytes, `picture` for one in memory."""
    if isinstance(source, bytes):
        return STANDARD_INPUT
    return str(source) if isinstance(source, str | Path) else "picture"


def open_picture(source: Picture) -> np.ndarray:
    """Decode a picture, `-` for standard input included, into uint8 `(height, width)` or `(height, width, 3)` in RGB.

    Every picture that this package predicts, reads or explains is opened here.

    Raises:
        ImageError: If the picture cannot be read.
    """
    source = read_standard_input(source)
    return decode(source, "standard input" if isinstance(source, bytes) else None)


def read_standard_input(source: Picture) -> Picture:
    """Replace `-` by the bytes on standard input; leave every other source as it is."""
    return sys.stdin.buffer.read() if isinstance(source, str) and source == STANDARD_INPUT else source


def open_pictures(sources: Iterable[Picture], on_error: OnError) -> Iterator[tuple[str, np.ndarray]]:
    """Decode pictures one after the other into their names and arrays; those that cannot be read go to `on_error`."""
    for source in sources:
        name = name_picture(source)
        try:
            array = open_picture(source)
        except ImageError as error:
            on_error(name, error)
        else:
            yield name, array


def _drawings(output: str | None) -> set[Path]:
    if output is None:
        return set()
    directory = Path(output).resolve()
    return {directory / name for name in list_written(directory, DRAWINGS)}


def _is_picture(path: Path, root: Path) -> bool:
    if any(part.startswith(".") for part in path.relative_to(root).parts) or not path.is_file():
        return False
    if path.suffix.lower() in _USUAL_SUFFIXES:
        return True
    try:
        with Image.open(path):
            return True
    except UnidentifiedImageError:
        return False
    # A damaged picture is a picture; the decoder will say what is wrong with it.
    except Exception:
        return True
