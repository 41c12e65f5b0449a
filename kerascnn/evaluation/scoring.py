"""How well a model does on a data set."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from kerascnn.datasets import Dataset, load_dataset
from kerascnn.evaluation.calibration import coverage_curve, expected_calibration_error
from kerascnn.inference.engines import Engine
from kerascnn.inference.predictor import Predictor, load
from kerascnn.saving.card import Card
from kerascnn.utils.errors import DataError


@dataclass(frozen=True)
class ClassResult:
    """The results of one class: precision, recall and F1 are 0 to 1, `support` counts its samples."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """The results of a model on a data set.

    Args:
        accuracy: share of samples whose most probable class is the true one.
        loss: mean cross-entropy, in nats.
        calibration_error: expected calibration error, 0 to 1.
        rejection: `threshold` of the model, `coverage` (the share of samples that it answers) and `accuracy` of these
            answers; None for a model that always answers.
        coverage_curve: coverage, threshold and accuracy as more and more of the least confident answers are withheld.
        num_samples: every sample counted once.
        per_class: one result a class.
        confusion_matrix: counts, a row a true class, a column a predicted class.
        model: the model's name.
        data: the data set's name.
        engine: what computed the probabilities.
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

    def to_dict(self) -> dict:
        """The same as plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Answers:
    """What a model says of each sample of a data set's test part.

    Args:
        predictor: the model.
        images: uint8, `(n, height, width)`.
        labels: integers, `(n,)`, indices into the model's classes.
        probabilities: `(n, num_classes)`.
        features: what the last layer is given, `(n, num_features)`; None if that was not asked for, or the model has no
            such layer.
        evaluation: the results.
    """

    predictor: Predictor
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray | None
    evaluation: Evaluation

    @property
    def confidences(self) -> np.ndarray:
        """Probability of each answer, `(n,)`."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether each answer is the true class, `(n,)`."""
        return self.probabilities.argmax(axis=1) == self.labels

    @property
    def class_names(self) -> np.ndarray:
        """Of the model."""
        return np.array(self.predictor.card.class_names)

    @property
    def true_names(self) -> np.ndarray:
        """The true class of each sample, `(n,)`."""
        return self.class_names[self.labels]

    @property
    def answered_names(self) -> np.ndarray:
        """The most probable class of each sample, `(n,)`."""
        return self.class_names[self.probabilities.argmax(axis=1)]

    @property
    def mistakes(self) -> np.ndarray:
        """Positions of the wrong answers, the most confident first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidences[wrong], kind="stable")]


def evaluate(model: Predictor | str | Path | None = None, data: str | Path | Dataset = "mnist") -> Evaluation:
    """Score a model on the test part of a data set.

    Args:
        model: a loaded model, or what `kerascnn.load` takes.
        data: a data set, or what `load_dataset` takes.

    Returns:
        The results.

    Raises:
        DataError: if the data are malformed or do not fit the model.
        ModelError: if the model cannot be loaded.

    Example:
        >>> kerascnn.evaluate("reference").num_samples
        10000
    """
    return answers(model, data).evaluation


def answers(
    model: Predictor | str | Path | None = None,
    data: str | Path | Dataset = "mnist",
    *,
    with_features: bool = False,
) -> Answers:
    """Let a model answer the test part of a data set, and score it.

    Args:
        model: a loaded model, or what `kerascnn.load` takes.
        data: a data set, or what `load_dataset` takes.
        with_features: whether to keep what the last layer is given of each image.

    Returns:
        The answers, sample by sample.

    Raises:
        DataError: if the data are malformed or do not fit the model.
        ModelError: if the model cannot be loaded.
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
    # What the last layer of one member is given says nothing of an ensemble.
    if with_features and not card.members:
        probabilities, features = predictor.engine.probabilities_and_features(data.test_images)
    else:
        probabilities = predictor.engine.probabilities(data.test_images)
    evaluation = _score(probabilities, labels, card, data.name, predictor.engine.name)
    return Answers(predictor, data.test_images, labels, probabilities, features, evaluation)


def score_predictions(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy.

    Args:
        probabilities: `(n, num_classes)`.
        labels: integers, `(n,)`.

    Returns:
        Accuracy, 0 to 1, and loss in nats.
    """
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    likelihood = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return accuracy, float(-np.log(np.clip(likelihood, 1e-12, 1)).mean())


def scored(card: Card, engine: Engine, dataset: Dataset) -> Card:
    """Score a new model on the test part: once, when nothing of it will change any more.

    Args:
        card: of the model, without test results.
        engine: computes its probabilities.
        dataset: the data, with the model's classes in their order.

    Returns:
        The card with `test_accuracy`, `test_loss` and `num_samples` among its metrics.
    """
    accuracy, loss = score_predictions(engine.probabilities(dataset.test_images), dataset.test_labels)
    metrics = {"test_accuracy": accuracy, "test_loss": loss, "num_samples": len(dataset.test_labels)}
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
    answered = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return {
        "threshold": threshold,
        "coverage": float(answered.mean()),
        "accuracy": float(right[answered].mean()) if answered.any() else 0.0,
    }


def _labels_in_model_order(data: Dataset, predictor: Predictor) -> np.ndarray:
    """The test labels as indices into the model's classes, which may be more or otherwise ordered."""
    position = {name: index for index, name in enumerate(predictor.card.class_names)}
    unknown = [name for name in data.class_names if name not in position]
    if unknown:
        raise DataError(
            f"the data set {data.name!r} has the class {unknown[0]!r}, which the model "
            f"{predictor.card.name!r} does not know; its classes are {', '.join(predictor.card.class_names)}."
        )
    return np.array([position[name] for name in data.class_names])[data.test_labels]
