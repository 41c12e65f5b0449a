"""Batches to train on, shuffled and augmented as a pure function of seed, epoch and index, and to validate on."""

from collections.abc import Sequence

import keras
import numpy as np

from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.outliers import make_outliers
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.datasets.stored_images import Images
from kerascnn.training.recipe import Recipe

_USES = 4  # of each outlier in an epoch: to make one takes longer than to draw it anew by augmentation
_SPOILT = 512  # digits, of which outliers are made


class TrainingBatches(keras.utils.PyDataset):
    """Batches for `model.fit` that are the same whenever they are asked for.

    Nothing is drawn from a running generator: the order follows from (seed, epoch), the augmentation from (seed, epoch,
    index). So a resumed run sees what an uninterrupted one would have seen, and threads may fetch in any order.

    Args:
        images: Training images, uint8, `(n, height, width)`, 0 is background and 255 is ink; in memory or in a file.
        labels: Class indices, integers, `(n,)`.
        recipe: Hyper-parameters: batch size, augmentation magnitude of each epoch, share of outliers.
        seed: Random seed for the order and the augmentation.
        num_classes: Number of classes.
        digits: The digit that each class is, if the classes are digits, which have handwriting variants and outliers.
        outliers: Images of no class, uint8, `(m, height, width)`, of which half of the outliers are drawn; None if all
            are to be made.
    """

    def __init__(
        self,
        images: Images,
        labels: np.ndarray,
        recipe: Recipe,
        seed: int,
        *,
        num_classes: int,
        digits: Sequence[int] | None = None,
        outliers: Images | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.images, self.labels, self.num_classes = images, labels, num_classes
        self._digits = None if digits is None else np.array(digits)
        self._weights = weigh_classes(labels, num_classes) if recipe.class_weights == "balanced" else None
        self.recipe, self.batch_size, self.seed, self.outliers = recipe, recipe.batch_size, seed, outliers
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set order and augmentation of the epoch (counted from 0) that is about to begin."""
        self._epoch, self.augmentation = epoch, self.recipe.augmentation_in(epoch)
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.labels))
        self._made: np.ndarray | None = None

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        count = self._count_outliers(len(chosen)) if self._digits is not None else 0
        # A batch has the same size in every epoch; what a larger share of outliers needs is left out of the digits.
        chosen = chosen[: max(1, len(chosen) + round(self.recipe.outliers * len(chosen)) - count)]
        images, labels = self.images[chosen], self.labels[chosen]
        targets, weights = as_targets(labels, self.num_classes), weigh_samples(labels, self._weights)
        generator = np.random.default_rng([self.seed, self._epoch, index])
        if self._digits is not None and self.augmentation:
            images = vary_handwriting(images, self._digits[labels], self.augmentation, generator)
        if count and self._digits is not None:
            images = np.concatenate([images, self._draw_outliers(count, self._digits, generator)])
            undecided = np.full((count, self.num_classes), 1 / self.num_classes, np.float32)
            targets = np.concatenate([targets, undecided])
            weights = tuple(np.concatenate([values, np.ones(count, np.float32)]) for values in weights)
        if self.augmentation:
            images = augment(images, self.augmentation, generator)
        return as_input(images), targets, *weights

    def _count_outliers(self, num_digits: int) -> int:
        return round(self.recipe.outliers_in(self._epoch) * num_digits)

    def _draw_outliers(self, count: int, digits: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        given = count // 2 if self.outliers is not None else 0
        if self._made is None:
            self._made = self._make_outliers(digits)
        made = self._made[generator.integers(len(self._made), size=count - given)]
        if self.outliers is None:
            return made
        return np.concatenate([made, self.outliers[generator.integers(len(self.outliers), size=given)]])

    def _make_outliers(self, digits: np.ndarray) -> np.ndarray:
        """Make the outliers of this epoch, from which those of each batch are drawn."""
        generator = np.random.default_rng([self.seed, self._epoch, len(self)])
        count = -(-len(self) * self._count_outliers(self.batch_size) // _USES)
        spoilt = self._order[:_SPOILT]
        return make_outliers(max(count, 1), self.images[spoilt], digits[self.labels[spoilt]], generator)


class ValidationBatches(keras.utils.PyDataset):
    """Batches for validation: images without augmentation, in their order.

    Args:
        images: Validation images, uint8, `(n, height, width)`, in memory or in a file.
        labels: Class indices, integers, `(n,)`.
        batch_size: Number of images in a batch.
        num_classes: Number of classes.
        balanced: Whether a rare class counts as much as a common one.
    """

    def __init__(
        self, images: Images, labels: np.ndarray, batch_size: int, num_classes: int, *, balanced: bool = False
    ) -> None:
        super().__init__(workers=1)
        self._images, self._labels, self._batch_size, self._num_classes = images, labels, batch_size, num_classes
        self._weights = weigh_classes(labels, num_classes) if balanced else None

    def __len__(self) -> int:
        return -(-len(self._labels) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        chosen = np.s_[index * self._batch_size : (index + 1) * self._batch_size]
        labels = self._labels[chosen]
        targets = as_targets(labels, self._num_classes)
        return as_input(self._images[chosen]), targets, *weigh_samples(labels, self._weights)


def weigh_classes(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Compute the weight of each class that makes all count alike; a sample has the weight 1 on average.

    Args:
        labels: Class indices, integers, `(n,)`.
        num_classes: Number of classes.

    Returns:
        float32, `(num_classes,)`; 0 for a class without samples.

    Example:
        >>> weigh_classes(np.array([0, 0, 0, 1]), 2)
        array([0.6666667, 2.       ], dtype=float32)
    """
    counts = np.bincount(labels, minlength=num_classes)
    return np.asarray(len(labels) / np.count_nonzero(counts) / np.maximum(counts, 1) * (counts > 0), np.float32)


def weigh_samples(labels: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """Return the weights of samples as the last item of a batch; no item where all count alike."""
    return () if weights is None else (weights[labels],)


def as_targets(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Convert class indices of any shape to one-hot targets, float32, with a last axis of `num_classes`."""
    targets: np.ndarray = np.eye(num_classes, dtype=np.float32)[labels]
    return targets


def as_input(images: np.ndarray) -> np.ndarray:
    """Convert uint8 `(n, height, width)` to the network's input, float32 `(n, height, width, 1)`, still 0..255."""
    return images[..., None].astype(np.float32)
