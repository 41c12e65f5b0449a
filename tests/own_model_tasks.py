"""What `worker.py` does for test_own_models.py: models as people's own scripts of plain Keras make them."""

from pathlib import Path

import numpy as np


def _layered_models() -> dict:
    """Models of layers and operations that this package's networks do not have."""
    import keras
    from keras import layers, ops

    rows = keras.Input((28, 28))
    read = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(rows)
    read = layers.TimeDistributed(layers.Dense(5, activation="relu"))(read)
    read = layers.RNN([layers.LSTMCell(4), layers.GRUCell(6)])(read)
    image = keras.Input((28, 28, 1))
    part = ops.relu(ops.expand_dims(image[:, 2:26, :, 0], -1) / 255.0 - 0.1)
    part = ops.image.resize(part, (12, 12))
    means = ops.concatenate([ops.mean(part, axis=(1, 2)), ops.max(part, axis=(1, 2))], axis=-1)
    means = ops.squeeze(ops.transpose(ops.stack([means, means], axis=1), (0, 2, 1))[:, :, None, 0], axis=2)
    return {
        "recurrent": keras.Model(rows, layers.Dense(10, activation="softmax")(read)),
        "operations": keras.Model(image, ops.softmax(layers.Dense(10)(ops.where(means > 0.1, means, 0.5)))),
        "along_one_axis": keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Conv1D(4, 3, padding="causal"),
                layers.MaxPooling1D(),
                layers.Conv1D(4, 3, padding="same", strides=2),
                layers.GRU(5, reset_after=False),
                layers.Dense(10, activation="softmax"),
            ]
        ),
        "two_wide_layers": keras.Sequential(
            [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(8), layers.Dense(8), layers.Dense(10)]
        ),
        "enlarged": keras.Sequential(
            [keras.Input((28, 28, 1)), layers.UpSampling2D(2), layers.GlobalMaxPooling2D(), layers.Dense(10)]
        ),
        "location": keras.Sequential(
            [keras.Input((28, 28, 1), name="location"), layers.Flatten(), layers.Dense(10, name="location_1")]
        ),
    }


def save_layered_models(directory: str) -> dict[str, int]:
    """Save models of many layers as .keras and .h5, and what plain Keras says of an image; their parameters."""
    from kerascnn.utils.backend import activate

    activate()
    image = np.random.default_rng(0).uniform(0, 255, (2, 28, 28)).astype(np.float32)
    counts = {}
    for name, model in _layered_models().items():
        model.save(Path(directory) / f"{name}.keras")
        model.save(Path(directory) / f"{name}.h5")
        said = model.predict(image if len(model.input_shape) == 3 else image[..., None], verbose=0)
        np.save(Path(directory) / f"{name}.npy", said)
        counts[name] = model.count_params()
    return counts


def predict_arrays(model: str) -> list:
    """What a model file gives for the same image, opened by this package."""
    from kerascnn.inference.model_loading import load_checked_model
    from kerascnn.saving.stored_model import open_model
    from kerascnn.utils.backend import activate

    activate()
    opened = load_checked_model(open_model(Path(model)))
    image = np.random.default_rng(0).uniform(0, 255, (2, 28, 28)).astype(np.float32)
    return opened.predict(image if len(opened.input_shape) == 3 else image[..., None], verbose=0).tolist()


def export_onnx(model: str, output: str) -> None:
    """Convert a model as `fit` does, in this process, which must run on TensorFlow."""
    from kerascnn.saving.onnx_files import convert_on_tensorflow
    from kerascnn.utils.backend import activate

    activate()
    convert_on_tensorflow(Path(model), Path(output))


def _fit_digits() -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases with which one layer reads digits, from pixels 0..1: ridge regression, sharpened."""
    from kerascnn.datasets import load_dataset

    dataset = load_dataset("mnist")
    pixels = np.asarray(dataset.train_images[:6000], np.float64).reshape(-1, 784) / 255
    centre = pixels.mean(axis=0)
    targets = np.eye(10)[dataset.train_labels[:6000]] - 0.1
    weights = np.linalg.solve((pixels - centre).T @ (pixels - centre) + 60 * np.eye(784), (pixels - centre).T @ targets)
    return 6 * weights, -6 * centre @ weights


def _fit_seven(weights: np.ndarray, biases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn the score of the class 7 into a logit: slope and offset of a logistic regression, by Newton's method."""
    from kerascnn.datasets import load_dataset

    dataset = load_dataset("mnist")
    scores = np.asarray(dataset.train_images[:6000], np.float64).reshape(-1, 784) / 255 @ weights + biases
    features, is_seven = np.hstack([scores, np.ones_like(scores)]), dataset.train_labels[:6000] == 7
    fitted = np.array([1.0, 0.0])
    for _ in range(20):
        said = 1 / (1 + np.exp(-features @ fitted))
        curvature = features.T @ (features * (said * (1 - said))[:, None])
        fitted += np.linalg.solve(curvature, features.T @ (is_seven - said))
    return fitted[0] * weights, fitted[0] * biases + fitted[1]


def _linear_models(weights: np.ndarray, biases: np.ndarray) -> dict:
    """Models of one layer as people write them; each with the function that feeds it from pixels 0..255."""
    import keras
    from keras import layers

    unit, flat = (lambda x: x[..., None] / 255), (lambda x: x.reshape(-1, 784) / 255)
    mean, deviation = 0.1307, 0.3081
    head = layers.Dense
    scaled = keras.Input((28, 28, 1))
    normalization = layers.Normalization(axis=None, mean=33.3, variance=78.6**2)
    own = keras.Input((28, 28, 1))
    models = {
        "unit": ([keras.Input((28, 28, 1)), layers.Flatten(), head(10, "softmax")], unit),
        "logits": ([keras.Input((28, 28)), layers.Flatten(), head(10)], lambda x: x / 255),
        "values784": ([keras.Input((784,)), head(10, "softmax")], flat),
        "channel_first": (
            [keras.Input((1, 28, 28)), layers.Flatten(), head(10, "softmax")],
            lambda x: x[:, None] / 255,
        ),
        "sigmoids": ([keras.Input((28, 28, 1)), layers.Flatten(), head(10, "sigmoid")], unit),
        "seven": ([keras.Input((28, 28, 1)), layers.Flatten(), head(1, "sigmoid")], unit),
        "seven_logit": ([keras.Input((28, 28, 1)), layers.Flatten(), head(1)], unit),
        "rgb": (
            [keras.Input((28, 28, 3)), layers.Flatten(), head(10, "softmax")],
            lambda x: np.repeat(x[..., None], 3, -1) / 255,
        ),
        "minus_one": (
            [keras.Input((28, 28, 1)), layers.Flatten(), head(10, "softmax")],
            lambda x: x[..., None] / 127.5 - 1,
        ),
        "standardised": (
            [keras.Input((28, 28, 1)), layers.Flatten(), head(10, "softmax")],
            lambda x: (x[..., None] / 255 - mean) / deviation,
        ),
        "augmenting": (
            [
                keras.Input((28, 28, 1)),
                keras.Sequential([layers.RandomRotation(0.1), layers.RandomZoom(0.1)]),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                head(10, "softmax"),
            ],
            lambda x: x[..., None],
        ),
        "any_size": (
            [
                keras.Input((None, None, 1)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(10, 28),
                layers.GlobalMaxPooling2D(),
                layers.Softmax(),
            ],
            lambda x: x[..., None],
        ),
    }
    made = {name: (keras.Sequential(stack), feed) for name, (stack, feed) in models.items()}
    made["division"] = (
        keras.Model(scaled, head(10, "softmax")(layers.Flatten()(scaled / 255.0))),
        lambda x: x[..., None],
    )
    made["normalized"] = (
        keras.Model(own, head(10, "softmax")(layers.Flatten()(normalization(own)))),
        lambda x: x[..., None],
    )
    total, seven = weights.sum(axis=0), _fit_seven(weights[:, 7:8], biases[7:8])
    forms = {
        "minus_one": (weights / 2, biases + total / 2),
        "standardised": (deviation * weights, biases + mean * total),
        "normalized": (78.6 / 255 * weights, biases + 33.3 / 255 * total),
        "rgb": (np.repeat(weights, 3, axis=0) / 3, biases),
        "any_size": (weights.reshape(28, 28, 1, 10), biases),
        "seven": seven,
        "seven_logit": seven,
    }
    for name, (model, _) in made.items():
        next(layer for layer in reversed(model.layers) if layer.weights).set_weights(
            list(forms.get(name, (weights, biases)))
        )
    return made


def save_linear_models(directory: str) -> None:
    """Save models of one layer, and the probabilities that plain Keras gives for 50 test images."""
    from kerascnn.datasets import load_dataset
    from kerascnn.utils.backend import activate

    activate()
    pixels = load_dataset("mnist").test_images[:50].astype(np.float32)
    for name, (model, feed) in _linear_models(*_fit_digits()).items():
        model.save(Path(directory) / f"{name}.keras")
        said = np.asarray(model.predict(feed(pixels), verbose=0), np.float64)
        if name == "logits":
            said = np.exp(said) / np.exp(said).sum(axis=1, keepdims=True)
        if name == "seven_logit":
            said = 1 / (1 + np.exp(-said))
        np.save(Path(directory) / f"{name}.npy", said if said.shape[1] > 1 else np.hstack([1 - said, said]))


def load_own(model: str, scale: str | None = None, preparation: str | None = None) -> dict:
    """What this package finds out of a model without a card, and its probabilities for 50 test images."""
    import kerascnn
    from kerascnn.datasets import load_dataset
    from kerascnn.utils.backend import activate

    notes: list[str] = []
    try:
        loaded = kerascnn.load(
            model, backend=activate().name, scale=scale, preparation=preparation, on_note=notes.append
        )
    except kerascnn.KerasCNNError as error:
        return {"refused": str(error)}
    images = load_dataset("mnist").test_images[:50]
    return {
        "scale": loaded.card.feeding.scale,
        "outputs": loaded.card.feeding.outputs,
        "class_names": loaded.card.class_names,
        "preparation": loaded.card.preparation,
        "probabilities": loaded.engine.probabilities(images).tolist(),
        "predicted": [prediction.probabilities for prediction in loaded.predict(images.reshape(50, 784))],
        "notes": notes,
    }


def write_own_card(model: str, **options) -> list[str]:
    """Write the card of a model, and return what was said."""
    from kerascnn.inference.own_models import write_card

    notes: list[str] = []
    write_card(model, on_note=notes.append, **options)
    return notes


def explain_own(model: str, output: str, **options) -> list[str]:
    """Explain a test image; the names of the files written."""
    import kerascnn
    from kerascnn.datasets import load_dataset
    from kerascnn.utils.backend import activate

    image = load_dataset("mnist").test_images[0]
    made = kerascnn.explain(image, model, output=output, backend=activate().name, **options)
    return [made.prediction.label, *(file.name for file in made.files)]


def save_what_is_no_digit_model(directory: str) -> None:
    """Save models whose scale cannot be measured on digits: with random weights, of other things, of one softmax."""
    import keras
    from keras import layers

    from kerascnn.utils.backend import activate

    activate()
    for name, stack in {
        "untrained": [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, "softmax")],
        "untrained_scaled": [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)],
        "one_softmax": [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(1, "softmax")],
        "two_channels": [keras.Input((28, 28, 2)), layers.Flatten(), layers.Dense(10, "softmax")],
    }.items():
        keras.Sequential(stack).save(Path(directory) / f"{name}.keras")


TASKS = {
    task.__name__: task
    for task in (
        save_layered_models,
        predict_arrays,
        export_onnx,
        save_linear_models,
        load_own,
        write_own_card,
        explain_own,
        save_what_is_no_digit_model,
    )
}
