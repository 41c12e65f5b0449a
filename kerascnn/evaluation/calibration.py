"""Confidence that means what it says: a temperature fitted on validation data, a threshold below which to be silent.

Source: C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

import numpy as np

_TEMPERATURES = np.geomspace(0.25, 4.0, 241)
_NUM_BINS = 15
REJECTED_SHARE = 0.004
"""Share of the validation images that the threshold turns away."""


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature at which the probabilities predict the labels best.

    Args:
        probabilities: `(n, num_classes)`, of validation data.
        labels: integers, `(n,)`.

    Returns:
        The temperature T: dividing the logits by T gives the least cross-entropy. Above 1 the model was too sure.
    """
    losses = [_cross_entropy(at_temperature(probabilities, value), labels) for value in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities that the same logits, divided by a temperature, would give."""
    logits = np.log(np.clip(probabilities.astype(np.float64), 1e-30, 1)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fold_temperature(model, temperature: float) -> None:
    """Divide kernel and bias of the last layer, in place, so that the model itself gives calibrated probabilities.

    Args:
        model: a Keras model whose last layer is dense, with a softmax.
        temperature: as of `fit_temperature`.
    """
    head = model.layers[-1]
    head.set_weights([weight / np.float32(temperature) for weight in head.get_weights()])


def rejection_threshold(probabilities: np.ndarray) -> float:
    """The confidence that all but `REJECTED_SHARE` of the validation images reach.

    Args:
        probabilities: `(n, num_classes)`, of validation data, calibrated.

    Returns:
        The threshold, 0 to 1.
    """
    return float(np.quantile(probabilities.max(axis=1), REJECTED_SHARE))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """How far confidence and accuracy lie apart, averaged over 15 bins of confidence of equal width.

    Args:
        probabilities: `(n, num_classes)`.
        labels: integers, `(n,)`.

    Returns:
        The error, 0 to 1.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _NUM_BINS).astype(int), _NUM_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=_NUM_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Confidence and accuracy in each bin of confidence that is not empty, what the calibration error averages over.

    Args:
        probabilities: `(n, num_classes)`.
        labels: integers, `(n,)`.

    Returns:
        One object a bin: `low` and `high` (its ends), `count`, `num_right`, `confidence` and `accuracy` (means).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _NUM_BINS).astype(int), _NUM_BINS - 1)
    return [
        {
            "low": index / _NUM_BINS,
            "high": (index + 1) / _NUM_BINS,
            "count": int((bins == index).sum()),
            "num_right": int(right[bins == index].sum()),
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(right[bins == index].mean()),
        }
        for index in np.unique(bins).tolist()
    ]


def coverage_curve(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Accuracy of the answers that remain when the least confident are withheld.

    Args:
        probabilities: `(n, num_classes)`.
        labels: integers, `(n,)`.

    Returns:
        One object a coverage from 100 % down: `coverage`, `threshold` and `accuracy` of the answers given.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    curve = []
    for coverage in (1.0, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9):
        kept = order[: max(1, round(coverage * len(labels)))]
        curve.append(
            {
                "coverage": len(kept) / len(labels),
                "threshold": float(confidence[kept[-1]]),
                "accuracy": float(right[kept].mean()),
            }
        )
    return curve


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-30, 1)).mean())
