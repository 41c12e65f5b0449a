"""How a network is fed: the one place that decides how an image of 0..255 becomes its input, and its output an answer.

The networks of this package take `(height, width, 1)` with values 0..255 and give probabilities. A network of somebody
else may take another shape or range, and give something else; `adapt_model` puts layers around it, so that what comes
out is a model like ours. What it needs is recorded in the model card.
"""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.utils.errors import ModelError, UsageError

if TYPE_CHECKING:
    import keras

SCALES = ("255", "1", "-1..1", "-0.5..0.5", "0.1307,0.3081")
"""Ranges of pixels in which networks are usually trained: the last has the mean and standard deviation of MNIST."""

AS_THEY_ARE = SCALES[0]
PROBABILITIES, LOGITS, SIGMOIDS, SIGMOID, LOGIT = "probabilities", "logits", "sigmoids", "sigmoid", "logit"
OUTPUTS = (PROBABILITIES, LOGITS, SIGMOIDS, SIGMOID, LOGIT)
"""Kinds of outputs; the last two are one unit, for the second of two classes."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_MOMENTS = re.compile(rf"({_NUMBER}),({_NUMBER})")
_SCALE_HELP = "give 255, 1, -1..1 or MEAN,STANDARD_DEVIATION such as 0.1307,0.3081"
_CHANNELS = (1, 3)
_PREFIX = "kerascnn_"  # of the layers that are put around a network, whose names may be any

InputShape = tuple[int | None, ...]


@dataclass(frozen=True)
class Feeding:
    """What a network takes and gives.

    Args:
        shape: Shape of its input for one image, such as `(784,)`; None for a size that may be any.
        scale: Range of pixels that it was trained in, as for `read_scale`.
        outputs: One of `OUTPUTS`.
    """

    shape: InputShape
    scale: str = AS_THEY_ARE
    outputs: str = PROBABILITIES

    def __post_init__(self) -> None:
        read_scale(self.scale)
        if self.outputs not in OUTPUTS:
            raise ValueError(f"its outputs {self.outputs!r} are unknown")


def read_scale(scale: str) -> tuple[float, float]:
    """Return factor and offset that turn a pixel, 0..255, into the value that a network takes.

    Args:
        scale: `"255"` for pixels as they are, `"1"` for 0..1, `"LOW..HIGH"` for another range, or `"MEAN,DEVIATION"`
            for values of which the mean was subtracted, before they were divided by the standard deviation. Both are
            of pixels 0..1, unless one is larger than 1.

    Raises:
        UsageError: If it is none of these.

    Example:
        >>> read_scale("-1..1")
        (0.00784313725490196, -1.0)
    """
    text = scale.strip().replace(" ", "")
    if text in ("255", "1"):
        return (1.0, 0.0) if text == "255" else (1 / 255, 0.0)
    if match := _RANGE.fullmatch(text):
        low, high = float(match[1]), float(match[2])
        if low != high:
            return (high - low) / 255, low
    if match := _MOMENTS.fullmatch(text):
        mean, deviation = float(match[1]), float(match[2])
        largest = 255.0 if abs(mean) <= 1 and abs(deviation) <= 1 else 1.0
        if deviation:
            return 1 / (deviation * largest), -mean / deviation
    raise UsageError(f"the scale {scale!r} is none; {_SCALE_HELP}.")


def find_image_size(shape: InputShape, default: tuple[int, int] = (28, 28)) -> tuple[int, int]:
    """Find the height and width of the images that a network takes.

    Args:
        shape: Shape of its input for one image.
        default: Size for a network that takes any.

    Raises:
        ModelError: If the input is not a grey or RGB image in any layout.
    """
    sizes = shape
    if len(shape) == 3:
        if shape[-1] in _CHANNELS:
            sizes = shape[:2]
        elif shape[0] in _CHANNELS:
            sizes = shape[1:]
        else:
            raise _no_image(shape)
    elif len(shape) == 2 and shape[1] == 1:
        sizes = shape[:1]
    if len(sizes) == 1 and sizes[0]:
        for channels in _CHANNELS:
            side = math.isqrt(sizes[0] // channels)
            if side * side * channels == sizes[0]:
                return side, side
    if len(sizes) != 2:
        raise _no_image(shape)
    height, width = sizes
    return height or width or default[0], width or height or default[1]


def _no_image(shape: InputShape) -> ModelError:
    text = ", ".join("any" if size is None else str(size) for size in shape)
    return ModelError(
        f"the model takes ({text}) values for each image; kerascnn runs models of grey or RGB images: (height, width), "
        "with 1 or 3 channels behind or before, or all values in a row."
    )


def adapt_model(model: "keras.Model", feeding: Feeding, image_size: tuple[int, int]) -> "keras.Model":
    """Make a model like ours of any: from `(height, width, 1)`, 0..255, to probabilities.

    Args:
        model: The network as it was saved; its layers and weights are shared, not copied.
        feeding: What it takes and gives.
        image_size: Height and width of an image.

    Returns:
        A functional model. One unit becomes the probabilities of two classes.

    Raises:
        ModelError: If its layers cannot be called anew.
    """
    import keras

    try:
        image = keras.Input((*image_size, 1), dtype="float32", name=f"{_PREFIX}image")
        outputs = _read_outputs(_call_again(model, image, _lay_out(image, feeding, image_size)), feeding.outputs)
        return keras.Model(image, outputs, name=model.name)
    # Keras raises ValueError and TypeError; the frameworks beneath it almost anything.
    except Exception as error:
        first_line = (str(error) or type(error).__name__).strip().splitlines()[0][:200]
        raise ModelError(f"the model {model.name!r} cannot be given images of {image_size} ({first_line}).") from error


def _lay_out(image: Any, feeding: Feeding, image_size: tuple[int, int]) -> Any:
    """Scale an image and bring it into the shape that a network takes."""
    from keras import layers

    factor, offset = read_scale(feeding.scale)
    shape, values = feeding.shape, image
    if (factor, offset) != (1.0, 0.0):
        values = layers.Rescaling(factor, offset, dtype="float32", name=f"{_PREFIX}scale")(values)
    if len(shape) == 3 and shape[-1] not in _CHANNELS:
        values = layers.Reshape((1, *image_size), name=f"{_PREFIX}layout")(values)
        return layers.Concatenate(axis=1, name=f"{_PREFIX}channels")([values] * 3) if shape[0] == 3 else values
    num_values = math.prod(image_size)
    if shape[-1] == 3 or (len(shape) < 3 and shape[0] == 3 * num_values):
        values = layers.Concatenate(name=f"{_PREFIX}channels")([values] * 3)
        num_values *= 3
    if len(shape) == 3:
        return values
    if len(shape) == 2 and shape[1] != 1:
        return layers.Reshape(image_size, name=f"{_PREFIX}layout")(values)
    return layers.Reshape((num_values, *shape[1:]), name=f"{_PREFIX}layout")(values)


def _call_again(model: "keras.Model", image: Any, fed: Any) -> Any:
    """Call the layers of a model one by one, so that they are layers of the new model as well.

    What `image` became when it was scaled and laid out, `fed`, takes the place of the model's input.
    """
    import keras

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            fed = _call_layer(layer, fed)
        return fed

    def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        replaced = keras.tree.map_structure(lambda value: fed if value is image else value, (arguments, keywords))
        return _call_layer(layer, *replaced[0], **replaced[1])

    # Keras follows the graph; what it clones is thrown away, but not what was called.
    inputs = keras.tree.pack_sequence_as(model.input, [image])
    cloned = keras.models.clone_model(
        model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
    )
    return cloned.outputs[0]


def _call_layer(layer: Any, *arguments: Any, **keywords: Any) -> Any:
    """Call a layer, or what is the same of it where it only predicts and ONNX has no word for it."""
    import keras
    import numpy as np

    if type(layer).__name__.startswith("Random"):
        if type(layer).__name__ != "RandomCrop":  # it alone does something when it does not train
            return arguments[0]
    elif isinstance(layer, keras.Sequential) and any(type(one).__name__.startswith("Random") for one in layer.layers):
        tensor = arguments[0]
        for inner in layer.layers:
            tensor = _call_layer(inner, tensor)
        return tensor
    elif isinstance(layer, keras.layers.Normalization):
        # Its statistics are no weights, and are lost on the way to ONNX.
        mean, variance = (keras.ops.convert_to_numpy(values) for values in (layer.mean, layer.variance))
        deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
        factor, offset = (deviation, mean) if layer.invert else (1 / deviation, -mean / deviation)
        return keras.layers.Rescaling(factor.tolist(), offset.tolist(), name=f"{_PREFIX}{layer.name}")(arguments[0])
    return layer(*arguments, **keywords)


def _read_outputs(tensor: Any, outputs: str) -> Any:
    """Turn the output of a network into probabilities."""
    from keras import layers

    if outputs == LOGITS:
        return layers.Softmax(dtype="float32", name=f"{_PREFIX}softmax")(tensor)
    if outputs == LOGIT:
        tensor = layers.Activation("sigmoid", dtype="float32", name=f"{_PREFIX}sigmoid")(tensor)
    if outputs in (SIGMOID, LOGIT):
        others = layers.Rescaling(-1.0, 1.0, dtype="float32", name=f"{_PREFIX}others")(tensor)
        return layers.Concatenate(dtype="float32", name=f"{_PREFIX}classes")([others, tensor])
    return tensor
