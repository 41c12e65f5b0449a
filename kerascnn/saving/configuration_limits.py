"""How long, deep and large anything in the configuration of a model may be, whatever it means."""

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

from kerascnn.utils.errors import ModelError

_MOST_LEVELS = 100
_MOST_NODES = 500_000
_MOST_CHARACTERS = 256  # of a name or any other text
_LARGEST_NUMBER = 1 << 63  # seeds of random numbers are large
_LARGEST_SIZE = 1 << 20  # units, filters or pixels a side
_MOST_SIZES = 16  # of one argument, such as a shape
_CALL = "kwargs"
UNUSED = frozenset({"build_config", "compile_config"})
"""Parts that say how a model was trained, and for which shapes its layers were built; Keras is not given them."""

_SIZES = frozenset({
    "cropping", "depth_multiplier", "dilation_rate", "filters", "groups", "height", "input_dim", "kernel_size",
    "key_dim", "lora_rank", "n", "newshape", "num_heads", "output_dim", "output_padding", "output_shape", "padding",
    "pool_size", "size", "strides", "target_shape", "units", "value_dim", "width",
})  # fmt: skip
"""Arguments of layers that are sizes: whole numbers, or lists of these."""

_SHAPES = frozenset({
    "attention_axes", "axes", "axis", "batch_input_shape", "batch_shape", "build_input_shape", "destination", "dims",
    "factor", "height_factor", "input_shape", "keras_history", "noise_shape", "renorm_clipping", "shape", "shared_axes",
    "sigma", "source", "value_range", "width_factor", "x_factor", "y_factor",
})  # fmt: skip
"""Arguments that may be a short list of numbers."""

_DATA = frozenset({
    "args", "inbound_nodes", "input_layers", "kwargs", "mean", "offset", "output_layers", "scale",
    "value", "variance",
})  # fmt: skip
"""Places where there may be any number of numbers; what they make of a picture is computed from their shape."""


def require_bounded(config: Any, path: Path) -> None:
    """Refuse a configuration that is too large or too deep, or has numbers that no model has.

    Args:
        config: What the JSON document holds.
        path: The model's file, for the message.

    Raises:
        ModelError: If it is refused.
    """
    for num_nodes, (level, key, value, is_used) in enumerate(_walk(config), 1):
        if level > _MOST_LEVELS:
            raise ModelError(f"{path} is refused: its configuration is nested too deeply, more than {_MOST_LEVELS}.")
        if num_nodes > _MOST_NODES:
            raise ModelError(f"{path} is refused: its configuration has more than {_MOST_NODES:,} values.")
        if not is_used:
            continue
        if isinstance(value, str):
            _require_short(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            _require_number(value, path)
        if key in _SIZES:
            _require_size(key, value, path)
        elif isinstance(value, list) and key not in _DATA:
            _require_few(key, value, path)


def _walk(config: Any) -> Iterator[tuple[int, str, Any, bool]]:
    """List all values below a configuration: the level of each, the nearest key around it, and whether it is used."""
    waiting: list[tuple[int, str, Any, bool]] = [(1, "", config, True)]
    while waiting:
        level, key, value, is_used = waiting.pop()
        yield level, key, value, is_used
        if isinstance(value, dict):
            for name, inside in value.items():
                waiting.append((level + 1, "", name, is_used))
                # What an operation is called with may be an array, whatever its name.
                below = key if key == _CALL else name
                waiting.append((level + 1, below, inside, is_used and name not in UNUSED))
        elif isinstance(value, list):
            waiting += ((level + 1, key, inside, is_used) for inside in value)


def _require_short(text: str, path: Path) -> None:
    if len(text) > _MOST_CHARACTERS:
        raise ModelError(
            f"{path} is refused: its configuration has a text of {len(text):,} characters, {text[:20]!r} ..., "
            f"more than {_MOST_CHARACTERS}."
        )


def _require_number(value: float, path: Path) -> None:
    if isinstance(value, float) and isnan(value):
        raise ModelError(f"{path} is refused: its configuration has a value that is no number (NaN).")
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise ModelError(f"{path} is refused: its configuration has a number of {value.bit_length():,} bits.")


def _require_size(key: str, value: Any, path: Path) -> None:
    if isinstance(value, list):
        if len(value) > _MOST_SIZES:
            raise ModelError(f"{path} is refused: its {key} has {len(value):,} sizes, more than {_MOST_SIZES}.")
    elif _is_no_size(key, value):
        raise ModelError(f"{path} is refused: it asks for {key} = {str(value)[:30]}, which is no size.")
    elif isinstance(value, int) and value > _LARGEST_SIZE:
        raise ModelError(f"{path} is refused: it asks for {key} = {value:,}, more than {_LARGEST_SIZE:,}.")


def _is_no_size(key: str, value: Any) -> bool:
    if isinstance(value, str):
        return key != "padding"  # which may be "same"
    return isinstance(value, bool | float | dict) or (isinstance(value, int) and value < -1)


def _require_few(key: str, values: list[Any], path: Path) -> None:
    """Refuse numbers in a list where Keras takes a single one, which would enlarge what it is applied to."""
    if not any(isinstance(value, int | float) for value in values):
        return
    if key not in _SHAPES:
        raise ModelError(f"{path} is refused: its {key or 'configuration'} is a list of numbers, not one number.")
    if len(values) > _MOST_SIZES:
        raise ModelError(f"{path} is refused: its {key} has {len(values):,} numbers, more than {_MOST_SIZES}.")
