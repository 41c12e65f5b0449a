"""Arrays in memory as a data set: `(x_train, y_train), (x_test, y_test)`, as `keras.datasets` gives them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.datasets.dataset import DIGITS, Dataset, validate
from kerascnn.utils.errors import DataError

ArrayParts = Sequence[Sequence[Any]]
"""`(x_train, y_train), (x_test, y_test)`; each is an array, or what `numpy.asarray` makes one of."""

ARRAYS = "arrays"
"""The name of a data set that was given as arrays."""


def dataset_from_arrays(parts: ArrayParts, class_names: Sequence[str] | None = None) -> Dataset:
    """Make a data set of arrays.

    Args:
        parts: `(x_train, y_train), (x_test, y_test)`. Images are `(n, height, width)` or `(n, height, width, 1)`, as
            integers 0..255 or floats 0..1 or 0..255; 0 is background. Labels are integers, `(n,)` or `(n, 1)`.
        class_names: Name of each class; by default the classes are numbered.

    Returns:
        The data set.

    Raises:
        DataError: If the arrays have other shapes, types or values, or do not fit each other.

    Example:
        >>> dataset_from_arrays(keras.datasets.mnist.load_data()).image_size
        (28, 28)
    """
    try:
        (x_train, y_train), (x_test, y_test) = parts
    except (TypeError, ValueError) as error:
        raise DataError(
            "the data are neither a name, a path nor a Dataset; expected arrays (x_train, y_train), (x_test, y_test)."
        ) from error
    labels = [as_labels(y_train, "y_train"), as_labels(y_test, "y_test")]
    count = int(max(part.max(initial=0) for part in labels)) + 1
    names = tuple(map(str, range(count) if class_names is None else class_names))
    images = [_as_images(x_train, "x_train"), _as_images(x_test, "x_test")]
    preparation = "mnist" if names == DIGITS else "resize"
    return validate(Dataset(ARRAYS, images[0], labels[0], images[1], labels[1], names, preparation), "the arrays")


def _as_images(values: Any, name: str) -> np.ndarray[Any, Any]:
    """Convert images to uint8, `(n, height, width)`."""
    array = np.asarray(values)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 or array.size == 0:
        raise DataError(f"{name} has the shape {array.shape}; expected (n, height, width) or (n, height, width, 1).")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    is_number = np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    # A comparison with NaN is false.
    if not is_number or not (array.min() >= 0 and array.max() <= 255):
        raise DataError(f"{name} has the type {array.dtype} or values beyond 0..255; expected 0..255, or floats 0..1.")
    scale = 255 if np.issubdtype(array.dtype, np.floating) and array.max() <= 1 else 1
    return np.round(array * scale).astype(np.uint8)


def as_labels(values: Any, name: str) -> np.ndarray[Any, Any]:
    """Convert integers, `(n,)` or `(n, 1)`, to labels, int64, `(n,)`; `name` is their name in the error message."""
    array = np.asarray(values)
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1 or not np.issubdtype(flat.dtype, np.integer):
        raise DataError(f"{name} has the shape {array.shape} and type {array.dtype}; expected integers of shape (n,).")
    return flat.astype(np.int64)
