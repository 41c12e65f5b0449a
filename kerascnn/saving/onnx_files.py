"""Write and read ONNX files. TensorFlow writes them, whichever backend trained the model.

python -m kerascnn.saving.onnx_files model.keras model.onnx
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec

from kerascnn.saving.feeding import Feeding, adapt_model
from kerascnn.saving.onnx_checks import require_safe_network
from kerascnn.utils.errors import KerasCNNError, ModelError
from kerascnn.utils.processes import Child, end_with_parent

MAX_ONNX_BYTES = 512 * 2**20
_TIMEOUT_SECONDS = 600


def export_onnx(
    keras_path: Path, onnx_path: Path, feeding: Feeding | None = None, image_size: tuple[int, int] = (28, 28)
) -> None:
    """Convert a saved model to ONNX: float32 input, any batch size.

    The conversion runs in a process of its own on TensorFlow, since a process has one backend only and the conversion
    from JAX gives files that ONNX Runtime does not run.

    Args:
        keras_path: Path of the `.keras` file.
        onnx_path: Path of the file to write.
        feeding: How a network that kerascnn did not make is fed; the `.onnx` is a model like ours.
        image_size: Height and width of its images.

    Raises:
        ModelError: If the conversion fails.
    """
    arguments = ["-m", "kerascnn.saving.onnx_files", str(keras_path), str(onnx_path)]
    if feeding is not None:
        arguments.append(msgspec.json.encode((feeding, image_size)).decode())
    environment = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    try:
        with Child(*arguments, **environment) as process:
            result = process.finish(_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{keras_path} was not converted to ONNX within {_TIMEOUT_SECONDS} s.") from error
    if result.returncode != 0 or not onnx_path.is_file():
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise ModelError(f"{keras_path} could not be converted to ONNX: {reason}")


def convert_on_tensorflow(
    keras_path: Path, onnx_path: Path, feeding: Feeding | None = None, image_size: tuple[int, int] = (28, 28)
) -> None:
    """Convert a model within this process, which must run Keras on TensorFlow.

    Args:
        keras_path: Path of the `.keras` file.
        onnx_path: Path of the file to write.
        feeding: How the network is fed, as for `export_onnx`.
        image_size: Height and width of its images.
    """
    import keras
    import numpy as np

    from kerascnn.saving.safe_loading import check_model
    from kerascnn.saving.stored_model import open_model

    model = check_model(open_model(keras_path)).load()
    if feeding is not None:
        model = adapt_model(model, feeding, image_size)
    # Keras exports a model only after it has been called once.
    model(np.zeros((1, *model.input_shape[1:]), np.float32), training=False)
    signature = [keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="float32", name="image")]
    # tf2onnx prints its progress to the same stream as its errors.
    with contextlib.redirect_stdout(sys.stderr):
        model.export(str(onnx_path), format="onnx", input_signature=signature, verbose=False)


def require_safe_onnx(content: bytes, name: str) -> None:
    """Refuse an ONNX network that is not safe to hand to ONNX Runtime.

    Args:
        content: The file.
        name: What it is, for messages.

    Raises:
        ModelError: If it is too large, or has anything that `require_safe_network` refuses.
    """
    if len(content) > MAX_ONNX_BYTES:
        raise ModelError(f"{name} is larger than {MAX_ONNX_BYTES // 2**20} MiB, more than any model of kerascnn.")
    require_safe_network(content, name)


def _main() -> None:
    end_with_parent()
    try:
        keras_path, onnx_path, *description = sys.argv[1:]
        how = msgspec.json.decode(description[0], type=tuple[Feeding, tuple[int, int]]) if description else (None,)
        convert_on_tensorflow(Path(keras_path), Path(onnx_path), *how)
    except KerasCNNError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
