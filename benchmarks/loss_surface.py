"""Loss surface around the weights of a trained network, along two random directions.

Source: H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS
2018: each filter of a direction has the norm of the network's own filter, so that networks of other scales can be
compared; biases and normalisations stay.
"""

import numpy as np

EXTENT = 1.0
"""How far the surface goes on each side, in norms of the filters."""


def loss_surface(model, images: np.ndarray, labels: np.ndarray, points: int, seed: int = 0) -> np.ndarray:
    """Compute the loss on a grid around the weights; afterwards they are what they were.

    Args:
        model: Compiled Keras model with one metric beside its loss.
        images: float32, `(n, height, width, channels)`.
        labels: Integers, `(n,)`.
        points: Number of points along each direction; odd, so that the weights themselves are among them.
        seed: Random seed of the directions.

    Returns:
        `(points, points)`, mean cross-entropy in nats.
    """
    generator = np.random.default_rng(seed)
    weights = model.get_weights()
    first, second = (_direction(weights, generator) for _ in range(2))
    steps = np.linspace(-EXTENT, EXTENT, points)
    surface = np.empty((points, points))
    for row, vertical in enumerate(steps):
        for column, horizontal in enumerate(steps):
            moved = zip(weights, first, second, strict=True)
            model.set_weights([weight + horizontal * x + vertical * y for weight, x, y in moved])
            surface[row, column], _ = model.evaluate(images, labels, batch_size=len(images), verbose=0)
    model.set_weights(weights)
    return surface


def _direction(weights: list[np.ndarray], generator: np.random.Generator) -> list[np.ndarray]:
    """Draw a direction in the shape of the weights, each filter scaled to the norm of its weights."""
    return [_like(weight, generator) if weight.ndim > 1 else np.zeros_like(weight) for weight in weights]


def _like(weight: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    axes = tuple(range(weight.ndim - 1))  # all but the last, which counts the filters
    random = generator.standard_normal(weight.shape)
    norms = [np.sqrt((values**2).sum(axis=axes, keepdims=True)) for values in (weight, random)]
    return random * norms[0] / norms[1]
