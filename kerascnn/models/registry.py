"""The networks, one file a family, each with a function of its own name. `build` is the only door."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Architecture:
    """What can be said of a network before Keras is imported.

    Args:
        description: what it is, in a line.
        dropout: where its dropout layers are, one place a rate.
        dropout_rates: the network's own.
        num_parameters: weights and biases, as `kerascnn summary` counts them: kept here, since Keras needs many
            seconds to build all networks.
        num_multiply_adds: the same, for one picture.
        input_shape: of the pictures that the two figures are for: height, width, channels.
        num_classes: that they are for.
        segments: whether it says of every pixel of a page what it shows, and not of a picture.
    """

    description: str
    dropout: tuple[str, ...]
    dropout_rates: tuple[float, ...]
    num_parameters: int
    num_multiply_adds: int
    input_shape: tuple[int, int, int] = (28, 28, 1)
    num_classes: int = 10
    segments: bool = False


ARCHITECTURES = {
    "mlp": Architecture(
        description="fully connected, two hidden layers",
        dropout=("after the first layer", "after the second layer"),
        dropout_rates=(0.2, 0.2),
        num_parameters=669_706,
        num_multiply_adds=668_672,
    ),
    "cnn": Architecture(
        description="two convolutions, two dense layers",
        dropout=("after the pooling", "before the head"),
        dropout_rates=(0.25, 0.5),
        num_parameters=1_199_882,
        num_multiply_adds=11_992_448,
    ),
    "cnn_tiny": Architecture(
        description="five convolutions, under 10,000 weights",
        dropout=("before the head",),
        dropout_rates=(0.0,),
        num_parameters=9_226,
        num_multiply_adds=1_193_960,
    ),
    "resnet": Architecture(
        description="residual blocks, f(x) + x",
        dropout=("before the head",),
        dropout_rates=(0.0,),
        num_parameters=309_930,
        num_multiply_adds=10_721_024,
    ),
    "vit": Architecture(
        description="vision transformer: patches, attention",
        dropout=("after each part of the encoder",),
        dropout_rates=(0.0,),
        num_parameters=142_026,
        num_multiply_adds=7_856_320,
    ),
    "unet": Architecture(
        description="U-Net: what each pixel of a page shows",
        dropout=("on the lowest level",),
        dropout_rates=(0.0,),
        num_parameters=392_652,
        num_multiply_adds=554_696_704,
        input_shape=(128, 128, 1),
        num_classes=12,
        segments=True,
    ),
}


def check_architecture(name: str) -> str:
    """Raise ModelError unless there is an architecture of that name; return it. Needs no Keras."""
    if name not in ARCHITECTURES:
        raise ModelError(f"there is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    return name


def dropout_rates_of(architecture: str, rates: Sequence[float] | None = None) -> tuple[float, ...]:
    """The dropout rates to build a network with. Needs no Keras.

    Args:
        architecture: a name of `ARCHITECTURES`.
        rates: the user's wish; None for the network's own.

    Returns:
        One rate for each place that has dropout.

    Raises:
        ModelError: if the name is unknown, or the number of rates is not that of the network's dropout layers.

    Example:
        >>> dropout_rates_of("cnn")
        (0.25, 0.5)
    """
    facts = ARCHITECTURES[check_architecture(architecture)]
    if rates is None:
        return facts.dropout_rates
    if len(rates) != len(facts.dropout):
        raise ModelError(
            f"dropout_rates is {','.join(f'{rate:g}' for rate in rates)}; the architecture {architecture!r} takes "
            f"{len(facts.dropout)}, one {' and one '.join(facts.dropout)}."
        )
    return tuple(rates)


def build(
    architecture: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    dropout_rates: Sequence[float] | None = None,
    **arguments,
) -> "keras.Model":
    """Build an untrained network by name.

    Args:
        architecture: a name of `ARCHITECTURES`.
        input_shape: height, width, channels.
        num_classes: units of the head.
        dropout_rates: one for each place that has dropout; None for the network's own.
        **arguments: further arguments of the family's function.

    Returns:
        An uncompiled model from pixels 0..255 to class probabilities.

    Raises:
        ModelError: if the name is unknown, the number of dropout rates does not fit, or an image is too small for the
            network.

    Example:
        >>> build("cnn", (28, 28, 1), 10).output_shape
        (None, 10)
    """
    rates = dropout_rates_of(architecture, dropout_rates)
    family = getattr(import_module(f"kerascnn.models.{architecture}"), architecture)
    try:
        return family(input_shape, num_classes, rates, **arguments)
    except ValueError as error:
        raise ModelError(
            f"the architecture {architecture!r} cannot take images of {input_shape[0]}x{input_shape[1]} pixels; "
            f"use larger ones ({str(error).splitlines()[0]})."
        ) from error
