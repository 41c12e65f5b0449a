"""Output shape, weights and multiply-adds of Keras's layers, with the arithmetic behind them. Needs no Keras.

Layers that no network of this package has are here because `summary` takes other people's models, too: those that
`kerascnn.saving.safe_loading` opens.

Multiply-adds are those of convolutions, fully connected layers and attention, for one picture, without biases; all
other operations of a network are negligible beside them. Shapes are without the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from kerascnn.summary.layer_arithmetic import (
    Arithmetic,
    Window,
    compute_padded_window,
    convolution_parameters,
    dense_parameters,
    sum_of_products,
)

Shape = tuple[int, ...]
NOTHING = Arithmetic()


@dataclass(frozen=True)
class Slide:
    """Along one axis, output place o depends on `extent` places of the input, from `o*stride - padding`."""

    stride: int = 1
    padding: int = 0
    extent: int = 1


@dataclass(frozen=True)
class Stretch:
    """Along one axis, input place i contributes to `extent` places of the output, from `i*stride - padding`."""

    stride: int
    padding: int
    extent: int


Reach = tuple[Slide | Stretch, Slide | Stretch] | str

SAME_PLACES: Reach = (Slide(), Slide())
WHOLE = "whole"
"""Each value of the output depends on every place of the input."""
MOVED = "moved"
"""Each value of the output depends on one place of the input, but no longer lies at that place."""


@dataclass(frozen=True)
class LayerAnalysis:
    """Result of one application of a layer."""

    output_shape: Shape
    shape_text: tuple[str, ...] = ()  # arithmetic, one statement a line; empty where the shape is that of the input
    windows: tuple[Window, ...] = ()  # along height and width, for convolutions and poolings
    parameters: Arithmetic = NOTHING  # number of weights and biases
    num_non_trainable: int = 0  # number of them that training does not change
    multiply_adds: Arithmetic = NOTHING  # for one picture
    reach: Reach = SAME_PLACES  # part of the input that a value of the output depends on


@dataclass(frozen=True)
class LayerCall:
    """One application of a layer: its name and configuration, the shapes of its inputs, and what else it is given."""

    name: str
    config: dict[str, Any]
    shapes: tuple[Shape, ...]
    keywords: Mapping[str, Shape] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()
    is_operation: bool = False  # whether it is no layer, but an operation such as `keras.ops.relu`

    @property
    def shape(self) -> Shape:
        """Shape of the first input."""
        return self.shapes[0]


def activation_bytes(config: dict[str, Any]) -> int:
    """Return the bytes of one value of a layer's output, by the layer's dtype policy."""
    policy = config.get("dtype")
    if isinstance(policy, dict):
        policy = policy.get("config", {}).get("name")
    name = str(policy or "float32")
    return 2 if "16" in name else 8 if "64" in name else 4


def format_shape(*sizes: int) -> str:
    """Write a shape as 28x28x1."""
    return "x".join(map(str, sizes))


# === Convolutions ===


def _slide(
    layer: LayerCall,
    filter_sizes: Sequence[int],
    num_channels: int,
    parameters: Arithmetic = NOTHING,
    products: Sequence[Sequence[int]] = (),
) -> LayerAnalysis:
    """Analyze a layer that slides a window; `products` are the factors of its multiply-adds at one place."""
    height, width, _ = _split_shape(layer)
    strides, dilations = layer.config["strides"], layer.config.get("dilation_rate", (1, 1))
    windows = tuple(
        compute_padded_window(layer.config["padding"], *axis).require_fit(layer.name)
        for axis in zip((height, width), filter_sizes, strides, dilations, strict=True)
    )
    slides = [Slide(window.stride, window.padding[0], window.extent) for window in windows]
    places = windows[0].output_size, windows[1].output_size
    return LayerAnalysis(
        _join_shape(layer, *places, num_channels),
        _write_windows(windows),
        windows,
        parameters,
        multiply_adds=sum_of_products(*((*places, *factors) for factors in products)),
        reach=(slides[0], slides[1]),
    )


def _conv2d(layer: LayerCall) -> LayerAnalysis:
    config, groups = layer.config, layer.config.get("groups", 1)
    channels, kernel, filters = _split_shape(layer)[2], config["kernel_size"], config["filters"]
    if channels % groups:
        raise ValueError(f"{channels} channels cannot be divided into {groups} groups")
    parameters = convolution_parameters(kernel, channels, filters, groups, config["use_bias"])
    return _slide(layer, kernel, filters, parameters, [(filters, *kernel, channels // groups)])


def _depthwise_conv2d(layer: LayerCall) -> LayerAnalysis:
    config = layer.config
    kernel, filters = config["kernel_size"], _split_shape(layer)[2] * config["depth_multiplier"]
    parameters = convolution_parameters(kernel, 1, filters, 1, config["use_bias"])
    return _slide(layer, kernel, filters, parameters, [(filters, *kernel)])


def _separable_conv2d(layer: LayerCall) -> LayerAnalysis:
    config = layer.config
    kernel, filters = config["kernel_size"], config["filters"]
    between = _split_shape(layer)[2] * config["depth_multiplier"]
    factors = [(*kernel, between), (between, filters)]
    return _slide(layer, kernel, filters, sum_of_products(*factors, (filters,) if config["use_bias"] else ()), factors)


def _conv2d_transpose(layer: LayerCall) -> LayerAnalysis:
    config = layer.config
    height, width, channels = _split_shape(layer)
    kernel, strides, filters = config["kernel_size"], config["strides"], config["filters"]
    extras = config.get("output_padding")
    extras = extras if isinstance(extras, list | tuple) else [extras, extras]
    rows, columns = (
        _transpose(config["padding"], *values)
        for values in zip((height, width), kernel, strides, config["dilation_rate"], extras, strict=True)
    )
    return LayerAnalysis(
        _join_shape(layer, rows[0], columns[0], filters),
        _write_axes([rows[1], columns[1]]),
        (),
        convolution_parameters(kernel, channels, filters, 1, config["use_bias"]),
        multiply_adds=sum_of_products((height, width, channels, *kernel, filters)),
        reach=(rows[2], columns[2]),
    )


def _transpose(
    padding: str, size: int, filter_size: int, stride: int, dilation: int, extra: int | None
) -> tuple[int, str, Stretch]:
    """Compute, along one axis, the number of places of the output, its arithmetic, and their reach."""
    extent = dilation * (filter_size - 1) + 1
    if extra is not None:
        cut = 2 * (extent // 2) if padding == "same" else 0
        places = (size - 1) * stride + extent - cut + extra
        text = f"(N - 1) * S + F - 2P + {extra} = ({size} - 1) * {stride} + {extent} - {cut} + {extra} = {places}"
        return places, text, Stretch(stride, cut // 2, extent)
    if padding == "same":
        cut = max(0, extent - stride)
        return size * stride, f"N * S = {size} * {stride} = {size * stride}", Stretch(stride, cut // 2, extent)
    places = size * stride + max(extent - stride, 0)
    text = f"N * S + F - S = {size} * {stride} + {max(extent, stride)} - {stride} = {places}"
    return places, text, Stretch(stride, 0, extent)


# === Pooling and changes of size ===


def _pooling2d(layer: LayerCall) -> LayerAnalysis:
    return _slide(layer, layer.config["pool_size"], _split_shape(layer)[2])


def _global_pooling2d(layer: LayerCall) -> LayerAnalysis:
    height, width, channels = _split_shape(layer)
    text = f"one value of {height}*{width} = {height * width:,} places, for each of {channels} channels"
    shape = _join_shape(layer, 1, 1, channels) if layer.config.get("keepdims") else (channels,)
    return LayerAnalysis(shape, (text,), reach=WHOLE)


def _up_sampling2d(layer: LayerCall) -> LayerAnalysis:
    height, width, channels = _split_shape(layer)
    down, across = layer.config["size"]
    # Number of places between which a value is interpolated, along one axis.
    taps = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}[layer.config["interpolation"]]
    return LayerAnalysis(
        _join_shape(layer, height * down, width * across, channels),
        _write_axes([f"{height} * {down} = {height * down}", f"{width} * {across} = {width * across}"]),
        reach=(
            Stretch(down, (taps - 1) * down // 2, taps * down),
            Stretch(across, (taps - 1) * across // 2, taps * across),
        ),
    )


def _change_borders(layer: LayerCall) -> LayerAnalysis:
    """Add (ZeroPadding2D) or remove (Cropping2D) borders, ((top, bottom), (left, right))."""
    sign = -1 if "cropping" in layer.config else 1
    borders = layer.config["padding" if sign > 0 else "cropping"]
    *sizes, channels = _split_shape(layer)
    rows, columns = (size + sign * sum(border) for size, border in zip(sizes, borders, strict=True))
    if min(rows, columns) < 1:
        raise ValueError("nothing would be left")
    symbol = "+" if sign > 0 else "-"
    texts = [
        f"{size} {symbol} {border[0]} {symbol} {border[1]} = {places}"
        for size, border, places in zip(sizes, borders, (rows, columns), strict=True)
    ]
    reach = Slide(1, sign * borders[0][0]), Slide(1, sign * borders[1][0])
    return LayerAnalysis(_join_shape(layer, rows, columns, channels), _write_axes(texts), reach=reach)


def _set_size(layer: LayerCall) -> LayerAnalysis:
    channels = _split_shape(layer)[2]
    height, width = layer.config["height"], layer.config["width"]
    return LayerAnalysis(_join_shape(layer, height, width, channels), reach=MOVED)


# === Fully connected layers ===


def _dense(layer: LayerCall) -> LayerAnalysis:
    *places, inputs = layer.shape
    units = layer.config["units"]
    return LayerAnalysis(
        (*places, units),
        parameters=dense_parameters(inputs, units, layer.config["use_bias"]),
        multiply_adds=sum_of_products((*places, inputs, units)),
        reach=SAME_PLACES if places else WHOLE,
    )


def _einsum_dense(layer: LayerCall) -> LayerAnalysis:
    config = layer.config
    operands, output = _write_out_ellipsis(config["equation"].replace(" ", ""), 1 + len(layer.shape)).split("->")
    inputs, kernel = operands.split(",")
    # The first letter of input and output is the batch.
    sizes = dict(zip(inputs[1:], layer.shape, strict=True))
    for letter, size in zip(reversed(output), reversed(_as_list(config["output_shape"])), strict=False):
        if size is not None:
            sizes[letter] = size
    bias = [sizes[letter] for letter in config.get("bias_axes") or ""]
    summed = [sizes[letter] for letter in kernel if letter not in output]
    return LayerAnalysis(
        tuple(sizes[letter] for letter in output[1:]),
        parameters=sum_of_products([sizes[letter] for letter in kernel], bias),
        multiply_adds=sum_of_products([*(sizes[letter] for letter in output[1:]), *summed]),
        # A value depends on its own place only, unless an axis other than the last is summed over.
        reach=MOVED if set(inputs[1:-1]) <= set(output) and len(layer.shape) > 1 else WHOLE,
    )


def _write_out_ellipsis(equation: str, rank: int) -> str:
    """Put letters in the place of the ellipsis of an equation, for an input of so many axes."""
    if "..." not in equation:
        return equation
    free = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in equation]
    named = len(equation.split(",")[0].replace("...", ""))
    return equation.replace("...", "".join(free[: rank - named]))


def _multi_head_attention(layer: LayerCall) -> LayerAnalysis:
    config = layer.config
    inputs = {**dict(zip(("query", "value", "key"), layer.shapes, strict=False)), **layer.keywords}
    query, value = inputs["query"], inputs["value"]
    key = inputs.get("key", value)
    heads, key_dim = config["num_heads"], config["key_dim"]
    value_dim = config["value_dim"] or key_dim
    width = prod(_as_list(config["output_shape"])) if config["output_shape"] else query[-1]
    seeing, seen = prod(query[:-1]), prod(value[:-1])
    # Factors inputs * heads * size of the projections to queries, keys and values.
    projections = [(query[-1], heads, key_dim), (key[-1], heads, key_dim), (value[-1], heads, value_dim)]
    gate = [(query[-1], heads, value_dim)] if config.get("use_gate") else []
    parameters: list[Sequence[int]] = [*projections, (heads, value_dim, width), *gate]
    if config["use_bias"]:
        parameters += [(heads, key_dim), (heads, key_dim), (heads, value_dim), (width,), *(each[1:] for each in gate)]
    multiply_adds = [
        *((places, *each) for places, each in zip((seeing, seen, seen), projections, strict=True)),
        (seeing, seen, heads, key_dim),
        (seeing, seen, heads, value_dim),
        (seeing, heads, value_dim, width),
        *((seeing, *each) for each in gate),
    ]
    return LayerAnalysis(
        (*query[:-1], width),
        (f"each of {seeing} places looks at {seen}, with {heads} heads of {key_dim}",),
        parameters=sum_of_products(*parameters),
        multiply_adds=sum_of_products(*multiply_adds),
        reach=WHOLE,
    )


def _embedding(layer: LayerCall) -> LayerAnalysis:
    rows, columns = layer.config["input_dim"], layer.config["output_dim"]
    return LayerAnalysis((*layer.shape, columns), parameters=sum_of_products((rows, columns)), reach=MOVED)


# === Normalization ===


def _batch_normalization(layer: LayerCall) -> LayerAnalysis:
    size = layer.shape[_axis(layer.config["axis"], layer.shape)]
    num_learned = layer.config["scale"] + layer.config["center"]
    num_kept = 5 if layer.config.get("renorm") else 2
    parameters = sum_of_products((num_learned + num_kept, size))
    return LayerAnalysis(layer.shape, parameters=parameters, num_non_trainable=num_kept * size)


def _layer_normalization(layer: LayerCall) -> LayerAnalysis:
    sizes = [layer.shape[_axis(axis, layer.shape)] for axis in _as_list(layer.config["axis"])]
    # RMSNormalization has a scale only, and no option for it.
    num_learned = int(layer.config.get("scale", True)) + int(layer.config.get("center", False))
    return LayerAnalysis(layer.shape, parameters=sum_of_products((num_learned, *sizes)) if num_learned else NOTHING)


def _rescaling(layer: LayerCall) -> LayerAnalysis:
    _require_no_larger(layer, "scale", "offset")
    return LayerAnalysis(layer.shape)


def _normalization(layer: LayerCall) -> LayerAnalysis:
    if layer.config.get("mean") is not None:
        _require_no_larger(layer, "mean", "variance")
        return LayerAnalysis(layer.shape)
    axes = layer.config["axis"]
    size = 1 if axes is None else prod(layer.shape[_axis(axis, layer.shape)] for axis in _as_list(axes))
    parameters = sum_of_products((2, size), (1,))
    return LayerAnalysis(layer.shape, parameters=parameters, num_non_trainable=parameters.value)


def _prelu(layer: LayerCall) -> LayerAnalysis:
    shared = {axis - 1 for axis in layer.config.get("shared_axes") or []}
    sizes = [1 if index in shared else size for index, size in enumerate(layer.shape)]
    return LayerAnalysis(layer.shape, parameters=sum_of_products(sizes))


def _require_no_larger(layer: LayerCall, *keys: str) -> None:
    """Refuse arrays among the arguments of a layer that would enlarge its input."""
    for key in keys:
        shape = count_sizes(layer.config.get(key))
        # There may be an axis for the batch.
        own = shape[1:] if len(shape) > len(layer.shape) and shape[0] == 1 else shape
        if own and merge_shapes(replace(layer, shapes=(layer.shape, own))).output_shape != layer.shape:
            raise ValueError(f"its {key} has the shape {format_shape(*shape)}")


def count_sizes(values: Any) -> Shape:
    """Return the shape of an array that is written as lists in lists; nothing for a single number."""
    sizes: list[int] = []
    while isinstance(values, list) and values:
        sizes.append(len(values))
        values = values[0]
    return tuple(sizes)


# === Merging and reshaping ===


def keep_shape(layer: LayerCall) -> LayerAnalysis:
    """Analyze a layer that changes values only."""
    return LayerAnalysis(layer.shape)


def merge_shapes(layer: LayerCall) -> LayerAnalysis:
    """Analyze a layer that merges its inputs value by value, as NumPy broadcasts them."""
    shapes = layer.shapes
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        larger = {size for size in sizes if size != 1}
        if len(larger) > 1:
            raise ValueError("their shapes differ")
        result.append(larger.pop() if larger else 1)
    return LayerAnalysis(tuple(result))


def _concatenate(layer: LayerCall) -> LayerAnalysis:
    axis = _axis(layer.config["axis"], layer.shape)
    if any(shape[:axis] + shape[axis + 1 :] != layer.shape[:axis] + layer.shape[axis + 1 :] for shape in layer.shapes):
        raise ValueError("they differ in more than the axis that is joined")
    sizes = [shape[axis] for shape in layer.shapes]
    shape = (*layer.shape[:axis], sum(sizes), *layer.shape[axis + 1 :])
    return LayerAnalysis(shape, (f"{' + '.join(map(str, sizes))} = {sum(sizes)}",))


def _flatten(layer: LayerCall) -> LayerAnalysis:
    arithmetic = sum_of_products(layer.shape)
    return LayerAnalysis((arithmetic.value,), (arithmetic.text,), reach=MOVED)


def _reshape(layer: LayerCall) -> LayerAnalysis:
    target, total = list(layer.config["target_shape"]), prod(layer.shape)
    if -1 in target:
        target[target.index(-1)] = total // -prod(target)
    if prod(target) != total:
        raise ValueError(f"{total:,} values do not make {format_shape(*target)}")
    shape = tuple(target)
    text = f"{'*'.join(map(str, layer.shape))} = {'*'.join(map(str, shape))} = {total:,} values"
    # An axis of one channel, added or taken away, leaves every value at its place.
    same_places = len(shape) == 3 and shape[:2] == layer.shape[:2]
    return LayerAnalysis(shape, (text,), reach=SAME_PLACES if same_places else MOVED)


def _permute(layer: LayerCall) -> LayerAnalysis:
    return LayerAnalysis(tuple(layer.shape[axis - 1] for axis in layer.config["dims"]), reach=MOVED)


# === Shared ===


def _split_shape(layer: LayerCall) -> tuple[int, int, int]:
    """Split into height, width and channels, whichever order the layer has them in."""
    if len(layer.shape) != 3:
        raise ValueError("it needs height, width and channels")
    if _channels_first(layer):
        return layer.shape[1], layer.shape[2], layer.shape[0]
    return layer.shape[0], layer.shape[1], layer.shape[2]


def _join_shape(layer: LayerCall, height: int, width: int, channels: int) -> Shape:
    return (channels, height, width) if _channels_first(layer) else (height, width, channels)


def _channels_first(layer: LayerCall) -> bool:
    return layer.config.get("data_format") == "channels_first"


def _write_windows(windows: Sequence[Window]) -> tuple[str, ...]:
    lines = _write_axes([f"{window.symbols}: {window.text}" for window in windows])
    axes = zip(windows, ("rows", "columns"), strict=True)
    lost = [f"{window.unseen} of {window.size} {name}" for window, name in axes if window.unseen]
    return (*lines, f"the stride does not fit; left out: the last {' and '.join(lost)}") if lost else lines


def _write_axes(texts: Sequence[str]) -> tuple[str, ...]:
    """Write one line for both axes where they are alike."""
    return (texts[0],) if texts[0] == texts[1] else (f"height: {texts[0]}", f"width: {texts[1]}")


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _axis(axis: Any, shape: Shape) -> int:
    """Convert an axis of Keras, which counts the batch, to an index into a shape without it."""
    value: int = _as_list(axis)[0]
    index = value - 1 if value > 0 else len(shape) + value
    if value == 0 or not 0 <= index < len(shape):
        raise ValueError(f"it has no axis {value}")
    return index


FUNCTIONS: dict[str, Callable[[LayerCall], LayerAnalysis]] = {
    **dict.fromkeys(
        (
            "Activation", "ActivityRegularization", "AlphaDropout", "Dropout", "ELU", "GaussianDropout",
            "GaussianNoise", "Identity", "LeakyReLU", "Masking", "RandomBrightness", "RandomContrast",
            "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomInvert",
            "RandomPerspective", "RandomRotation", "RandomSharpness", "RandomShear", "RandomTranslation",
            "RandomZoom", "ReLU", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
            "UnitNormalization",
        ),
        keep_shape,
    ),
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), merge_shapes),
    **dict.fromkeys(("AveragePooling2D", "MaxPooling2D"), _pooling2d),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), _global_pooling2d),
    **dict.fromkeys(("Cropping2D", "ZeroPadding2D"), _change_borders),
    **dict.fromkeys(("CenterCrop", "RandomCrop", "Resizing"), _set_size),
    **dict.fromkeys(("GroupNormalization", "LayerNormalization", "RMSNormalization"), _layer_normalization),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Conv2DTranspose": _conv2d_transpose,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "EinsumDense": _einsum_dense,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "MultiHeadAttention": _multi_head_attention,
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Permute": _permute,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "UpSampling2D": _up_sampling2d,
}  # fmt: skip
"""How each layer of this module is analyzed, by its class."""
