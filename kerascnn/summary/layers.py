"""What each of Keras's layers makes of its input: shape, weights, multiply-adds, with the arithmetic. Needs no Keras.

The convention for multiply-adds: those of convolutions, fully connected layers and attention, for one picture, without
biases; everything else a network does is small beside them. Shapes are without the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from kerascnn.summary.layer_arithmetic import (
    Arithmetic,
    Window,
    convolution_parameters,
    dense_parameters,
    padded_window,
    sum_of_products,
)
from kerascnn.utils.errors import ModelError

Shape = tuple[int, ...]
NOTHING = Arithmetic()


@dataclass(frozen=True)
class Slide:
    """Along one axis, output place o sees the input from `o*stride - padding`, `extent` places of it."""

    stride: int = 1
    padding: int = 0
    extent: int = 1


@dataclass(frozen=True)
class Stretch:
    """Along one axis, input place i reaches the output from `i*stride - padding`, `extent` places of it."""

    stride: int
    padding: int
    extent: int


SAME_PLACES = (Slide(), Slide())
WHOLE = "whole"
"""Each value of the output sees every place of the input."""
MOVED = "moved"
"""Each value of the output is one of the input (or computed from one place), but its place says nothing any more."""


@dataclass(frozen=True)
class Facts:
    """What is known of one application of a layer.

    Args:
        output_shape: without the batch.
        shape_text: how it comes about, a line a statement; empty where it is the input's.
        windows: along height and width, for convolutions and poolings.
        parameters: weights and biases.
        num_non_trainable: how many of them training does not change.
        multiply_adds: for one picture.
        reach: what part of the input a value of the output sees: a `Slide` or `Stretch` an axis, `WHOLE` or `MOVED`.
    """

    output_shape: Shape
    shape_text: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    parameters: Arithmetic = NOTHING
    num_non_trainable: int = 0
    multiply_adds: Arithmetic = NOTHING
    reach: tuple[Slide | Stretch, ...] | str = SAME_PLACES


@dataclass(frozen=True)
class _Arguments:
    """One application of a layer: its name and configuration, and the shapes that it is given."""

    name: str
    config: dict
    shapes: tuple[Shape, ...]
    keywords: Mapping[str, Shape]

    @property
    def shape(self) -> Shape:
        """Of the first input."""
        return self.shapes[0]


def facts_of(class_name: str, name: str, config: dict, shapes: Sequence[Shape], keywords: Mapping[str, Shape]) -> Facts:
    """Compute what one application of a layer does.

    Args:
        class_name: of the layer, such as `Conv2D`.
        name: of the layer, for messages.
        config: of the layer, as in a `.keras` file.
        shapes: of its inputs, without the batch.
        keywords: shapes of inputs given by name.

    Returns:
        The facts.

    Raises:
        ModelError: if the layer is none of those known, or its input does not fit it.
    """
    function = _FUNCTIONS.get(class_name)
    if function is None:
        raise ModelError(f"the layer {name!r} is a {class_name}, whose arithmetic kerascnn does not know.")
    try:
        facts = function(_Arguments(name, config, tuple(shapes), keywords))
    except (KeyError, TypeError, IndexError, ValueError, ZeroDivisionError) as error:
        taken = " and ".join("x".join(map(str, shape)) for shape in (*shapes, *keywords.values()))
        raise ModelError(f"the layer {name!r} ({class_name}) cannot take {taken or 'nothing'} ({error}).") from error
    if config.get("trainable") is False:
        return replace(facts, num_non_trainable=facts.parameters.value)
    return facts


def activation_bytes(config: dict) -> int:
    """The bytes of one value of a layer's output, by the layer's dtype policy."""
    policy = config.get("dtype")
    if isinstance(policy, dict):
        policy = policy.get("config", {}).get("name")
    name = str(policy or "float32")
    return 2 if "16" in name else 8 if "64" in name else 4


def times(*sizes: int) -> str:
    """A shape as people write it: 28x28x1."""
    return "x".join(map(str, sizes))


# === Convolutions ===


def _conv2d(given: _Arguments) -> Facts:
    config, groups = given.config, given.config.get("groups", 1)
    height, width, channels = _map_sizes(given)
    kernel, filters = config["kernel_size"], config["filters"]
    if channels % groups:
        raise ValueError(f"{channels} channels cannot be divided into {groups} groups")
    windows = _windows(given, (height, width), kernel)
    places = _output_sizes(windows)
    return Facts(
        _map(given, *places, filters),
        _window_text(windows),
        windows,
        convolution_parameters(kernel, channels, filters, groups, config["use_bias"]),
        multiply_adds=sum_of_products((*places, filters, *kernel, channels // groups)),
        reach=_slides(windows),
    )


def _depthwise_conv2d(given: _Arguments) -> Facts:
    config = given.config
    height, width, channels = _map_sizes(given)
    kernel, filters = config["kernel_size"], channels * config["depth_multiplier"]
    windows = _windows(given, (height, width), kernel)
    places = _output_sizes(windows)
    return Facts(
        _map(given, *places, filters),
        _window_text(windows),
        windows,
        convolution_parameters(kernel, 1, filters, 1, config["use_bias"]),
        multiply_adds=sum_of_products((*places, filters, *kernel)),
        reach=_slides(windows),
    )


def _separable_conv2d(given: _Arguments) -> Facts:
    config = given.config
    height, width, channels = _map_sizes(given)
    kernel, filters = config["kernel_size"], config["filters"]
    between = channels * config["depth_multiplier"]
    windows = _windows(given, (height, width), kernel)
    places = _output_sizes(windows)
    bias = (filters,) if config["use_bias"] else ()
    return Facts(
        _map(given, *places, filters),
        _window_text(windows),
        windows,
        sum_of_products((*kernel, between), (between, filters), bias),
        multiply_adds=sum_of_products((*places, *kernel, between), (*places, between, filters)),
        reach=_slides(windows),
    )


def _conv2d_transpose(given: _Arguments) -> Facts:
    config = given.config
    height, width, channels = _map_sizes(given)
    kernel, strides, filters = config["kernel_size"], config["strides"], config["filters"]
    extras = config.get("output_padding")
    extras = extras if isinstance(extras, list | tuple) else [extras, extras]
    axes = [
        _transposed(config["padding"], *values)
        for values in zip((height, width), kernel, strides, config["dilation_rate"], extras, strict=True)
    ]
    places = [size for size, _, _ in axes]
    return Facts(
        _map(given, *places, filters),
        _per_axis([text for _, text, _ in axes]),
        (),
        convolution_parameters(kernel, channels, filters, 1, config["use_bias"]),
        multiply_adds=sum_of_products((height, width, channels, *kernel, filters)),
        reach=tuple(stretch for _, _, stretch in axes),
    )


def _transposed(
    padding: str, size: int, filter_size: int, stride: int, dilation: int, extra: int | None
) -> tuple[int, str, Stretch]:
    """Along one axis: the output's places, their arithmetic, and what they see."""
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


def _pooling2d(given: _Arguments) -> Facts:
    height, width, channels = _map_sizes(given)
    windows = _windows(given, (height, width), given.config["pool_size"])
    return Facts(_map(given, *_output_sizes(windows), channels), _window_text(windows), windows, reach=_slides(windows))


def _global_pooling2d(given: _Arguments) -> Facts:
    height, width, channels = _map_sizes(given)
    text = f"one value of {height}*{width} = {height * width:,} places, for each of {channels} channels"
    shape = _map(given, 1, 1, channels) if given.config.get("keepdims") else (channels,)
    return Facts(shape, (text,), reach=WHOLE)


def _up_sampling2d(given: _Arguments) -> Facts:
    height, width, channels = _map_sizes(given)
    factors = given.config["size"]
    # The neighbours between which a value is interpolated, along one axis.
    neighbours = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}[
        given.config.get("interpolation", "nearest")
    ]
    return Facts(
        _map(given, height * factors[0], width * factors[1], channels),
        _per_axis(
            [f"{size} * {factor} = {size * factor}" for size, factor in zip((height, width), factors, strict=True)]
        ),
        reach=tuple(Stretch(factor, (neighbours - 1) * factor // 2, neighbours * factor) for factor in factors),
    )


def _zero_padding2d(given: _Arguments) -> Facts:
    return _with_borders(given, given.config["padding"], 1)


def _cropping2d(given: _Arguments) -> Facts:
    return _with_borders(given, given.config["cropping"], -1)


def _with_borders(given: _Arguments, borders: Sequence[Sequence[int]], sign: int) -> Facts:
    *sizes, channels = _map_sizes(given)
    places = [size + sign * sum(border) for size, border in zip(sizes, borders, strict=True)]
    if min(places) < 1:
        raise ValueError("nothing would be left")
    symbol = "+" if sign > 0 else "-"
    texts = [
        f"{size} {symbol} {border[0]} {symbol} {border[1]} = {place}"
        for size, border, place in zip(sizes, borders, places, strict=True)
    ]
    reach = tuple(Slide(1, sign * border[0], 1) for border in borders)
    return Facts(_map(given, *places, channels), _per_axis(texts), reach=reach)


def _center_crop(given: _Arguments) -> Facts:
    *sizes, channels = _map_sizes(given)
    places = (given.config["height"], given.config["width"])
    if places[0] > sizes[0] or places[1] > sizes[1]:
        raise ValueError("it would be enlarged, not cropped")
    reach = tuple(Slide(1, -((size - place) // 2), 1) for size, place in zip(sizes, places, strict=True))
    return Facts(_map(given, *places, channels), (f"the middle {times(*places)}",), reach=reach)


# === Fully connected layers ===


def _dense(given: _Arguments) -> Facts:
    *places, inputs = given.shape
    units = given.config["units"]
    return Facts(
        (*places, units),
        parameters=dense_parameters(inputs, units, given.config["use_bias"]),
        multiply_adds=sum_of_products((*places, inputs, units)),
        reach=SAME_PLACES if places else WHOLE,
    )


def _einsum_dense(given: _Arguments) -> Facts:
    config = given.config
    inputs, kernel, output = _einsum_letters(config["equation"], len(given.shape))
    # The first letter of input and output is the batch.
    sizes = dict(zip(inputs[1:], given.shape, strict=True))
    asked = config["output_shape"] if isinstance(config["output_shape"], list | tuple) else [config["output_shape"]]
    for letter, size in zip(reversed(output), reversed(asked), strict=False):
        if size is not None:
            sizes[letter] = size
    bias = [sizes[letter] for letter in config.get("bias_axes") or ""]
    summed = [sizes[letter] for letter in kernel if letter not in output]
    return Facts(
        tuple(sizes[letter] for letter in output[1:]),
        parameters=sum_of_products([sizes[letter] for letter in kernel], bias),
        multiply_adds=sum_of_products([*(sizes[letter] for letter in output[1:]), *summed]),
        # Whether a value sees more than its own place depends on the letters: only the last axis may be mixed.
        reach=MOVED if set(inputs[1:-1]) <= set(output) and len(given.shape) > 1 else WHOLE,
    )


def _einsum_letters(equation: str, rank: int) -> tuple[str, str, str]:
    """Letters of input, kernel and output; an ellipsis becomes as many letters as the input has axes more."""
    operands, output = equation.replace(" ", "").split("->")
    inputs, kernel = operands.split(",")
    if "..." in inputs:
        names = "".join(chr(ord("A") + index) for index in range(rank + 1 - (len(inputs) - 3)))
        inputs, output = inputs.replace("...", names), output.replace("...", names)
    return inputs, kernel, output


def _multi_head_attention(given: _Arguments) -> Facts:
    config = given.config
    given_shapes = {**dict(zip(("query", "value", "key"), given.shapes, strict=False)), **given.keywords}
    query, value = given_shapes["query"], given_shapes["value"]
    key = given_shapes.get("key", value)
    heads, key_dim = config["num_heads"], config["key_dim"]
    value_dim = config["value_dim"] or key_dim
    asked = config["output_shape"]
    width = prod(asked if isinstance(asked, list | tuple) else [asked]) if asked else query[-1]
    seeing, seen = prod(query[:-1]), prod(value[:-1])
    bias = config["use_bias"]
    # Each part is inputs * heads * size: queries, keys, values, then from all heads to the output.
    parts = [(query[-1], heads, key_dim), (key[-1], heads, key_dim), (value[-1], heads, value_dim)]
    gate = [(query[-1], heads, value_dim)] if config.get("use_gate") else []
    parameters = [*parts, (heads, value_dim, width), *gate]
    biases = [(heads, key_dim), (heads, key_dim), (heads, value_dim), (width,), *[part[1:] for part in gate]]
    work = [
        *((places, *part) for places, part in zip((seeing, seen, seen), parts, strict=True)),
        (seeing, seen, heads, key_dim),
        (seeing, seen, heads, value_dim),
        (seeing, heads, value_dim, width),
        *((seeing, *part) for part in gate),
    ]
    return Facts(
        (*query[:-1], width),
        (f"each of {seeing} places looks at {seen}, with {heads} heads of {key_dim}",),
        parameters=sum_of_products(*parameters, *(biases if bias else [])),
        multiply_adds=sum_of_products(*work),
        reach=WHOLE,
    )


def _embedding(given: _Arguments) -> Facts:
    rows, columns = given.config["input_dim"], given.config["output_dim"]
    return Facts((*given.shape, columns), parameters=sum_of_products((rows, columns)), reach=MOVED)


# === Normalisation ===


def _batch_normalization(given: _Arguments) -> Facts:
    size = given.shape[_axis(given.config["axis"], given.shape)]
    num_learned = sum(1 for key in ("scale", "center") if given.config[key])
    num_kept = 5 if given.config.get("renorm") else 2
    return Facts(
        given.shape,
        parameters=sum_of_products((num_learned + num_kept, size)),
        num_non_trainable=num_kept * size,
    )


def _scale_and_center(given: _Arguments) -> Facts:
    axes = given.config["axis"]
    sizes = [given.shape[_axis(axis, given.shape)] for axis in (axes if isinstance(axes, list | tuple) else [axes])]
    # RMSNormalization has a scale only, and no option for it.
    num_learned = int(given.config.get("scale", True)) + int(given.config.get("center", False))
    return Facts(given.shape, parameters=sum_of_products((num_learned, *sizes)) if num_learned else NOTHING)


def _normalization(given: _Arguments) -> Facts:
    if given.config.get("mean") is not None:
        return Facts(given.shape)
    axes = given.config["axis"]
    axes = [] if axes is None else axes if isinstance(axes, list | tuple) else [axes]
    size = prod(given.shape[_axis(axis, given.shape)] for axis in axes)
    parameters = sum_of_products((2, size), (1,))
    return Facts(given.shape, parameters=parameters, num_non_trainable=parameters.value)


def _prelu(given: _Arguments) -> Facts:
    shared = {axis - 1 for axis in given.config.get("shared_axes") or []}
    sizes = [1 if index in shared else size for index, size in enumerate(given.shape)]
    return Facts(given.shape, parameters=sum_of_products(sizes))


# === Merging and changes of form ===


def _elementwise(given: _Arguments) -> Facts:
    return Facts(given.shape)


def _merge(given: _Arguments) -> Facts:
    shapes = given.shapes
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        larger = {size for size in sizes if size != 1}
        if len(larger) > 1:
            raise ValueError("their shapes differ")
        result.append(larger.pop() if larger else 1)
    return Facts(tuple(result))


def _concatenate(given: _Arguments) -> Facts:
    axis = _axis(given.config["axis"], given.shape)
    if any(shape[:axis] + shape[axis + 1 :] != given.shape[:axis] + given.shape[axis + 1 :] for shape in given.shapes):
        raise ValueError("they differ in more than the axis that is joined")
    sizes = [shape[axis] for shape in given.shapes]
    shape = (*given.shape[:axis], sum(sizes), *given.shape[axis + 1 :])
    return Facts(shape, (f"{' + '.join(map(str, sizes))} = {sum(sizes)}",))


def _flatten(given: _Arguments) -> Facts:
    arithmetic = sum_of_products(given.shape)
    return Facts((arithmetic.value,), (arithmetic.text,), reach=MOVED)


def _reshape(given: _Arguments) -> Facts:
    target, total = list(given.config["target_shape"]), prod(given.shape)
    if -1 in target:
        target[target.index(-1)] = total // -prod(target)
    if prod(target) != total:
        raise ValueError(f"{total:,} values do not make {times(*target)}")
    shape = tuple(target)
    text = f"{'*'.join(map(str, given.shape))} = {'*'.join(map(str, shape))} = {total:,} values"
    # An axis of one channel, added or taken away, leaves every value at its place.
    same_places = len(shape) == 3 and shape[:2] == given.shape[:2]
    return Facts(shape, (text,), reach=SAME_PLACES if same_places else MOVED)


def _permute(given: _Arguments) -> Facts:
    return Facts(tuple(given.shape[axis - 1] for axis in given.config["dims"]), reach=MOVED)


def _repeat_vector(given: _Arguments) -> Facts:
    return Facts((given.config["n"], *given.shape), reach=MOVED)


def _category_encoding(given: _Arguments) -> Facts:
    tokens = given.config["num_tokens"]
    one_hot = given.config.get("output_mode") == "one_hot"
    shape = (*given.shape[:-1], tokens) if not one_hot or given.shape[-1] == 1 else (*given.shape, tokens)
    return Facts(shape, reach=MOVED)


# === What they share ===


def _map_sizes(given: _Arguments) -> tuple[int, int, int]:
    """Height, width and channels, in whichever order the layer has them."""
    if len(given.shape) != 3:
        raise ValueError("it needs height, width and channels")
    if _channels_first(given):
        return given.shape[1], given.shape[2], given.shape[0]
    return given.shape[0], given.shape[1], given.shape[2]


def _map(given: _Arguments, height: int, width: int, channels: int) -> Shape:
    return (channels, height, width) if _channels_first(given) else (height, width, channels)


def _channels_first(given: _Arguments) -> bool:
    return given.config.get("data_format") == "channels_first"


def _windows(given: _Arguments, sizes: Sequence[int], filter_sizes: Sequence[int]) -> tuple[Window, ...]:
    config = given.config
    values = zip(sizes, filter_sizes, config["strides"], config.get("dilation_rate", (1, 1)), strict=True)
    return tuple(padded_window(config["padding"], *axis).checked(given.name) for axis in values)


def _output_sizes(windows: Sequence[Window]) -> tuple[int, int]:
    return windows[0].output_size, windows[1].output_size


def _slides(windows: Sequence[Window]) -> tuple[Slide, ...]:
    return tuple(Slide(window.stride, window.padding[0], window.extent) for window in windows)


def _window_text(windows: Sequence[Window]) -> tuple[str, ...]:
    lines = _per_axis([f"{window.symbols}: {window.text}" for window in windows])
    axes = zip(windows, ("rows", "columns"), strict=True)
    lost = [f"{window.unseen} of {window.size} {name}" for window, name in axes if window.unseen]
    if not lost:
        return lines
    return (*lines, f"the stride does not fit; left out: the last {' and '.join(lost)}")


def _per_axis(texts: Sequence[str]) -> tuple[str, ...]:
    """One line for both axes where they are alike."""
    return (texts[0],) if texts[0] == texts[1] else (f"height: {texts[0]}", f"width: {texts[1]}")


def _axis(axis: int | Sequence[int], shape: Shape) -> int:
    """An axis of Keras, which counts the batch, as an index into a shape without it."""
    value = axis[0] if isinstance(axis, list | tuple) else axis
    index = value - 1 if value > 0 else len(shape) + value
    if value == 0 or not 0 <= index < len(shape):
        raise ValueError(f"it has no axis {value}")
    return index


_FUNCTIONS: dict[str, Callable[[_Arguments], Facts]] = {
    **dict.fromkeys(
        (
            "Activation", "Dropout", "ELU", "GELU", "GaussianNoise", "Identity", "LeakyReLU", "ReLU", "Rescaling",
            "Softmax", "SpatialDropout2D",
        ),
        _elementwise,
    ),
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), _merge),
    **dict.fromkeys(("AveragePooling2D", "MaxPooling2D"), _pooling2d),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), _global_pooling2d),
    **dict.fromkeys(("GroupNormalization", "LayerNormalization", "RMSNormalization"), _scale_and_center),
    "BatchNormalization": _batch_normalization,
    "CategoryEncoding": _category_encoding,
    "CenterCrop": _center_crop,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Conv2DTranspose": _conv2d_transpose,
    "Cropping2D": _cropping2d,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "EinsumDense": _einsum_dense,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "MultiHeadAttention": _multi_head_attention,
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "UpSampling2D": _up_sampling2d,
    "ZeroPadding2D": _zero_padding2d,
}  # fmt: skip
