"""The networks. `build` is the only door; one file a family."""

import keras

from kerascnn.errors import ModelError
from kerascnn.models.cnn import cnn

ARCHITECTURES = {"cnn": cnn}


def build(architecture: str, input_shape: tuple[int, int, int], num_classes: int, **arguments) -> keras.Model:
    """Build an untrained network by name.

    Args:
        architecture: a name of `ARCHITECTURES`.
        input_shape: height, width, channels.
        num_classes: units of the head.
        **arguments: further arguments of the family's function.

    Returns:
        An uncompiled model from pixels 0..255 to class probabilities.

    Raises:
        ModelError: if the name is unknown, or an image is too small for the network.

    Example:
        >>> build("cnn", (28, 28, 1), 10).output_shape
        (None, 10)
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(f"there is no architecture {architecture!r}; choose one of {', '.join(ARCHITECTURES)}.")
    try:
        return ARCHITECTURES[architecture](input_shape, num_classes, **arguments)
    except ValueError as error:
        raise ModelError(
            f"the architecture {architecture!r} cannot take images of {input_shape[0]}x{input_shape[1]} pixels; "
            f"use larger ones ({str(error).splitlines()[0]})."
        ) from error
