"""From a picture to what the network reads."""

from collections.abc import Callable

import numpy as np

from kerascnn.images.decode import MAX_PIXELS, as_array, decode
from kerascnn.images.normalise import prepare_by_resizing, prepare_like_mnist

__all__ = ["MAX_PIXELS", "PREPARATIONS", "as_array", "decode", "prepare_by_resizing", "prepare_like_mnist"]

PREPARATIONS: dict[str, Callable[[np.ndarray, tuple[int, int]], np.ndarray]] = {
    "mnist": prepare_like_mnist,
    "resize": prepare_by_resizing,
}
"""How a picture becomes an image for the network, by the name that a model's card carries."""
