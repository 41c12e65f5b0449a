"""The networks by name. Each is one function in one file, which `register` makes known; `build` calls it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kerascnn.utils.errors import ModelError, UsageError

if TYPE_CHECKING:
    import keras

NetworkFunction = Callable[..., "keras.Model"]
"""Builds an untrained network: `function(input_shape, num_classes, dropout_rates)`."""

_Function = TypeVar("_Function", bound=NetworkFunction)


@dataclass(frozen=True)
class Architecture:
    """A network, of which all this is known before Keras is imported.

    Args:
        name: Name by which users ask for the network.
        function: Function that builds it. The defaults of its parameters `input_shape`, `num_classes` and
            `dropout_rates` are the network's own.
        description: Description of a few words.
        year: Year of the paper that it follows; None if there is none.
        segments: Whether it classifies every pixel of a page instead of a picture as a whole.
    """

    name: str
    function: NetworkFunction
    description: str = ""
    year: int | None = None
    segments: bool = False

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that the network is for; `(28, 28, 1)` if it does not say."""
        return tuple(self._default("input_shape", (28, 28, 1)))

    @property
    def num_classes(self) -> int:
        """Number of classes that the network is for; 10 if it does not say."""
        return int(self._default("num_classes", 10))

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The network's own dropout rates, one for each place that has dropout."""
        return tuple(self._default("dropout_rates", ()))

    def _default(self, parameter: str, otherwise: Any) -> Any:
        found = inspect.signature(self.function).parameters.get(parameter)
        return otherwise if found is None or found.default is inspect.Parameter.empty else found.default


ARCHITECTURES: dict[str, Architecture] = {}
"""Every registered network: those of this package from the oldest idea to the newest, then those of the user."""


def register(
    description: str, *, name: str | None = None, year: int | None = None, segments: bool = False
) -> Callable[[_Function], _Function]:
    """Make a function known as an architecture, for `kerascnn.fit` and every command.

    Args:
        description: Description of a few words, shown by `kerascnn models`.
        name: Name of the architecture; by default that of the function.
        year: Year of the paper that the network follows.
        segments: Whether the network classifies every pixel of a page instead of a picture as a whole.

    Returns:
        A decorator for a function `(input_shape, num_classes, dropout_rates)` that returns an uncompiled `keras.Model`
        from pixels 0..255 to probabilities. It imports Keras inside itself, so that commands without Keras stay quick.

    Raises:
        ModelError: If another function has the name already.

    Example:
        >>> @kerascnn.register("one dense layer")
        ... def linear(input_shape=(28, 28, 1), num_classes=10, dropout_rates=()):
        ...     import keras
        ...     return keras.Sequential([
        ...         keras.Input(input_shape),
        ...         keras.layers.Flatten(),
        ...         keras.layers.Dense(num_classes, activation="softmax"),
        ...     ])
    """

    def add(function: _Function) -> _Function:
        made = Architecture(name or function.__name__, function, description, year, segments)
        there = ARCHITECTURES.get(made.name)
        if there is not None and there.function.__module__ != function.__module__:
            raise ModelError(
                f"there is an architecture {made.name!r} already, of {there.function.__module__}; choose another name."
            )
        ARCHITECTURES[made.name] = made
        return function

    return add


def check_architecture(name: str) -> str:
    """Raise UsageError unless an architecture of that name is registered; return the name. Needs no Keras."""
    if name not in ARCHITECTURES:
        raise UsageError(f"there is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    return name


def resolve_dropout_rates(architecture: str | Architecture, rates: Sequence[float] | None = None) -> tuple[float, ...]:
    """Find the dropout rates to build a network with. Needs no Keras.

    Args:
        architecture: Network, or its name.
        rates: Rates that the user asks for; None for the network's own.

    Returns:
        One rate for each place that has dropout.

    Raises:
        UsageError: If the name is unknown, or the number of rates is not that of the network's own.

    Example:
        >>> resolve_dropout_rates("cnn")
        (0.25, 0.5)
    """
    network = _by_name(architecture)
    if rates is None:
        return network.dropout_rates
    if len(rates) != len(network.dropout_rates):
        own = f", such as its own {_list_rates(network.dropout_rates)}" if network.dropout_rates else ""
        raise UsageError(
            f"dropout_rates is {_list_rates(rates)}; the architecture {network.name!r} takes "
            f"{len(network.dropout_rates)}{own}."
        )
    return tuple(rates)


def build(
    architecture: str | Architecture,
    input_shape: tuple[int, int, int],
    num_classes: int,
    dropout_rates: Sequence[float] | None = None,
    **arguments: Any,
) -> "keras.Model":
    """Build an untrained network.

    Args:
        architecture: Network, or its name.
        input_shape: Height, width and channels of an image.
        num_classes: Number of classes, the units of the head.
        dropout_rates: One rate for each place that has dropout; None for the network's own.
        **arguments: Further arguments of the network's function.

    Returns:
        An uncompiled model from pixels 0..255 to class probabilities.

    Raises:
        ModelError: If the name is unknown, the number of dropout rates does not fit, an image is too small for the
            network, or the function returns no such model.

    Example:
        >>> build("cnn", (28, 28, 1), 10).output_shape
        (None, 10)
    """
    network = _by_name(architecture)
    rates = resolve_dropout_rates(network, dropout_rates)
    if network.dropout_rates:
        arguments["dropout_rates"] = rates
    try:
        model = network.function(input_shape, num_classes, **arguments)
    except ValueError as error:
        raise ModelError(
            f"the architecture {network.name!r} cannot take images of {input_shape[0]}x{input_shape[1]} pixels; "
            f"use larger ones ({str(error).splitlines()[0]})."
        ) from error
    _check_shapes(model, network, input_shape, num_classes)
    return model


def _check_shapes(
    model: "keras.Model", network: Architecture, input_shape: tuple[int, int, int], num_classes: int
) -> None:
    """Raise ModelError unless a model takes these images and gives so many probabilities, for each pixel or in all."""
    expected = ((None, *input_shape), (None, *(input_shape[:2] if network.segments else ()), num_classes))
    found = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if found != expected:
        raise ModelError(
            f"the architecture {network.name!r} gives a model from {found[0]} to {found[1]}; expected a functional or "
            f"sequential keras.Model from {expected[0]} to {expected[1]}."
        )


def _by_name(architecture: str | Architecture) -> Architecture:
    if isinstance(architecture, Architecture):
        return architecture
    return ARCHITECTURES[check_architecture(architecture)]


def _list_rates(rates: Sequence[float]) -> str:
    return ",".join(f"{rate:g}" for rate in rates)
