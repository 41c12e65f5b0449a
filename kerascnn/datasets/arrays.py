"""Arrays in memory as a data set: `(x_train, y_train), (x_test, y_test)`, as `keras.datasets` gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascnn.datasets.dataset import Dataset, validate
from kerascnn.datasets.labels import index_labels
from kerascnn.datasets.parts import TEST, TRAIN, Part, Reading, assemble, choose_preparation
from kerascnn.images.stacks import convert_stacks
from kerascnn.utils.errors import DataError

ArrayParts = Sequence[Sequence[Any]]
"""`(x_train, y_train), (x_test, y_test)`; each is an array, or what `numpy.asarray` makes one of."""

ARRAYS = "arrays"
"""The name of a data set that was given as arrays."""

NamedArray = tuple[str, Any]
"""An array with the name that error messages have for it."""


def dataset_from_arrays(
    parts: ArrayParts, class_names: Sequence[str] | None = None, reading: Reading | None = None
) -> Dataset:
    """Make a data set of arrays.

    Args:
        parts: `(x_train, y_train), (x_test, y_test)`. Images are `(n, height, width)`, with 1 or 3 channels behind or
            before height and width, or `(n, height * width)` of square images; integers 0..255 or floats 0..1 or
            0..255; 0 is background. Labels are integers or words, `(n,)` or `(n, 1)`, or one-hot.
        class_names: Name of each class; by default the classes are those that occur.
        reading: How the data are read; by default with the seed 0.

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
    named = {
        TRAIN: (("x_train", x_train), ("y_train", y_train)),
        TEST: (("x_test", x_test), ("y_test", y_test)),
    }  # fmt: skip
    return validate(convert_arrays(named, class_names, reading or Reading(ARRAYS), "the arrays"), "the arrays")


def convert_arrays(
    parts: Mapping[str, tuple[NamedArray, NamedArray]],
    class_names: Sequence[str] | None,
    reading: Reading,
    source: str,
    outliers: Any = None,
) -> Dataset:
    """Convert arrays as people have them into a data set.

    Args:
        parts: Images and labels of each part, as `dataset_from_arrays` takes them.
        class_names: Name of each class; None for those that occur.
        reading: How the data are read.
        source: Path or name, for the error message.
        outliers: Images of none of the classes; None for none.

    Raises:
        DataError: If the arrays have other shapes, types or values.
    """
    stacks = {name: np.asarray(stack) for (name, stack), _ in parts.values()}
    stacks |= {} if outliers is None else {"outliers": np.asarray(outliers)}
    try:
        images = dict(zip(stacks, convert_stacks(stacks), strict=True))
    except ValueError as error:
        raise DataError(f"{source}: {error}.") from error
    labels, names = index_labels({f"{source}: {name}": values for _, (name, values) in parts.values()}, class_names)
    converted = {part: Part(images[x], labels[f"{source}: {y}"]) for part, ((x, _), (y, _)) in parts.items()}
    for part, (found, known) in converted.items():
        if len(found) != len(known):
            raise DataError(
                f"{source}: the {part} part has {len(found)} images but {len(known)} labels; "
                "there must be one label an image."
            )
    preparation = choose_preparation(
        names, reading, numbered=converted[TRAIN].images if TRAIN in converted and class_names is None else None
    )
    return assemble(converted, names, preparation, reading, images.get("outliers"))
