"""What the outputs of a network are: probabilities, logits, or the answers of independent units."""

from typing import Any

import numpy as np

from kerascnn.saving.feeding import LOGIT, LOGITS, PROBABILITIES, SIGMOID, SIGMOIDS
from kerascnn.utils.errors import ModelError

_PASSED_THROUGH = {
    "Dropout",
    "Flatten",
    "Identity",
    "InputLayer",
    "Reshape",
    "ActivityRegularization",
    "Cast",
    "Squeeze",
}
_SOFTMAX, _LOG_SOFTMAX = {"softmax", "Softmax"}, {"log_softmax", "LogSoftmax"}
_SIGMOID = {"sigmoid", "Sigmoid", "hard_sigmoid", "HardSigmoid"}
_TOLERANCE = 1e-2  # of a sum of probabilities; float16 has three digits


def find_outputs(model: Any, samples: np.ndarray) -> str:
    """Find out what a network gives, from its last activation, or where that does not tell, from what it gave.

    Args:
        model: The `keras.Model`.
        samples: Outputs for some images, `(n, num_outputs)`.

    Returns:
        One of `kerascnn.saving.feeding.OUTPUTS`.

    Raises:
        ModelError: If the outputs tell no classes apart.
    """
    activation, num_outputs = _find_activation(model), samples.shape[1]
    if activation in _SOFTMAX and num_outputs == 1:
        raise ModelError(
            f"the model {model.name!r} ends in a softmax of one unit, which is 1 for every picture; "
            "use a sigmoid, or a unit for each class, and train it again."
        )
    if activation in _SIGMOID:
        return SIGMOID if num_outputs == 1 else SIGMOIDS
    if activation in _LOG_SOFTMAX:
        return LOGITS
    if _are_probabilities(samples) and (activation in _SOFTMAX or num_outputs > 1):
        return PROBABILITIES
    if activation is None and samples.min() >= 0 and samples.max() <= 1:
        return SIGMOID if num_outputs == 1 else SIGMOIDS
    if num_outputs == 1 and activation not in (None, "linear"):
        raise ModelError(
            f"the model {model.name!r} ends in one unit with the activation {activation!r}; kerascnn runs classifiers, "
            "whose single unit is a sigmoid or a logit."
        )
    return LOGIT if num_outputs == 1 else LOGITS


def _are_probabilities(samples: np.ndarray) -> bool:
    return bool(samples.min() >= -1e-6 and np.abs(samples.sum(axis=1) - 1).max() <= _TOLERANCE)


def _find_activation(model: Any) -> str | None:
    """Name the last activation; None where the last layer is of another kind, such as an average."""
    tensor = model.outputs[0]
    while True:
        operation = tensor._keras_history.operation
        kind, activation = type(operation).__name__, getattr(operation, "activation", None)
        if kind in _SOFTMAX | _LOG_SOFTMAX | _SIGMOID:
            return kind
        name: str | None = getattr(activation, "__name__", None)
        if hasattr(operation, "outputs") and hasattr(operation, "layers"):  # a model inside the model
            tensor = operation.outputs[0]
        elif kind in _PASSED_THROUGH or (kind == "Activation" and name == "linear"):
            if not operation._inbound_nodes or not operation._inbound_nodes[0].input_tensors:
                return None
            tensor = operation._inbound_nodes[-1].input_tensors[0]
        else:
            return name
