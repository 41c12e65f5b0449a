"""The picture files below a directory, without what file managers and other programs leave there."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_USUAL_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga",
    ".tif", ".tiff", ".webp",
}  # fmt: skip
# Written by Windows, macOS and network drives; names that begin with a dot are passed over without being listed.
_LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}


def find_picture_files(directory: Path) -> Iterator[Path]:
    """Find the pictures below a directory, in alphabetical order: what ends like a picture, or is one.

    Hidden files and what file managers leave are passed over.
    """
    return (path for path in sorted(directory.rglob("*")) if _is_picture_file(path, directory))


def is_litter(name: str) -> bool:
    """Tell whether a file or directory of this name is hidden, or was left by a file manager."""
    return name.startswith(".") or name.lower() in _LITTER


def _is_picture_file(path: Path, root: Path) -> bool:
    if any(map(is_litter, path.relative_to(root).parts)) or not path.is_file():
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
