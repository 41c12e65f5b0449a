"""Divide samples into two parts, stratified by class and repeatable by a seed."""

from collections.abc import Sequence

import numpy as np

from kerascnn.utils.errors import DataError


def stratified_split(
    labels: np.ndarray, share: float, seed: int, class_names: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Divide samples into two parts that have the classes in the same proportions.

    Keras's own `validation_split` takes the unshuffled end of the data; this one draws at random.

    Args:
        labels: Integers, `(n,)`.
        share: Share of the second part, between 0 and 1.
        seed: Random seed; the same seed gives the same parts.
        class_names: Names of the classes, for the error message.

    Returns:
        Two arrays of indices into `labels`, each ascending: the first part and the second. The second has exactly
        `round(n * share)` members, or a few more where classes are so small that they give their only one.

    Raises:
        DataError: If a class has a single sample, which cannot be in both parts.

    Example:
        >>> first, second = stratified_split(np.array([0, 0, 1, 1]), 0.5, seed=0)
        >>> len(first), len(second)
        (2, 2)
    """
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * share
    taken = np.floor(exact).astype(int)
    # The largest remainders get the places that rounding down left over.
    missing = round(len(labels) * share) - taken.sum()
    taken[np.argsort(taken - exact, kind="stable")[:missing]] += 1
    if counts.min() < 2:
        smallest = int(classes[np.argmin(counts)])
        name = class_names[smallest] if class_names else str(smallest)
        raise DataError(
            f"the class {name!r} has one sample only, which cannot be both trained on and held back; add samples, or "
            "remove the class."
        )
    taken = np.clip(taken, 1, counts - 1)
    generator = np.random.default_rng(seed)
    second = np.concatenate(
        [
            generator.choice(np.flatnonzero(labels == name), size, replace=False)
            for name, size in zip(classes, taken, strict=True)
        ]
    )
    in_second = np.zeros(len(labels), dtype=bool)
    in_second[second] = True
    return np.flatnonzero(~in_second), np.flatnonzero(in_second)
