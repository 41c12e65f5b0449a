"""Which pixels speak for a class, by gradients of its logit.

Gradients of the logit say more than those of the probability, which vanish where the network is sure. All classes that
are asked for are computed at once, one copy of the image a class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.explaining.anatomy import Anatomy, Step
from kerascnn.explaining.gradients import differentiated

_INTEGRATION_STEPS = 128


@dataclass(frozen=True)
class ClassActivationMaps:
    """Where in the image some feature maps speak for each of some classes.

    Args:
        grad_cam: float32, `(classes, height, width)`: the sum of the feature maps, each weighted by how much it raises
            the class's logit, averaged over all positions. As published, only what is above zero is shown; what is
            below is kept here, because without it maps that speak against a class everywhere could not be told from
            empty ones.
        hires_cam: the same, but every position of every map keeps its own weight; the sum over the positions is what
            the maps contribute to the logit, to first order.
    """

    grad_cam: np.ndarray
    hires_cam: np.ndarray


def class_activation_maps(
    anatomy: Anatomy, step: Step, image: np.ndarray, classes: Sequence[int]
) -> ClassActivationMaps:
    """Weigh the feature maps of a layer by the gradient of a logit.

    Sources: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
    ICCV 2017; R. L. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks", 2020.

    Args:
        anatomy: of the model.
        step: the layer; the next one that can be cut out is taken where connections lead around it.
        image: `(height, width)`, values 0..255.
        classes: indices.

    Returns:
        The maps, interpolated from the layer's positions to the image's pixels.
    """
    step, rest = anatomy.cut_after(step)
    maps = anatomy.activations(step, image)
    _, slopes = differentiated(lambda values: _scores(rest, values, classes))(np.stack([maps] * len(classes)))
    grad_cam = [maps @ slope.mean(axis=(0, 1)) for slope in slopes]
    hires_cam = [(maps * slope).sum(axis=-1) for slope in slopes]
    return ClassActivationMaps(*(_on_image(anatomy, step, values) for values in (grad_cam, hires_cam)))


def input_gradients(anatomy: Anatomy, image: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The gradients of logits with respect to the pixels.

    Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", ICLR workshop 2014.

    Args:
        anatomy: of the model.
        image: `(height, width)`, values 0..255.
        classes: indices.

    Returns:
        float32, `(classes, height, width)`: change of the logit for a pixel that goes from 0 to 255, were it linear.
    """
    return 255 * _gradients(anatomy, np.stack([image] * len(classes)), classes)


def integrated_gradients(anatomy: Anatomy, image: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """How much each pixel added to a logit on the straight way from an empty image to this one.

    Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.

    Args:
        anatomy: of the model.
        image: `(height, width)`, values 0..255.
        classes: indices.

    Returns:
        float32, `(classes, height, width)`, in units of the logit; the sum over the pixels is the logit of the image
        less that of the empty one.
    """
    image = np.asarray(image, np.float32)
    shares = (np.arange(_INTEGRATION_STEPS, dtype=np.float32) + 0.5) / _INTEGRATION_STEPS
    way = shares[:, None, None] * image
    slopes = _gradients(anatomy, np.concatenate([way] * len(classes)), np.repeat(classes, len(way)))
    return image * slopes.reshape(len(classes), len(way), *image.shape).mean(axis=1)


def _gradients(anatomy: Anatomy, images: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Of one logit an image."""
    run = differentiated(lambda values: _scores(anatomy.logits_model, values, classes))
    return run(anatomy.as_input(images))[1].reshape(images.shape)


def _scores(model, values, classes: Sequence[int]):
    """One logit a sample."""
    import keras

    logits = model(values, training=False)
    return keras.ops.sum(logits * keras.ops.one_hot(np.asarray(classes), logits.shape[-1], dtype="float32"), axis=-1)


def _on_image(anatomy: Anatomy, step: Step, values: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([step.placement.spread(line, anatomy.image_shape) for line in values]).astype(np.float32)
