"""The pictures that a command line names: files, directories, standard input."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from kerascnn.images.decoding import decode
from kerascnn.utils.errors import ImageError
from kerascnn.utils.outputs import written_names

STANDARD_INPUT = "-"

DRAWINGS = "drawings"
"""Kind of the files that show how pictures were read (`kerascnn.utils.outputs`)."""

_USUAL_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif",
    ".tiff", ".webp",
}  # fmt: skip


def expand_directories(arguments: Sequence[str], output: str | None = None) -> list[str]:
    """Replace each directory by the pictures below it.

    A file that is named stands for itself, whatever it is. In a directory, hidden files are left out, and so are files
    that neither end like a picture nor are one.

    Args:
        arguments: paths as given, or `-`.
        output: Directory of drawings. What an earlier run drew there is not read again.

    Returns:
        Paths below each directory in alphabetical order, and the other arguments as they are.

    Raises:
        ImageError: if a directory holds no picture.
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


def decoded(
    sources: Iterable[str | Path | bytes], on_error: Callable[[str, ImageError], None]
) -> Iterator[tuple[str, np.ndarray]]:
    """Decode pictures one after the other.

    Args:
        sources: paths, or the encoded bytes of a picture.
        on_error: called with the name of a picture that cannot be read, and why; the others go on.

    Yields:
        Name (the path as given, `-` for bytes) and array, as of `kerascnn.images.decoding`.
    """
    for source in sources:
        name = STANDARD_INPUT if isinstance(source, bytes) else str(source)
        try:
            array = decode(source, "standard input" if isinstance(source, bytes) else name)
        except ImageError as error:
            on_error(name, error)
        else:
            yield name, array


def _drawings(output: str | None) -> set[Path]:
    if output is None:
        return set()
    directory = Path(output).resolve()
    return {directory / name for name in written_names(directory, DRAWINGS)}


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
    # A picture after all, but a damaged one: that is for the decoder to say.
    except Exception:
        return True
