"""Read the configuration of a Keras model, as a `.keras` file has it, as a list of calls of layers. Needs no Keras."""

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kerascnn.utils.errors import ModelError

Config = dict[str, Any]
History = tuple[str, int, int]
"""Name of a layer, number of its call, number of the output of that call."""

_MODELS = ("Functional", "Sequential", "Model")
_OPERATIONS = "keras.src.ops."  # the modules of operations, some of which have the name of a layer
_MOST_CALLS = 800  # Keras takes 20 ms to build each; the largest that ship with it, of 224 pixels, have 700
_MOST_IN_SEQUENCE = 150  # Keras builds a Sequential model anew for each layer that it adds


@dataclass(frozen=True)
class Call:
    """One application of a layer; `inputs` and `keywords` are positions of the calls whose outputs it takes."""

    name: str  # after the names of the models around it: `encoder/conv1`
    class_name: str
    config: Config
    inputs: tuple[int, ...]  # in the order of its arguments
    keywords: dict[str, int] = field(default_factory=dict)
    is_first: bool = True  # whether the layer was not called before; its weights count once
    arguments: tuple[Any, ...] = ()  # all that it is called with, as the configuration has it
    is_operation: bool = False  # whether it is no layer, but an operation such as `keras.ops.relu`

    @property
    def sources(self) -> tuple[int, ...]:
        """Positions of all calls whose outputs it takes."""
        return (*self.inputs, *self.keywords.values())


@dataclass(frozen=True)
class Passage:
    """Where a model inside the model takes a tensor: what it was made for may be another shape than it is given."""

    name: str  # of the model inside
    source: int  # position of the call whose output it takes
    shape: tuple[int | None, ...]  # that it declares, without the batch


def read_calls(model: Config) -> list[Call]:
    """List the calls of a model, those of nested models among them, in an order in which they can be computed.

    Args:
        model: Configuration as `keras.saving.serialize_keras_object` returns it, the content of `config.json`.

    Raises:
        ModelError: If the configuration is not that of a Sequential or Functional model.
    """
    return read_graph(model)[0]


def read_graph(model: Config) -> tuple[list[Call], list[Passage]]:
    """List the calls of a model, as `read_calls` does, and where models inside it take their input."""
    reader = _Reader()
    try:
        reader.model(model, [], "")
    except CycleError as error:
        raise ModelError("the model's layers form a circle, which no network can compute.") from error
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        raise ModelError(
            f"the model's configuration cannot be understood ({type(error).__name__}: {error}); "
            "kerascnn reads those of Sequential and Functional models."
        ) from error
    return reader.calls, reader.passages


def declared_shape(input_layer: Config) -> tuple[int | None, ...]:
    """Return the shape of the input that an InputLayer declares, without the batch.

    Args:
        input_layer: The configuration inside the layer's.

    Raises:
        ValueError: If it declares none, or in another way than Keras writes.
    """
    shape = input_layer.get("batch_shape") or input_layer.get("batch_input_shape")
    others = {"shape", "input_shape", "input_tensor", "batch_size"} & set(input_layer)
    if not isinstance(shape, list | tuple) or not shape or others:
        raise ValueError("it declares no input in the way of Keras")
    if any(size is not None and (type(size) is not int or size < 0) for size in shape):
        raise ValueError(f"it declares an input of {shape}")
    return tuple(shape[1:])


class _Reader:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.passages: list[Passage] = []
        self._seen: set[int] = set()
        self._num_models = self._num_in_sequence = 0

    def model(self, model: Config, inputs: list[int], prefix: str) -> list[int]:
        """Add a model's calls and return the positions of its outputs."""
        self._num_models += 1
        self._require_few(self._num_models, "models inside it")
        if model["class_name"] == "Sequential":
            return [self._sequential(model["config"], inputs, prefix)]
        if model["class_name"] in _MODELS:
            return self._functional(model["config"], inputs, prefix)
        raise ValueError(f"{model['class_name']!r} is no model")

    def _layer(
        self, layer: Config, inputs: list[int], keywords: dict[str, int], prefix: str, given: tuple[Any, ...] = ()
    ) -> list[int]:
        name = prefix + str(layer["config"]["name"])
        if layer["class_name"] in _MODELS:
            return self.model(layer, [*inputs, *keywords.values()], f"{name}/")
        if layer["class_name"] == "InputLayer" and (inputs or keywords):
            raise ValueError(f"{name!r} is an input in the middle of it")
        self._require_few(len(self.calls) + 1, "layers, each counted as often as it is applied")
        is_first = id(layer) not in self._seen
        self._seen.add(id(layer))
        is_operation = str(layer.get("module")).startswith(_OPERATIONS)
        self.calls.append(
            Call(name, layer["class_name"], layer["config"], tuple(inputs), keywords, is_first, given, is_operation)
        )
        return [len(self.calls) - 1]

    def _require_few(self, number: int, what: str) -> None:
        if number > _MOST_CALLS:
            raise ModelError(f"the model has more than {_MOST_CALLS} {what}; kerascnn opens none that large.")

    def _pass(self, input_layer: Config, source: int, prefix: str) -> None:
        self.passages.append(Passage(prefix.rstrip("/"), source, declared_shape(input_layer["config"])))

    def _sequential(self, config: Config, inputs: list[int], prefix: str) -> int:
        layers = list(config["layers"])
        self._num_in_sequence += len(layers) ** 2
        if self._num_in_sequence > _MOST_IN_SEQUENCE**2:
            raise ModelError(
                f"the model has more than {_MOST_IN_SEQUENCE} layers in a Sequential, or in all that it has of these; "
                "save it as a Functional model."
            )
        if layers and layers[0]["class_name"] == "InputLayer":
            first, layers = layers[0], layers[1:]
            if inputs:
                self._pass(first, inputs[0], prefix)
        else:
            first = {
                "class_name": "InputLayer",
                "config": {"name": "input", "batch_shape": config.get("build_input_shape") or [None]},
            }
        outputs = inputs or self._layer(first, [], {}, prefix)
        for layer in layers:
            outputs = self._layer(layer, outputs, {}, prefix)
        return outputs[0]

    def _functional(self, config: Config, inputs: list[int], prefix: str) -> list[int]:
        layers = {layer["name"]: layer for layer in config["layers"]}
        if len(layers) < len(config["layers"]):
            raise ValueError("two layers have the same name")
        arguments = {
            (name, index): _arguments(node)
            for name, layer in layers.items()
            for index, node in enumerate(layer["inbound_nodes"])
        }
        given = dict(zip((key[0] for key in _histories(config["input_layers"])), inputs, strict=False))
        for name, layer in layers.items():
            if layer["class_name"] != "InputLayer" and not layer["inbound_nodes"]:
                raise ValueError(f"its layer {name!r} is not connected to the others")
        for name, source in given.items():
            self._pass(layers[name], source, prefix)
        graph = {
            node: {(source[0], source[1]) for source in (*positional, *named.values())}
            for node, (positional, named, _) in arguments.items()
        }
        outputs: dict[tuple[str, int], list[int]] = {}
        for name, index in TopologicalSorter(graph).static_order():
            if (name, index) not in arguments:
                if layers[name]["class_name"] != "InputLayer":
                    raise ValueError(f"its layer {name!r} has no call {index}")
                outputs[name, index] = [given[name]] if name in given else self._layer(layers[name], [], {}, prefix)
                continue
            positional, named, constants = arguments[name, index]
            outputs[name, index] = self._layer(
                layers[name],
                [outputs[layer, node][tensor] for layer, node, tensor in positional],
                {key: outputs[layer, node][tensor] for key, (layer, node, tensor) in named.items()},
                prefix,
                constants,
            )
        found = []
        for name, index, tensor in _histories(config["output_layers"]):
            # Here alone Keras counts a call of a functional model from its own inputs, before all others.
            is_functional = layers[name]["class_name"] in ("Functional", "Model")
            found.append(outputs[name, index - 1 if is_functional else index][tensor])
        return found


def _histories(references: Any) -> list[History]:
    """List layer, node and tensor of the inputs or outputs of a functional model, in any structure."""
    if isinstance(references, list) and len(references) == 3 and isinstance(references[0], str):
        return [(references[0], int(references[1]), int(references[2]))]
    inside = references.values() if isinstance(references, dict) else references
    return [history for reference in inside for history in _histories(reference)]


def _arguments(node: Any) -> tuple[list[History], dict[str, History], tuple[Any, ...]]:
    """List the tensors that a layer is called with, those given by name, and all arguments as they stand."""
    if isinstance(node, list):  # Keras 2 has a list of [layer, node, tensor, keywords] for each call.
        given = tuple(value for *_, keywords in node if isinstance(keywords, dict) for value in keywords.values())
        return [(layer, int(index), int(tensor)) for layer, index, tensor, *_ in node], {}, given
    positional = [history for argument in node["args"] for history in _tensors(argument)]
    named = {key: found[0] for key, value in node["kwargs"].items() if (found := _tensors(value))}
    return positional, named, (*node["args"], *(value for key, value in node["kwargs"].items() if key not in named))


def _tensors(value: Any) -> list[History]:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            layer, node, tensor = value["config"]["keras_history"]
            return [(layer, int(node), int(tensor))]
        return [found for inside in value.values() for found in _tensors(inside)]
    return [found for inside in value for found in _tensors(inside)] if isinstance(value, list) else []
