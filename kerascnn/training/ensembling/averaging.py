"""Build the network of an ensemble: its members side by side, and the average of their probabilities."""

import re
from collections.abc import Sequence

import keras
from keras import layers


def average(models: Sequence[keras.Model], names: Sequence[str]) -> keras.Model:
    """Join models that take the same pictures.

    Args:
        models: Models from `(batch, height, width, channels)` to `(batch, num_classes)` probabilities.
        names: Names of the models, from which the names of the layers are made.

    Returns:
        An uncompiled model with one input that gives the average of the probabilities.

    Example:
        >>> average([first, second], ["a", "b"]).count_params() == first.count_params() + second.count_params()
        True
    """
    image = keras.Input(models[0].input_shape[1:], dtype="float32", name="image")
    members = [
        _copy(model, f"member{index}_{name}")
        for index, (model, name) in enumerate(zip(models, names, strict=True), start=1)
    ]
    probabilities = layers.Average(name="average")([member(image) for member in members])
    return keras.Model(image, probabilities, name="ensemble")


def _copy(model: keras.Model, name: str) -> keras.Model:
    """Copy a model under a name that every exporter accepts."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    # A functional model, whatever it was: in a sequential one the layers' names would have to differ from the others'.
    return keras.Model(copy.inputs[0], copy.outputs[0], name=re.sub(r"[^A-Za-z0-9_]", "_", name))
