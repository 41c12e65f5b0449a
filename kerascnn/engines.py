"""What computes the probabilities: ONNX Runtime (starts in a fraction of a second) or Keras on any backend."""

from pathlib import Path
from typing import Protocol

import numpy as np

from kerascnn.artifact import read_onnx
from kerascnn.errors import ModelError

BATCH_SIZE = 256


class Engine(Protocol):
    """Computes class probabilities for prepared images."""

    name: str

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """uint8 `(n, height, width)` to float32 `(n, num_classes)`."""


class OnnxEngine:
    """Runs a `.onnx` file on ONNX Runtime.

    Args:
        path: the file.

    Raises:
        ModelError: if the file is unsafe or ONNX Runtime refuses it.
    """

    name = "onnxruntime"

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(read_onnx(path), options, providers=["CPUExecutionProvider"])
        # ONNX Runtime's exceptions share no public base class.
        except Exception as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{path} cannot be run by ONNX Runtime ({str(error).splitlines()[0][:200]}).") from error
        self._input = self._session.get_inputs()[0].name

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """uint8 `(n, height, width)` to float32 `(n, num_classes)`."""
        return _in_batches(lambda batch: self._session.run(None, {self._input: batch})[0], images)


class KerasEngine:
    """Runs a Keras model on the backend of this process.

    Args:
        model: from `(n, height, width, 1)` or `(n, height, width)`, values 0..255, to one score a class.

    Raises:
        ModelError: if the model has another form.
    """

    def __init__(self, model) -> None:
        import keras

        self.name = keras.config.backend()
        self.model = model
        shape, output = model.input_shape, model.output_shape
        if not (isinstance(shape, tuple) and len(shape) in (3, 4) and (len(shape) == 3 or shape[3] == 1)):
            raise ModelError(f"the model takes {shape}; kerascnn runs models that take (batch, height, width, 1).")
        if not (isinstance(output, tuple) and len(output) == 2 and output[1]):
            raise ModelError(f"the model gives {output}; kerascnn runs models that give (batch, num_classes).")
        self._flat = len(shape) == 3

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """uint8 `(n, height, width)` to float32 `(n, num_classes)`."""
        result = _in_batches(self._run, images)
        # A user's own model may end in logits.
        if len(result) and (result.min() < 0 or np.abs(result.sum(axis=1) - 1).max() > 1e-3):
            shifted = np.exp(result - result.max(axis=1, keepdims=True))
            return shifted / shifted.sum(axis=1, keepdims=True)
        return result

    def _run(self, batch: np.ndarray) -> np.ndarray:
        batch = batch[..., 0] if self._flat else batch
        if len(batch) < BATCH_SIZE:
            # For few images a direct call is hundreds of times quicker than `predict`, which compiles.
            import keras

            return keras.ops.convert_to_numpy(self.model(batch, training=False))
        return self.model.predict_on_batch(batch)


def _in_batches(run, images: np.ndarray) -> np.ndarray:
    parts = [
        np.asarray(run(images[start : start + BATCH_SIZE][..., None].astype(np.float32)))
        for start in range(0, len(images), BATCH_SIZE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
