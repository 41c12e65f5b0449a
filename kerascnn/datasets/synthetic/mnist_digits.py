"""The digits of MNIST that synthetic pages are written with, by the part of MNIST that they are from."""

from functools import cache

import numpy as np

from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.utils.errors import UsageError

PARTS = ("test", "train", "validation")
"""Parts of MNIST whose digits are written; validation is the tenth of train that the models that ship were not trained
on."""

_VALIDATION_SPLIT = 0.1  # of the models that ship


def require_part(part: str) -> None:
    """Raise UsageError if MNIST has no such part."""
    if part not in PARTS:
        raise UsageError(f"there is no part {part!r} of MNIST; expected one of {', '.join(PARTS)}.")


@cache
def load_digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Load the images of a part, uint8 `(n, 28, 28)`, and their labels, integers `(n,)`."""
    mnist = load_dataset("mnist")
    if part == "test":
        return np.asarray(mnist.test_images), mnist.test_labels
    images, labels = np.asarray(mnist.train_images), mnist.train_labels
    if part == "validation":
        _, chosen = stratified_split(labels, _VALIDATION_SPLIT, 0)
        images, labels = images[chosen], labels[chosen]
    return images, labels
