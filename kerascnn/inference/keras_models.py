"""How many images a Keras model is given at once, and what is said where it cannot be run."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from kerascnn.saving.safe_loading import summarize_error
from kerascnn.summary.size_limit import ModelSize, measure_size
from kerascnn.utils.errors import KerasCNNError, ModelError

BATCH_SIZE = 256
"""Images that are predicted at once, of most models."""

_VALUES_AT_ONCE = 1 << 27  # of all layers: half a GiB


def measure_model(model: Any) -> ModelSize | None:
    """Measure what a `keras.Model` needs for one image; None if it has layers that kerascnn does not know."""
    import keras

    try:
        # As a file has it, with lists for tuples.
        return measure_size(json.loads(json.dumps(keras.saving.serialize_keras_object(model))))
    except (ModelError, TypeError, ValueError):  # an object of the user's own may be none for JSON
        return None


def choose_batch_size(model: Any, most: int = BATCH_SIZE) -> int:
    """Choose how many images are given to a model at once, so that what its layers give fits into half a GiB."""
    size = measure_model(model)
    return most if size is None or not size.values else max(1, min(most, _VALUES_AT_ONCE // size.values))


@contextlib.contextmanager
def running(model: Any) -> Iterator[None]:
    """Turn what a framework raises while it runs a model into a ModelError."""
    try:
        yield
    except KerasCNNError:
        raise
    except MemoryError as error:
        raise ModelError(f"the model {model.name!r} does not fit into memory.") from error
    # The frameworks share no class of errors.
    except Exception as error:
        raise ModelError(f"the model {model.name!r} cannot be run ({summarize_error(error)}).") from error
