"""What `worker.py` does for test_fast_clone.py: everything that needs Keras."""

import random

import numpy as np

from kerascnn.datasets import load_dataset

_LAST = {"data_format": "channels_last"}


def _cnn():
    """The network of kerascnn without its dropout, whose masks no two implementations draw alike."""
    from kerascnn.models import build

    return build("cnn", (28, 28, 1), 10, dropout_rates=(0.0, 0.0))


def _varied():
    """All kinds of convolution and pooling, those that have a fast twin and others, with what lies between them."""
    import keras
    from keras import layers

    image = keras.Input((17, 15, 3), name="image")
    hidden = layers.Rescaling(1 / 255, name="scale")(image)
    hidden = layers.Conv2D(20, (3, 2), padding="same", activation="relu", name="same", **_LAST)(hidden)
    hidden = layers.BatchNormalization(name="norm")(hidden)
    hidden = layers.Conv2D(24, (2, 4), use_bias=False, activation="tanh", name="valid", **_LAST)(hidden)
    hidden = layers.MaxPooling2D((3, 2), name="pool", **_LAST)(hidden)
    hidden = layers.Conv2D(8, 3, strides=2, padding="same", name="strided", **_LAST)(hidden)
    hidden = layers.Conv2D(8, 1, name="point", **_LAST)(hidden)
    hidden = layers.MaxPooling2D(2, strides=1, padding="same", name="overlapping", **_LAST)(hidden)
    hidden = layers.add([hidden, layers.DepthwiseConv2D(3, padding="same", name="depthwise", **_LAST)(hidden)])
    hidden = layers.Conv2D(8, 3, dilation_rate=2, padding="same", name="dilated", **_LAST)(hidden)
    hidden = layers.Conv2D(8, 3, groups=4, padding="same", name="grouped", **_LAST)(hidden)
    hidden = layers.Flatten(name="flatten", **_LAST)(hidden)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="probabilities")(hidden))


def _stacked():
    """Poolings right after convolutions, whose activation and bias may be moved behind the pooling, or may not."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 27, 1), name="image"),
            layers.Rescaling(1 / 64, name="scale"),
            layers.Conv2D(16, 3, activation="relu", bias_initializer="random_normal", name="biased", **_LAST),
            layers.MaxPooling2D(2, name="first_pool", **_LAST),
            layers.Conv2D(24, 3, activation="relu", use_bias=False, name="unbiased", **_LAST),
            layers.MaxPooling2D((2, 3), name="second_pool", **_LAST),
            layers.Conv2D(32, 3, padding="same", activation="silu", name="not_monotonic", **_LAST),
            layers.MaxPooling2D(2, name="third_pool", **_LAST),
            layers.Flatten(name="flatten", **_LAST),
            layers.Dense(10, activation="softmax", name="probabilities"),
        ]
    )


def _unknown():
    """Layers that a twin must not touch: their arithmetic is not the usual one."""
    import keras
    from keras import layers

    class UsersConv2D(layers.Conv2D):
        """Its convolution may be anything."""

    class UsersPooling2D(layers.MaxPooling2D):
        """And so may its pooling."""

    image = keras.Input((8, 8, 8), name="image")
    adapted = layers.Conv2D(8, 3, padding="same", name="adapted", **_LAST)
    hidden = adapted(image)
    adapted.enable_lora(2)
    hidden = UsersConv2D(8, 3, padding="same", name="users", **_LAST)(hidden)
    hidden = layers.Conv2D(8, 3, padding="same", dtype="mixed_bfloat16", name="half", **_LAST)(hidden)
    hidden = layers.Conv2D(8, 3, padding="same", data_format="channels_first", name="first")(hidden)
    return keras.Model(image, UsersPooling2D(2, name="users_pool", **_LAST)(hidden))


NETWORKS = {"cnn": _cnn, "varied": _varied, "stacked": _stacked, "unknown": _unknown}


def _some_digits(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Digits with noise: where paper is one even white, the last bit decides which value of a window is the largest."""
    data = load_dataset("mnist")
    top, left = (28 - shape[0]) // 2, (28 - shape[1]) // 2
    pixels = data.train_images[:256, top : top + shape[0], left : left + shape[1], None]
    noise = np.random.default_rng(1).uniform(0, 25, (256, *shape))
    return (pixels + noise).astype(np.float32), np.eye(10, dtype=np.float32)[data.train_labels[:256]]


def _largest(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return float(max(np.abs(one - other).max() for one, other in zip(first, second, strict=True)))


def compare_with_fast_clone(network: str) -> dict:
    """The largest differences between a network and its twin."""
    import keras

    from kerascnn.training.acceleration.accelerated_model import accelerate

    random.seed(1)
    plain = NETWORKS[network]()
    before = plain.get_weights()
    clone = accelerate(plain)
    images, targets = _some_digits(plain.input_shape[1:])

    def trained(model: keras.Model) -> tuple[list[np.ndarray], list[np.ndarray], list[float]]:
        """What one step with rate 1 changes, which are the gradients; weights and losses of a fit with small ones.

        Small, because another last bit of a weight makes another value the largest of its window now and then, and
        with large steps such differences grow, as they do for the plain network.
        """
        model.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy")
        model.fit(images[:64], targets[:64], batch_size=64, shuffle=False, verbose=0)
        gradients = [one - other for one, other in zip(before, model.get_weights(), strict=True)]
        model.set_weights(before)
        model.optimizer.learning_rate = 0.002
        losses = model.fit(images, targets, batch_size=64, epochs=2, shuffle=False, verbose=0).history["loss"]
        return gradients, model.get_weights(), losses

    untouched = _largest(plain.get_weights(), before)
    probabilities = [[model.predict(images, batch_size=256, verbose=0)] for model in (plain, clone)]
    (gradients, weights, losses), of_clone = trained(plain), trained(clone)
    return {
        "probabilities": _largest(*probabilities),
        "gradients": _largest(gradients, of_clone[0]),
        "weights after a fit": _largest(weights, of_clone[1]),
        "losses of a fit": _largest(np.array(losses), np.array(of_clone[2])),
        "weights of the plain network before": untouched,
        "loss fell by": losses[0] - losses[-1],
    }


def layers_of_fast_clone(network: str) -> dict[str, list]:
    """List the layers that are trained, by name: the class of Keras that each is or derives from, and if it is ours."""
    from kerascnn.training.acceleration.accelerated_model import accelerate

    def find_class(layer) -> str:
        return next(kind.__name__ for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))

    layers = accelerate(NETWORKS[network]()).layers
    return {layer.name: [find_class(layer), type(layer).__module__.startswith("kerascnn.")] for layer in layers}


def dropped_by_fast_clone(rate: float) -> dict:
    """What the twin of a network that only drops values does with ones."""
    import keras

    from kerascnn.training.acceleration.accelerated_model import accelerate

    random.seed(1)
    plain = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", bias_initializer="ones", **_LAST),
            keras.layers.Dropout(rate, name="dropout"),
        ]
    )
    clone = accelerate(plain)
    images = np.zeros((16, 64, 64, 3), np.float32)
    first, second = (keras.ops.convert_to_numpy(clone(images, training=True)) for _ in range(2))
    return {
        "values": np.unique(first).tolist(),
        "dropped": float((first == 0).mean()),
        "dropped twice": float(((first == 0) & (second == 0)).mean()),
        "neighbours dropped": float(((first[:, :, 1:] == 0) & (first[:, :, :-1] == 0)).mean()),
        "without training": np.unique(keras.ops.convert_to_numpy(clone(images, training=False))).tolist(),
    }


TASKS = {task.__name__: task for task in (compare_with_fast_clone, layers_of_fast_clone, dropped_by_fast_clone)}
