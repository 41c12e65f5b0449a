"""The networks, one file a family, each with a function of its own name. `build` is the only door."""

from importlib import import_module
from typing import TYPE_CHECKING

from kerascnn.errors import ModelError

if TYPE_CHECKING:
    import keras

ARCHITECTURES = ("cnn",)


def check_architecture(name: str) -> str:
    """Raise ModelError unless there is an architecture of that name; return it. Needs no Keras."""
    if name not in ARCHITECTURES:
        raise ModelError(f"there is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    return name


def build(architecture: str, input_shape: tuple[int, int, int], num_classes: int, **arguments) -> "keras.Model":
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
    family = getattr(import_module(f"kerascnn.models.{check_architecture(architecture)}"), architecture)
    try:
        return family(input_shape, num_classes, **arguments)
    except ValueError as error:
        raise ModelError(
            f"the architecture {architecture!r} cannot take images of {input_shape[0]}x{input_shape[1]} pixels; "
            f"use larger ones ({str(error).splitlines()[0]})."
        ) from error
