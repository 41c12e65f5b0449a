"""The analysis of any layer, those that are made of others included. Needs no Keras."""

from collections.abc import Callable
from dataclasses import replace

from kerascnn.summary.layer_arithmetic import Arithmetic
from kerascnn.summary.layers import FUNCTIONS, WHOLE, LayerAnalysis, LayerCall
from kerascnn.summary.operations import OPERATIONS
from kerascnn.summary.sequence_layers import SEQUENCE_LAYERS
from kerascnn.utils.errors import ModelError


def analyze_layer(class_name: str, call: LayerCall) -> LayerAnalysis:
    """Compute the output shape and the costs of one application of a layer.

    Args:
        class_name: Class of the layer, such as `Conv2D`.
        call: What it is applied to.

    Raises:
        ModelError: If the class is not known here, or the layer cannot take its input.
    """
    function = _find_function(class_name, call)
    if function is None:
        raise ModelError(f"the layer {call.name!r} is a {class_name}, whose arithmetic kerascnn does not know.")
    try:
        analysis = function(call)
        _require_whole_numbers(analysis)
    except (KeyError, TypeError, IndexError, ValueError, ArithmeticError, AttributeError) as error:
        inputs = " and ".join("x".join(map(str, shape)) for shape in (*call.shapes, *call.keywords.values()))
        raise ModelError(
            f"the layer {call.name!r} ({class_name}) cannot take {inputs or 'nothing'} ({error})."
        ) from error
    if call.config.get("trainable") is False:
        return replace(analysis, num_non_trainable=analysis.parameters.value)
    return analysis


def _require_whole_numbers(analysis: LayerAnalysis) -> None:
    counts = (analysis.parameters.value, analysis.num_non_trainable, analysis.multiply_adds.value)
    are_sizes = all(type(size) is int and size >= 1 for size in analysis.output_shape)
    if not are_sizes or any(type(count) is not int or count < 0 for count in counts):
        raise ValueError("what it gives would not have whole numbers of values")


def _find_function(class_name: str, call: LayerCall) -> Callable[[LayerCall], LayerAnalysis] | None:
    if call.is_operation:
        return OPERATIONS.get(class_name)
    return _WRAPPERS.get(class_name) or FUNCTIONS.get(class_name) or SEQUENCE_LAYERS.get(class_name)


def _bidirectional(call: LayerCall) -> LayerAnalysis:
    """Two copies of a recurrent layer, one of which reads backwards."""
    inner = call.config["layer"]
    one = analyze_layer(inner["class_name"], replace(call, config=inner["config"]))
    backward = call.config.get("backward_layer") or inner
    if analyze_layer(backward["class_name"], replace(call, config=backward["config"])) != one:
        raise ValueError("it reads backwards with another layer than forwards")
    shape = one.output_shape
    if call.config.get("merge_mode", "concat") == "concat":
        shape = (*shape[:-1], 2 * shape[-1])
    return replace(
        one, output_shape=shape, parameters=_double(one.parameters), multiply_adds=_double(one.multiply_adds)
    )


def _double(arithmetic: Arithmetic) -> Arithmetic:
    return Arithmetic(2 * arithmetic.value, f"2*({arithmetic.expression})")


def _time_distributed(call: LayerCall) -> LayerAnalysis:
    """A layer that is applied to each step of a sequence."""
    inner, steps = call.config["layer"], call.shape[0]
    each = analyze_layer(inner["class_name"], replace(call, config=inner["config"], shapes=(call.shape[1:],)))
    costs = each.multiply_adds
    expression = f"{steps}*({costs.expression})" if costs.value else ""
    return LayerAnalysis(
        (steps, *each.output_shape),
        parameters=each.parameters,
        num_non_trainable=each.num_non_trainable,
        multiply_adds=Arithmetic(steps * costs.value, expression),
        reach=WHOLE,
    )


_WRAPPERS: dict[str, Callable[[LayerCall], LayerAnalysis]] = {
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
KNOWN_LAYERS = frozenset(_WRAPPERS) | frozenset(FUNCTIONS) | frozenset(SEQUENCE_LAYERS)
"""Classes of layers whose arithmetic is known."""
