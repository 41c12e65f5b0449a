"""Labels as people store them: integers from 0 or from 1, floats, one-hot, words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascnn.datasets.class_names import require_names, shorten, sort_names
from kerascnn.datasets.dataset import DIGITS
from kerascnn.utils.errors import DataError

Labels = np.ndarray

_LARGEST = 2**53  # of a number in a file of floats, all of which up to here are told apart


def index_labels(
    parts: Mapping[str, Any], class_names: Sequence[str] | None = None
) -> tuple[dict[str, Labels], tuple[str, ...]]:
    """Turn the labels of all parts of a data set into indices of classes.

    Args:
        parts: Labels by the name that error messages have for them: integers, whole floats or words `(n,)` or `(n, 1)`,
            or one-hot `(n, num_classes)`.
        class_names: Name of each class, for labels that count them from 0 or from 1, or that are names. By default the
            classes are those that occur, in their order.

    Returns:
        int64, `(n,)` for each part, and the names of the classes.

    Raises:
        DataError: If labels are of another shape or type, or have no class.

    Example:
        >>> index_labels({"y": [3, 8, 8]})
        ({'y': array([0, 1, 1])}, ('3', '8'))
    """
    values = {name: _flatten(np.asarray(labels), name) for name, labels in parts.items()}
    # Each label that occurs as a word, once: the work does not depend on how long it is.
    found = {name: np.unique(labels, return_inverse=True) for name, labels in values.items()}
    occurring = {str(label) for labels, _ in found.values() for label in labels}
    names = sort_names(list(occurring)) if class_names is None else tuple(map(str, class_names))
    require_names(names, ", ".join(parts))
    if class_names is not None and all(labels.dtype.kind == "i" for labels in values.values()):
        first = _find_first_label(list(values.values()), len(names))
        if first is not None:
            return {name: labels - first for name, labels in values.items()}, names
    unknown = list(occurring - set(names))
    if unknown:
        raise DataError(
            f"{', '.join(parts)} have the label {shorten(sort_names(unknown)[-1:])}; expected one of the classes "
            f"{shorten(names)}, or their numbers from 0 to {len(names) - 1}."
        )
    index = {name: place for place, name in enumerate(names)}
    return {
        name: np.array([index[str(label)] for label in labels], np.int64)[inverse]
        for name, (labels, inverse) in found.items()
    }, names


def _find_first_label(labels: Sequence[Labels], num_classes: int) -> int | None:
    """Find the number from which labels count the classes: 1 where that uses the last one, else 0; None if neither."""
    every = np.concatenate(labels)
    low, high = every.min(initial=num_classes), every.max(initial=0)
    if low == 1 and high == num_classes:
        return 1
    return 0 if high < num_classes else None


def name_digits(class_names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the digit that each class is, if all classes are digits by their names; else None."""
    return tuple(map(int, class_names)) if set(class_names) <= set(DIGITS) else None


def _flatten(array: np.ndarray, name: str) -> Labels:
    """Convert labels to int64, or strings as objects, `(n,)`."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        is_one_hot = array.dtype.kind in "biuf" and bool(((array == 0) | (array == 1)).all())
        if not is_one_hot or not (array.sum(axis=1) == 1).all():
            raise DataError(
                f"{name} has the shape {array.shape} but is not one-hot; expected one label an image, (n,)."
            )
        return np.asarray(array.argmax(axis=1), np.int64)
    if array.ndim != 1 or array.dtype.kind not in "biufUSO":
        raise DataError(
            f"{name} has the shape {array.shape} and type {array.dtype}; expected one label an image, (n,)."
        )
    if array.dtype.kind in "USO":
        return _as_words(array.tolist(), name)
    # Infinity and NaN are no numbers of classes either.
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.round(array)).all()):
        raise DataError(f"{name} has labels that are no whole numbers; expected the number of a class for each image.")
    if array.size and array.min() < 0:
        raise DataError(f"{name} has the label {array.min():g}; expected classes counted from 0 or 1.")
    if array.size and array.max() >= _LARGEST:
        raise DataError(f"{name} has the label {array.max():g}; expected classes counted from 0 or 1.")
    return array.astype(np.int64)


def _as_words(values: Sequence[Any], name: str) -> Labels:
    """Return words as an array of objects: one of fixed width would make every label as wide as the longest."""
    try:
        words = [value.decode() if isinstance(value, bytes) else str(value) for value in values]
    except UnicodeDecodeError as error:
        raise DataError(f"{name} has a label that is no text in UTF-8; expected numbers or words.") from error
    result = np.empty(len(words), dtype=object)
    result[:] = words
    return result
