"""What the filters of a convolution respond to: images that excite them, made by gradient ascent or found in a set."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn.explaining.anatomy import Anatomy, SpatialStep, as_array
from kerascnn.explaining.gradients import differentiate

MAX_FILTERS = 64
"""Largest number of filters of a layer that are shown and maximised: those that the image excites most."""

_STEPS, _STEP_SIZE = 60, 0.06  # gradient ascent; the size is a share of the range of pixels
_ROUGHNESS, _INK = 0.02, 0.01  # weights of the regularisers; the gradient of the activation is normalised to 1
_STEPS_PER_BLUR = 4
_BATCH_SIZE = 250


@dataclass(frozen=True)
class Exemplars:
    """The images that excite some filters most."""

    indices: np.ndarray  # of the images, int64 (filters, count), the most exciting first
    images: np.ndarray  # uint8 (filters, count, height, width)
    values: np.ndarray  # largest activation of the filter in each image, float32 (filters, count)
    positions: np.ndarray  # row and column of the unit with this activation, int64 (filters, count, 2)
    num_images: int  # that were searched


def order_by_direction(kernels: np.ndarray) -> tuple[np.ndarray, int]:
    """Order filters by similarity: edge detectors by their direction, then the others by their sum.

    A filter is an edge detector where a plane (weights that rise in one direction) explains at least half of its
    variance. `kernels` is float32, `(rows, columns, filters)`.

    Returns:
        The order of the filters, and the number of edge detectors at its beginning.
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


def choose_filters(maps: np.ndarray) -> np.ndarray:
    """Number all channels of feature maps, or the `MAX_FILTERS` with the largest mean, in ascending order."""
    means = maps.mean(axis=(0, 1))
    return np.sort(np.argsort(-means, kind="stable")[:MAX_FILTERS])


def maximise(anatomy: Anatomy, step: SpatialStep, filters: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Find the image that excites each filter most: gradient ascent from noise, all filters at once.

    The objective is the mean of a filter's map, with penalties on roughness and on ink. The image is blurred every few
    steps; without that the result is a pattern of single pixels that no pen could draw.

    Source: D. Erhan et al., "Visualizing higher-layer features of a deep network", 2009; regularised as by J. Yosinski
    et al., "Understanding neural networks through deep visualization", 2015.

    Returns:
        The images, float32 `(n, height, width)`, values 0..255, and the mean activation that each reaches, `(n,)`.
    """
    model = anatomy.model_until_activation(step)
    chosen = np.eye(step.output.shape[-1], dtype=np.float32)[filters]

    def mean_activation(images: Any) -> Any:
        # A leaky activation function gives a gradient even to a filter that is silent on noise.
        maps = keras.ops.leaky_relu(model(images, training=False), 0.1)
        return keras.ops.sum(keras.ops.mean(maps, axis=(1, 2)) * keras.ops.convert_to_tensor(chosen), axis=1)

    run = differentiate(mean_activation)
    images = np.random.default_rng(seed).uniform(90, 165, (len(filters), *anatomy.image_shape)).astype(np.float32)
    for number in range(_STEPS):
        _, slope = run(anatomy.as_input(images))
        slope = _normalise(slope.reshape(images.shape)) - _ROUGHNESS * _normalise(_roughness_gradient(images)) - _INK
        images = np.clip(images + 255 * _STEP_SIZE * slope * (1 - number / _STEPS), 0, 255)
        if number % _STEPS_PER_BLUR == 0 and number < _STEPS - 2 * _STEPS_PER_BLUR:
            images = _blur(images)
    return images, run(anatomy.as_input(images))[0]


def find_exemplars(
    anatomy: Anatomy, step: SpatialStep, filters: np.ndarray, images: np.ndarray, count: int
) -> Exemplars:
    """Find, for each filter of a layer, the `count` images of uint8 `(m, height, width)` that excite it most."""
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
    values = np.take_along_axis(peak.T, best, axis=1)
    return Exemplars(best, images[best], values, np.stack(rows_columns, axis=-1), len(images))


def _normalise(values: np.ndarray) -> np.ndarray:
    normalised: np.ndarray = values / (np.sqrt((values**2).mean(axis=(1, 2), keepdims=True)) + 1e-12)
    return normalised


def _roughness_gradient(images: np.ndarray) -> np.ndarray:
    """Compute the gradient of half the sum of squared differences between neighbouring pixels."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    neighbours = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    gradient: np.ndarray = 4 * images - neighbours
    return gradient


def _blur(images: np.ndarray) -> np.ndarray:
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    return 0.25 * rows[..., :-2] + 0.5 * rows[..., 1:-1] + 0.25 * rows[..., 2:]
