"""What a training came to: whether anything was learnt, and which classes were not."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.utils.errors import TrainingError

_LARGEST_SHARE = 1.5  # of a class against its even share, up to which always naming it is no better than chance
_ENOUGH = 50  # validation images from which an accuracy near chance is no accident
_IMBALANCE = 5  # factor between the largest and the smallest class that is said
_WEAK = 0.5  # recall below this share of the accuracy is said


def require_learning(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
    """Raise TrainingError if predictions of validation images are no better than chance.

    Args:
        predicted: Predicted class indices, integers, `(n,)`.
        labels: True class indices, integers, `(n,)`.
        num_classes: Number of classes.
    """
    accuracy, chance = float((predicted == labels).mean()), _compute_chance(labels, num_classes)
    margin = _standard_deviation(chance, len(labels)) if len(labels) >= _ENOUGH else 0.0
    if accuracy <= chance + margin:
        raise TrainingError(
            f"nothing was learnt: {accuracy:.2%} of {len(labels):,} validation images are right, by chance"
            f" {chance:.2%} would be; no model is written. Check that the labels belong to the images; another "
            "--learning-rate, or more --epochs, may help."
        )


def describe_doubt(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> list[str]:
    """Say so if predictions are hardly better than chance; the arguments are those of `require_learning`."""
    accuracy, chance = float((predicted == labels).mean()), _compute_chance(labels, num_classes)
    if accuracy > chance + 2 * _standard_deviation(chance, len(labels)):
        return []
    return [
        f"{accuracy:.2%} of {len(labels):,} validation images are right, which may be chance: {chance:.2%} would be by "
        "guessing."
    ]


def describe_weak_classes(
    counts: np.ndarray, metrics: dict[str, Any], class_names: Sequence[str], class_weights: str
) -> list[str]:
    """Say which class is hardly recognised where the accuracy hides it, or the classes are imbalanced.

    Args:
        counts: Number of training images of each class.
        metrics: Metrics of the test part, with `lowest_recall`.
        class_names: Names of the classes.
        class_weights: The recipe's class weights.
    """
    lowest, accuracy = metrics["lowest_recall"], metrics["test_accuracy"]
    rarest, commonest = int(np.argmin(counts)), int(np.argmax(counts))
    is_imbalanced = counts[commonest] >= _IMBALANCE * counts[rarest]
    if not is_imbalanced and lowest["recall"] >= _WEAK * accuracy:
        return []
    text = (
        f"the lowest recall is that of {lowest['label']!r}, {lowest['recall']:.2%} (test images: "
        f"{lowest['num_samples']:,}), beside an accuracy of {accuracy:.2%}"
    )
    if not is_imbalanced:
        return [f"{text}."]
    advice = "" if class_weights == "balanced" else "; --class-weights balanced lets rare classes count as much"
    return [
        f"the classes are imbalanced, from {counts[rarest]:,} images of {class_names[rarest]!r} to "
        f"{counts[commonest]:,} of {class_names[commonest]!r}: {text}{advice}."
    ]


def _compute_chance(labels: np.ndarray, num_classes: int) -> float:
    """Compute the accuracy of always naming the commonest class; that of guessing, where the classes are imbalanced.

    There the former is high, and the recall of the rare classes tells more.
    """
    share = float(np.bincount(labels, minlength=num_classes).max() / len(labels))
    return share if share <= _LARGEST_SHARE / num_classes else 1 / num_classes


def _standard_deviation(share: float, count: int) -> float:
    return math.sqrt(share * (1 - share) / count)
