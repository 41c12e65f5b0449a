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
    from kerascnn.utils.backend import activate

    activate()
    opened = load_checked_model(Path(model))
    image = np.random.default_rng(0).uniform(0, 255, (2, 28, 28)).astype(np.float32)
    return opened.predict(image if len(opened.input_shape) == 3 else image[..., None], verbose=0).tolist()


def export_onnx(model: str, output: str) -> None:
    """Convert a model as `fit` does, in this process, which must run on TensorFlow."""
    from kerascnn.saving.onnx_files import convert_on_tensorflow
    from kerascnn.utils.backend import activate

    activate()
    convert_on_tensorflow(Path(model), Path(output))


TASKS = {task.__name__: task for task in (save_layered_models, predict_arrays, export_onnx)}
