"""Comparison of two models on the same test images, with an exact McNemar test."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets.stored_images import Images, read_in_chunks
from kerascnn.evaluation.scoring import Evaluation, ScoredPredictions
from kerascnn.evaluation.significance import mcnemar_p_value
from kerascnn.utils.errors import DataError


@dataclass(frozen=True)
class Disagreement:
    """A test image for which two models predict different classes.

    Args:
        index: Index of the image in the test part.
        label: Name of the true class.
        answers: Classes that the first and the second model predict.
        confidences: Confidences of the two predictions, 0 to 1.
    """

    index: int
    label: str
    answers: tuple[str, str]
    confidences: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Args:
        names: Distinct names of the models.
        evaluations: Scores of each model.
        accuracy_difference: Accuracy of the second model minus that of the first, -1 to 1.
        both_right: Number of samples that both models classify correctly.
        only_first_right: Number of samples that only the first model classifies correctly.
        only_second_right: Number of samples that only the second model classifies correctly.
        both_wrong: Number of samples that neither model classifies correctly.
        p_value: p-value of the exact McNemar test, two-sided.
        disagreements: Images for which the predictions differ, those first where both models are confident.
    """

    names: tuple[str, str]
    evaluations: tuple[Evaluation, Evaluation]
    accuracy_difference: float
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    p_value: float
    disagreements: tuple[Disagreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data for JSON."""
        return asdict(self)


def compare(first: ScoredPredictions, second: ScoredPredictions) -> Comparison:
    """Compare the predictions of two models for the same images.

    Args:
        first: Predictions of one model.
        second: Predictions of the other model.

    Raises:
        DataError: If the images or the labels of the two differ.
    """
    if first.true_names != second.true_names or not _are_equal(first.images, second.images):
        raise DataError(
            "the two models were not tested on the same images, since they divide or prepare these data differently; "
            "give --data with a test part of its own, and models of the same preparation."
        )
    names = model_names([one.predictor.path or one.predictor.card.name for one in (first, second)])
    right, other_right = first.right, second.right
    only_first, only_second = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    return Comparison(
        names=(names[0], names[1]),
        evaluations=(first.evaluation, second.evaluation),
        accuracy_difference=second.evaluation.accuracy - first.evaluation.accuracy,
        both_right=int((right & other_right).sum()),
        only_first_right=only_first,
        only_second_right=only_second,
        both_wrong=int((~right & ~other_right).sum()),
        p_value=mcnemar_p_value(only_first, only_second),
        disagreements=tuple(_disagreements(first, second)),
    )


def model_names(models: Sequence[Path | str]) -> tuple[str, ...]:
    """Choose short distinct names: those of the files, with their directories or a number where these are equal.

    Args:
        models: Path of each model, or its name if it was not saved.
    """
    plain = [model.stem if isinstance(model, Path) else model for model in models]
    longer = [f"{model.resolve().parent.name}-{model.stem}" if isinstance(model, Path) else model for model in models]
    for names in (plain, longer):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{name}-{number}" for number, name in enumerate(longer, start=1))


def _are_equal(images: Images, others: Images) -> bool:
    # In chunks, since the images may be in files that are larger than the memory.
    return images is others or (
        images.shape == others.shape
        and all(np.array_equal(*chunks) for chunks in zip(read_in_chunks(images), read_in_chunks(others), strict=True))
    )


def _disagreements(first: ScoredPredictions, second: ScoredPredictions) -> list[Disagreement]:
    rows = zip(
        first.true_names,
        zip(first.predicted_names, second.predicted_names, strict=True),
        zip(first.confidences.tolist(), second.confidences.tolist(), strict=True),
        strict=True,
    )
    found = [Disagreement(index, *row) for index, row in enumerate(rows) if row[1][0] != row[1][1]]
    return sorted(found, key=lambda one: -min(one.confidences))
