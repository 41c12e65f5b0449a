"""The layers of a network with the arithmetic behind each shape: what `kerascnn summary` shows.

Everything is computed from the network's configuration, so that no framework need be loaded.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

from kerascnn.models import ARCHITECTURES, build, check_architecture
from kerascnn.saving.card import read_card
from kerascnn.saving.model_files import SHIPPED, package_model, resolve_model_path
from kerascnn.saving.safe_loading import read_config
from kerascnn.summary.graph import Call, read_calls
from kerascnn.summary.layer_arithmetic import Arithmetic, dense_parameters
from kerascnn.summary.layers import Facts, Shape, activation_bytes, facts_of, times
from kerascnn.summary.receptive_field import receptive_fields
from kerascnn.utils.errors import ModelError, UsageError

__all__ = ["FullyConnected", "LayerSummary", "Summary", "parse_input_shape", "summarize"]

_NUM_UNITS = 128
"""Units of the fully connected network that stands beside the others."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer, as it is applied once. Shapes are without the batch.

    Args:
        name: of the layer, with those of the models around it.
        class_name: of the layer, such as `Conv2D`.
        inputs: names of the layers that it takes its input from.
        output_shape: of one picture.
        shape_text: how the shape comes about, a line a statement.
        windows: N, F, S, P and the output along height and width, for convolutions and poolings.
        parameters: weights and biases; none where a layer is applied again.
        num_non_trainable: how many of them training does not change.
        multiply_adds: for one picture.
        receptive_field: height and width in pixels; `whole` for the whole picture; None if it cannot be said.
        activation_bytes: memory of the output.
    """

    name: str
    class_name: str
    inputs: tuple[str, ...]
    output_shape: Shape
    shape_text: tuple[str, ...]
    windows: tuple[dict, ...]
    parameters: Arithmetic
    num_non_trainable: int
    multiply_adds: Arithmetic
    receptive_field: tuple[int, int] | str | None
    activation_bytes: int


@dataclass(frozen=True)
class FullyConnected:
    """What a fully connected network would need for the same pictures and classes.

    Args:
        one_unit: weights of one unit that sees every value of the picture.
        parameters: of a layer of 128 such units and a layer of classes.
        multiply_adds: of these two, for one picture.
        first_layer: the network's own first layer with weights: `name`, `outputs`, `weights_of_one_unit` and
            `parameters`; and `fully_connected_parameters`, what a fully connected layer of as many outputs would need.
        num_units: of the hidden layer.
    """

    one_unit: Arithmetic
    parameters: Arithmetic
    multiply_adds: Arithmetic
    first_layer: dict
    num_units: int = _NUM_UNITS


@dataclass(frozen=True)
class Summary:
    """A network, layer by layer.

    Args:
        name: of the network.
        input_shape: height, width, channels.
        layers: in the order of their computation.
        num_parameters: weights and biases.
        num_trainable: those that training changes.
        num_multiply_adds: for one picture.
        activation_bytes: memory of all layers' outputs, for one picture.
        fully_connected: the same classification by a fully connected network; None for a network that does not
            classify pictures.
    """

    name: str
    input_shape: Shape
    layers: tuple[LayerSummary, ...]
    num_parameters: int
    num_trainable: int
    num_multiply_adds: int
    activation_bytes: int
    fully_connected: FullyConnected | None

    def to_dict(self) -> dict:
        """The same as plain data, for JSON."""
        return asdict(self)


def summarize(
    architecture: str | None = None,
    *,
    model: str | Path | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Summary:
    """Work out every layer of a network.

    Args:
        architecture: an untrained network of this package, by name; or
        model: a saved one, a path or a name of `SHIPPED`. With neither, `saved_models/mnist_cnn.keras` if it is there,
            else the reference.
        input_shape: height, width, channels; by default what the architecture is for, or the saved model takes. For a
            saved model another shape asks what the same layers would do with it.

    Returns:
        The summary.

    Raises:
        ModelError: if there is no such model or it is not safe to read; if a layer cannot take its input, with N, F, S
            and P.

    Example:
        >>> summarize("cnn").num_parameters
        1199882
    """
    if architecture is not None and model is not None:
        raise UsageError("give an architecture or a model, not both.")
    if architecture is not None:
        shape = input_shape or ARCHITECTURES[check_architecture(architecture)].input_shape
        return _summary(_architecture_config(architecture, shape), architecture, shape)
    path = resolve_model_path(model)
    return _summary(read_config(path), path.stem, input_shape)


def parse_input_shape(text: str) -> tuple[int, int, int]:
    """Read `28x28x1`, or `28x28` for one channel.

    Raises:
        ValueError: if it is no such shape.
    """
    sizes = [int(part) for part in text.lower().split("x")]
    if len(sizes) == 2:
        sizes.append(1)
    if len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(f"{text!r} is no input shape")
    return sizes[0], sizes[1], sizes[2]


def _architecture_config(architecture: str, shape: tuple[int, int, int]) -> dict:
    """The configuration of an untrained network, without a framework where a model that ships has the same layers."""
    facts = ARCHITECTURES[architecture]
    for path in map(package_model, SHIPPED):
        card = read_card(path)
        if card is not None and card.architecture == architecture and len(card.class_names) == facts.num_classes:
            return read_config(path)
    from kerascnn.utils.backend import activate

    activate()
    import keras

    try:
        network = build(architecture, shape, facts.num_classes)
    except ModelError:
        # Keras says that it is impossible; the arithmetic of the same layers says why.
        _summary(_serialized(keras, build(architecture, facts.input_shape, facts.num_classes)), architecture, shape)
        raise
    return _serialized(keras, network)


def _serialized(keras, network) -> dict:
    from kerascnn.utils.quiet import silent_stderr

    with silent_stderr():
        return keras.saving.serialize_keras_object(network)


def _summary(config: dict, name: str, input_shape: tuple[int, int, int] | None) -> Summary:
    calls = read_calls(config)
    facts: list[Facts] = []
    for call in calls:
        facts.append(_facts(call, calls, facts, input_shape))
    layers = tuple(
        _layer(call, fact, field, calls)
        for call, fact, field in zip(calls, facts, receptive_fields(calls, facts), strict=True)
    )
    shape = facts[0].output_shape
    num_parameters = sum(layer.parameters.value for layer in layers)
    return Summary(
        name=name,
        input_shape=shape,
        layers=layers,
        num_parameters=num_parameters,
        num_trainable=num_parameters - sum(layer.num_non_trainable for layer in layers),
        num_multiply_adds=sum(layer.multiply_adds.value for layer in layers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        fully_connected=_fully_connected(shape, layers),
    )


def _facts(call: Call, calls: Sequence[Call], facts: Sequence[Facts], input_shape: Shape | None) -> Facts:
    if call.class_name == "InputLayer":
        only_input = sum(other.class_name == "InputLayer" for other in calls) == 1
        return Facts(_input_shape(call, input_shape if only_input else None))
    shapes = [facts[source].output_shape for source in call.inputs]
    keywords = {key: facts[source].output_shape for key, source in call.keywords.items()}
    return facts_of(call.class_name, call.name, call.config, shapes, keywords)


def _input_shape(call: Call, asked: Shape | None) -> Shape:
    own = (call.config.get("batch_shape") or call.config.get("batch_input_shape") or [None])[1:]
    if asked is not None:
        if own and len(own) == 2 and asked[2] == 1:
            return asked[:2]
        if own and len(own) != 3:
            raise ModelError(f"the model takes values of shape {tuple(own)}; --input-shape is for pictures.")
        return asked
    if not own or None in own:
        raise ModelError("the model takes pictures of any size; say which with --input-shape, such as 28x28x1.")
    return tuple(int(size) for size in own)


def _layer(call: Call, facts: Facts, field: tuple[int, int] | str | None, calls: Sequence[Call]) -> LayerSummary:
    again = not call.is_first
    return LayerSummary(
        name=call.name,
        class_name=call.class_name,
        inputs=tuple(calls[source].name for source in call.sources),
        output_shape=facts.output_shape,
        shape_text=facts.shape_text,
        windows=tuple(window.to_dict() for window in facts.windows),
        parameters=Arithmetic() if again else facts.parameters,
        num_non_trainable=0 if again else facts.num_non_trainable,
        multiply_adds=facts.multiply_adds,
        receptive_field=field,
        activation_bytes=prod(facts.output_shape) * activation_bytes(call.config),
    )


def _fully_connected(shape: Shape, layers: Sequence[LayerSummary]) -> FullyConnected | None:
    with_weights = [layer for layer in layers if layer.multiply_adds.value]
    if len(layers[-1].output_shape) != 1 or not with_weights:
        return None
    values, num_classes = prod(shape), layers[-1].output_shape[0]
    first, hidden = with_weights[0], dense_parameters(values, _NUM_UNITS)
    head = dense_parameters(_NUM_UNITS, num_classes)
    outputs = prod(first.output_shape)
    return FullyConnected(
        one_unit=Arithmetic(values, times(*shape).replace("x", "*")),
        parameters=Arithmetic(hidden.value + head.value, f"{hidden.expression} + {head.expression}"),
        multiply_adds=Arithmetic(
            values * _NUM_UNITS + _NUM_UNITS * num_classes, f"{values}*{_NUM_UNITS} + {_NUM_UNITS}*{num_classes}"
        ),
        first_layer={
            "name": first.name,
            "outputs": outputs,
            "weights_of_one_unit": first.multiply_adds.value // outputs,
            "parameters": first.parameters.value,
            "fully_connected_parameters": asdict(dense_parameters(values, outputs)),
        },
    )
