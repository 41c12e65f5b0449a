"""A model taken apart: its layers in the order of computation, and the sub-models before and after each.

Layers are found by their type, not by their name, so that users' own models can be explained, too.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import keras
import numpy as np
from keras import layers

from kerascnn.explaining.placement import Placement, propagate, spread_evenly
from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import silent_stderr

_CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
_POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)
_DROPOUTS = (layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise)  # the identity, except in training
_BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer; a nested functional model counts as one. Inputs and output are symbolic tensors."""

    name: str
    layer: Any
    inputs: Any
    output: Any

    @property
    def kind(self) -> str:
        """`convolution` (or a nested model with one), `pooling`, or empty for another layer."""
        return ""


@dataclass(frozen=True, eq=False)
class SpatialStep(Step):
    """One call of a layer whose output has rows and columns; `placement` is that of its units in the image."""

    placement: Placement

    @property
    def kind(self) -> str:
        """`convolution` or `pooling`, or nothing for another layer."""
        if _find_convolutions(self.layer):
            return "convolution"
        return "pooling" if isinstance(self.layer, _POOLINGS) else ""


@dataclass(frozen=True, eq=False)
class AttentionStep(Step):
    """One call of an attention layer; `scores` is the symbolic tensor `(batch, heads, queries, keys)`."""

    scores: Any


class Anatomy:
    """Opens a classifier for inspection.

    Args:
        model: Keras model of images with one channel, sequential or functional, with one score for each class.

    Raises:
        ModelError: If its layers cannot be followed one after another.
    """

    def __init__(self, model: Any) -> None:
        self.steps: list[Step] = []
        self._placements: dict[int, Placement] = {}
        # The input is float32, whatever the model declares: integers have no gradient.
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
        height, width = self._input.shape[1:3]
        return height, width

    @property
    def spatial_steps(self) -> list[SpatialStep]:
        """The steps whose outputs have rows and columns, from the first convolution on."""
        steps = [step for step in self.steps if isinstance(step, SpatialStep)]
        first = next((index for index, step in enumerate(steps) if step.kind == "convolution"), len(steps))
        return steps[first:]

    @property
    def convolutions(self) -> list[SpatialStep]:
        """The convolutions, in the order of computation."""
        return [step for step in self.spatial_steps if step.kind == "convolution"]

    @property
    def attentions(self) -> list[AttentionStep]:
        """The attention layers, in the order of computation."""
        return [step for step in self.steps if isinstance(step, AttentionStep)]

    @property
    def first_dense(self) -> Step | None:
        """The first layer with weights, if each of its units has a weight for every value of the image."""
        step = next((step for step in self.steps if step.layer.weights), None)
        if step is None or not isinstance(step.layer, layers.Dense):
            return None
        return step if step.inputs.shape[1:] == (prod(self._input.shape[1:]),) else None

    def step(self, name: str) -> SpatialStep:
        """Find a step with feature maps by the name of its layer; a ModelError if there is none."""
        for step in reversed(self.spatial_steps):
            if step.name == name:
                return step
        names = ", ".join(dict.fromkeys(step.name for step in self.spatial_steps))
        has = f"it has {names}" if names else "it has no convolution and so no feature maps at all"
        raise ModelError(f"the model has no layer {name!r} with feature maps; {has}.")

    @property
    def last_maps(self) -> SpatialStep | None:
        """The last feature maps, from which the decision is made; None without any."""
        steps = [step for step in self.spatial_steps if not isinstance(step.layer, _DROPOUTS)]
        return steps[-1] if steps else None

    def cut_after(self, step: SpatialStep) -> tuple[SpatialStep, Any]:
        """Cut the model after a layer, if the rest depends on this layer's feature maps alone.

        Args:
            step: First step to try; where connections lead around it, a later one is taken.

        Returns:
            The step, and the Keras model from its output to the logits.
        """
        for candidate in self.steps[self.steps.index(step) :]:
            if not isinstance(candidate, SpatialStep):
                continue
            # Keras raises a ValueError where the output cannot be computed from here alone.
            with suppress(ValueError):
                return candidate, keras.Model(candidate.output, self._logits)
        raise ModelError(
            f"from the layer {step.name!r} on, connections lead around every layer with feature maps; "
            "choose an earlier one with --layer."
        )

    @cached_property
    def logits_model(self) -> Any:
        """The Keras model from images to logits, the scores before the last softmax."""
        return keras.Model(self._input, self._logits)

    def model_until(self, step: Step) -> Any:
        """Make the Keras model from images to the output of a step."""
        return keras.Model(self._input, step.output)

    def model_until_activation(self, step: Step) -> Any:
        """Make the Keras model from images to the output of a step, without the layer's own activation function."""
        if _activation_name(step.layer) in (None, "linear") or not isinstance(step.layer, _CONVOLUTIONS):
            return self.model_until(step)
        return keras.Model(self._input, _without_activation(step.layer, step.inputs))

    def as_input(self, images: np.ndarray) -> np.ndarray:
        """Convert images `(n, height, width)`, 0..255, to the shape and type that the model takes."""
        return np.asarray(images, np.float32).reshape(-1, *self._input.shape[1:])

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Compute logits, float32 `(n, num_classes)`, of images `(n, height, width)`, 0..255."""
        return run_in_batches(self.logits_model, self.as_input(images))

    def activations(self, step: Step, image: np.ndarray) -> np.ndarray:
        """Compute the feature maps, float32 `(rows, columns, channels)`, of an image `(height, width)`, 0..255."""
        (output,) = run_in_batches(self.model_until(step), self.as_input(image[None]))
        return np.asarray(output)

    def attention_scores(self, image: np.ndarray) -> list[np.ndarray]:
        """Compute the attention scores of each attention layer for an image `(height, width)`, 0..255.

        They are float32, `(heads, queries, keys)`; the scores of a query add up to 1.
        """
        model = keras.Model(self._input, [step.scores for step in self.attentions])
        found = model(self.as_input(image[None]), training=False)
        return [as_array(scores)[0] for scores in (found if isinstance(found, list | tuple) else [found])]

    def _unroll(self, model: Any, tensor: Any) -> Any:
        """Call each layer again: in a sequential model `layer.output` may belong to a graph that is no longer used."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                tensor = self._call(layer, tensor)
            return tensor
        return keras.models.clone_model(
            model, input_tensors=tensor, clone_function=lambda layer: layer, call_function=self._call
        ).output

    def _call(self, layer: Any, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(layer, keras.Sequential):
            return self._unroll(layer, inputs)
        if isinstance(layer, layers.InputLayer):
            return inputs
        output = layer(inputs, *arguments, **keywords)
        call = layer.name, layer, inputs, output
        if isinstance(layer, layers.MultiHeadAttention):
            self.steps.append(AttentionStep(*call, _compute_scores(layer, inputs, *arguments, **keywords)))
        elif not isinstance(output, keras.KerasTensor) or len(output.shape) != 4 or None in output.shape[1:]:
            self.steps.append(Step(*call))
        else:
            self._placements[id(output)] = self._place(layer, inputs, output)
            self.steps.append(SpatialStep(*call, self._placements[id(output)]))
        return output

    def _place(self, layer: Any, inputs: Any, output: Any) -> Placement:
        first = inputs[0] if isinstance(inputs, list | tuple) else inputs
        before = self._placements.get(id(first))
        placement = None if before is None else propagate(layer, before, first.shape, output.shape)
        return placement or spread_evenly(output.shape, self.image_shape)

    def _symbolic_logits(self) -> Any:
        last = self.steps[-1]
        if _activation_name(last.layer) != "softmax":
            return last.inputs if isinstance(last.layer, layers.Softmax) else last.output
        if isinstance(last.layer, layers.Activation):
            return last.inputs
        if isinstance(last.layer, layers.Dense):
            return _without_activation(last.layer, last.inputs)
        return last.output


def read_first_kernel(step: Step) -> np.ndarray:
    """Read the kernel of the first convolution in a layer: float32, `(rows, columns, input channels, filters)`."""
    kernel = as_array(_find_convolutions(step.layer)[0].weights[0])
    return kernel if kernel.shape[2] == 1 or kernel.shape[3] > 1 else np.moveaxis(kernel, 2, 3)


def run_in_batches(model: Any, inputs: np.ndarray) -> np.ndarray:
    """Run a Keras model in inference mode and concatenate the outputs."""
    outputs = [
        as_array(model(inputs[start : start + _BATCH_SIZE], training=False))
        for start in range(0, len(inputs), _BATCH_SIZE)
    ]
    return np.concatenate(outputs)


def as_array(tensor: Any) -> np.ndarray:
    """Convert a backend's tensor to a float32 array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def _find_convolutions(layer: Any) -> list[Any]:
    if isinstance(layer, _CONVOLUTIONS):
        return [layer]
    return [found for inner in getattr(layer, "layers", ()) for found in _find_convolutions(inner)]


def _activation_name(layer: Any) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _compute_scores(layer: Any, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
    """Compute the symbolic attention scores of an attention layer."""
    # A copy of the layer: Keras cannot follow the second output of a layer that was called before without it.
    copy = layers.MultiHeadAttention.from_config({**layer.get_config(), "name": f"{layer.name}_scores"})
    _, scores = copy(inputs, *arguments, **{**keywords, "return_attention_scores": True})
    copy.set_weights(layer.get_weights())
    return scores


def _without_activation(layer: Any, inputs: Any) -> Any:
    """Find the output of a layer before its own activation function."""
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear", "name": f"{layer.name}_linear"})
    output = linear(inputs)
    linear.set_weights(layer.get_weights())
    return output
