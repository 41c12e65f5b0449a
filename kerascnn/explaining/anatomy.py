"""A model taken apart: its layers in the order of computation, and the parts before and after each.

Layers are found by their type, not by their name, so that a user's own model is explained, too.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import keras
import numpy as np
from keras import layers

from kerascnn.explaining.placement import Placement, even_placement, placement_after
from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import silent_stderr

_CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
_POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)
_DROPOUTS = (layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise)  # nothing but the identity here
_BATCH_SIZE = 256


@dataclass(frozen=True)
class Step:
    """One layer at work.

    Args:
        name: of the layer.
        layer: the Keras layer; a nested functional model counts as one.
        inputs: the symbolic tensor, or tensors, that it is given.
        output: the symbolic tensor that it gives.
        placement: where its units look, None for a layer without rows and columns.
        scores: the symbolic tensor `(batch, heads, queries, keys)` of how much each looks at each other; None for a
            layer without attention.
    """

    name: str
    layer: keras.layers.Layer
    inputs: object
    output: keras.KerasTensor
    placement: Placement | None
    scores: keras.KerasTensor | None = None

    @property
    def is_convolution(self) -> bool:
        """Whether it convolves, or is a nested model that does."""
        return self.placement is not None and bool(_convolutions_in(self.layer))

    @property
    def is_pooling(self) -> bool:
        """Whether it pools."""
        return isinstance(self.layer, _POOLINGS)


class Anatomy:
    """Opens a classifier for inspection.

    Args:
        model: a Keras model of images with one channel, sequential or functional, with one score a class.

    Raises:
        ModelError: if its layers cannot be followed one after another.
    """

    def __init__(self, model: keras.Model) -> None:
        self.steps: list[Step] = []
        self._placements: dict[int, Placement] = {}
        # A float input: whatever the model declares, pixels are to have a gradient.
        self._input = keras.Input(model.input_shape[1:], dtype="float32")
        self._placements[id(self._input)] = Placement()
        try:
            with silent_stderr():
                self._unroll(model, self._input)
                self._logits = self._symbolic_logits()
        except (ValueError, TypeError) as error:
            first_line = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise ModelError(f"the layers of {model.name!r} cannot be followed ({first_line}).") from error

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        return tuple(self._input.shape[1:3])

    @property
    def spatial_steps(self) -> list[Step]:
        """The steps whose outputs have rows and columns, after the first convolution."""
        first = next((index for index, step in enumerate(self.steps) if step.is_convolution), len(self.steps))
        return [step for step in self.steps[first:] if step.placement is not None]

    @property
    def convolutions(self) -> list[Step]:
        """The convolutions, in the order of computation."""
        return [step for step in self.steps if step.is_convolution]

    @property
    def attentions(self) -> list[Step]:
        """The layers of attention, in the order of computation."""
        return [step for step in self.steps if step.scores is not None]

    @property
    def first_dense(self) -> Step | None:
        """The first layer with weights, if each of its units has a weight for every value of the image."""
        step = next((step for step in self.steps if step.layer.weights), None)
        sees_all = step is not None and isinstance(step.layer, layers.Dense) and len(step.inputs.shape) == 2
        return step if sees_all and step.inputs.shape[1] == prod(self._input.shape[1:]) else None

    def step(self, name: str) -> Step:
        """Find a step with feature maps by the name of its layer.

        Raises:
            ModelError: if there is no such layer.
        """
        for step in reversed(self.spatial_steps):
            if step.name == name:
                return step
        names = ", ".join(dict.fromkeys(step.name for step in self.spatial_steps))
        has = f"it has {names}" if names else "it has no convolution and so no feature maps at all"
        raise ModelError(f"the model has no layer {name!r} with feature maps; {has}.")

    @property
    def last_maps(self) -> Step | None:
        """The last feature maps: what the decision is made from; None without any."""
        steps = [step for step in self.spatial_steps if not isinstance(step.layer, _DROPOUTS)]
        return steps[-1] if steps else None

    def cut_after(self, step: Step) -> tuple[Step, keras.Model]:
        """Find where the rest of the model depends on one layer's feature maps alone.

        Args:
            step: where to look first; a later one is taken where connections lead around it.

        Returns:
            The step, and the model from its output to the logits.

        Raises:
            ModelError: if there is no such step.
        """
        for candidate in self.steps[self.steps.index(step) :]:
            if candidate.placement is None:
                continue
            try:
                return candidate, keras.Model(candidate.output, self._logits)
            # Keras's word for: not all of the output can be computed from here.
            except ValueError:
                continue
        raise ModelError(
            f"from the layer {step.name!r} on, connections lead around every layer with feature maps; "
            "choose an earlier one with --layer."
        )

    @cached_property
    def logits_model(self) -> keras.Model:
        """From images to logits: the scores before the last softmax, if there is one."""
        return keras.Model(self._input, self._logits)

    def model_until(self, step: Step) -> keras.Model:
        """The model from images to the output of a step."""
        return keras.Model(self._input, step.output)

    def model_until_activation(self, step: Step) -> keras.Model:
        """As `model_until`, but without the activation function that the layer itself applies at its end."""
        if _activation_name(step.layer) in (None, "linear") or not isinstance(step.layer, _CONVOLUTIONS):
            return self.model_until(step)
        return keras.Model(self._input, _without_activation(step.layer, step.inputs))

    def as_input(self, images: np.ndarray) -> np.ndarray:
        """Images `(n, height, width)`, values 0..255, in the shape and type that the model takes."""
        return np.asarray(images, np.float32).reshape(-1, *self._input.shape[1:])

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Compute logits.

        Args:
            images: `(n, height, width)`, values 0..255.

        Returns:
            float32, `(n, num_classes)`.
        """
        return run_in_batches(self.logits_model, self.as_input(images))

    def activations(self, step: Step, image: np.ndarray) -> np.ndarray:
        """Compute the feature maps of an image.

        Args:
            step: which layer's.
            image: `(height, width)`, values 0..255.

        Returns:
            float32, `(rows, columns, channels)`.
        """
        return run_in_batches(self.model_until(step), self.as_input(image[None]))[0]

    def attention_scores(self, image: np.ndarray) -> list[np.ndarray]:
        """Compute who looks at whom, in each layer of attention.

        Args:
            image: `(height, width)`, values 0..255.

        Returns:
            float32, `(heads, queries, keys)` a layer; a query's scores add up to 1.
        """
        model = keras.Model(self._input, [step.scores for step in self.attentions])
        found = model(self.as_input(image[None]), training=False)
        return [as_array(scores)[0] for scores in (found if isinstance(found, list | tuple) else [found])]

    def _unroll(self, model: keras.Model, tensor):
        """Call each layer anew: in a sequential model `layer.output` may belong to a graph that is no longer used."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                tensor = self._call(layer, tensor)
            return tensor
        return keras.models.clone_model(
            model, input_tensors=tensor, clone_function=lambda layer: layer, call_function=self._call
        ).output

    def _call(self, layer, inputs, *arguments, **keywords):
        if isinstance(layer, keras.Sequential):
            return self._unroll(layer, inputs)
        if isinstance(layer, layers.InputLayer):
            return inputs
        output = layer(inputs, *arguments, **keywords)
        scores = None
        if isinstance(layer, layers.MultiHeadAttention):
            scores = _scores_of_attention(layer, inputs, *arguments, **keywords)
        placement = self._place(layer, inputs, output)
        if placement is not None:
            self._placements[id(output)] = placement
        self.steps.append(Step(layer.name, layer, inputs, output, placement, scores))
        return output

    def _place(self, layer, inputs, output) -> Placement | None:
        if not isinstance(output, keras.KerasTensor) or len(output.shape) != 4 or None in output.shape[1:]:
            return None
        first = inputs[0] if isinstance(inputs, list | tuple) else inputs
        before = self._placements.get(id(first))
        image_shape = (None, *self.image_shape)
        if before is None or len(first.shape) != 4:
            return even_placement(output.shape, image_shape)
        return placement_after(layer, before, first.shape, output.shape) or even_placement(output.shape, image_shape)

    def _symbolic_logits(self) -> keras.KerasTensor:
        last = self.steps[-1]
        if _activation_name(last.layer) != "softmax":
            return last.inputs if isinstance(last.layer, layers.Softmax) else last.output
        if isinstance(last.layer, layers.Activation):
            return last.inputs
        if isinstance(last.layer, layers.Dense):
            return _without_activation(last.layer, last.inputs)
        return last.output


def first_kernel(step: Step) -> np.ndarray:
    """The kernel of a convolution, or of the first one in a nested model.

    Args:
        step: a convolution.

    Returns:
        float32, `(rows, columns, input channels, filters)`.
    """
    kernel = as_array(_convolutions_in(step.layer)[0].weights[0])
    return kernel if kernel.shape[2] == 1 or kernel.shape[3] > 1 else np.moveaxis(kernel, 2, 3)


def run_in_batches(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Run a model without training behaviour; the outputs, stacked."""
    parts = [
        as_array(model(inputs[start : start + _BATCH_SIZE], training=False))
        for start in range(0, len(inputs), _BATCH_SIZE)
    ]
    return np.concatenate(parts)


def as_array(tensor) -> np.ndarray:
    """A backend's tensor as float32."""
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def _convolutions_in(layer) -> list:
    if isinstance(layer, _CONVOLUTIONS):
        return [layer]
    return [found for inner in getattr(layer, "layers", ()) for found in _convolutions_in(inner)]


def _activation_name(layer) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _scores_of_attention(layer, inputs, *arguments, **keywords) -> keras.KerasTensor:
    """How much each looks at each other in a layer of attention."""
    # A copy: Keras cannot follow the second output of a layer that was called before without it.
    telling = layers.MultiHeadAttention.from_config({**layer.get_config(), "name": f"{layer.name}_scores"})
    _, scores = telling(inputs, *arguments, **{**keywords, "return_attention_scores": True})
    telling.set_weights(layer.get_weights())
    return scores


def _without_activation(layer, inputs) -> keras.KerasTensor:
    """The output of a layer as it is before the activation function that ends it."""
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear", "name": f"{layer.name}_linear"})
    output = linear(inputs)
    linear.set_weights(layer.get_weights())
    return output
