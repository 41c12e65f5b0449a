"""`.npz` files in the layout of `keras.datasets`: `x_train`, `y_train`, `x_test`, `y_test`."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from kerascnn.datasets.arrays import as_labels
from kerascnn.datasets.dataset import DIGITS, Dataset
from kerascnn.utils.errors import DataError

_KEYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> Dataset:
    """Read an `.npz` in Keras's layout.

    Args:
        path: File with `x_train`, `x_test` of integers 0..255 and shape (n, height, width), (n, height, width, 1)
            or (n, height, width, 3), and `y_train`, `y_test` of shape (n,) or (n, 1); optionally `class_names`, and
            `outliers`, images of none of the classes.

    Returns:
        The data set; colour is turned into grey.

    Raises:
        DataError: If the file is damaged, or an array is missing or has another shape or type.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _KEYS if key not in archive]
            if missing:
                raise DataError(
                    f"{path} has no array {missing[0]!r}; expected the four arrays {', '.join(_KEYS)} (Keras's layout)."
                )
            arrays = {key: archive[key] for key in _KEYS}
            names = tuple(str(name) for name in archive["class_names"]) if "class_names" in archive else None
            outliers = archive.get("outliers")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
        raise DataError(f"{path} cannot be read as an .npz file: {error}.") from error
    labels = {key: as_labels(arrays[key], f"{path}: {key}") for key in ("y_train", "y_test")}
    if names is None:
        count = int(max(array.max(initial=0) for array in labels.values())) + 1
        names = tuple(str(index) for index in range(count))
    images = {key: _images(arrays[key], key, path) for key in ("x_train", "x_test")}
    train, test = (images["x_train"], labels["y_train"]), (images["x_test"], labels["y_test"])
    outliers = None if outliers is None else _images(outliers, "outliers", path)
    return Dataset(path.stem, *train, *test, names, "mnist" if names == DIGITS else "resize", outliers)


def _images(array: np.ndarray, key: str, path: Path) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.integer) or array.size == 0 or array.min() < 0 or array.max() > 255:
        raise DataError(f"{path}: {key} has the type {array.dtype}; expected a non-empty array of integers 0..255.")
    if array.ndim == 4 and array.shape[-1] == 3:
        grey: np.ndarray = array @ np.array([0.299, 0.587, 0.114])
        return np.round(grey).astype(np.uint8)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise DataError(
            f"{path}: {key} has the shape {array.shape}; expected (n, height, width) or (n, height, width, 1 or 3)."
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
