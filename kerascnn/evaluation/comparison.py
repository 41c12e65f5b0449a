"""Two models on the same images: who is right where the other is wrong, and whether that could be chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kerascnn.evaluation.scoring import Answers, Evaluation
from kerascnn.evaluation.significance import mcnemar_p_value
from kerascnn.utils.errors import DataError

_BATCH_SIZE = 4096


@dataclass(frozen=True)
class Disagreement:
    """An image on which two models give different answers.

    Args:
        index: position in the test part.
        label: the true class.
        answers: of the first and the second model.
        confidences: of these answers, 0 to 1.
    """

    index: int
    label: str
    answers: tuple[str, str]
    confidences: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Args:
        names: of the models, different from each other.
        evaluations: of each.
        accuracy_difference: the second model's accuracy less the first's.
        both_right: samples that both models get right.
        only_first_right: samples that only the first does.
        only_second_right: samples that only the second does.
        both_wrong: samples that neither does.
        p_value: of the exact McNemar test: the probability of so large a difference if the models were equally good.
        disagreements: the images on which the answers differ; first those where both models are sure.
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

    def to_dict(self) -> dict:
        """The same as plain data, for JSON."""
        return asdict(self)


def compare(first: Answers, second: Answers) -> Comparison:
    """Put the answers of two models to the same images side by side.

    Args:
        first: of one model.
        second: of the other.

    Returns:
        The comparison.

    Raises:
        DataError: if they were not given the same images with the same labels.
    """
    if not (np.array_equal(first.true_names, second.true_names) and _same_images(first.images, second.images)):
        raise DataError(
            "the two models were not tested on the same images, since they divide or prepare these data differently; "
            "give --data with a test part of its own, and models of the same preparation."
        )
    right, other_right = first.right, second.right
    only_first, only_second = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    return Comparison(
        names=model_names([one.predictor.path or one.predictor.card.name for one in (first, second)]),
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
    """Short names that tell models apart: of their files, with their directories or a number where these are equal.

    Args:
        models: Path of each model, or its name if it was not saved.
    """
    plain = [model.stem if isinstance(model, Path) else model for model in models]
    longer = [f"{model.resolve().parent.name}-{model.stem}" if isinstance(model, Path) else model for model in models]
    for names in (plain, longer):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{name}-{number}" for number, name in enumerate(longer, start=1))


def _same_images(images: np.ndarray, others: np.ndarray) -> bool:
    if images is others:
        return True
    # Batch by batch: they may be in files that are larger than the memory.
    return images.shape == others.shape and all(
        np.array_equal(images[start : start + _BATCH_SIZE], others[start : start + _BATCH_SIZE])
        for start in range(0, len(images), _BATCH_SIZE)
    )


def _disagreements(first: Answers, second: Answers) -> list[Disagreement]:
    differ = np.flatnonzero(first.answered_names != second.answered_names)
    sure = np.minimum(first.confidences[differ], second.confidences[differ])
    return [
        Disagreement(
            int(index),
            str(first.true_names[index]),
            (str(first.answered_names[index]), str(second.answered_names[index])),
            (float(first.confidences[index]), float(second.confidences[index])),
        )
        for index in differ[np.argsort(-sure, kind="stable")]
    ]
