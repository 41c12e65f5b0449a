"""Parts of labelled pages as batches, cut out at random as a pure function of seed, epoch and index."""

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np

from kerascnn.datasets.labelled_pages import LabelledPage
from kerascnn.images.page_segmentation import BOUNDARY, CLASS_NAMES
from kerascnn.training.batches import as_targets

_PARTS_A_PAGE = 4  # an epoch looks at each page so often
_BOUNDARY_WEIGHT = 5.0  # the pixels between digits are few, and all depends on them
_SMALLEST, _LARGEST = 0.75, 1.35  # size of the digits against the usual one
_FAINTEST, _DARKEST = 0.5, 1.3  # strength of the ink
_STRETCH, _SLANT = 0.15, 0.2  # of the writing, against its height
_NOISE = 4.0  # grey levels
_ANYWHERE_SHARE = 0.1  # of the parts may show anything; the others have a digit near their middle


class PartsOfPages(keras.utils.PyDataset):
    """Batches for `model.fit` that are the same whenever they are asked for, as those of `TrainingBatches`.

    Args:
        pages: to cut parts out of.
        tile: height and width of a part in pixels.
        batch_size: parts a batch.
        seed: of the choice and the changes.
        augmentation: strength of the random changes in an epoch, counted from 0; a strength of 0 is none.
    """

    def __init__(
        self, pages: Sequence[LabelledPage], tile: int, batch_size: int, seed: int, augmentation: Callable[[int], float]
    ) -> None:
        super().__init__(workers=1)
        self._pages, self._tile, self._batch_size = pages, tile, batch_size
        self._seed, self._augmentation_in = seed, augmentation
        self.num_parts = _PARTS_A_PAGE * len(pages)
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set order and augmentation of the epoch (counted from 0) that is about to begin."""
        self._epoch, self._augmentation = epoch, self._augmentation_in(epoch)
        self._order = np.random.default_rng([self._seed, epoch]).permutation(self.num_parts)

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size] // _PARTS_A_PAGE
        generator = np.random.default_rng([self._seed, self._epoch, index])
        parts = [_part(self._pages[number], self._tile, self._augmentation, generator) for number in chosen]
        classes = np.stack([classes for _, classes in parts])
        weights = np.where(classes == BOUNDARY, _BOUNDARY_WEIGHT, 1.0).astype(np.float32)
        # Keras's loss of class numbers has no gradient on PyTorch where there is one a pixel; that of targets has.
        return np.stack([seen for seen, _ in parts])[..., None], as_targets(classes, len(CLASS_NAMES)), weights


def _part(
    page: LabelledPage, tile: int, augmentation: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A part of a page, `(tile, tile)`: float32 0..255, and what its pixels show."""
    size = 1 + augmentation * (generator.uniform(_SMALLEST, _LARGEST) - 1)
    stretch = 1 + _STRETCH * augmentation * generator.uniform(-1, 1)
    slant = _SLANT * augmentation * generator.uniform(-1, 1)
    matrix = np.array([[size * stretch, size * slant, 0], [0, size, 0]])
    matrix[:, 2] = tile / 2 - matrix[:, :2] @ _middle(page.classes, tile, generator)
    seen = cv2.warpAffine(page.intensity, matrix, (tile, tile), flags=cv2.INTER_LINEAR).astype(np.float32)
    classes = cv2.warpAffine(page.classes, matrix, (tile, tile), flags=cv2.INTER_NEAREST)
    gain = 1 + augmentation * (generator.uniform(_FAINTEST, _DARKEST) - 1)
    noise = _NOISE * augmentation * generator.random() * generator.standard_normal(seen.shape, np.float32)
    return np.clip(seen * gain + noise, 0, 255), classes


def _middle(classes: np.ndarray, tile: int, generator: np.random.Generator) -> np.ndarray:
    """Where the part's middle lies: column and row."""
    rows, columns = classes.shape
    row, column = generator.uniform(0, rows), generator.uniform(0, columns)
    places = np.flatnonzero(classes)
    if generator.random() >= _ANYWHERE_SHARE and len(places):
        row, column = np.divmod(places[generator.integers(len(places))], columns)
    return np.array([column, row]) + generator.uniform(-tile / 4, tile / 4, 2)
