"""The picture files below a directory, without what file managers and other programs leave there."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kerascnn.images.opening import is_picture
from kerascnn.utils.outputs import find_drawn
from kerascnn.utils.png import is_own_png

_USUAL_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pdf", ".pgm", ".png", ".pnm", ".ppm",
    ".tga", ".tif", ".tiff", ".webp",
}  # fmt: skip
# Written by Windows, macOS and network drives; names that begin with a dot are passed over without being listed.
_LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}


def find_picture_files(directory: Path) -> Iterator[Path]:
    """Find the pictures below a directory, in alphabetical order: what ends like a picture, or is one.

    Hidden files and what file managers leave are passed over, and so is what kerascnn drew there to show results.
    """
    find_results = cache(find_drawn)  # of each directory, once

    def is_result(path: Path) -> bool:
        above = list(path.relative_to(directory).parents)
        return any(path in find_results(directory / parent) for parent in above) or _is_learning_curve(path)

    return (path for path in sorted(directory.rglob("*")) if _is_picture_file(path, directory) and not is_result(path))


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
