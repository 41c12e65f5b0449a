"""How much memory and work a model needs, from its configuration alone, before anything of it is built."""

from dataclasses import dataclass, fields
from math import prod
from pathlib import Path

from kerascnn.summary.graph import Call, Config, Passage, declared_shape, read_graph
from kerascnn.summary.layer_analysis import analyze_layer
from kerascnn.summary.layer_costs import LayerCosts, measure_costs
from kerascnn.summary.layers import LayerAnalysis, LayerCall, Shape, activation_bytes
from kerascnn.utils.errors import ModelError

_USUAL_SIDE = 28  # pixels; for a model that takes pictures of any size
_MOST_LAYERS = 800


@dataclass(frozen=True)
class ModelSize:
    """What a model needs; values are those of float32.

    Args:
        weights: Number of weights.
        initialisation: Multiply-adds that it takes to fill them before the file is read.
        values: Number of values of all its layers for one picture.
        work: Work for one picture, in multiply-adds of a convolution.
        layers: Number of its layers, each counted as often as it is applied.
    """

    weights: int = 0
    initialisation: int = 0
    values: int = 0
    work: int = 0
    layers: int = 0


_MOST = ModelSize(
    weights=200_000_000,  # VGG19 has 144 million
    initialisation=40_000_000_000,
    values=1 << 27,
    work=20_000_000_000,  # VGG19 needs 19.6 thousand million for 224 pixels
    layers=_MOST_LAYERS,
)
_WORDS = {
    "weights": "weights",
    "initialisation": "multiply-adds to fill its weights",
    "values": "values for one picture",
    "work": "multiply-adds for one picture",
    "layers": "layers",
}


def measure_size(config: Config, image_size: tuple[int, int] | None = None) -> ModelSize:
    """Measure what a model needs, as far as the limits of `require_modest_size`.

    Args:
        config: Configuration of the model.
        image_size: Height and width of its pictures, for a model that takes any.

    Raises:
        ModelError: If it cannot be told.
    """
    size = ModelSize()
    calls, passages = read_graph(config)
    analyses: list[LayerAnalysis] = []
    for call in calls:
        analysis, costs = _analyze(call, analyses, image_size)
        analyses.append(analysis)
        size = _add(size, costs, call.is_first)
        if _find_excess(size) is not None:
            return size
    for passage in passages:
        _require_fit(passage, analyses[passage.source].output_shape)
    return size


def require_modest_size(config: Config, path: Path, image_size: tuple[int, int] | None = None) -> ModelSize:
    """Refuse a model that needs more memory or work than any digit model.

    Args:
        config: Configuration of the model.
        path: Its file, for the message.
        image_size: Height and width of its pictures, for a model that takes any.

    Returns:
        What it needs.

    Raises:
        ModelError: If it needs too much, or it cannot be told how much.
    """
    try:
        size = measure_size(config, image_size)
    except ModelError as error:
        reason = str(error) if len(str(error)) < 300 else f"{str(error)[:300]} ..."
        raise ModelError(f"{path} is refused: it cannot be told how much memory it needs, since {reason}") from error
    excess = _find_excess(size)
    if excess is not None:
        number, most = getattr(size, excess), getattr(_MOST, excess)
        raise ModelError(
            f"{path} is refused: its layers ask for {number:,} {_WORDS[excess]} or more, more than {most:,}."
        )
    return size


def _find_excess(size: ModelSize) -> str | None:
    return next((one.name for one in fields(size) if getattr(size, one.name) > getattr(_MOST, one.name)), None)


def _add(size: ModelSize, costs: LayerCosts, is_first: bool) -> ModelSize:
    return ModelSize(
        size.weights + costs.weights * is_first,
        size.initialisation + costs.initialisation * is_first,
        size.values + costs.values,
        size.work + costs.work,
        size.layers + costs.layers,
    )


def _analyze(
    call: Call, analyses: list[LayerAnalysis], image_size: tuple[int, int] | None
) -> tuple[LayerAnalysis, LayerCosts]:
    try:
        if call.class_name == "InputLayer":
            shape = _input_shape(declared_shape(call.config), image_size)
            values = prod(shape) * max(1, activation_bytes(call.config) // 4)
            return LayerAnalysis(shape), LayerCosts(0, 0, values, 0)
        shapes = tuple(analyses[source].output_shape for source in call.inputs)
        keywords = {key: analyses[source].output_shape for key, source in call.keywords.items()}
        given = LayerCall(call.name, call.config, shapes, keywords, call.arguments, call.is_operation)
        analysis = analyze_layer(call.class_name, given)
        return analysis, measure_costs(call.class_name, given, analysis)
    except (KeyError, TypeError, IndexError, ValueError, ArithmeticError, AttributeError) as error:
        raise ModelError(f"the layer {call.name!r} ({call.class_name}) cannot be understood ({error}).") from error


def _input_shape(shape: tuple[int | None, ...], image_size: tuple[int, int] | None) -> Shape:
    """Fill in the sizes that may be any: with those of the pictures, and not less."""
    known = [size for size in shape if size is not None]
    side = max(image_size or (_USUAL_SIDE, *known))
    return tuple((side * side if len(shape) == 1 else side) if size is None else size for size in shape)


def _require_fit(passage: Passage, given: Shape) -> None:
    """Refuse a model inside the model that was made for another input than it is given, which Keras would build."""
    declared = passage.shape
    if len(declared) != len(given):  # Keras adds and removes axes of length 1
        declared = tuple(size for size in declared if size != 1)
        given = tuple(size for size in given if size != 1)
    fits = len(declared) == len(given) and all(
        own is None or own == size for own, size in zip(declared, given, strict=True)
    )
    if not fits:
        raise ModelError(
            f"the model {passage.name!r} inside it takes {str(passage.shape)[:60]}, and is given {str(given)[:60]}."
        )
