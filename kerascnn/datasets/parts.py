"""The parts of a data set, as directories, files and arrays name them, and the data set that they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from kerascnn.datasets.dataset import DIGITS, TEST_SHARE_OF_UNDIVIDED_DATA, Dataset
from kerascnn.datasets.split import stratified_split
from kerascnn.datasets.stored_images import Images, collect_images, read_in_chunks, select_images, take_some
from kerascnn.utils.errors import DataError

TRAIN, VALIDATION, TEST = "training", "validation", "test"

_WORDS = {
    TRAIN: {"train", "training", "trn"},
    VALIDATION: {"val", "valid", "validation", "validate", "dev"},
    TEST: {"test", "testing", "tst", "t10k"},
}

Note = Callable[[str], None]
"""Called with a sentence that a user should know of the data."""


_BLACK = 8  # the brightest grey level that still is black


class Part(NamedTuple):
    """Images of one part, uint8 `(n, height, width)`, and their labels, int64 `(n,)`."""

    images: Images
    labels: np.ndarray


def ignore_note(text: str) -> None:
    """Receive a note that nobody asked for."""


@dataclass(frozen=True)
class Reading:
    """How data are read.

    Args:
        name: Name of the data set.
        seed: Random seed of a division.
        preparation: Preparation of the pictures that was asked for; None to choose it by the classes.
        note: Called with what is worth knowing of the data.
    """

    name: str
    seed: int = 0
    preparation: str | None = None
    note: Note = ignore_note


def find_part(name: str) -> str | None:
    """Find the part that a name means, in any capitals: `val`, `Valid` and `validation` alike; None if it is none."""
    return next((part for part, words in _WORDS.items() if name.lower() in words), None)


def choose_preparation(class_names: tuple[str, ...], reading: Reading, *, numbered: Images | None = None) -> str:
    """Choose the preparation: the one that was asked for; by default `mnist` where the classes are digits.

    Args:
        class_names: Names of the classes.
        reading: How the data are read.
        numbered: Images of classes that have numbers and no names. They are digits if they are all ten, or if the
            images look like digits that are prepared already: light on black.
    """
    if reading.preparation is not None:
        return reading.preparation
    if class_names == DIGITS or (numbered is None and set(class_names) <= set(DIGITS)):
        return "mnist"
    if numbered is None or not set(class_names) <= {*DIGITS, "10"} or not _are_light_on_black(numbered):
        return "resize"
    reading.note(
        f"{reading.name}: the classes {', '.join(class_names)} are taken for digits, so that pictures will be prepared "
        "as MNIST's were; --preparation resize is for other things."
    )
    return "mnist"


def assemble(
    parts: Mapping[str, Part],
    class_names: tuple[str, ...],
    preparation: str,
    reading: Reading,
    outliers: Images | None = None,
) -> Dataset:
    """Make a data set of the parts that there are.

    A validation part stays one. Without a test part, one sixth of the training part is held out, stratified by seed.

    Raises:
        DataError: If there is no training part, or a class is too small to be divided.
    """
    if TRAIN not in parts:
        raise DataError(f"{reading.name} has no training part, only {' and '.join(parts)}; expected one named 'train'.")
    train, test = parts[TRAIN], parts.get(TEST)
    if test is None:
        kept, held_out = stratified_split(train.labels, TEST_SHARE_OF_UNDIVIDED_DATA, reading.seed, class_names)
        reading.note(
            f"{reading.name} has no test part; {len(held_out):,} of {len(train.labels):,} images are held out as one."
        )
        test = Part(select_images(train.images, held_out), train.labels[held_out])
        train = Part(select_images(train.images, kept), train.labels[kept])
    validation = parts.get(VALIDATION)
    if validation is None:
        return Dataset(reading.name, *train, *test, class_names, preparation, outliers)
    size = train.images.shape[1:]
    if validation.images.shape[1:] != size:
        raise DataError(
            f"{reading.name}: training images have the shape {size}, validation images {validation.images.shape[1:]}; "
            "they must be equal."
        )
    joined = collect_images(chain(read_in_chunks(train.images), read_in_chunks(validation.images)), (size[0], size[1]))
    labels = np.concatenate([train.labels, validation.labels])
    return Dataset(
        reading.name, joined, labels, *test, class_names, preparation, outliers, num_validation=len(validation.labels)
    )


def _are_light_on_black(images: Images) -> bool:
    some = take_some(images, 200)
    edges = np.concatenate([some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]], axis=1)
    black = (np.median(edges, axis=1) <= _BLACK) & (np.median(some, axis=(1, 2)) <= _BLACK)
    return bool(black.mean() > 0.9)
