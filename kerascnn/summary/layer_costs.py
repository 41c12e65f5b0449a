"""What a layer costs beyond its output and its multiply-adds: values that it keeps for itself, and other work.

The figures are upper bounds of what a framework needs, not what it needs; `kerascnn summary` does not show them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt, prod
from typing import Any

from kerascnn.summary.layer_analysis import analyze_layer
from kerascnn.summary.layers import LayerAnalysis, LayerCall, activation_bytes

_FLOAT_BYTES = 4
_WORK_OF_A_VALUE = 12  # of any layer, in multiply-adds of a convolution, which are the quickest work there is
_WORK_OF_A_STEP = 1_200_000  # of a recurrent layer, whose steps wait for each other
_LAYERS_OF_A_STEP = 4  # of a recurrent layer whose steps are written out
_SLOW = 12  # how many times as long a multiply-add takes that no matrix product has
_SORTING = 50
_SLOW_LAYERS = frozenset({"DepthwiseConv2D", "SeparableConv2D"})
_RECURRENT = frozenset({"GRU", "LSTM", "RNN", "SimpleRNN"})
_GATES = 4  # at most


@dataclass(frozen=True)
class LayerCosts:
    """Costs of one application of a layer; values are those of float32.

    Args:
        weights: Number of weights, all of those that Keras makes among them.
        initialisation: Multiply-adds that it takes to fill the weights, before those of the file are put there.
        values: Number of values that are kept for one picture, the output among them.
        work: Work for one picture, in multiply-adds.
        layers: For how many layers it counts.
    """

    weights: int
    initialisation: int
    values: int
    work: int
    layers: int = 1


def measure_costs(class_name: str, call: LayerCall, analysis: LayerAnalysis) -> LayerCosts:
    """Compute an upper bound of the costs of a layer.

    Args:
        class_name: Class of the layer.
        call: What it is applied to.
        analysis: Its analysis.

    Raises:
        ValueError: If the layer is given numbers where it takes tensors.
    """
    _require_tensors(class_name, call)
    if class_name in ("Bidirectional", "TimeDistributed"):
        return _measure_wrapper(class_name, call, analysis)
    size = max(_FLOAT_BYTES, activation_bytes(call.config)) // _FLOAT_BYTES
    weights = analysis.parameters.value * (1 + (call.config.get("lora_rank") or 0))
    hidden, extra = _EXTRA.get(class_name, _nothing)(call, analysis)
    values = prod(analysis.output_shape) + hidden
    work = analysis.multiply_adds.value * (_SLOW if class_name in _SLOW_LAYERS else 1) + extra
    layers = 1
    if class_name in _RECURRENT and call.config.get("unroll"):
        layers = _LAYERS_OF_A_STEP * call.shape[0]
    initialisation = weights * isqrt(weights) if _has_orthogonal(class_name, call.config) else weights
    return LayerCosts(size * weights, initialisation, size * values, work + _WORK_OF_A_VALUE * values, layers)


def _measure_wrapper(class_name: str, call: LayerCall, analysis: LayerAnalysis) -> LayerCosts:
    inner = call.config["layer"]
    times = 2 if class_name == "Bidirectional" else call.shape[0]
    one_call = replace(call, config=inner["config"])
    if class_name == "TimeDistributed":
        one_call = replace(one_call, shapes=(call.shape[1:],))
    one = measure_costs(inner["class_name"], one_call, analyze_layer(inner["class_name"], one_call))
    copies = times if class_name == "Bidirectional" else 1
    return LayerCosts(
        copies * one.weights,
        copies * one.initialisation,
        times * one.values + 2 * prod(analysis.output_shape),
        times * one.work,
        copies * one.layers,
    )


def _require_tensors(class_name: str, call: LayerCall) -> None:
    """Refuse arrays that a layer is called with, of whose shape its analysis knows nothing."""
    merges = call.is_operation and class_name not in ("Concatenate", "Stack")
    if class_name != "GetItem" and not merges and any(_has_numbers(argument) for argument in call.arguments):
        raise ValueError("it is given numbers where it takes what other layers give")


def _has_numbers(argument: Any, inside: bool = False) -> bool:
    if isinstance(argument, dict):
        if argument.get("class_name") == "__keras_tensor__":
            return False
        return argument.get("class_name") in ("__numpy__", "__tensor__") or any(
            _has_numbers(value, inside) for value in argument.values()
        )
    if isinstance(argument, list):
        return any(_has_numbers(value, True) for value in argument)
    return inside and isinstance(argument, int | float)


def _has_orthogonal(class_name: str, config: dict[str, Any]) -> bool:
    """Tell whether weights are made orthogonal, which takes a decomposition; recurrent layers do it by default."""
    return class_name in _RECURRENT or any(
        "rthogonal" in str(value) for key, value in config.items() if key.endswith("initializer")
    )


# === Layers that keep values for themselves, or do more than multiply and add ===

Extra = tuple[int, int]
"""Values that are kept, and work."""


def _nothing(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    return 0, 0


def _separable(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    channels = min(call.shape) if call.config.get("data_format") == "channels_first" else call.shape[-1]
    places = prod(analysis.output_shape) // call.config["filters"]
    return places * channels * call.config["depth_multiplier"], 0


def _pooling(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    sizes = call.config["pool_size"]
    return 0, _SLOW * prod(analysis.output_shape) * (prod(sizes) if isinstance(sizes, list) else sizes)


def _multi_head_attention(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    config = call.config
    inputs = [*call.shapes, *(shape for key, shape in call.keywords.items() if "mask" not in key)]
    seeing, seen = prod(inputs[0][:-1]), max(prod(shape[:-1]) for shape in inputs)
    heads, width = config["num_heads"], max(config["key_dim"], config.get("value_dim") or 0)
    scores = heads * seeing * seen
    _require_small_masks(call, scores)
    return 3 * scores + 4 * heads * width * (seeing + seen), 0


def _attention(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    shapes = [*call.shapes, *call.keywords.values()]
    seeing, seen, width = shapes[0][0], max(shape[0] for shape in shapes), max(shape[-1] for shape in shapes)
    _require_small_masks(call, seeing * seen)
    return 3 * seeing * seen * width, 0  # AdditiveAttention adds every query to every key


def _require_small_masks(call: LayerCall, most: int) -> None:
    for key, shape in call.keywords.items():
        if "mask" in key and prod(shape) > most:
            raise ValueError(f"its {key} is larger than what it hides")


def _recurrent(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    steps = call.shape[0]
    cell = call.config.get("cell")
    cells = cell if isinstance(cell, list) else [call.config] if cell is None else cell["config"].get("cells", [cell])
    units = [one.get("config", one)["units"] for one in cells]
    return 2 * _GATES * steps * sum(units), _WORK_OF_A_STEP * steps * len(units)


def _resizing(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    """Padding to the aspect ratio enlarges one side before anything is resized."""
    if not (call.config.get("pad_to_aspect_ratio") or call.config.get("crop_to_aspect_ratio")):
        return prod(call.shape) + prod(analysis.output_shape), 0
    sizes = sorted(call.shape)[-2:]
    target = sorted(analysis.output_shape)[-2:]
    longest = max(sizes) * (1 + -(-max(target) // max(1, min(target))))
    return longest * max(sizes) * min(call.shape), 0


def _up_sampling(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    return prod(analysis.output_shape), _SORTING * prod(analysis.output_shape)


def _sorting(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    return 4 * prod(call.shape), _SORTING * prod(call.shape)


def _norm(call: LayerCall, analysis: LayerAnalysis) -> Extra:
    """Norms of a matrix may take its decomposition."""
    values = prod(call.shape)
    return values, values if call.config.get("ord") is None else _SORTING * values * isqrt(values)


_EXTRA: dict[str, Callable[[LayerCall, LayerAnalysis], Extra]] = {
    **dict.fromkeys(("AdditiveAttention", "Attention"), _attention),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"), _pooling),
    **dict.fromkeys(("CenterCrop", "RandomCrop", "Resize", "Resizing"), _resizing),
    **dict.fromkeys(_RECURRENT, _recurrent),
    **dict.fromkeys(("Median", "SparsePlus", "SparseSigmoid", "Sparsemax"), _sorting),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _up_sampling),
    "MultiHeadAttention": _multi_head_attention,
    "Norm": _norm,
    "SeparableConv2D": _separable,
}
