"""Attribution of some classes to the pixels of an image `(height, width)`, 0..255, by gradients of their logits.

Gradients of the logit say more than those of the probability, which vanish where the network is confident. All classes
are computed at once, with one copy of the image for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.explaining.anatomy import Anatomy, SpatialStep
from kerascnn.explaining.gradients import differentiate

_INTEGRATION_STEPS = 128


@dataclass(frozen=True)
class ClassActivationMaps:
    """Class activation maps of some classes, signed: positive values speak for the class.

    Args:
        grad_cam: float32, `(classes, height, width)`: sum of the feature maps, each weighted by the gradient of the
            class's logit, averaged over all positions. The published method drops negative values; they are kept
            here, to tell maps that speak against a class from empty ones.
        hires_cam: float32, `(classes, height, width)`: the same with a weight for every position; the sum over the
            positions is the contribution of the maps to the logit, to first order.
    """

    grad_cam: np.ndarray
    hires_cam: np.ndarray


def class_activation_maps(
    anatomy: Anatomy, step: SpatialStep, image: np.ndarray, classes: Sequence[int]
) -> ClassActivationMaps:
    """Compute Grad-CAM and HiResCAM of a layer, interpolated to the image's pixels.

    Where connections lead around the layer, the next one at which the model can be cut is taken.

    Sources: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
    ICCV 2017; R. L. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks", 2020.
    """
    step, rest = anatomy.cut_after(step)
    maps = anatomy.activations(step, image)
    _, slopes = differentiate(lambda values: _select_logits(rest, values, classes))(np.stack([maps] * len(classes)))
    grad_cam = [maps @ slope.mean(axis=(0, 1)) for slope in slopes]
    hires_cam = [(maps * slope).sum(axis=-1) for slope in slopes]
    return ClassActivationMaps(*(_interpolate(anatomy, step, values) for values in (grad_cam, hires_cam)))


def input_gradients(anatomy: Anatomy, image: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Compute the gradients of logits with respect to the pixels.

    Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", ICLR workshop 2014.

    Returns:
        float32, `(classes, height, width)`: linear change of the logit for a pixel that goes from 0 to 255.
    """
    return 255 * _gradients(anatomy, np.stack([image] * len(classes)), classes)


def integrated_gradients(anatomy: Anatomy, image: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Compute the contribution of each pixel to a logit on the straight path from an empty image to this one.

    Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.

    Returns:
        float32, `(classes, height, width)`, in units of the logit; the sum over the pixels is the logit of the image
        less that of the empty one.
    """
    image = np.asarray(image, np.float32)
    shares = (np.arange(_INTEGRATION_STEPS, dtype=np.float32) + 0.5) / _INTEGRATION_STEPS
    path = shares[:, None, None] * image
    slopes = _gradients(anatomy, np.concatenate([path] * len(classes)), np.repeat(classes, len(path)).tolist())
    contributions: np.ndarray = image * slopes.reshape(len(classes), len(path), *image.shape).mean(axis=1)
    return contributions


def _gradients(anatomy: Anatomy, images: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Compute the gradient of one logit of each image."""
    run = differentiate(lambda values: _select_logits(anatomy.logits_model, values, classes))
    gradients: np.ndarray = run(anatomy.as_input(images))[1].reshape(images.shape)
    return gradients


def _select_logits(model: Any, values: Any, classes: Sequence[int]) -> Any:
    """Select one logit of each sample."""
    import keras

    logits = model(values, training=False)
    return keras.ops.sum(logits * keras.ops.one_hot(np.asarray(classes), logits.shape[-1], dtype="float32"), axis=-1)


def _interpolate(anatomy: Anatomy, step: SpatialStep, maps: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([step.placement.interpolate(values, anatomy.image_shape) for values in maps]).astype(np.float32)
