"""Projection of features onto their first two principal components."""

import numpy as np

_MAX_SAMPLE = 2000


def principal_components(features: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Project features onto the two directions of largest variance.

    The features of each image are scaled to length 1 first, since their length says how strongly the network responds
    and their direction says to what. The principal components are computed from at most 2,000 evenly spaced images.

    Args:
        features: Features of the images, `(n, num_features)`.

    Returns:
        The points, `(n, 2)`, and the share of the variance along each direction, 0 to 1.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled = features.astype(np.float64) / np.maximum(lengths, 1e-12)
    sample = scaled[:: -(-len(scaled) // _MAX_SAMPLE)]
    middle = sample.mean(axis=0)
    _, values, directions = np.linalg.svd(sample - middle, full_matrices=False)
    axes = np.zeros((2, features.shape[1]))
    axes[: len(directions[:2])] = directions[:2]
    # The sign of a direction is the linear algebra library's choice; ours makes the map the same everywhere.
    axes *= np.sign([axis[np.abs(axis).argmax()] for axis in axes])[:, None]
    squares = np.append(values**2, 0.0)
    shares = squares / max(float(squares.sum()), 1e-12)
    return (scaled - middle) @ axes.T, (float(shares[0]), float(shares[1]))
