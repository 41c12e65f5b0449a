"""Where a model says what it takes: in one place, so that what is checked is what Keras builds."""

from typing import Any

from kerascnn.saving.allowed_layers import MODELS
from kerascnn.saving.configuration_limits import UNUSED

_DECLARATIONS = ("batch_input_shape", "input_shape")


def declare_inputs_once(model: Any) -> Any:
    """Leave out what a configuration says of the input of its parts: Keras derives it from the input, as we do.

    Left out, too, is how models were trained. Only the model itself keeps its input: an InputLayer, or else
    `build_input_shape`.

    Args:
        model: Configuration of a model, of bounded depth.

    Returns:
        A copy of it.
    """
    if not isinstance(model, dict) or not isinstance(model.get("config"), dict):
        return model
    shape = _find_input_shape(model)
    model = _without_declarations(model)
    if shape is not None and model.get("class_name") == "Sequential":
        model["config"]["build_input_shape"] = shape
    return model


def _find_input_shape(model: dict[str, Any]) -> Any:
    """Find the input of a Sequential model that does not begin with an InputLayer."""
    config, build = model["config"], model.get("build_config")
    layers = config.get("layers")
    first = layers[0] if isinstance(layers, list) and layers else None
    if not isinstance(first, dict) or first.get("class_name") == "InputLayer":
        return None
    inside = first.get("config")
    own = inside.get("batch_input_shape") if isinstance(inside, dict) else None
    built = build.get("input_shape") if isinstance(build, dict) else None
    return config.get("build_input_shape") or built or own


def _without_declarations(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_declarations(value) for value in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_declarations(value) for key, value in node.items() if key not in UNUSED}
    config = kept.get("config")
    if "class_name" in kept and isinstance(config, dict) and kept["class_name"] != "InputLayer":
        dropped = ("build_input_shape",) if str(kept["class_name"]) in MODELS else _DECLARATIONS
        kept["config"] = {key: value for key, value in config.items() if key not in dropped}
    return kept
