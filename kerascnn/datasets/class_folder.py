"""Class folders: directories with one sub-directory of pictures for each class."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from kerascnn.datasets.class_names import sort_names
from kerascnn.datasets.dataset import Dataset
from kerascnn.datasets.parts import TRAIN, Part, Reading, assemble, choose_preparation, find_part
from kerascnn.datasets.stored_images import collect_images
from kerascnn.images.decoding import Page
from kerascnn.images.documents import list_pages
from kerascnn.images.normalization import prepare_image
from kerascnn.images.picture_files import describe_hidden, find_picture_files, is_litter
from kerascnn.utils.errors import DataError, ImageError

_IMAGE_SIZE = 28
_DECODING_THREADS = 2
_BATCH_SIZE = 1024  # pictures
_MOST_DAMAGED = 0.1  # share of the pictures from which they are refused instead of left out
_NAMED = 5  # damaged pictures that a note names


def read_class_folder(directory: Path, reading: Reading) -> Dataset:
    """Read pictures that are sorted into one sub-directory for each class, as images of 28x28 pixels.

    Hidden files, what file managers leave and what is no picture are passed over; damaged pictures are left out with a
    note. Each picture of a document, such as a multi-page TIFF, is one by itself.

    Args:
        directory: Directory with `CLASS/picture`, or with the same below `train/`, and `val/` or `test/` (also
            `training`, `valid`, `validation`, `testing`, in any capitals).
        reading: How the data are read.

    Raises:
        DataError: If a class is empty, more than a tenth of the pictures damaged, or a class not among those of
            `train/`.
    """
    roots = _find_parts(directory, reading)
    class_names = _find_classes(roots)
    preparation = choose_preparation(class_names, reading)
    damaged = _Damaged()
    hidden: list[Path] = []
    parts = {part: _read_part(root, class_names, preparation, damaged, hidden) for part, root in roots.items()}
    damaged.report(directory, sum(len(part.labels) for part in parts.values()), reading)
    if hidden:
        reading.note(describe_hidden(hidden))
    return assemble(parts, class_names, preparation, reading)


@dataclass
class _Damaged:
    """The pictures that cannot be decoded: their number, and why the first ones cannot."""

    count: int = 0
    reasons: list[str] = field(default_factory=list)

    def add(self, error: ImageError) -> None:
        """Count a picture."""
        self.count += 1
        if len(self.reasons) < _NAMED:
            self.reasons.append(str(error).rstrip("."))

    def report(self, directory: Path, num_read: int, reading: Reading) -> None:
        """Note what is left out; raise DataError if it is too much."""
        if not self.count:
            return
        named = "; ".join(self.reasons) + ("; ..." if self.count > len(self.reasons) else "")
        are = "is" if self.count == 1 else "are"
        text = f"{directory}: {self.count:,} of {self.count + num_read:,} pictures {are} damaged"
        if self.count > _MOST_DAMAGED * (self.count + num_read):
            raise DataError(f"{text}, which is more than a tenth: {named}. Remove or replace them.")
        reading.note(f"{text} and left out: {named}.")


def list_directories(directory: Path) -> list[Path]:
    """List the sub-directories, in alphabetical order, without those that are hidden or left by a file manager."""
    return sorted(path for path in directory.iterdir() if path.is_dir() and not is_litter(path.name))


def _find_parts(directory: Path, reading: Reading) -> dict[str, Path]:
    """Find the directory of each part; the whole directory is for training if it is not divided."""
    named = [(find_part(path.name), path) for path in list_directories(directory)]
    if not any(part == TRAIN for part, _ in named) or not all(part for part, _ in named):
        return {TRAIN: directory}
    roots: dict[str, Path] = {}
    for part, path in named:
        if part is None or (part != TRAIN and not list_directories(path)):
            reading.note(f"{path} has no sub-directory for each class: it is left out.")
        elif roots.setdefault(part, path) != path:
            raise DataError(f"{roots[part]} and {path} both are the {part} part; put one of them elsewhere.")
    return roots


def _find_classes(roots: dict[str, Path]) -> tuple[str, ...]:
    by_part = {part: {path.name for path in list_directories(root)} for part, root in roots.items()}
    known = by_part[TRAIN]
    if not known:
        raise DataError(f"{roots[TRAIN]} has no sub-directories; expected one directory of pictures a class.")
    for part, names in by_part.items():
        if not names <= known:
            odd = sorted(names - known)[0]
            raise DataError(
                f"{roots[part]} and {roots[TRAIN]} must have the same classes, but {odd!r} is in the former only."
            )
    return sort_names(list(known))


def _read_part(root: Path, class_names: Sequence[str], preparation: str, damaged: _Damaged, hidden: list[Path]) -> Part:
    counts: list[int] = []
    size = (_IMAGE_SIZE, _IMAGE_SIZE)

    def batches() -> Iterator[np.ndarray]:
        for name in class_names:
            found = find_picture_files(root / name)
            hidden.extend(found.hidden)
            pages = [page for path in found.paths for page in list_pages(str(path))]
            if not pages and (root / name).is_dir():
                raise DataError(f"{root / name} is empty; a class needs pictures, or remove its directory.")
            counts.append(0)
            for images in _prepare_in_batches(pages, preparation, size, damaged):
                counts[-1] += len(images)
                yield images
            if pages and not counts[-1]:
                raise DataError(f"{root / name}: no picture can be decoded: {damaged.reasons[-1]}. Replace them.")

    return Part(collect_images(batches(), size), np.repeat(np.arange(len(class_names)), counts))


def _prepare_in_batches(
    pages: Sequence[Page], preparation: str, size: tuple[int, int], damaged: _Damaged
) -> Iterator[np.ndarray]:
    """Prepare the pictures in batches, so that the memory needed does not grow with their number."""
    prepare = partial(_prepare_image, preparation=preparation, size=size)
    with ThreadPoolExecutor(_DECODING_THREADS) as threads:
        for start in range(0, len(pages), _BATCH_SIZE):
            images = []
            for result in threads.map(prepare, pages[start : start + _BATCH_SIZE]):
                if isinstance(result, ImageError):
                    damaged.add(result)
                else:
                    images.append(result)
            if images:
                yield np.stack(images)


def _prepare_image(page: Page, preparation: str, size: tuple[int, int]) -> np.ndarray | ImageError:
    try:
        return prepare_image(page.decode(), preparation, size).pixels
    except ImageError as error:
        return error
