"""The picture files below a directory, without what file managers and other programs leave there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kerascnn.images.opening import is_picture
from kerascnn.utils.locks import PREFIX
from kerascnn.utils.outputs import find_drawn
from kerascnn.utils.png import is_own_png

_USUAL_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pdf", ".pgm", ".png", ".pnm", ".ppm",
    ".tga", ".tif", ".tiff", ".webp",
}  # fmt: skip
# Written by Windows, macOS and network drives.
_LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}
# Beginnings of hidden names that are nobody's pictures: what macOS keeps beside each file, and what we are writing.
_NO_PICTURES = ("._", PREFIX)


@dataclass(frozen=True)
class FoundPictures:
    """The pictures below a directory, in alphabetical order.

    Args:
        paths: What ends like a picture, or is one.
        hidden: What ends like a picture and is hidden, or in a hidden directory: it is passed over.
    """

    paths: Sequence[Path]
    hidden: Sequence[Path]


def find_picture_files(directory: Path) -> FoundPictures:
    """Find the pictures below a directory.

    Hidden files and what file managers leave are passed over, and so is what kerascnn drew there to show results.
    """
    find_results = cache(find_drawn)  # of each directory, once

    def is_result(path: Path) -> bool:
        above = list(path.relative_to(directory).parents)
        return any(path in find_results(directory / parent) for parent in above) or _is_learning_curve(path)

    files = sorted(directory.rglob("*"))
    paths = [path for path in files if _is_picture_file(path, directory) and not is_result(path)]
    return FoundPictures(paths, [path for path in files if _is_hidden_picture(path, directory)])


def describe_hidden(hidden: Sequence[Path]) -> str:
    """Say how many pictures were passed over because they are hidden."""
    pictures = "1 hidden picture is" if len(hidden) == 1 else f"{len(hidden):,} hidden pictures are"
    return f"{pictures} left out ({hidden[0]}{', ...' if len(hidden) > 1 else ''}); names that begin with a dot hide."


def is_litter(name: str) -> bool:
    """Tell whether a file or directory of this name is hidden, or was left by a file manager."""
    return name.startswith(".") or name.lower() in _LITTER


def _is_learning_curve(path: Path) -> bool:
    """Tell whether a picture is that of a training, beside the model of its name."""
    return path.suffix == ".png" and path.with_suffix(".keras").is_file() and is_own_png(path)


def _is_picture_file(path: Path, root: Path) -> bool:
    if any(map(is_litter, path.relative_to(root).parts)) or not path.is_file():
        return False
    return path.suffix.lower() in _USUAL_SUFFIXES or is_picture(path)


def _is_hidden_picture(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    is_known = any(part.lower() in _LITTER or part.startswith(_NO_PICTURES) for part in parts)
    is_hidden = any(part.startswith(".") for part in parts)
    return is_hidden and not is_known and path.suffix.lower() in _USUAL_SUFFIXES and path.is_file()
