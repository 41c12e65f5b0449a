"""Engines compute the probabilities: ONNX Runtime, which starts in a fraction of a second, or Keras on any backend."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerascnn.inference.verified_outputs import require_probabilities
from kerascnn.saving.onnx_files import require_safe_onnx
from kerascnn.utils.cores import count_cores
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    from kerascnn.datasets.stored_images import Images

BATCH_SIZE = 256
"""Images that are predicted at once."""

# ONNX Runtime: batches side by side, each on a thread of its own, wait for each other less than threads that share the
# convolutions of one batch (1.2 to 1.3 times the images a second on two cores); small ones stay in the core's cache.
_IMAGES_A_THREAD = 32
_FEWEST_IMAGES_A_THREAD = 8

_UNTIMED_RUNS, _TIMED_RUNS = 5, 51  # the first runs fill the caches


class Engine(Protocol):
    """Computes class probabilities for prepared images."""

    name: str

    def probabilities(self, images: "Images") -> np.ndarray:
        """Compute float32 `(n, num_classes)`, for pages `(n, height, width, num_classes)`, from uint8 images."""

    def probabilities_and_features(self, images: "Images") -> tuple[np.ndarray, np.ndarray | None]:
        """Compute the same, and the input of the last dense layer, `(n, num_features)`; None if there is none."""


class OnnxEngine:
    """Runs an ONNX network on ONNX Runtime.

    Args:
        content: The network, as an `.onnx` file has it.
        path: The file that it is in, for messages.

    Raises:
        ModelError: If it is unsafe or ONNX Runtime refuses it.
    """

    name = "onnxruntime"

    def __init__(self, content: bytes, path: Path) -> None:
        require_safe_onnx(content, f"the ONNX network of {path}")
        self._content = content
        try:
            self._session = _start_session(content)
        # ONNX Runtime's exceptions share no public base class.
        except Exception as error:
            raise ModelError(
                f"the ONNX network of {path} cannot be run by ONNX Runtime ({str(error).splitlines()[0][:200]})."
            ) from error
        self._input = self._session.get_inputs()[0].name

    def probabilities(self, images: "Images") -> np.ndarray:
        """Compute float32 `(n, num_classes)` from uint8 `(n, height, width)`."""
        return self._outputs(self._session, images)[0]

    def probabilities_and_features(self, images: "Images") -> tuple[np.ndarray, np.ndarray | None]:
        """Compute float32 `(n, num_classes)` and `(n, num_features)` from uint8 `(n, height, width)`."""
        content = _add_features_output(self._content)
        if content is None:
            return self.probabilities(images), None
        probabilities, features = self._outputs(_start_session(content), images)
        return probabilities, features

    def _outputs(self, session: Any, images: "Images") -> list[np.ndarray]:
        return require_probabilities(_in_threads(lambda batch: session.run(None, {self._input: batch}), images))


class KerasEngine:
    """Runs a Keras model on the backend of this process.

    Args:
        model: Keras model from `(n, height, width, 1)` or `(n, height, width)`, values 0..255, to probabilities;
            `kerascnn.saving.feeding.adapt_model` makes one of any other.

    Raises:
        ModelError: If the model has another form.
    """

    def __init__(self, model: Any) -> None:
        import keras

        self.name = keras.config.backend()
        self.model = model
        shape, output = model.input_shape, model.output_shape
        if not (isinstance(shape, tuple) and len(shape) in (3, 4) and (len(shape) == 3 or shape[3] == 1)):
            raise ModelError(f"the model takes {shape}; kerascnn runs models that take (batch, height, width, 1).")
        if not (isinstance(output, tuple) and len(output) in (2, 4) and output[-1]):
            raise ModelError(
                f"the model gives {output}; kerascnn runs models that give (batch, num_classes), or "
                "(batch, height, width, num_classes) for pages."
            )
        self._flat = len(shape) == 3

    def probabilities(self, images: "Images") -> np.ndarray:
        """Compute float32 `(n, num_classes)` from uint8 `(n, height, width)`."""
        if not len(images):
            return np.zeros((0, 0), np.float32)
        return require_probabilities(_in_batches(lambda batch: [self._run(batch)], images))[0]

    def probabilities_and_features(self, images: "Images") -> tuple[np.ndarray, np.ndarray | None]:
        """Compute float32 `(n, num_classes)` and `(n, num_features)` from uint8 `(n, height, width)`."""
        import keras

        heads = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Dense)]
        if not heads or len(heads[-1].input.shape) != 2:
            return self.probabilities(images), None
        both = keras.Model(self.model.inputs, [self.model.outputs[0], heads[-1].input])
        outputs = _in_batches(lambda batch: both.predict_on_batch(self._reshape(batch)), images)
        probabilities, features = require_probabilities(outputs)
        return probabilities, features

    def _run(self, batch: np.ndarray) -> np.ndarray:
        batch = self._reshape(batch)
        if len(batch) < BATCH_SIZE:
            # For few images a direct call is hundreds of times quicker than `predict`, which compiles.
            import keras

            return np.asarray(keras.ops.convert_to_numpy(self.model(batch, training=False)), np.float32)
        return np.asarray(self.model.predict_on_batch(batch), np.float32)

    def _reshape(self, batch: np.ndarray) -> np.ndarray:
        return batch[..., 0] if self._flat else batch


def measure_latency(engine: Engine, image_size: tuple[int, int]) -> float:
    """Measure the milliseconds that an engine takes for a single picture: the median of tens of runs.

    Args:
        engine: Runs the model; `OnnxEngine` uses one core.
        image_size: Height and width of its images in pixels.
    """
    picture = np.random.default_rng(0).integers(256, size=(1, *image_size), dtype=np.uint8)
    seconds = []
    for _ in range(_TIMED_RUNS + _UNTIMED_RUNS):
        begun = time.perf_counter()
        engine.probabilities(picture)
        seconds.append(time.perf_counter() - begun)
    return round(1000 * statistics.median(seconds[_UNTIMED_RUNS:]), 4)


def _start_session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _add_features_output(content: bytes) -> bytes | None:
    """Add a second output to a graph: the input of its last matrix product with weights; None if there is none."""
    import onnx

    model = onnx.load_from_string(content)
    weights = {tensor.name for tensor in model.graph.initializer}
    heads = [node for node in model.graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in weights]
    if not heads:
        return None
    model.graph.output.append(onnx.ValueInfoProto(name=heads[-1].input[0]))
    return bytes(model.SerializeToString())


def _in_threads(run: Callable[[np.ndarray], list[np.ndarray]], images: "Images") -> list[np.ndarray]:
    """Run batches side by side; return each output of `run` for all images, in their order."""
    cores = count_cores()
    size = min(_IMAGES_A_THREAD, max(_FEWEST_IMAGES_A_THREAD, -(-len(images) // cores)))
    if len(images) <= size:
        return run(_as_input(images[:]))
    with ThreadPoolExecutor(cores) as threads:
        starts = range(0, len(images), size)
        parts = list(threads.map(lambda start: run(_as_input(images[start : start + size])), starts))
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _in_batches(run: Callable[[np.ndarray], list[np.ndarray]], images: "Images") -> list[np.ndarray]:
    parts = [run(_as_input(images[start : start + BATCH_SIZE])) for start in range(0, len(images), BATCH_SIZE)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _as_input(images: np.ndarray) -> np.ndarray:
    return images[..., None].astype(np.float32)
