"""What `worker.py` does for test_fast_clone.py: everything that needs Keras."""

import numpy as np

from kerascnn.datasets import load_dataset


def _network(name: str):
    """The network of kerascnn without its dropout, or one with all kinds of layers around those that have twins."""
    import random

    import keras
    from keras import layers

    random.seed(1)
    if name == "cnn":
        from kerascnn.models import build

        return build("cnn", (28, 28, 1), 10, dropout_rates=(0.0, 0.0))
    last = {"data_format": "channels_last"}
    image = keras.Input((17, 15, 3), name="image")
    hidden = layers.Conv2D(20, (3, 2), padding="same", activation="relu", name="same", **last)(image)
    hidden = layers.BatchNormalization(name="norm")(hidden)
    hidden = layers.Conv2D(24, (2, 4), use_bias=False, name="valid", **last)(hidden)
    hidden = layers.MaxPooling2D((3, 2), name="pool", **last)(hidden)
    hidden = layers.Conv2D(8, 3, strides=2, padding="same", name="strided", **last)(hidden)
    hidden = layers.Conv2D(8, 1, name="point", **last)(hidden)
    hidden = layers.MaxPooling2D(2, strides=1, padding="same", name="overlapping", **last)(hidden)
    hidden = layers.add([hidden, layers.DepthwiseConv2D(3, padding="same", name="depthwise", **last)(hidden)])
    hidden = layers.Flatten(name="flatten", **last)(hidden)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="probabilities")(hidden))


def compare_with_fast_clone(network: str) -> dict:
    """The largest differences between a network and its twin."""
    import keras

    from kerascnn.training.fast_clone import fast_clone

    plain = _network(network)
    before = plain.get_weights()
    clone = fast_clone(plain)
    data = load_dataset("mnist")
    rows, columns, channels = plain.input_shape[1:]
    pixels = np.resize(data.train_images[:64, 5 : 5 + rows, 5 : 5 + columns], (64, rows, columns))
    if network == "cnn":
        pixels = data.train_images[:64]
    images = np.stack([pixels / (1 if network == "cnn" else 255)] * channels, -1).astype(np.float32)
    targets = np.eye(10, dtype=np.float32)[data.train_labels[:64]]

    def largest(first, second):
        return float(max(np.abs(one - other).max() for one, other in zip(first, second, strict=True)))

    def trained(model, steps):
        # The first step of plain gradient descent with rate 1 changes the weights by the gradients.
        model.set_weights(before)
        model.compile(keras.optimizers.SGD(1.0 if steps == 1 else 0.05), "categorical_crossentropy")
        for _ in range(steps):
            model.train_on_batch(images, targets)
        return model.get_weights()

    untouched = largest(plain.get_weights(), before)
    return {
        "probabilities": largest(*([model.predict(images, verbose=0)] for model in (plain, clone))),
        "gradients": largest(trained(plain, 1), trained(clone, 1)),
        "weights after 5 steps": largest(trained(plain, 5), trained(clone, 5)),
        "weights of the plain network before": untouched,
    }


def layers_of_fast_clone(network: str) -> dict[str, str]:
    """Name and class of each layer that is trained."""
    from kerascnn.training.fast_clone import fast_clone

    return {layer.name: type(layer).__name__ for layer in fast_clone(_network(network)).layers}


TASKS = {task.__name__: task for task in (compare_with_fast_clone, layers_of_fast_clone)}
