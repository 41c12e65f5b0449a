"""How a picture becomes an image for the network, by the name that a model's card carries."""

from collections.abc import Callable

import numpy as np

from kerascnn.images.normalization import prepare_by_resizing, prepare_like_mnist

PREPARATIONS: dict[str, Callable[[np.ndarray, tuple[int, int]], np.ndarray]] = {
    "mnist": prepare_like_mnist,
    "resize": prepare_by_resizing,
}
