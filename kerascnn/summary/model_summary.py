"""Summary of a network with the arithmetic behind each shape, from its configuration alone: no framework is loaded."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any, TypedDict

from kerascnn.models import ARCHITECTURES, build, check_architecture
from kerascnn.saving.model_files import SHIPPED, find_shipped_model, resolve_model_path
from kerascnn.saving.safe_loading import read_config
from kerascnn.saving.stored_model import read_card
from kerascnn.summary.graph import Call, Config, read_calls
from kerascnn.summary.layer_analysis import analyze_layer
from kerascnn.summary.layer_arithmetic import Arithmetic, dense_parameters
from kerascnn.summary.layers import LayerAnalysis, LayerCall, Shape, activation_bytes, format_shape
from kerascnn.summary.receptive_field import Field, compute_receptive_fields
from kerascnn.utils.errors import ModelError, UsageError
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.random_state import preserve_random_state

_NUM_UNITS = 128  # of the hidden layer of the fully connected network for comparison


@dataclass(frozen=True)
class LayerSummary:
    """One application of a layer. Shapes are without the batch.

    Args:
        name: Name of the layer, after the names of the models around it.
        class_name: Class of the layer, such as `Conv2D`.
        inputs: Names of the layers whose outputs it takes.
        output_shape: Shape of its output for one picture.
        shape_text: Arithmetic of the shape, one statement a line.
        windows: N, F, S, P and the output along height and width, for convolutions and poolings.
        parameters: Number of weights and biases; none where a layer is applied again.
        num_non_trainable: Number of them that training does not change.
        multiply_adds: Number of multiply-adds for one picture.
        receptive_field: Height and width in pixels; `whole` for the whole picture; None if it is not known.
        activation_bytes: Memory of the output for one picture, in bytes.
    """

    name: str
    class_name: str
    inputs: tuple[str, ...]
    output_shape: Shape
    shape_text: tuple[str, ...]
    windows: tuple[dict[str, Any], ...]
    parameters: Arithmetic
    num_non_trainable: int
    multiply_adds: Arithmetic
    receptive_field: Field
    activation_bytes: int


class FirstLayer(TypedDict):
    """A network's first layer with weights; `fully_connected_parameters` is what as many fully connected units need."""

    name: str
    outputs: int
    weights_of_one_unit: int
    parameters: int
    fully_connected_parameters: dict[str, Any]


@dataclass(frozen=True)
class FullyConnected:
    """Costs of a fully connected network for the same pictures and classes.

    Args:
        one_unit: Number of weights of one unit that takes every value of the picture.
        parameters: Number of weights and biases of a hidden layer of such units and a layer of classes.
        multiply_adds: Number of multiply-adds of these two layers for one picture.
        first_layer: The network's own first layer with weights, compared with a fully connected one.
        num_units: Number of units of the hidden layer.
    """

    one_unit: Arithmetic
    parameters: Arithmetic
    multiply_adds: Arithmetic
    first_layer: FirstLayer
    num_units: int = _NUM_UNITS


@dataclass(frozen=True)
class Summary:
    """A network, layer by layer.

    Args:
        name: Name of the network.
        input_shape: Height, width and channels.
        layers: Layers in the order of their computation.
        num_parameters: Number of weights and biases.
        num_trainable: Number of those that training changes.
        num_multiply_adds: Number of multiply-adds for one picture.
        activation_bytes: Memory of all layers' outputs for one picture, in bytes.
        fully_connected: Costs of the same classification by a fully connected network; None for a network that does
            not classify pictures.
    """

    name: str
    input_shape: Shape
    layers: tuple[LayerSummary, ...]
    num_parameters: int
    num_trainable: int
    num_multiply_adds: int
    activation_bytes: int
    fully_connected: FullyConnected | None

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return asdict(self)


def summarize(
    architecture: str | None = None, *, model: str | Path | None = None, input_shape: tuple[int, int, int] | None = None
) -> Summary:
    """Summarize the layers of a network.

    Args:
        architecture: Name of an untrained network of this package.
        model: Path of a saved model, or a name in `SHIPPED`. Without `architecture` and `model` it is
            `saved_models/mnist_cnn.keras` if that exists, else the reference.
        input_shape: Height, width and channels of the picture; by default those that the network was made for. With
            other ones, the same layers are applied to them.

    Returns:
        The summary.

    Raises:
        ModelError: If there is no such model, it is not safe to read, or a layer cannot take its input.

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
    """Parse `28x28x1`, or `28x28` for one channel.

    Raises:
        ValueError: If it is no such shape.
    """
    sizes = [int(part) for part in text.lower().split("x")]
    if len(sizes) == 2:
        sizes.append(1)
    if len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(f"{text!r} is no input shape")
    return sizes[0], sizes[1], sizes[2]


@preserve_random_state()
def _architecture_config(architecture: str, shape: tuple[int, int, int]) -> Config:
    """Find an untrained network's configuration, without a framework where a shipped model has the same layers."""
    description = ARCHITECTURES[architecture]
    for path in map(find_shipped_model, SHIPPED):
        card = read_card(path)
        if card is not None and card.architecture == architecture and len(card.class_names) == description.num_classes:
            return read_config(path)
    from kerascnn.utils.backend import activate

    activate()
    try:
        network = build(architecture, shape, description.num_classes)
    except ModelError:
        # Keras says that it is impossible; the arithmetic of the same layers says why.
        _summary(_serialize(build(architecture, description.input_shape, description.num_classes)), architecture, shape)
        raise
    return _serialize(network)


def _serialize(network: Any) -> Config:
    import keras

    with silent_stderr():
        config: Config = keras.saving.serialize_keras_object(network)
    return config


def _summary(config: Config, name: str, input_shape: tuple[int, int, int] | None) -> Summary:
    calls = read_calls(config)
    analyses: list[LayerAnalysis] = []
    for call in calls:
        analyses.append(_analyze(call, calls, analyses, input_shape))
    layers = tuple(
        _layer(call, analysis, field, calls)
        for call, analysis, field in zip(calls, analyses, compute_receptive_fields(calls, analyses), strict=True)
    )
    shape = analyses[0].output_shape
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


def _analyze(
    call: Call, calls: Sequence[Call], analyses: Sequence[LayerAnalysis], input_shape: Shape | None
) -> LayerAnalysis:
    if call.class_name == "InputLayer":
        only_input = sum(other.class_name == "InputLayer" for other in calls) == 1
        return LayerAnalysis(_input_shape(call, input_shape if only_input else None))
    shapes = [analyses[source].output_shape for source in call.inputs]
    keywords = {key: analyses[source].output_shape for key, source in call.keywords.items()}
    return analyze_layer(
        call.class_name, LayerCall(call.name, call.config, tuple(shapes), keywords, call.arguments, call.is_operation)
    )


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


def _layer(call: Call, analysis: LayerAnalysis, field: Field, calls: Sequence[Call]) -> LayerSummary:
    again = not call.is_first
    return LayerSummary(
        name=call.name,
        class_name=call.class_name,
        inputs=tuple(calls[source].name for source in call.sources),
        output_shape=analysis.output_shape,
        shape_text=analysis.shape_text,
        windows=tuple(window.to_dict() for window in analysis.windows),
        parameters=Arithmetic() if again else analysis.parameters,
        num_non_trainable=0 if again else analysis.num_non_trainable,
        multiply_adds=analysis.multiply_adds,
        receptive_field=field,
        activation_bytes=prod(analysis.output_shape) * activation_bytes(call.config),
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
        one_unit=Arithmetic(values, format_shape(*shape).replace("x", "*")),
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
