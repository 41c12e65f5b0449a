"""Score models and their averages on images that none of them was trained on."""

from collections.abc import Sequence

import numpy as np

from kerascnn.datasets import Dataset
from kerascnn.datasets.stored_images import Selection
from kerascnn.evaluation.calibration import fit_rejection_threshold
from kerascnn.evaluation.scoring import score_predictions
from kerascnn.inference.engines import Engine


class Validation:
    """Probabilities that each model gives for the held-out images.

    Args:
        engines: Engines of the models.
        dataset: Data set of the images.
        indices: Indices of the held-out images in the training part; there may be none.
    """

    def __init__(self, engines: Sequence[Engine], dataset: Dataset, indices: np.ndarray) -> None:
        self._labels = dataset.train_labels[indices]
        images = Selection(dataset.train_images, indices)
        self._probabilities = [engine.probabilities(images) for engine in engines] if len(indices) else []

    def score(self, chosen: Sequence[int]) -> dict[str, float]:
        """Compute `val_accuracy` and `val_loss` of the average of some models; nothing if there are no images."""
        if not self._probabilities:
            return {}
        scores = score_predictions(self._average(chosen), self._labels)
        return dict(zip(("val_accuracy", "val_loss"), scores, strict=True))

    def fit_rejection_threshold(self, chosen: Sequence[int]) -> float:
        """Find the confidence, 0 to 1, below which the average of some models gives no answer; there are images."""
        return fit_rejection_threshold(self._average(chosen))

    def choose(self, max_members: int) -> list[int]:
        """Choose members greedily by the loss: the best model, then always the one that improves the average most.

        The accuracies of good models differ by a handful of images, which is chance; the loss also tells how confident
        they are on all the others. No more are chosen once none improves the average.
        """
        chosen: list[int] = []
        while len(chosen) < min(max_members, len(self._probabilities)):
            rest = [index for index in range(len(self._probabilities)) if index not in chosen]
            best = min(rest, key=lambda index: self._loss([*chosen, index]))
            if chosen and self._loss([*chosen, best]) >= self._loss(chosen):
                break
            chosen.append(best)
        return chosen

    def _average(self, chosen: Sequence[int]) -> np.ndarray:
        average: np.ndarray = np.mean([self._probabilities[index] for index in chosen], axis=0)
        return average

    def _loss(self, chosen: list[int]) -> float:
        return self.score(chosen)["val_loss"]
