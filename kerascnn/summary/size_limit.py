"""How much memory a model needs, from its configuration alone, before anything of it is built."""

from math import prod
from pathlib import Path

from kerascnn.summary.graph import Call, Config, read_calls
from kerascnn.summary.layer_analysis import analyze_layer
from kerascnn.summary.layers import LayerAnalysis, LayerCall
from kerascnn.utils.errors import ModelError

_MAX_PARAMETERS = 1 << 28  # a GiB in float32
_MAX_ACTIVATIONS = 1 << 28  # of all layers, for one picture
_USUAL_SIDE = 28  # pixels; for a model that takes pictures of any size


def require_modest_size(config: Config, path: Path) -> None:
    """Refuse a model that needs more memory than any digit model.

    Args:
        config: Configuration of the model.
        path: Its file, for the message.

    Raises:
        ModelError: If its weights or its feature maps are too many, or their number cannot be told.
    """
    try:
        calls = read_calls(config)
        analyses: list[LayerAnalysis] = []
        num_parameters = num_activations = 0
        for call in calls:
            analyses.append(_analyze(call, analyses))
            num_parameters += analyses[-1].parameters.value * call.is_first
            num_activations += prod(analyses[-1].output_shape)
            _require(path, "weights", num_parameters, _MAX_PARAMETERS)
            _require(path, "values for one picture", num_activations, _MAX_ACTIVATIONS)
    except ModelError as error:
        if str(error).startswith(f"{path}"):
            raise
        raise ModelError(f"{path} is refused: it cannot be told how much memory it needs, since {error}") from error


def _require(path: Path, what: str, number: int, most: int) -> None:
    if number > most:
        raise ModelError(f"{path} is refused: its layers ask for {number:,} {what} or more, more than {most:,}.")


def _analyze(call: Call, analyses: list[LayerAnalysis]) -> LayerAnalysis:
    if call.class_name == "InputLayer":
        shape = (call.config.get("batch_shape") or call.config.get("batch_input_shape") or [None])[1:]
        return LayerAnalysis(tuple(_USUAL_SIDE if size is None else int(size) for size in shape))
    shapes = tuple(analyses[source].output_shape for source in call.inputs)
    keywords = {key: analyses[source].output_shape for key, source in call.keywords.items()}
    return analyze_layer(call.class_name, LayerCall(call.name, call.config, shapes, keywords, call.arguments))
