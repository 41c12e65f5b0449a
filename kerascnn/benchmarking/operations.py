"""How much arithmetic an image costs, from the layers themselves."""

from kerascnn.saving.model_files import LECTURE
from kerascnn.summary import summarize


def predicting_multiply_adds() -> int:
    """Count the multiply-adds that the `cnn` that ships needs for one image."""
    return summarize(model=LECTURE).num_multiply_adds


def training_multiply_adds(architecture: str) -> int:
    """Count the multiply-adds of one image in training.

    Each layer's product is done three times: forward, for the gradient of its weights, and for that of its input. The
    input of the first layer with weights is the image, whose gradient nobody needs.

    Args:
        architecture: Name of a network of `kerascnn.models.ARCHITECTURES`, for images of 28x28 pixels and ten classes.

    Returns:
        Forward and backward together.

    Example:
        >>> round(training_multiply_adds("cnn") / 1e6)
        36
    """
    layers = [layer.multiply_adds.value for layer in summarize(architecture).layers]
    return 3 * sum(layers) - next(value for value in layers if value)
