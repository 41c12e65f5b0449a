"""Labels as people store them: integers from 0 or from 1, floats, one-hot, words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascnn.datasets.dataset import DIGITS
from kerascnn.utils.errors import DataError

Labels = np.ndarray


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
    occurring = {str(label) for labels in values.values() for label in np.unique(labels)}
    names = sort_names(list(occurring)) if class_names is None else tuple(map(str, class_names))
    if class_names is not None and all(labels.dtype.kind == "i" for labels in values.values()):
        first = _find_first_label(list(values.values()), len(names))
        if first is not None:
            return {name: labels - first for name, labels in values.items()}, names
    unknown = list(occurring - set(names))
    if unknown:
        raise DataError(
            f"{', '.join(parts)} have the label {sort_names(unknown)[-1]}; expected one of the classes "
            f"{', '.join(names)}, or their numbers from 0 to {len(names) - 1}."
        )
    order = np.argsort(names)
    ranks = {name: np.searchsorted(np.array(names)[order], labels.astype(str)) for name, labels in values.items()}
    return {name: order[rank].astype(np.int64) for name, rank in ranks.items()}, names


def _find_first_label(labels: Sequence[Labels], num_classes: int) -> int | None:
    """Find the number from which labels count the classes: 1 where that uses the last one, else 0; None if neither."""
    every = np.concatenate(labels)
    low, high = every.min(initial=num_classes), every.max(initial=0)
    if low == 1 and high == num_classes:
        return 1
    return 0 if high < num_classes else None


def sort_names(names: Sequence[str]) -> tuple[str, ...]:
    """Sort the names of classes: numbers in their order, so that 10 comes after 9, then words."""
    return tuple(sorted(names, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)))


def name_digits(class_names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the digit that each class is, if all classes are digits by their names; else None."""
    return tuple(map(int, class_names)) if set(class_names) <= set(DIGITS) else None


def _flatten(array: np.ndarray, name: str) -> Labels:
    """Convert labels to int64 or strings, `(n,)`."""
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
        words = [word.decode() if isinstance(word, bytes) else str(word) for word in array.tolist()]
        return np.array(words, dtype=str)
    # Infinity and NaN are no numbers of classes either.
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.round(array)).all()):
        raise DataError(f"{name} has labels that are no whole numbers; expected the number of a class for each image.")
    if array.size and array.min() < 0:
        raise DataError(f"{name} has the label {array.min():g}; expected classes counted from 0 or 1.")
    return array.astype(np.int64)
