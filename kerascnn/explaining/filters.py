"""What the filters of a convolution look for: their weights, and the images that excite them, made and found."""

from dataclasses import dataclass

import keras
import numpy as np

from kerascnn.explaining.anatomy import Anatomy, Step, as_array
from kerascnn.explaining.gradients import differentiated

MAX_FILTERS = 64
"""Filters of a layer that are shown and maximised; a layer with more shows those that the image excites most."""

_STEPS, _STEP_SIZE = 60, 0.06  # of the ascent; the size as a share of the range of pixels
_ROUGHNESS, _INK = 0.02, 0.01  # weights of the regularisers against the activation, which is scaled to about 1
_SMOOTHED = 4  # steps between two blurs
_BATCH_SIZE = 250


@dataclass(frozen=True)
class Exemplars:
    """The training images that excite some filters most.

    Args:
        indices: int64, `(filters, count)`: of the images, the most exciting first.
        values: float32, of the same shape: the filter's largest activation in each.
        positions: int64, `(filters, count, 2)`: row and column of the unit that is excited so.
        num_images: how many images were looked at.
    """

    indices: np.ndarray
    values: np.ndarray
    positions: np.ndarray
    num_images: int


def order_by_direction(kernels: np.ndarray) -> tuple[np.ndarray, int]:
    """Order filters so that like stands beside like: edges by their direction, then the others by their sum.

    A filter is an edge detector where a plane (weights that rise in one direction) explains at least half of its
    variance.

    Args:
        kernels: `(rows, columns, filters)`.

    Returns:
        The order of the filters, and how many of them, at its beginning, are edge detectors.
    """
    rows, columns, count = kernels.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    y, x = (axis - axis.mean() for axis in (y, x))
    centred = kernels - kernels.mean(axis=(0, 1))
    rise_y = np.tensordot(y, centred, 2) / max((y**2).sum(), 1e-12)
    rise_x = np.tensordot(x, centred, 2) / max((x**2).sum(), 1e-12)
    explained = rise_y**2 * (y**2).sum() + rise_x**2 * (x**2).sum()
    is_edge = explained >= 0.5 * np.maximum((centred**2).sum(axis=(0, 1)), 1e-12)
    angle, total = np.arctan2(rise_y, rise_x), kernels.sum(axis=(0, 1))
    edges = sorted(np.flatnonzero(is_edge), key=lambda index: angle[index])
    others = sorted(np.flatnonzero(~is_edge), key=lambda index: total[index])
    return np.array([*edges, *others], dtype=np.int64).reshape(count), len(edges)


def strongest_filters(maps: np.ndarray) -> np.ndarray:
    """Choose the filters of a layer that are shown.

    Args:
        maps: `(rows, columns, channels)`, of the image.

    Returns:
        All channels, or, of more than `MAX_FILTERS`, those with the largest mean activation, in ascending order.
    """
    means = maps.mean(axis=(0, 1))
    return np.sort(np.argsort(-means, kind="stable")[:MAX_FILTERS])


def maximise(anatomy: Anatomy, step: Step, filters: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Find the image that excites each filter most: gradient ascent from noise, all filters at once.

    What is maximised is the mean of a filter's map, less a little for roughness and for ink; the image is blurred now
    and then, without which the result is a pattern of single pixels that no pen could draw.

    Source: D. Erhan et al., "Visualizing higher-layer features of a deep network", 2009; regularised as by J. Yosinski
    et al., "Understanding neural networks through deep visualization", 2015.

    Args:
        anatomy: of the model.
        step: the layer.
        filters: indices of its filters, `(n,)`.
        seed: of the noise.

    Returns:
        The images, float32 `(n, height, width)`, values 0..255, and the mean activation that each reaches, `(n,)`.
    """
    model = anatomy.model_until_activation(step)
    chosen = np.eye(step.output.shape[-1], dtype=np.float32)[filters]

    def mean_activation(images):
        # A leak instead of the activation function: a filter that noise leaves silent still has a direction to climb.
        maps = keras.ops.leaky_relu(model(images, training=False), 0.1)
        return keras.ops.sum(keras.ops.mean(maps, axis=(1, 2)) * keras.ops.convert_to_tensor(chosen), axis=1)

    run = differentiated(mean_activation)
    images = np.random.default_rng(seed).uniform(90, 165, (len(filters), *anatomy.image_shape)).astype(np.float32)
    for number in range(_STEPS):
        _, slope = run(anatomy.as_input(images))
        slope = _normalised(slope.reshape(images.shape)) - _ROUGHNESS * _normalised(_roughness_gradient(images)) - _INK
        images = np.clip(images + 255 * _STEP_SIZE * slope * (1 - number / _STEPS), 0, 255)
        if number % _SMOOTHED == 0 and number < _STEPS - 2 * _SMOOTHED:
            images = _blurred(images)
    return images, run(anatomy.as_input(images))[0]


def find_exemplars(anatomy: Anatomy, step: Step, filters: np.ndarray, images: np.ndarray, count: int) -> Exemplars:
    """Find the images that excite filters most.

    Args:
        anatomy: of the model.
        step: the layer.
        filters: indices of its filters, `(n,)`.
        images: uint8, `(m, height, width)`.
        count: how many for each filter.

    Returns:
        The images' indices, activations and positions.
    """
    model = anatomy.model_until(step)
    peaks, places = [], []
    for start in range(0, len(images), _BATCH_SIZE):
        maps = model(anatomy.as_input(images[start : start + _BATCH_SIZE]), training=False)
        maps = as_array(maps)[..., filters]
        flat = maps.reshape(len(maps), -1, len(filters))
        places.append(flat.argmax(axis=1))
        peaks.append(np.take_along_axis(flat, places[-1][:, None], axis=1)[:, 0])
    peak, place = np.concatenate(peaks), np.concatenate(places)
    best = np.argsort(-peak, axis=0, kind="stable")[:count].T
    rows_columns = np.unravel_index(np.take_along_axis(place.T, best, axis=1), step.output.shape[1:3])
    return Exemplars(best, np.take_along_axis(peak.T, best, axis=1), np.stack(rows_columns, axis=-1), len(images))


def _normalised(values: np.ndarray) -> np.ndarray:
    return values / (np.sqrt((values**2).mean(axis=(1, 2), keepdims=True)) + 1e-12)


def _roughness_gradient(images: np.ndarray) -> np.ndarray:
    """Of half the squared differences between neighbours."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    neighbours = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    return 4 * images - neighbours


def _blurred(images: np.ndarray) -> np.ndarray:
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    return 0.25 * rows[..., :-2] + 0.5 * rows[..., 1:-1] + 0.25 * rows[..., 2:]
