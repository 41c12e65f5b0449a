"""`.npz` files in the layouts of `keras.datasets` (`x_train`, `y_train`, ...) and MedMNIST (`train_images`, ...)."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets.arrays import convert_arrays
from kerascnn.datasets.dataset import Dataset
from kerascnn.datasets.parts import TRAIN, Reading, find_part
from kerascnn.images.array_files import describe_arrays, read_array_file
from kerascnn.utils.errors import DataError

_IMAGES = {"x", "image", "images", "data", "features"}
_LABELS = {"y", "label", "labels", "target", "targets"}
_COUNTERPARTS = (("x", "y"), ("images", "labels"), ("image", "label"), ("data", "target"), ("features", "labels"))


def read_npz(path: Path, reading: Reading) -> Dataset:
    """Read an `.npz` file.

    Args:
        path: File with images and labels as `dataset_from_arrays` takes them, for each part by names such as `x_train`
            and `y_train`, or `train_images` and `train_labels`; `val` and `test` alike, which may be missing.
            Optionally `class_names`, and `outliers`, images of none of the classes.
        reading: How the data are read.

    Returns:
        The data set; colour is turned into grey.

    Raises:
        DataError: If the file is damaged, or an array is missing or has another shape or type.
    """
    arrays = read_array_file(path)
    if not isinstance(arrays, dict):
        raise DataError(f"{path} cannot be read as an .npz file: it is a single array; store images and labels in one.")
    names, outliers = arrays.pop("class_names", None), arrays.pop("outliers", None)
    images, labels = _sort_arrays(arrays)
    if not images:
        raise DataError(
            f"{path} has the arrays {describe_arrays(arrays)}; expected x_train and y_train, or train_images and "
            "train_labels."
        )
    for part, name in images.items():
        if part not in labels:
            raise DataError(f"{path} has {name!r} but no array {_name_labels(name)!r}; the images need labels.")
    parts = {part: ((name, arrays[name]), (labels[part], arrays[labels[part]])) for part, name in images.items()}
    class_names = None if names is None else [str(name) for name in np.atleast_1d(names).ravel()]
    return convert_arrays(parts, class_names, reading, str(path), outliers)


def _sort_arrays(arrays: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Find the names of the images and labels of each part; arrays that are named after no part are for training."""
    images: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name in arrays:
        words = re.findall("[a-z]+", name.lower())
        part = next(filter(None, map(find_part, words)), TRAIN)
        for kind, found in ((_IMAGES, images), (_LABELS, labels)):
            if kind & set(words):
                found.setdefault(part, name)
    return images, labels


def _name_labels(images: str) -> str:
    """Return what the labels of these images would be called, such as `y_train` for `x_train`."""
    for word, counterpart in _COUNTERPARTS:
        if word in re.findall("[a-z]+", images.lower()):
            return re.sub(rf"(?<![a-z]){word}(?![a-z])", counterpart, images.lower())
    return "y"
