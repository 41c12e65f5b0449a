"""Class folders: directories with one sub-directory of pictures for each class."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from kerascnn.datasets.dataset import DIGITS, TEST_SHARE_OF_UNDIVIDED_DATA, Dataset
from kerascnn.datasets.split import stratified_split
from kerascnn.datasets.stored_images import Images, collect_images, select_images
from kerascnn.images.decoding import decode
from kerascnn.images.normalization import prepare_image
from kerascnn.utils.errors import DataError, ImageError

_IMAGE_SIZE = 28
_DECODING_THREADS = 2
_BATCH_SIZE = 1024  # pictures


def read_class_folder(directory: Path, seed: int, preparation: str | None = None) -> Dataset:
    """Read pictures that are sorted into one sub-directory for each class, as images of 28x28 pixels.

    Args:
        directory: Directory with `CLASS/picture`, or with `train/CLASS/picture` and `test/CLASS/picture`.
        seed: Random seed of the stratified division where there is no `train/` and `test/`.
        preparation: Preparation of the pictures, `mnist` or `resize`; by default `mnist` where the classes are the ten
            digits, else `resize`.

    Raises:
        DataError: If a class is empty, a picture unreadable, or `train/` and `test/` have different classes.
    """
    divided = (directory / "train").is_dir() and (directory / "test").is_dir()
    roots = [directory / "train", directory / "test"] if divided else [directory]
    class_names = _class_names(roots)
    preparation = preparation or ("mnist" if class_names == DIGITS else "resize")
    parts = [_read_part(root, class_names, preparation) for root in roots]
    if not divided:
        images, labels = parts[0]
        train, test = stratified_split(labels, TEST_SHARE_OF_UNDIVIDED_DATA, seed)
        parts = [(select_images(images, chosen), labels[chosen]) for chosen in (train, test)]
    return Dataset(directory.resolve().name, *parts[0], *parts[1], class_names, preparation)


def _class_names(roots: Sequence[Path]) -> tuple[str, ...]:
    by_root = [
        {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")} for root in roots
    ]
    if not by_root[0]:
        raise DataError(f"{roots[0]} has no sub-directories; expected one directory of pictures a class.")
    for root, names in zip(roots[1:], by_root[1:], strict=True):
        if names != by_root[0]:
            odd = sorted(names ^ by_root[0])[0]
            raise DataError(f"{root} and {roots[0]} must have the same classes, but {odd!r} is in one of them only.")
    # Numbers in numerical order, so that class 10 comes after class 9.
    return tuple(sorted(by_root[0], key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)))


def _read_part(root: Path, class_names: Sequence[str], preparation: str) -> tuple[Images, np.ndarray]:
    counts: list[int] = []
    size = (_IMAGE_SIZE, _IMAGE_SIZE)

    def batches() -> Iterator[np.ndarray]:
        for name in class_names:
            paths = sorted(str(path) for path in (root / name).rglob("*") if _is_picture(path))
            if not paths:
                raise DataError(f"{root / name} is empty; a class needs pictures, or remove its directory.")
            counts.append(len(paths))
            yield from _prepare_in_batches(paths, preparation, size)

    return collect_images(batches(), size), np.repeat(np.arange(len(class_names)), counts)


def _is_picture(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _prepare_in_batches(paths: Sequence[str], preparation: str, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Prepare the pictures in batches, so that the memory needed does not grow with their number."""
    prepare = partial(_prepare_image, preparation=preparation, size=size)
    with ThreadPoolExecutor(_DECODING_THREADS) as threads:
        for start in range(0, len(paths), _BATCH_SIZE):
            yield np.stack(list(threads.map(prepare, paths[start : start + _BATCH_SIZE])))


def _prepare_image(path: str, preparation: str, size: tuple[int, int]) -> np.ndarray:
    try:
        return prepare_image(decode(path), preparation, size).pixels
    except ImageError as error:
        raise DataError(f"{error} Remove or replace it.") from error
