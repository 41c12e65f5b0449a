"""Which pixels speak for a class, by gradients of its logit.

Gradients of the logit say more than those of the probability, which vanish where the network is sure.
"""

import numpy as np

from kerascnn.explaining.anatomy import Anatomy, Step
from kerascnn.gradients import differentiated

_INTEGRATION_STEPS = 128


def grad_cam(anatomy: Anatomy, step: Step, image: np.ndarray, class_index: int) -> np.ndarray:
    """Grad-CAM: the feature maps of a layer, each weighted by how much it raises the logit of a class.

    The weights are gradients averaged over all positions. As published, only what is above zero is shown; what is below
    is kept here, because without it a map that speaks against the class everywhere could not be told from an empty one.

    Source: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
    ICCV 2017.

    Args:
        anatomy: of the model.
        step: the layer; the next one that can be cut out is taken where connections lead around it.
        image: `(height, width)`, values 0..255.
        class_index: of the class.

    Returns:
        float32, `(height, width)`: in units of the logit, for each position of the layer, laid on the image.
    """
    step, maps, slope = _maps_and_gradient(anatomy, step, image, class_index)
    return _on_image(anatomy, step, maps @ slope.mean(axis=(0, 1)))


def hires_cam(anatomy: Anatomy, step: Step, image: np.ndarray, class_index: int) -> np.ndarray:
    """HiResCAM: as Grad-CAM, but every position of every map keeps its own weight.

    For a network that flattens its maps an average over positions says little: a map may speak for a class in one place
    and against it in another.

    Source: R. L. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks", 2020.

    Args:
        anatomy: of the model.
        step: as for `grad_cam`.
        image: `(height, width)`, values 0..255.
        class_index: of the class.

    Returns:
        float32, `(height, width)`, as of `grad_cam`.
    """
    step, maps, slope = _maps_and_gradient(anatomy, step, image, class_index)
    return _on_image(anatomy, step, (maps * slope).sum(axis=-1))


def input_gradient(anatomy: Anatomy, image: np.ndarray, class_index: int) -> np.ndarray:
    """The gradient of a logit with respect to the pixels.

    Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", ICLR workshop 2014.

    Args:
        anatomy: of the model.
        image: `(height, width)`, values 0..255.
        class_index: of the class.

    Returns:
        float32, `(height, width)`: change of the logit for a pixel that goes from 0 to 255, were it linear.
    """
    return 255 * _gradients(anatomy, image[None], class_index)[0]


def integrated_gradients(anatomy: Anatomy, image: np.ndarray, class_index: int) -> np.ndarray:
    """How much each pixel added to a logit on the straight way from an empty image to this one.

    Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.

    Args:
        anatomy: of the model.
        image: `(height, width)`, values 0..255.
        class_index: of the class.

    Returns:
        float32, `(height, width)`, in units of the logit; the sum is the logit of the image less that of the empty one.
    """
    image = np.asarray(image, np.float32)
    shares = (np.arange(_INTEGRATION_STEPS, dtype=np.float32) + 0.5) / _INTEGRATION_STEPS
    return image * _gradients(anatomy, shares[:, None, None] * image, class_index).mean(axis=0)


def _gradients(anatomy: Anatomy, images: np.ndarray, class_index: int) -> np.ndarray:
    model = anatomy.logits_model
    _, slope = differentiated(lambda values: model(values, training=False)[:, class_index])(anatomy.as_input(images))
    return slope.reshape(images.shape)


def _maps_and_gradient(
    anatomy: Anatomy, step: Step, image: np.ndarray, class_index: int
) -> tuple[Step, np.ndarray, np.ndarray]:
    """The layer that was cut at, its maps and the logit's gradient, both `(rows, columns, channels)`."""
    step, rest = anatomy.cut_after(step)
    maps = anatomy.activations(step, image)
    _, slope = differentiated(lambda values: rest(values, training=False)[:, class_index])(maps[None])
    return step, maps, slope[0]


def _on_image(anatomy: Anatomy, step: Step, values: np.ndarray) -> np.ndarray:
    return step.placement.spread(values, anatomy.image_shape).astype(np.float32)
