"""The training part as batches: shuffled and augmented as a pure function of seed, epoch and index."""

from collections.abc import Callable

import keras
import numpy as np

from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.datasets.stored_images import Images


class TrainingBatches(keras.utils.PyDataset):
    """Batches for `model.fit` that are the same whenever they are asked for.

    Nothing is drawn from a running generator: the order follows from (seed, epoch), the augmentation from (seed, epoch,
    index). So a resumed run sees what an uninterrupted one would have seen, and threads may fetch in any order.

    Args:
        images: uint8, `(n, height, width)`, in memory or not.
        labels: integers, `(n,)`.
        batch_size: samples a batch; the last batch of an epoch may be smaller.
        seed: of order and augmentation.
        augmentation: strength in an epoch, counted from 0; a strength of 0 is none.
        num_classes: of the labels.
        digits: whether the labels are the ten digits, of which there are other forms than MNIST's.
        outliers: share of a batch that is added to it from `pool`.
        pool: uint8, `(m, height, width)`, pictures that belong to no class.
    """

    def __init__(
        self,
        images: Images,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        augmentation: Callable[[int], float],
        *,
        num_classes: int,
        digits: bool = False,
        outliers: float = 0.0,
        pool: np.ndarray | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.images, self.labels = images, labels
        self.batch_size, self.seed, self.augmentation_in, self.digits = batch_size, seed, augmentation, digits
        self.num_classes, self.outliers, self.pool = num_classes, outliers, pool
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set order and augmentation of the epoch (counted from 0) that is about to begin."""
        self._epoch, self.augmentation = epoch, self.augmentation_in(epoch)
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.labels))

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images, targets = self.images[chosen], as_targets(self.labels[chosen], self.num_classes)
        generator = np.random.default_rng([self.seed, self._epoch, index])
        if self.digits and self.augmentation:
            images = vary_handwriting(images, self.labels[chosen], self.augmentation, generator)
        if self.outliers and self.pool is not None:
            drawn = generator.integers(len(self.pool), size=round(self.outliers * len(chosen)))
            images = np.concatenate([images, self.pool[drawn]])
            undecided = np.full((len(drawn), self.num_classes), 1 / self.num_classes, np.float32)
            targets = np.concatenate([targets, undecided])
        if self.augmentation:
            images = augment(images, self.augmentation, generator)
        return as_input(images), targets


class ValidationBatches(keras.utils.PyDataset):
    """Images as they are, in their order, for validation.

    Args:
        images: uint8, `(n, height, width)`, in memory or not.
        labels: integers, `(n,)`.
        batch_size: samples a batch.
        num_classes: of the labels.
    """

    def __init__(self, images: Images, labels: np.ndarray, batch_size: int, num_classes: int) -> None:
        super().__init__(workers=1)
        self._images, self._labels, self._batch_size, self._num_classes = images, labels, batch_size, num_classes

    def __len__(self) -> int:
        return -(-len(self._labels) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.s_[index * self._batch_size : (index + 1) * self._batch_size]
        return as_input(self._images[chosen]), as_targets(self._labels[chosen], self._num_classes)


def as_targets(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Labels, of any shape, to one-hot rows: float32 with an axis of `num_classes` more."""
    targets: np.ndarray = np.eye(num_classes, dtype=np.float32)[labels]
    return targets


def as_input(images: np.ndarray) -> np.ndarray:
    """uint8 `(n, height, width)` to the network's input: float32 `(n, height, width, 1)`, still 0..255."""
    return images[..., None].astype(np.float32)
