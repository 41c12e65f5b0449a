"""Layers of sequences, `(steps, features)` without the batch: recurrent ones and those that slide along one axis."""

from collections.abc import Callable, Sequence
from typing import Any

from kerascnn.summary.layer_arithmetic import compute_padded_window, convolution_parameters, sum_of_products
from kerascnn.summary.layers import MOVED, NOTHING, WHOLE, LayerAnalysis, LayerCall

_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
"""Number of matrix products that a cell makes of its input, and as many of its state."""


# === Recurrent layers ===


def _recurrent(num_gates: int) -> Callable[[LayerCall], LayerAnalysis]:
    def analyze(layer: LayerCall) -> LayerAnalysis:
        return _analyze_cells(layer, [(num_gates, layer.config)])

    return analyze


def _rnn(layer: LayerCall) -> LayerAnalysis:
    """A recurrent layer whose cell is given, or several that are stacked."""
    cell = layer.config["cell"]
    cells = cell if isinstance(cell, list) else cell["config"].get("cells", [cell])
    return _analyze_cells(layer, [(_GATES[one["class_name"].removesuffix("Cell")], one["config"]) for one in cells])


def _analyze_cells(layer: LayerCall, cells: Sequence[tuple[int, dict[str, Any]]]) -> LayerAnalysis:
    steps, inputs = layer.shape
    if layer.config.get("return_state"):
        raise ValueError("it returns its state beside its output")
    weights: list[tuple[int, ...]] = []
    products: list[tuple[int, ...]] = []
    for gates, config in cells:
        units = config["units"]
        biases = 2 if config.get("reset_after", gates == _GATES["GRU"]) and gates == _GATES["GRU"] else 1
        weights += [(gates, inputs, units), (gates, units, units)]
        products += [(steps, gates, inputs, units), (steps, gates, units, units)]
        if config.get("use_bias", True):
            weights.append((gates, biases, units) if biases > 1 else (gates, units))
        inputs = units
    return LayerAnalysis(
        (steps, inputs) if layer.config.get("return_sequences") else (inputs,),
        (f"{steps} steps, one after the other",),
        parameters=sum_of_products(*weights),
        multiply_adds=sum_of_products(*products),
        reach=WHOLE,
    )


# === Along one axis ===


def _conv1d(layer: LayerCall) -> LayerAnalysis:
    config, groups = layer.config, layer.config.get("groups", 1)
    _, channels = layer.shape
    (kernel,), filters = _as_list(config["kernel_size"]), config["filters"]
    places = _count_places(layer, kernel, _as_list(config["strides"])[0], _as_list(config["dilation_rate"])[0])
    return LayerAnalysis(
        (places, filters),
        parameters=convolution_parameters([kernel], channels, filters, groups, config["use_bias"]),
        multiply_adds=sum_of_products((places, filters, kernel, channels // groups)),
        reach=WHOLE,
    )


def _pooling1d(layer: LayerCall) -> LayerAnalysis:
    size, strides = _as_list(layer.config["pool_size"])[0], _as_list(layer.config["strides"])[0]
    return LayerAnalysis((_count_places(layer, size, strides), layer.shape[1]), reach=WHOLE)


def _global_pooling1d(layer: LayerCall) -> LayerAnalysis:
    channels = layer.shape[-1]
    return LayerAnalysis((1, channels) if layer.config.get("keepdims") else (channels,), reach=WHOLE)


def _up_sampling1d(layer: LayerCall) -> LayerAnalysis:
    return LayerAnalysis((layer.shape[0] * layer.config["size"], layer.shape[1]), reach=WHOLE)


def _change_ends(layer: LayerCall) -> LayerAnalysis:
    """Add (ZeroPadding1D) or remove (Cropping1D) steps before and after."""
    sign = -1 if "cropping" in layer.config else 1
    before, after = layer.config["padding" if sign > 0 else "cropping"]
    return LayerAnalysis((layer.shape[0] + sign * (before + after), layer.shape[1]), reach=WHOLE)


def _repeat(layer: LayerCall) -> LayerAnalysis:
    return LayerAnalysis((layer.config["n"], *layer.shape), reach=MOVED)


def _count_places(layer: LayerCall, size: int, stride: int, dilation: int = 1) -> int:
    if layer.config.get("data_format", "channels_last") != "channels_last":
        raise ValueError("its channels come first")
    steps, padding = layer.shape[0], layer.config["padding"]
    if padding == "causal":
        return -(-steps // stride)
    return compute_padded_window(padding, steps, size, stride, dilation).require_fit(layer.name).output_size


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


# === Attention ===


def _attention(layer: LayerCall) -> LayerAnalysis:
    """Attention without projections: query, value and key are given as they are."""
    query, value = layer.shapes[0], layer.shapes[1]
    seeing, seen, width = query[0], value[0], query[-1]
    learned = 1 if layer.config.get("use_scale") else 0
    if layer.config.get("use_scale") and layer.config.get("score_mode") is None:
        learned = width  # AdditiveAttention
    return LayerAnalysis(
        (seeing, value[-1]),
        parameters=sum_of_products((learned,)) if learned else NOTHING,
        multiply_adds=sum_of_products((seeing, seen, width), (seeing, seen, value[-1])),
        reach=WHOLE,
    )


SEQUENCE_LAYERS: dict[str, Callable[[LayerCall], LayerAnalysis]] = {
    **{name: _recurrent(gates) for name, gates in _GATES.items()},
    **dict.fromkeys(("AdditiveAttention", "Attention"), _attention),
    **dict.fromkeys(("AveragePooling1D", "MaxPooling1D"), _pooling1d),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalMaxPooling1D"), _global_pooling1d),
    **dict.fromkeys(("Cropping1D", "ZeroPadding1D"), _change_ends),
    "Conv1D": _conv1d,
    "RNN": _rnn,
    "RepeatVector": _repeat,
    "UpSampling1D": _up_sampling1d,
}
"""How each layer of this module is analyzed, by its class."""
