"""Predicting speed: `Predictor.predict` on the 10,000 test images of MNIST as arrays."""

import time
from collections.abc import Callable, Iterator

import numpy as np

ONNX_RUNTIME = "onnxruntime"


def measure_predicting(engine: str, blocks: Iterator[float], send: Callable[[dict[str, float]], None]) -> None:
    """Predict arrays with the `cnn` that ships, block by block; a block is at least one pass over all images.

    Args:
        engine: Engine, `onnxruntime` or a backend of Keras.
        blocks: Length of each block in seconds, asked for when it is its turn. A block of no seconds is the first
            batch only.
        send: Function that is called with one message when a first batch is predicted (`seconds_to_start`,
            `first_step_seconds`), then with one for each block (`images`, `seconds`).
    """
    begun = time.perf_counter()
    from kerascnn.datasets import load_dataset
    from kerascnn.inference.keras_models import BATCH_SIZE
    from kerascnn.inference.predictor import load
    from kerascnn.saving.model_files import LECTURE

    predictor = load(LECTURE, backend=None if engine == ONNX_RUNTIME else engine)
    images = np.asarray(load_dataset("mnist").test_images)
    started = time.perf_counter()
    predictor.predict(images[:BATCH_SIZE])
    first = time.perf_counter() - started
    send({"seconds_to_start": round(started - begun, 2), "first_step_seconds": round(first, 2)})
    for seconds in blocks:
        part = images if seconds else images[:BATCH_SIZE]
        begun, done = time.perf_counter(), 0
        while not done or time.perf_counter() - begun < seconds:
            predictor.predict(part)
            done += len(part)
        send({"images": done, "seconds": round(time.perf_counter() - begun, 4)})
