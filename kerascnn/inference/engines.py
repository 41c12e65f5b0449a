"""Engines compute the probabilities: ONNX Runtime, which starts in a fraction of a second, or Keras on any backend."""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerascnn.inference.keras_models import BATCH_SIZE, choose_batch_size, running
from kerascnn.inference.onnx_sessions import run_session, start_session
from kerascnn.inference.verified_outputs import require_probabilities
from kerascnn.saving.card import Card
from kerascnn.saving.onnx_files import require_safe_onnx
from kerascnn.utils.cores import count_cores
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    from kerascnn.datasets.stored_images import Images

# ONNX Runtime: batches side by side, each on a thread of its own, wait for each other less than threads that share the
# convolutions of one batch (1.2 to 1.3 times the images a second on two cores); small ones stay in the core's cache.
_IMAGES_A_THREAD = 32
_FEWEST_IMAGES_A_THREAD = 8
_PIXELS_A_THREAD = _IMAGES_A_THREAD * 128 * 128  # tiles of pages; larger images are run in smaller batches

_REMEDY = "get another copy of the model, or train it again."

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
        card: Card of the model, whose images the network must take and whose classes it must give.

    Raises:
        OtherOperatorError: If it has an operator that kerascnn hands to Keras alone.
        ModelError: If it is unsafe, ONNX Runtime refuses it, or it is not what the card describes.
    """

    name = "onnxruntime"

    def __init__(self, content: bytes, path: Path, card: Card) -> None:
        require_safe_onnx(content, f"the ONNX network of {path}")
        self._content, self._path, self._card = content, path, card
        self._session = start_session(content, self._name)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        size = (*card.input_shape[:2], 1)
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _fits(inputs[0].shape[1:], size):
            raise ModelError(f"{self._name} takes {_describe(inputs)}, its card says images of {size}; {_REMEDY}")
        if not outputs or not outputs[0].shape or not _fits(outputs[0].shape[-1:], (len(card.class_names),)):
            given, num_classes = _describe(outputs[:1]), len(card.class_names)
            raise ModelError(f"{self._name} gives {given}, its card names {num_classes} classes; {_REMEDY}")

    def probabilities(self, images: "Images") -> np.ndarray:
        """Compute float32 `(n, num_classes)` from uint8 `(n, height, width)`."""
        return self._outputs(self._session, images)[0]

    def probabilities_and_features(self, images: "Images") -> tuple[np.ndarray, np.ndarray | None]:
        """Compute float32 `(n, num_classes)` and `(n, num_features)` from uint8 `(n, height, width)`."""
        content = _add_features_output(self._content)
        if content is None:
            return self.probabilities(images), None
        outputs = self._outputs(start_session(content, self._name), images)
        return outputs[0], outputs[-1]

    @property
    def _name(self) -> str:
        return f"the ONNX network of {self._path}"

    def _outputs(self, session: Any, images: "Images") -> list[np.ndarray]:
        starts = range(0, max(1, len(images)), size := _choose_batch_size(images))
        batches = [partial(_read_batch, images, start, size) for start in starts]
        parts = run_session(session, batches, self._name)
        pixels = self._card.input_shape[:2] if self._card.segments_pages else ()
        for part, start in zip(parts, starts, strict=True):
            expected = (min(size, len(images) - start), *pixels, len(self._card.class_names))
            if not part or np.shape(part[0]) != expected:
                found = np.shape(part[0]) if part else "nothing"
                raise ModelError(f"{self._name} gives {found} where {expected} is expected; {_REMEDY}")
        return require_probabilities([np.concatenate(part) for part in zip(*parts, strict=True)])


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
        return require_probabilities(self._in_batches(lambda batch: [self._run(batch)], images))[0]

    def probabilities_and_features(self, images: "Images") -> tuple[np.ndarray, np.ndarray | None]:
        """Compute float32 `(n, num_classes)` and `(n, num_features)` from uint8 `(n, height, width)`."""
        import keras

        heads = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Dense)]
        if not heads or len(heads[-1].input.shape) != 2:
            return self.probabilities(images), None
        both = keras.Model(self.model.inputs, [self.model.outputs[0], heads[-1].input])
        outputs = self._in_batches(lambda batch: both.predict_on_batch(self._reshape(batch)), images)
        probabilities, features = require_probabilities(outputs)
        return probabilities, features

    @cached_property
    def _batch_size(self) -> int:
        return choose_batch_size(self.model)

    def _in_batches(self, run: Callable[[np.ndarray], list[np.ndarray]], images: "Images") -> list[np.ndarray]:
        size = self._batch_size
        with running(self.model):
            parts = [run(_as_input(images[start : start + size])) for start in range(0, len(images), size)]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

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


def _choose_batch_size(images: "Images") -> int:
    """Choose how many images a thread runs at once: fewer if there are few of them, or if they are large."""
    most = max(1, min(_IMAGES_A_THREAD, _PIXELS_A_THREAD // max(1, prod(images.shape[1:]))))
    return min(most, max(_FEWEST_IMAGES_A_THREAD, -(-len(images) // count_cores())))


def _fits(shape: Sequence[object], expected: Sequence[int]) -> bool:
    """Tell whether a shape that a network declares, with names where it is open, is what is expected."""
    return len(shape) == len(expected) and all(
        not isinstance(size, int) or size == other for size, other in zip(shape, expected, strict=True)
    )


def _describe(arguments: Sequence[Any]) -> str:
    shapes = [
        f"{one.type} ({', '.join('any' if not isinstance(n, int) else str(n) for n in one.shape)})" for one in arguments
    ]
    return " and ".join(shapes) or "nothing"


def _read_batch(images: "Images", start: int, size: int) -> np.ndarray:
    return _as_input(images[start : start + size])


def _as_input(images: np.ndarray) -> np.ndarray:
    return images[..., None].astype(np.float32)
