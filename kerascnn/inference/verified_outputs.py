"""What a network says is verified in one place, for every engine: what is no probability is never an answer."""

import numpy as np

from kerascnn.utils.errors import ModelError

_TOLERANCE = 1e-2  # half precision has three digits


def require_probabilities(outputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of a network if the first of them holds probabilities.

    Args:
        outputs: Probabilities of the classes, of any shape, and what else the network gave.

    Raises:
        ModelError: If there are values that are no numbers (NaN), infinite, or not between 0 and 1.
    """
    probabilities = outputs[0]
    if not probabilities.size:
        return outputs
    least, most = float(probabilities.min()), float(probabilities.max())
    if least >= -_TOLERANCE and most <= 1 + _TOLERANCE:
        return outputs
    if not np.isfinite(probabilities).all():
        raise ModelError(
            "the network gives no numbers (NaN or infinity); its file is damaged, or its training failed: get another "
            "copy, or train it again with a smaller learning rate."
        )
    value = least if least < -_TOLERANCE else most
    raise ModelError(
        f"the network gives {value:.4g} for a class, which is no probability; its file is damaged, or its card is that "
        "of another network: get another copy, or save it anew in Keras, which leaves the card out."
    )
