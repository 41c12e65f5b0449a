"""Batches of crops of labelled pages, drawn at random as a pure function of seed, epoch and index."""

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np

from kerascnn.datasets.labelled_pages import LabelledPage
from kerascnn.images.page_segmentation import BOUNDARY, CLASS_NAMES
from kerascnn.training.batches import as_targets

_CROPS_A_PAGE = 4  # Number of crops of each page in an epoch.
_BOUNDARY_WEIGHT = 5.0  # Pixels between touching digits are few, and only they separate the digits.
_SMALLEST, _LARGEST = 0.75, 1.35  # Range of the scale factor, 1 for the page's own size.
_FAINTEST, _DARKEST = 0.5, 1.3  # Range of the factor of the stroke intensity.
_STRETCH, _SLANT = 0.15, 0.2  # Largest change of the width, as a share of it, and largest shear.
_NOISE = 4.0  # Largest standard deviation of the noise, in grey levels.
_ANYWHERE_SHARE = 0.1  # Share of crops that lie anywhere on the page; the others have a digit near their centre.


class CropBatches(keras.utils.PyDataset):
    """Batches for `model.fit` that are the same whenever they are asked for, as those of `TrainingBatches`.

    Args:
        pages: Pages to crop, with the class of every pixel.
        tile: Height and width of a crop, in pixels.
        batch_size: Number of crops in a batch.
        seed: Random seed for the order, the places of the crops and their augmentation.
        augmentation: Function from an epoch, counted from 0, to its augmentation magnitude; 0 changes nothing.
    """

    def __init__(
        self, pages: Sequence[LabelledPage], tile: int, batch_size: int, seed: int, augmentation: Callable[[int], float]
    ) -> None:
        super().__init__(workers=1)
        self._pages, self._tile, self._batch_size = pages, tile, batch_size
        self._seed, self._augmentation_in = seed, augmentation
        self.num_crops = _CROPS_A_PAGE * len(pages)
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set order and augmentation of the epoch (counted from 0) that is about to begin."""
        self._epoch, self._augmentation = epoch, self._augmentation_in(epoch)
        self._order = np.random.default_rng([self._seed, epoch]).permutation(self.num_crops)

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size] // _CROPS_A_PAGE
        generator = np.random.default_rng([self._seed, self._epoch, index])
        crops = [_crop(self._pages[number], self._tile, self._augmentation, generator) for number in chosen]
        classes = np.stack([classes for _, classes in crops])
        weights = np.where(classes == BOUNDARY, _BOUNDARY_WEIGHT, 1.0).astype(np.float32)
        # On PyTorch, Keras's sparse cross-entropy has no gradient for a class index per pixel; one-hot targets have.
        return np.stack([image for image, _ in crops])[..., None], as_targets(classes, len(CLASS_NAMES)), weights


def _crop(
    page: LabelledPage, tile: int, augmentation: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a crop, `(tile, tile)`: stroke intensity, float32, 0..255, and the class of each pixel, uint8."""
    size = 1 + augmentation * (generator.uniform(_SMALLEST, _LARGEST) - 1)
    stretch = 1 + _STRETCH * augmentation * generator.uniform(-1, 1)
    slant = _SLANT * augmentation * generator.uniform(-1, 1)
    matrix = np.array([[size * stretch, size * slant, 0], [0, size, 0]])
    matrix[:, 2] = tile / 2 - matrix[:, :2] @ _draw_centre(page.classes, tile, generator)
    image = cv2.warpAffine(page.intensity, matrix, (tile, tile), flags=cv2.INTER_LINEAR).astype(np.float32)
    classes = cv2.warpAffine(page.classes, matrix, (tile, tile), flags=cv2.INTER_NEAREST)
    gain = 1 + augmentation * (generator.uniform(_FAINTEST, _DARKEST) - 1)
    noise = _NOISE * augmentation * generator.random() * generator.standard_normal(image.shape, np.float32)
    return np.clip(image * gain + noise, 0, 255), classes


def _draw_centre(classes: np.ndarray, tile: int, generator: np.random.Generator) -> np.ndarray:
    """Draw the centre of a crop on the page: column and row, in pixels."""
    rows, columns = classes.shape
    row, column = generator.uniform(0, rows), generator.uniform(0, columns)
    foreground = np.flatnonzero(classes)
    if generator.random() >= _ANYWHERE_SHARE and len(foreground):
        row, column = np.divmod(foreground[generator.integers(len(foreground))], columns)
    return np.array([column, row]) + generator.uniform(-tile / 4, tile / 4, 2)
