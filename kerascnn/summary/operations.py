"""Shapes of the operations that Keras records for `inputs / 255.0`, `keras.ops.mean(x, axis=1)` and `x[:, 0]`."""

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from kerascnn.saving.allowed_layers import ELEMENTWISE_OPERATIONS
from kerascnn.summary.layers import MOVED, WHOLE, LayerAnalysis, LayerCall, Shape, keep_shape, merge_shapes

if TYPE_CHECKING:
    import numpy as np


def _elementwise(call: LayerCall) -> LayerAnalysis:
    """Broadcast the inputs, and constant arrays among them."""
    constants = [shape for argument in call.arguments if (shape := _constant_shape(argument))]
    # A constant has no batch, or an axis of length 1 in its place.
    if any(len(shape) > len(call.shape) and shape[0] != 1 for shape in constants):
        raise ValueError("it is given an array that is none for one picture")
    own = [shape[1:] if len(shape) > len(call.shape) else shape for shape in constants]
    return merge_shapes(replace(call, shapes=(*call.shapes, *call.keywords.values(), *own)))


def _constant_shape(argument: Any) -> Shape:
    if isinstance(argument, dict) and argument.get("class_name") in ("__numpy__", "__tensor__"):
        argument = argument["config"]["value"]
    sizes: list[int] = []
    while isinstance(argument, list) and argument and not _has_tensors(argument):
        sizes.append(len(argument))
        argument = argument[0]
    return tuple(sizes)


def _has_tensors(argument: Any) -> bool:
    if isinstance(argument, list):
        return any(_has_tensors(inside) for inside in argument)
    return isinstance(argument, dict)


def _reduce(call: LayerCall) -> LayerAnalysis:
    whole = (1, *call.shape)
    axes = call.config.get("axis")
    chosen = set(range(len(whole))) if axes is None else {axis % len(whole) for axis in _as_list(axes)}
    kept = [1 if index in chosen else size for index, size in enumerate(whole)]
    if not call.config.get("keepdims"):
        kept = [size for index, size in enumerate(whole) if index not in chosen]
    return LayerAnalysis(tuple(kept[1:]) if 0 not in chosen else tuple(kept), reach=WHOLE)


def _rearrange(function: str, *keys: str) -> Callable[[LayerCall], LayerAnalysis]:
    """Apply a function of NumPy that looks at an array in another way, with what its configuration has under keys."""

    def analyze(call: LayerCall) -> LayerAnalysis:
        import numpy as np

        rearranged = getattr(np, function)(_view(call), *(call.config[key] for key in keys))
        return LayerAnalysis(rearranged.shape[1:], reach=MOVED)

    return analyze


def _view(call: LayerCall) -> "np.ndarray":
    """Make an array of the input's shape that takes no memory."""
    import numpy as np  # which most summaries do not need

    return np.broadcast_to(np.float32(0), (1, *call.shape))


def _get_item(call: LayerCall) -> LayerAnalysis:
    key = call.arguments[1]
    parts = tuple(_read_index(part) for part in (key if isinstance(key, list) else [key]))
    return LayerAnalysis(_view(call)[parts].shape[1:], reach=MOVED)


def _read_index(part: Any) -> Any:
    if isinstance(part, dict) and part.get("class_name") == "__slice__":
        return slice(*(part["config"][name] for name in ("start", "stop", "step")))
    if part is None or isinstance(part, int):
        return part
    if part == {"class_name": "__ellipsis__"}:
        return ...
    raise ValueError(f"it takes {part!r} of its input")


def _reshape(call: LayerCall) -> LayerAnalysis:
    _, *target = _as_list(call.config["newshape"])
    total = prod(call.shape)
    if -1 in target:
        target[target.index(-1)] = total // -prod(target)
    if prod(target) != total:
        raise ValueError(f"{total:,} values do not make {target}")
    return LayerAnalysis(tuple(target), reach=MOVED)


def _resize(call: LayerCall) -> LayerAnalysis:
    height, width = call.config["size"]
    return LayerAnalysis((height, width, call.shape[-1]), reach=MOVED)


def _concatenate(call: LayerCall) -> LayerAnalysis:
    axis = call.config["axis"] % (1 + len(call.shape)) - 1
    total = sum(shape[axis] for shape in call.shapes)
    return LayerAnalysis((*call.shape[:axis], total, *call.shape[axis + 1 :]), reach=MOVED)


def _stack(call: LayerCall) -> LayerAnalysis:
    axis = call.config["axis"] % (2 + len(call.shape)) - 1
    return LayerAnalysis((*call.shape[:axis], len(call.shapes), *call.shape[axis:]), reach=MOVED)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


OPERATIONS: dict[str, Callable[[LayerCall], LayerAnalysis]] = {
    **dict.fromkeys(ELEMENTWISE_OPERATIONS, _elementwise),
    **dict.fromkeys(
        ("Amax", "Amin", "Argmax", "Argmin", "Average", "Logsumexp", "Max", "Mean", "Median", "Min", "Norm", "Std",
         "Sum", "Var"),
        _reduce,
    ),
    "Concatenate": _concatenate,
    "ExpandDims": _rearrange("expand_dims", "axis"),
    "Flip": keep_shape,
    "GetItem": _get_item,
    "Moveaxis": _rearrange("moveaxis", "source", "destination"),
    "Reshape": _reshape,
    "Resize": _resize,
    "Squeeze": _rearrange("squeeze", "axis"),
    "Stack": _stack,
    "Swapaxes": _rearrange("swapaxes", "axis1", "axis2"),
    "Transpose": _rearrange("transpose", "axes"),
}  # fmt: skip
"""How each operation is analyzed, by its class."""
