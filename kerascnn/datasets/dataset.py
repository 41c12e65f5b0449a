"""The data set that every reader returns: images in memory or in a file, with labels and class names."""

import hashlib
from dataclasses import dataclass

import numpy as np

from kerascnn.datasets.class_names import require_names
from kerascnn.datasets.split import stratified_split
from kerascnn.datasets.stored_images import Images, read_in_chunks
from kerascnn.utils.errors import DataError

DIGITS = tuple("0123456789")
TEST_SHARE_OF_UNDIVIDED_DATA = 1 / 6  # as in MNIST: 60,000 and 10,000


@dataclass(frozen=True)
class Dataset:
    """Images with labels, divided into a training and a test part.

    Args:
        name: Short name, used in file names (`mnist`).
        train_images: uint8, `(n, height, width)`, 0..255; in MNIST 0 is background and 255 is ink. An array, or images
            in a file that are indexed like one.
        train_labels: int64, `(n,)`, indices into `class_names`.
        test_images: Images of the test part, like `train_images`.
        test_labels: Labels of the test part, like `train_labels`.
        class_names: Name of each class.
        preparation: Name in `kerascnn.images.normalization.PREPARATIONS` of the way from a picture to such an image.
        outliers: Images of none of the classes, like `train_images`, which training adds to its own; None for none.
        num_validation: Number of images at the end of the training part that are to be validated on; 0 to draw them.
    """

    name: str
    train_images: Images
    train_labels: np.ndarray
    test_images: Images
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    preparation: str
    outliers: Images | None = None
    num_validation: int = 0

    def __repr__(self) -> str:
        num_train, num_test = len(self.train_labels), len(self.test_labels)
        height, width = self.image_size
        return (
            f"Dataset({self.name!r}, {num_train:,} training and {num_test:,} test images of {height}x{width} pixels, "
            f"{len(self.class_names)} classes)"
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        return self.train_images.shape[1], self.train_images.shape[2]

    def divide_training_part(self, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Divide the training part into ascending indices of images to train on, and of images to validate on.

        Args:
            share: Share to validate on, for a data set that has no validation part of its own.
            seed: Random seed of the division, which is stratified.

        Raises:
            DataError: If a class has a single image.
        """
        if not self.num_validation:
            return stratified_split(self.train_labels, share, seed, self.class_names)
        indices = np.arange(len(self.train_labels))
        return indices[: -self.num_validation], indices[-self.num_validation :]

    def digest(self) -> str:
        """Compute the SHA-256 over the shapes and contents of all four arrays."""
        state = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            state.update(repr((array.shape, array.dtype.str)).encode())
            for chunk in read_in_chunks(array):
                state.update(np.ascontiguousarray(chunk).data)
        if self.num_validation:
            state.update(repr(self.num_validation).encode())
        return f"sha256:{state.hexdigest()}"


def validate(dataset: Dataset, source: str) -> Dataset:
    """Verify that a data set can be trained and tested on.

    Args:
        dataset: Data set as a reader made it.
        source: Path or name that the user gave, for the error message.

    Returns:
        The same data set.

    Raises:
        DataError: If images and labels differ in number, sizes differ between the parts, a label has no class, or a
            class has no training image.
    """
    require_names(dataset.class_names, source)
    for part, images, labels in (
        ("training", dataset.train_images, dataset.train_labels),
        ("test", dataset.test_images, dataset.test_labels),
    ):
        if len(images) != len(labels):
            raise DataError(
                f"{source}: the {part} part has {len(images)} images but {len(labels)} labels; "
                "there must be one label an image."
            )
        if len(images) == 0:
            raise DataError(f"{source}: the {part} part is empty; kerascnn needs training and test images.")
        if labels.min() < 0 or labels.max() >= len(dataset.class_names):
            raise DataError(
                f"{source}: the {part} labels reach from {labels.min()} to {labels.max()}; "
                f"expected 0 to {len(dataset.class_names) - 1} for {len(dataset.class_names)} classes."
            )
    if dataset.train_images.shape[1:] != dataset.test_images.shape[1:]:
        raise DataError(
            f"{source}: training images have the shape {dataset.train_images.shape[1:]}, "
            f"test images {dataset.test_images.shape[1:]}; they must be equal."
        )
    to_train_on = dataset.train_labels[: len(dataset.train_labels) - dataset.num_validation]
    counts = np.bincount(to_train_on, minlength=len(dataset.class_names))
    if (counts == 0).any():
        empty = dataset.class_names[int(np.argmin(counts))]
        raise DataError(f"{source}: the class {empty!r} has no training image; remove the class or add images.")
    if len(dataset.class_names) < 2:
        raise DataError(
            f"{source}: there is one class only, {dataset.class_names[0]!r}; a classifier needs at least two."
        )
    return dataset
