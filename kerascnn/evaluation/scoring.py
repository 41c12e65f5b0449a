"""Accuracy, loss, calibration and confusion matrix of a model on the test part of a data set."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets import Dataset, load_dataset
from kerascnn.datasets.stored_images import Images
from kerascnn.evaluation.calibration import coverage_curve, expected_calibration_error
from kerascnn.inference.engines import Engine
from kerascnn.inference.predictor import Predictor, load
from kerascnn.saving.card import Card
from kerascnn.utils.errors import DataError


@dataclass(frozen=True)
class ClassResult:
    """Precision, recall and F1 of one class, 0 to 1 each, and `support`, the number of its samples."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on the test part of a data set.

    Args:
        accuracy: Share of samples whose most probable class is the true one, 0 to 1.
        loss: Mean cross-entropy, in nats.
        calibration_error: Expected calibration error, 0 to 1.
        rejection: Rejection `threshold` of the model, its `coverage` (share of samples that it does not reject) and the
            `accuracy` on these; None for a model that rejects nothing.
        coverage_curve: Coverage, threshold and accuracy while the least confident predictions are rejected.
        num_samples: Number of test samples.
        per_class: Scores of each class, in the model's order.
        confusion_matrix: Counts of samples, one row per true class and one column per predicted class.
        model: Name of the model.
        data: Name of the data set.
        engine: Name of the engine or Keras backend that computed the probabilities.
    """

    accuracy: float
    loss: float
    calibration_error: float
    rejection: dict[str, float] | None
    coverage_curve: tuple[dict[str, float], ...]
    num_samples: int
    per_class: tuple[ClassResult, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    model: str
    data: str
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ScoredPredictions:
    """Predictions of a model for each sample of a data set's test part, and their scores.

    Args:
        predictor: Model that predicted.
        images: Test images, uint8, `(n, height, width)`, 0 is background and 255 is ink.
        labels: True classes as indices into the model's classes, integers, `(n,)`.
        probabilities: Class probabilities, float32, `(n, num_classes)`.
        features: Inputs of the last layer, `(n, num_features)`; None if they were not asked for, or if the model has no
            such layer.
        evaluation: Scores of these predictions.
    """

    predictor: Predictor
    images: Images
    labels: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray | None
    evaluation: Evaluation

    @property
    def confidences(self) -> np.ndarray:
        """Probability of each predicted class, `(n,)`."""
        confidences: np.ndarray = self.probabilities.max(axis=1)
        return confidences

    @property
    def right(self) -> np.ndarray:
        """Whether each prediction is correct, bool, `(n,)`."""
        right: np.ndarray = self.probabilities.argmax(axis=1) == self.labels
        return right

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the model's classes."""
        return self.predictor.card.class_names

    @property
    def true_names(self) -> list[str]:
        """Name of the true class of each sample."""
        return [self.class_names[index] for index in self.labels.tolist()]

    @property
    def predicted_names(self) -> list[str]:
        """Name of the most probable class of each sample."""
        return [self.class_names[index] for index in self.probabilities.argmax(axis=1).tolist()]

    @property
    def mistakes(self) -> list[int]:
        """Indices of the misclassified samples, the most confident first."""
        wrong = np.flatnonzero(~self.right)
        return [int(index) for index in wrong[np.argsort(-self.confidences[wrong], kind="stable")]]


def evaluate(model: Predictor | str | Path | None = None, data: str | Path | Dataset = "mnist") -> Evaluation:
    """Score a model on the test part of a data set.

    Args:
        model: A loaded model, or anything that `kerascnn.load` takes; by default the model that ships.
        data: A data set, or anything that `load_dataset` takes.

    Returns:
        The scores.

    Raises:
        DataError: If the data are malformed or do not fit the model.
        ModelError: If the model cannot be loaded.

    Example:
        >>> kerascnn.evaluate("reference").num_samples
        10000
    """
    return predict_and_score(model, data).evaluation


def predict_and_score(
    model: Predictor | str | Path | None = None, data: str | Path | Dataset = "mnist", *, with_features: bool = False
) -> ScoredPredictions:
    """Predict the test part of a data set and score the predictions.

    Args:
        model: A loaded model, or anything that `kerascnn.load` takes; by default the model that ships.
        data: A data set, or anything that `load_dataset` takes.
        with_features: Whether to keep the inputs of the last layer for each image.

    Returns:
        The predictions, sample by sample.

    Raises:
        DataError: If the data are malformed or do not fit the model.
        ModelError: If the model cannot be loaded.
    """
    predictor = model if isinstance(model, Predictor) else load(model)
    card = predictor.card
    if not isinstance(data, Dataset):
        data = load_dataset(data, seed=card.split_seed, preparation=card.preparation)
    labels = _labels_in_model_order(data, predictor)
    if data.image_size != tuple(card.input_shape[:2]):
        raise DataError(
            f"the images of {data.name!r} have {data.image_size[0]}x{data.image_size[1]} pixels; "
            f"the model {card.name!r} takes {card.input_shape[0]}x{card.input_shape[1]}."
        )
    features = None
    # The features of a single member do not describe an ensemble.
    if with_features and not card.members:
        probabilities, features = predictor.engine.probabilities_and_features(data.test_images)
    else:
        probabilities = predictor.engine.probabilities(data.test_images)
    evaluation = _score(probabilities, labels, card, data.name, predictor.engine.name)
    return ScoredPredictions(predictor, data.test_images, labels, probabilities, features, evaluation)


def score_predictions(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Compute accuracy, 0 to 1, and mean cross-entropy in nats.

    Args:
        probabilities: Class probabilities, `(n, num_classes)`.
        labels: True class indices, integers, `(n,)`.
    """
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    likelihood = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return accuracy, float(-np.log(np.clip(likelihood, 1e-12, 1)).mean())


def score_test_set(card: Card, engine: Engine, dataset: Dataset) -> Card:
    """Score a new model on the test part: once, after everything about the model is final.

    Args:
        card: Card of the model, without test scores.
        engine: Engine that computes the model's probabilities.
        dataset: Data set with the model's classes in the model's order.

    Returns:
        A copy of the card with `test_accuracy`, `test_loss`, `num_samples` and `lowest_recall` among its metrics; the
        last one is that of the class with the lowest recall of those that have test images.
    """
    probabilities, labels = engine.probabilities(dataset.test_images), dataset.test_labels
    accuracy, loss = score_predictions(probabilities, labels)
    counts = np.bincount(labels, minlength=len(card.class_names))
    hits = np.bincount(labels[probabilities.argmax(axis=1) == labels], minlength=len(card.class_names))
    recalls = np.where(counts > 0, hits / np.maximum(counts, 1), np.inf)
    lowest = int(np.lexsort((counts, recalls))[0])  # of several, the one with the fewest images
    metrics = {
        "test_accuracy": accuracy,
        "test_loss": loss,
        "num_samples": len(labels),
        "lowest_recall": {
            "label": card.class_names[lowest],
            "recall": float(recalls[lowest]),
            "num_samples": int(counts[lowest]),
        },
    }
    return replace(card, metrics={**card.metrics, **metrics})


def _score(probabilities: np.ndarray, labels: np.ndarray, card: Card, data: str, engine: str) -> Evaluation:
    count = len(card.class_names)
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
    hits, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(true, 1)
    f1 = 2 * hits / np.maximum(true + predicted, 1)
    accuracy, loss = score_predictions(probabilities, labels)
    return Evaluation(
        accuracy=accuracy,
        loss=loss,
        calibration_error=expected_calibration_error(probabilities, labels),
        rejection=_rejection(probabilities, labels, card.rejection_threshold),
        coverage_curve=tuple(coverage_curve(probabilities, labels)),
        num_samples=len(labels),
        per_class=tuple(
            ClassResult(name, float(precision[i]), float(recall[i]), float(f1[i]), int(true[i]))
            for i, name in enumerate(card.class_names)
        ),
        confusion_matrix=tuple(tuple(int(value) for value in row) for row in confusion),
        model=card.name,
        data=data,
        engine=engine,
    )


def _rejection(probabilities: np.ndarray, labels: np.ndarray, threshold: float | None) -> dict[str, float] | None:
    if threshold is None:
        return None
    accepted = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return {
        "threshold": threshold,
        "coverage": float(accepted.mean()),
        "accuracy": float(right[accepted].mean()) if accepted.any() else 0.0,
    }


def _labels_in_model_order(data: Dataset, predictor: Predictor) -> np.ndarray:
    """Convert the test labels to indices into the model's classes, which may be more or in another order."""
    position = {name: index for index, name in enumerate(predictor.card.class_names)}
    unknown = [name for name in data.class_names if name not in position]
    if unknown:
        raise DataError(
            f"the data set {data.name!r} has the class {unknown[0]!r}, which the model "
            f"{predictor.card.name!r} does not know; its classes are {', '.join(predictor.card.class_names)}; "
            "give data of these classes with --data."
        )
    labels: np.ndarray = np.array([position[name] for name in data.class_names])[data.test_labels]
    return labels
