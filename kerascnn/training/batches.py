"""The training part as batches: shuffled and augmented as a pure function of seed, epoch and index."""

import keras
import numpy as np

from kerascnn.datasets.augmentation import augment
from kerascnn.datasets.hands import with_other_forms


class TrainingBatches(keras.utils.PyDataset):
    """Batches for `model.fit` that are the same whenever they are asked for.

    Nothing is drawn from a running generator: the order follows from (seed, epoch), the augmentation from (seed, epoch,
    index). So a resumed run sees what an uninterrupted one would have seen, and threads may fetch in any order.

    Args:
        images: uint8, `(n, height, width)`.
        labels: integers, `(n,)`.
        batch_size: samples a batch; the last batch of an epoch may be smaller.
        seed: of order and augmentation.
        augmentation: strength, 0 for none.
        digits: whether the labels are the ten digits, of which there are other forms than MNIST's.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        augmentation: float = 0.0,
        digits: bool = False,
    ) -> None:
        super().__init__(workers=1)
        self.images, self.labels = images, labels
        self.batch_size, self.seed, self.augmentation, self.digits = batch_size, seed, augmentation, digits
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set the order of the epoch (counted from 0) that is about to begin."""
        self._epoch = epoch
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.labels))

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[chosen]
        if self.augmentation:
            generator = np.random.default_rng([self.seed, self._epoch, index])
            if self.digits:
                images = with_other_forms(images, self.labels[chosen], self.augmentation, generator)
            images = augment(images, self.augmentation, generator)
        return as_input(images), self.labels[chosen]


def as_input(images: np.ndarray) -> np.ndarray:
    """uint8 `(n, height, width)` to the network's input: float32 `(n, height, width, 1)`, still 0..255."""
    return images[..., None].astype(np.float32)
