"""Calibration of the confidence by temperature scaling, and rejection of predictions below a threshold.

Source: C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

_TEMPERATURES = np.geomspace(0.25, 4.0, 241)
_NUM_BINS = 15
REJECTED_SHARE = 0.005
"""Share of the validation images that the threshold rejects."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of similar confidence.

    Args:
        low: Lower end of the bin, 0 to 1.
        high: Upper end of the bin, 0 to 1.
        count: Number of predictions in the bin, at least 1.
        num_right: Number of correct predictions among them.
        confidence: Mean confidence, 0 to 1.
        accuracy: Share of correct predictions, 0 to 1.
    """

    low: float
    high: float
    count: int
    num_right: int
    confidence: float
    accuracy: float


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature that minimizes the cross-entropy on validation data.

    Args:
        probabilities: Probabilities of validation images, `(n, num_classes)`.
        labels: Class indices of these images, integers, `(n,)`.

    Returns:
        The temperature by which the logits are to be divided; above 1 if the model was overconfident.
    """
    losses = [_cross_entropy(apply_temperature(probabilities, value), labels) for value in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Compute the probabilities that the same logits give when they are divided by a temperature."""
    logits = np.log(np.clip(probabilities.astype(np.float64), 1e-30, 1)) / temperature
    powers: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def fold_temperature(model: "keras.Model", temperature: float) -> None:
    """Divide kernel and bias of the last layer in place, so that the model itself gives calibrated probabilities.

    Args:
        model: Keras model whose last layer is dense with a softmax.
        temperature: Temperature from `fit_temperature`, above 0.
    """
    head = model.layers[-1]
    head.set_weights([weight / np.float32(temperature) for weight in head.get_weights()])


def fit_rejection_threshold(probabilities: np.ndarray) -> float:
    """Find the confidence, 0 to 1, that all but `REJECTED_SHARE` of the validation images reach.

    Args:
        probabilities: Calibrated probabilities of validation images, `(n, num_classes)`.
    """
    return float(np.quantile(probabilities.max(axis=1), REJECTED_SHARE))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean distance, 0 to 1, between confidence and accuracy over 15 bins of equal width.

    Args:
        probabilities: Class probabilities, `(n, num_classes)`.
        labels: True class indices, integers, `(n,)`.
    """
    bins = reliability_bins(probabilities, labels)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / len(labels)


def reliability_bins(probabilities: np.ndarray, labels: np.ndarray) -> list[ReliabilityBin]:
    """Sort predictions into bins of confidence and leave out the empty ones.

    Args:
        probabilities: Class probabilities, `(n, num_classes)`.
        labels: True class indices, integers, `(n,)`.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _NUM_BINS).astype(int), _NUM_BINS - 1)
    result = []
    for index in np.unique(bins).tolist():
        inside = bins == index
        result.append(
            ReliabilityBin(
                low=index / _NUM_BINS,
                high=(index + 1) / _NUM_BINS,
                count=int(inside.sum()),
                num_right=int(right[inside].sum()),
                confidence=float(confidence[inside].mean(dtype=np.float64)),
                accuracy=float(right[inside].mean()),
            )
        )
    return result


def accuracy_by_coverage(confidences: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute selective accuracy while the least confident predictions are rejected one after the other.

    Args:
        confidences: Confidence of each prediction, 0 to 1, `(n,)`.
        right: Whether each prediction is correct, bool, `(n,)`.

    Returns:
        Coverage, confidence of the last prediction kept, and accuracy of those kept, `(n, 3)`, by rising coverage.
    """
    order = np.argsort(-confidences, kind="stable")
    numbers = np.arange(1, len(order) + 1)
    return np.stack([numbers / len(order), confidences[order], np.cumsum(right[order]) / numbers], axis=1)


def coverage_curve(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Sample the curve of `accuracy_by_coverage` at eight coverages from 100 % down to 90 %.

    Args:
        probabilities: Class probabilities, `(n, num_classes)`.
        labels: True class indices, integers, `(n,)`.

    Returns:
        One dictionary per coverage, with `coverage`, `threshold` and `accuracy`, 0 to 1 each.
    """
    curve = accuracy_by_coverage(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    kept = [max(1, round(share * len(curve))) for share in (1.0, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9)]
    return [dict(zip(("coverage", "threshold", "accuracy"), curve[n - 1].tolist(), strict=True)) for n in kept]


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-30, 1)).mean())
