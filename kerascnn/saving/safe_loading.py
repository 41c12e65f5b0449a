"""Open a `.keras` file that may come from anywhere.

A `.keras` file is a zip archive that holds a configuration (JSON) and the weights (HDF5). Before Keras opens it, the
members of the archive and their declared sizes are checked, and so are the classes and layer sizes that the
configuration names: nothing in it may run code or ask for more memory than any digit model needs.
"""

import json
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.random_state import preserve_random_state

if TYPE_CHECKING:
    import keras

MAX_ARCHIVE_BYTES = 1 * 2**30
_MAX_CONFIG_BYTES = 8 * 2**20
_MAX_LAYER_SIZE = 1 << 20  # units, filters or pixels a side
_MAX_INPUT_VALUES = 1 << 24
_SIZES = {"units", "filters", "output_dim", "input_dim", "num_heads", "key_dim", "kernel_size", "size"}

_EXPECTED_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}

# Built-in layers that compute something fixed from their inputs. Not among them: Lambda, TorchModuleWrapper,
# TFSMLayer and other doors to code or files.
_LAYERS = {
    "Activation", "Add", "Average", "AveragePooling2D", "BatchNormalization", "CategoryEncoding", "CenterCrop",
    "Concatenate", "Conv2D", "Conv2DTranspose", "Cropping2D", "Dense", "DepthwiseConv2D", "Dropout", "ELU",
    "EinsumDense", "Embedding", "Flatten", "GELU", "GaussianNoise", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
    "GroupNormalization", "Identity", "InputLayer", "LayerNormalization", "LeakyReLU", "Maximum", "MaxPooling2D",
    "Minimum", "MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization", "ReLU",
    "RepeatVector", "Rescaling", "Reshape", "SeparableConv2D", "Softmax", "SpatialDropout2D", "Subtract",
    "UpSampling2D", "ZeroPadding2D",
}  # fmt: skip
_MODELS = {"Functional", "Sequential", "Model"}
_MODULES = re.compile(
    r"^(keras|keras\.(layers|initializers|regularizers|constraints|models|optimizers|losses|metrics|random|activations|"
    r"dtype_policies)|keras\.src\.models\.(functional|sequential|model))$"
)
_HELPERS = re.compile(
    r"^(DTypePolicy|__keras_tensor__|__numpy__|__tensor__|SeedGenerator|"
    r"(Glorot|He|Lecun|Random|Truncated|VarianceScaling|Orthogonal|Zeros|Ones|Constant|Identity)\w*|L1|L2|L1L2|"
    r"(MaxNorm|NonNeg|UnitNorm|MinMaxNorm))$"
)


@preserve_random_state()
def load_keras_model(path: Path) -> "keras.Model":
    """Load a `.keras` file after checking it.

    Args:
        path: Path of the file. The Keras backend must have been chosen (`kerascnn.utils.backend.activate`).

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ModelError: If the file is missing, damaged, too large, or contains anything but built-in layers.
    """
    read_config(path)  # refuses the file, if it must
    import keras

    try:
        with silent_stderr():
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except MemoryError as error:
        raise ModelError(f"{path} does not fit into memory.") from error
    # Keras raises almost anything on a damaged file; none of it is a fault of the user's command.
    except Exception as error:
        first_line = (str(error) or type(error).__name__).strip().splitlines()[0][:200]
        raise ModelError(f"{path} is damaged and cannot be loaded ({first_line}).") from error


def read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a `.keras` file after checking the file, without Keras.

    Args:
        path: Path of the file.

    Returns:
        The configuration of the model, without that of its training.

    Raises:
        ModelError: If the file is missing, damaged, too large, or contains anything but built-in layers; nothing of it
            has been run or unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            config = json.loads(archive.read("config.json"))
    except FileNotFoundError as error:
        raise ModelError(f"there is no model {path}.") from error
    except (
        OSError,
        zipfile.BadZipFile,
        ValueError,
        KeyError,
        RecursionError,
        NotImplementedError,  # what zipfile raises for a compression that it does not know
        RuntimeError,
    ) as error:
        raise ModelError(
            f"{path} is not a complete .keras file ({error}); train the model again or get another copy."
        ) from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a complete .keras file (its configuration is no object).")
    # `compile=False` leaves optimizer, loss and metrics unread, so they may be anything.
    config.pop("compile_config", None)
    try:
        _check_config(config, path)
    except RecursionError as error:
        raise ModelError(f"{path} is refused: its configuration is nested too deeply.") from error
    return config


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    total = 0
    for member in archive.infolist():
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename:
            raise ModelError(f"{path} is refused: its member {member.filename!r} would be written outside.")
        if member.filename not in _EXPECTED_MEMBERS:
            raise ModelError(f"{path} is refused: it has the unexpected member {member.filename!r}.")
        total += member.file_size
    if total > MAX_ARCHIVE_BYTES:
        raise ModelError(
            f"{path} is refused: unpacked it would take {total / 2**20:,.0f} MiB, "
            f"more than the {MAX_ARCHIVE_BYTES // 2**20} MiB allowed."
        )
    if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
        raise ModelError(f"{path} is refused: its configuration is larger than {_MAX_CONFIG_BYTES // 2**20} MiB.")


def _check_config(node: Any, path: Path) -> None:
    if isinstance(node, dict):
        if "class_name" in node:
            _check_class(node, path)
        for key, value in node.items():
            if key in _SIZES:
                _check_size(key, value, path)
            if key in ("batch_shape", "batch_input_shape"):
                _check_input_shape(value, path)
            _check_config(value, path)
    elif isinstance(node, list):
        for value in node:
            _check_config(value, path)


def _check_class(node: dict[str, Any], path: Path) -> None:
    name, module = node["class_name"], node.get("module")
    known = isinstance(name, str) and (name in _LAYERS or name in _MODELS or _HELPERS.match(name))
    if not known:
        raise ModelError(
            f"{path} is refused: it contains {name!r}, which is not among the built-in layers that kerascnn runs."
        )
    if node.get("registered_name") not in (None, name):
        raise ModelError(f"{path} is refused: {name!r} stands for the custom class {node['registered_name']!r}.")
    # Tensors in a configuration carry no module.
    if module is not None and not (isinstance(module, str) and _MODULES.match(module)):
        raise ModelError(f"{path} is refused: {name!r} comes from the module {module!r}, which is not Keras's own.")


def _check_size(key: str, value: Any, path: Path) -> None:
    for size in value if isinstance(value, list) else [value]:
        if isinstance(size, int) and size > _MAX_LAYER_SIZE:
            raise ModelError(f"{path} is refused: it asks for {key} = {size:,}, more than {_MAX_LAYER_SIZE:,}.")


def _check_input_shape(shape: Any, path: Path) -> None:
    values = 1
    for size in shape if isinstance(shape, list) else []:
        values *= size if isinstance(size, int) else 1
    if values > _MAX_INPUT_VALUES:
        raise ModelError(f"{path} is refused: its input has {values:,} values, more than {_MAX_INPUT_VALUES:,}.")
