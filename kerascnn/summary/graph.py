"""Read the configuration of a Keras model, as a `.keras` file has it, as a list of calls of layers. Needs no Keras."""

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kerascnn.utils.errors import ModelError

Config = dict[str, Any]
History = tuple[str, int, int]
"""Name of a layer, number of its call, number of the output of that call."""

_MODELS = ("Functional", "Sequential", "Model")


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

    @property
    def sources(self) -> tuple[int, ...]:
        """Positions of all calls whose outputs it takes."""
        return (*self.inputs, *self.keywords.values())


def read_calls(model: Config) -> list[Call]:
    """List the calls of a model, those of nested models among them, in an order in which they can be computed.

    Args:
        model: Configuration as `keras.saving.serialize_keras_object` returns it, the content of `config.json`.

    Raises:
        ModelError: If the configuration is not that of a Sequential or Functional model.
    """
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
    return reader.calls


class _Reader:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._seen: set[str] = set()

    def model(self, model: Config, inputs: list[int], prefix: str) -> list[int]:
        """Add a model's calls and return the positions of its outputs."""
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
        is_first = name not in self._seen
        self._seen.add(name)
        self.calls.append(Call(name, layer["class_name"], layer["config"], tuple(inputs), keywords, is_first, given))
        return [len(self.calls) - 1]

    def _sequential(self, config: Config, inputs: list[int], prefix: str) -> int:
        layers = list(config["layers"])
        if layers and layers[0]["class_name"] == "InputLayer":
            first, layers = layers[0], layers[1:]
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
        arguments = {
            (name, index): _arguments(node)
            for name, layer in layers.items()
            for index, node in enumerate(layer["inbound_nodes"])
        }
        given = dict(zip((key[0] for key in _histories(config["input_layers"])), inputs, strict=False))
        graph = {
            node: {(source[0], source[1]) for source in (*positional, *named.values())}
            for node, (positional, named, _) in arguments.items()
        }
        outputs: dict[tuple[str, int], list[int]] = {}
        for name, index in TopologicalSorter(graph).static_order():
            if (name, index) not in arguments:  # an InputLayer is not called
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
        return [outputs[layer, node][tensor] for layer, node, tensor in _histories(config["output_layers"])]


def _histories(references: Any) -> list[History]:
    """List layer, node and tensor of the inputs or outputs of a functional model, in any structure."""
    if isinstance(references, list) and len(references) == 3 and isinstance(references[0], str):
        return [(references[0], int(references[1]), int(references[2]))]
    inside = references.values() if isinstance(references, dict) else references
    return [history for reference in inside for history in _histories(reference)]


def _arguments(node: Any) -> tuple[list[History], dict[str, History], tuple[Any, ...]]:
    """List the tensors that a layer is called with, those given by name, and all arguments as they stand."""
    if isinstance(node, list):  # Keras 2 has a list of [layer, node, tensor, keywords] for each call.
        return [(layer, int(index), int(tensor)) for layer, index, tensor, *_ in node], {}, ()
    positional = [history for argument in node["args"] for history in _tensors(argument)]
    named = {key: found[0] for key, value in node["kwargs"].items() if (found := _tensors(value))}
    return positional, named, tuple(node["args"])


def _tensors(value: Any) -> list[History]:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            layer, node, tensor = value["config"]["keras_history"]
            return [(layer, int(node), int(tensor))]
        return [found for inside in value.values() for found in _tensors(inside)]
    return [found for inside in value for found in _tensors(inside)] if isinstance(value, list) else []
