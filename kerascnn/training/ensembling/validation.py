"""Models and their averages on images that none of them was trained on."""

from collections.abc import Sequence

import numpy as np

from kerascnn.datasets import Dataset
from kerascnn.datasets.stored_images import Selection
from kerascnn.evaluation.scoring import score_predictions
from kerascnn.inference.engines import Engine


class Validation:
    """What each model says of the held out images.

    Args:
        engines: one a model.
        dataset: the data.
        indices: of the held out images, in the training part; there may be none.
    """

    def __init__(self, engines: Sequence[Engine], dataset: Dataset, indices: np.ndarray) -> None:
        self._labels = dataset.train_labels[indices]
        images = Selection(dataset.train_images, indices)
        self._answers = [engine.probabilities(images) for engine in engines] if len(indices) else []

    def score(self, chosen: Sequence[int]) -> dict[str, float]:
        """Score the average of some of the models.

        Args:
            chosen: positions of the models.

        Returns:
            `val_accuracy` and `val_loss`; empty without images.
        """
        if not self._answers:
            return {}
        answers = np.mean([self._answers[index] for index in chosen], axis=0)
        return dict(zip(("val_accuracy", "val_loss"), score_predictions(answers, self._labels), strict=True))

    def choose(self, max_members: int) -> list[int]:
        """Choose models whose average does well: the best one, then always the one that improves the average most.

        What counts is the loss. Good models differ by a handful of images, which is chance, but also by how sure they
        are of all the others.

        Args:
            max_members: so many at most; fewer if no further one improves the average.

        Returns:
            Their positions, in the order in which they were chosen.
        """
        chosen: list[int] = []
        while len(chosen) < min(max_members, len(self._answers)):
            rest = [index for index in range(len(self._answers)) if index not in chosen]
            best = min(rest, key=lambda index: self._loss([*chosen, index]))
            if chosen and self._loss([*chosen, best]) >= self._loss(chosen):
                break
            chosen.append(best)
        return chosen

    def _loss(self, chosen: list[int]) -> float:
        return self.score(chosen)["val_loss"]
