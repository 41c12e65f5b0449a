"""Occlusion sensitivity: attribution by covering parts of the image, without gradients.

Source: M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
"""

from dataclasses import dataclass

import numpy as np

from kerascnn.explaining.anatomy import Anatomy
from kerascnn.explaining.placement import Placement

_PATCH_SHARE = 5 / 28  # side of the patch as a share of the image's shorter side
_MAX_POSITIONS = 32  # largest number of positions along a side


@dataclass(frozen=True)
class Occlusion:
    """Effect of covering an image piece by piece."""

    drops: np.ndarray  # fall of each logit with the patch at this pixel, float32 (height, width, num_classes)
    predicted: np.ndarray  # most probable class at each position of the patch, int64 (rows, columns)
    patch: int  # side of the patch in pixels
    placement: Placement  # of the positions of the patch in the image

    def find_changes(self, class_index: int) -> np.ndarray:
        """Find where covering makes another class the most probable one: bool, `(height, width)`."""
        shape = (self.drops.shape[0], self.drops.shape[1])
        changed = (self.predicted != class_index).astype(np.float32)
        return self.placement.interpolate(changed, shape) > 0.5


def occlude(anatomy: Anatomy, image: np.ndarray) -> Occlusion:
    """Cover an image `(height, width)`, 0..255, with a patch of its own background, everywhere in turn."""
    image = np.asarray(image, np.float32)
    patch = max(1, round(min(image.shape) * _PATCH_SHARE)) | 1
    stride = max(1, -(-max(image.shape) // _MAX_POSITIONS))
    rows, columns = (np.arange((size - 1) % stride // 2, size, stride) for size in image.shape)
    background = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]))
    covered = np.repeat(image[None], len(rows) * len(columns), axis=0)
    for index, (row, column) in enumerate((row, column) for row in rows for column in columns):
        top, left = max(0, row - patch // 2), max(0, column - patch // 2)
        covered[index, top : row + patch // 2 + 1, left : column + patch // 2 + 1] = background
    logits = anatomy.logits(covered).reshape(len(rows), len(columns), -1)
    placement = Placement((float(rows[0]), float(columns[0])), (stride, stride), (patch, patch))
    drops = placement.interpolate(anatomy.logits(image[None])[0] - logits, (image.shape[0], image.shape[1]))
    return Occlusion(drops.astype(np.float32), logits.argmax(axis=-1), patch, placement)
