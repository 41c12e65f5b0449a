"""Which classes the configuration of a model may name, and where: nothing in it may run code or read files."""

from pathlib import Path
from typing import Any

from kerascnn.saving.allowed_layers import HELPERS, LAYERS, MODELS, MODULES, OPERATION_MODULES, OPERATIONS
from kerascnn.utils.errors import ModelError

_MAX_INPUT_VALUES = 1 << 24

_RUNS_CODE = "; it runs code that the file brings: replace it by layers such as Rescaling, and save the model anew"
_WAYS_OUT = {
    **dict.fromkeys(("Lambda", "function", "__lambda__"), _RUNS_CODE),
    **dict.fromkeys(("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"),
                    "; it is an operation of TensorFlow in Keras 2: replace it by layers, and save the model anew"),
    "TFSMLayer": "; it runs a TensorFlow SavedModel: rebuild the model from Keras's layers, and save it anew",
}  # fmt: skip

_CELLS = frozenset({"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"})
_RECURRENT = frozenset({"GRU", "LSTM", "RNN", "SimpleRNN"})
_ACTIVATIONS = frozenset({"ELU", "LeakyReLU", "ReLU", "Softmax"})
_PLACES: dict[tuple[str, str], frozenset[str]] = {
    **{(model, "config/layers"): LAYERS | MODELS | OPERATIONS for model in MODELS},
    **{("Bidirectional", f"config/{key}"): _RECURRENT for key in ("layer", "forward_layer", "backward_layer")},
    ("TimeDistributed", "config/layer"): LAYERS,
    ("RNN", "config/cell"): _CELLS,
    ("StackedRNNCells", "config/cells"): _CELLS,
}
"""What may stand inside what: the class around it and its place in that, and the classes of what it may be."""
_ACTIVATION_PLACES = ("config/activation", "config/recurrent_activation")
_POLICIES = frozenset({
    "bfloat16", "bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "mixed_bfloat16",
    "mixed_float16", "uint16", "uint32", "uint8",
})  # fmt: skip

Place = tuple[str, str]
"""The class around a part of a configuration, and the keys from there to the part."""


def check_classes(config: dict[str, Any], path: Path) -> None:
    """Refuse a configuration that names anything but built-in layers, each in its place.

    Args:
        config: Configuration of a model, of bounded depth.
        path: The model's file, for the message.

    Raises:
        ModelError: If it is refused.
    """
    name = config.get("class_name")
    if not isinstance(name, str) or name not in MODELS:
        if "class_name" in config:
            _check_class(config, path)
        raise ModelError(f"{path} is refused: it holds {str(name)[:60]!r}, not a Sequential or Functional model.")
    _check(config, ("", ""), path)
    _check_shared(config, {}, path)


def _check(node: Any, place: Place, path: Path) -> None:
    if isinstance(node, list):
        for value in node:
            _check(value, place, path)
    if not isinstance(node, dict):
        return
    owner, keys = place
    if "class_name" in node:
        _check_class(node, path)
        _check_place(node["class_name"], place, path)
        owner, keys = node["class_name"], ""
    for key, value in node.items():
        if key in ("batch_shape", "batch_input_shape", "build_input_shape"):
            _check_input_shape(value, path)
        if key == "dtype" and isinstance(value, str) and value not in _POLICIES:
            raise ModelError(f"{path} is refused: it computes in {value!r}, which is none of Keras's number formats.")
        _check(value, (owner, f"{keys}/{key}".lstrip("/")), path)


def _check_place(name: str, place: Place, path: Path) -> None:
    if place == ("", "") or name not in LAYERS | MODELS | OPERATIONS or HELPERS.match(name):
        return
    allowed = _ACTIVATIONS if place[1] in _ACTIVATION_PLACES else _PLACES.get(place, frozenset())
    if name not in allowed:
        raise ModelError(
            f"{path} is refused: it has a {name!r} as the {place[1].removeprefix('config/')!r} of a {place[0]!r}."
        )


def _check_class(node: dict[str, Any], path: Path) -> None:
    name, module = node["class_name"], node.get("module")
    known = isinstance(name, str) and (name in LAYERS | MODELS | OPERATIONS or HELPERS.match(name))
    if not known:
        way_out = _WAYS_OUT.get(str(name), "")
        raise ModelError(
            f"{path} is refused: it contains {str(name)[:60]!r}, which is not among the built-in layers that kerascnn "
            f"runs{way_out}."
        )
    if node.get("registered_name") not in (None, name):
        raise ModelError(
            f"{path} is refused: {name!r} stands for the custom class {str(node['registered_name'])[:60]!r}."
        )
    # Tensors in a configuration carry no module.
    if module is None and (name in LAYERS | MODELS or HELPERS.match(name)):
        return
    is_layer = isinstance(module, str) and MODULES.match(module) and name not in OPERATIONS - LAYERS
    is_operation = isinstance(module, str) and OPERATION_MODULES.match(module) and name in OPERATIONS
    if module is None:
        raise ModelError(f"{path} is refused: Keras opens {name!r} from .keras files only; save the model as one.")
    if not (is_layer or is_operation):
        raise ModelError(
            f"{path} is refused: {name!r} comes from the module {str(module)[:60]!r}, which is not Keras's own."
        )


def _check_input_shape(shape: Any, path: Path) -> None:
    values = 1
    for size in shape if isinstance(shape, list) else []:
        values *= size if isinstance(size, int) else 1
    if values > _MAX_INPUT_VALUES:
        raise ModelError(f"{path} is refused: its input has {values:,} values, more than {_MAX_INPUT_VALUES:,}.")


def _check_shared(node: Any, seen: dict[Any, Any], path: Path) -> None:
    """Refuse parts that Keras would take for the same one, by their number, but that differ."""
    if isinstance(node, dict):
        number = node.get("shared_object_id")
        if "class_name" in node and isinstance(number, int | str):
            own = node["class_name"], node.get("config")
            if seen.setdefault(number, own) != own:
                raise ModelError(f"{path} is refused: two parts of it that differ have the same number, {number}.")
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _check_shared(value, seen, path)
