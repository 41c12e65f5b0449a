"""Networks as users name or bring them: by name, in a file of Python, as a function or as a built model."""

import sys
from collections.abc import Callable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kerascnn.models.registry import ARCHITECTURES, Architecture, NetworkFunction, check_architecture
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    import keras

Network = str | Callable[..., Any]
"""A name, a function that builds a network, or a `keras.Model`, which can be called as well."""


def find_architecture(network: Network) -> Architecture:
    """Find the architecture that a user means.

    Args:
        network: Name of `ARCHITECTURES`; `FILE.py:FUNCTION`, or `FILE.py` if it registers one network; a function
            `(input_shape, num_classes, dropout_rates)` that builds a `keras.Model`; or a built `keras.Model`, whose
            weights are the start weights.

    Returns:
        The architecture.

    Raises:
        ModelError: If there is no such architecture, the file cannot be run, or the model cannot be copied.

    Example:
        >>> find_architecture("cnn").num_classes
        10
    """
    if isinstance(network, str):
        path, _, function = (network, "", "") if network.endswith(".py") else network.rpartition(":")
        if path.endswith(".py"):
            return _in_file(Path(path), function)
        return ARCHITECTURES[check_architecture(network)]
    if is_model(network):
        return wrap_model(network)
    if not callable(network):
        raise ModelError(f"{network!r} is no architecture; give a name, a keras.Model or a function that builds one.")
    return _own(network.__name__, network)


def is_model(network: object) -> bool:
    """Tell whether an object is a `keras.Model`, without importing Keras."""
    return "keras" in sys.modules and isinstance(network, sys.modules["keras"].Model)


def wrap_model(model: "keras.Model", *, any_classes: bool = False) -> Architecture:
    """Make an architecture of a built model. Its configuration is rebuilt for each run, its weights are copied.

    Args:
        model: Functional or sequential model.
        any_classes: Whether the last layer is replaced, with new weights, where the number of classes is another.

    Returns:
        The architecture. Its dropout rates are those of the model's dropout layers in their order.

    Raises:
        ModelError: If the model is neither functional nor sequential, or not built.
    """
    import keras

    try:
        shape, num_outputs = tuple(model.input_shape[1:]), int(model.output_shape[-1])
        keras.models.clone_model(model)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"the model {model.name!r} cannot be copied; expected a functional or sequential keras.Model with one "
            "input and one output that begins with keras.Input."
        ) from error
    rates = tuple(float(layer.rate) for layer in model.layers if isinstance(layer, keras.layers.Dropout))

    def rebuild(
        input_shape: tuple[int, ...] = shape, num_classes: int = num_outputs, dropout_rates: Sequence[float] = rates
    ) -> "keras.Model":
        remaining = iter(dropout_rates)

        def copy(layer: "keras.layers.Layer") -> "keras.layers.Layer":
            config = layer.get_config()
            if isinstance(layer, keras.layers.Dropout):
                config["rate"] = next(remaining)
            elif any_classes and layer is model.layers[-1]:
                config["units"] = num_classes
            return type(layer).from_config(config)

        copied = keras.models.clone_model(model, clone_function=copy)
        for original, layer in zip(model.layers, copied.layers, strict=True):
            if [weight.shape for weight in layer.weights] == [weight.shape for weight in original.weights]:
                layer.set_weights(original.get_weights())
        return copied

    return _own(model.name, rebuild)


def _own(name: str, function: NetworkFunction) -> Architecture:
    """Make the architecture of a user's function, by a name that no other has."""
    registered = next((made for made in ARCHITECTURES.values() if made.function is function), None)
    return registered or Architecture(f"own_{name}" if name in ARCHITECTURES else name, function)


def _in_file(path: Path, function: str) -> Architecture:
    module = _run_file(path)
    registered = [made for made in ARCHITECTURES.values() if made.function.__module__ == module.__name__]
    if not function:
        if len(registered) != 1:
            raise ModelError(f"{path} registers {len(registered)} networks; name a function, as {path}:FUNCTION.")
        return registered[0]
    found: Any = getattr(module, function, None)
    if not callable(found):
        raise ModelError(f"{path} has no function {function!r}.")
    return _own(function, found)


def _run_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"kerascnn_networks_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ModelError(f"there is no file {path}; give a file of Python with a function that builds a keras.Model.")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The user's own code may raise anything.
        raise ModelError(f"{path} cannot be run: {type(error).__name__}: {error}.") from error
    return module
