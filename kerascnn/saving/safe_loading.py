"""Open a model file that may come from anywhere: a `.keras` archive, or an `.h5` file of Keras 2 or 3.

Both hold a configuration (JSON) and weights (HDF5). Which of the two a file is, its content says, not its name. Before
Keras opens it, the declared sizes are checked, and so are the classes and layer sizes that the configuration names:
nothing in it may run code, read other files or ask for more memory than any digit model needs. Keras is then given a
copy of the bytes and the configuration that were checked.
"""

import io
import json
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kerascnn.saving.allowed_layers import HELPERS, LAYERS, MODELS, MODULES, OPERATION_MODULES, OPERATIONS
from kerascnn.saving.keras2_configuration import modernize
from kerascnn.saving.weights_files import require_own_weights
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
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_OTHER_FORMATS = {b"\x80": "a pickle, which may run code", b"\x08": "an ONNX file", b"TFL3": "a TensorFlow Lite file"}
"""Kinds of files that are given for models, by how they begin (TensorFlow Lite after four bytes)."""

_RUNS_CODE = "; it runs code that the file brings: replace it by layers such as Rescaling, and save the model anew"
_WAYS_OUT = {
    **dict.fromkeys(("Lambda", "function", "__lambda__"), _RUNS_CODE),
    **dict.fromkeys(("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"),
                    "; it is an operation of TensorFlow in Keras 2: replace it by layers, and save the model anew"),
    "TFSMLayer": "; it runs a TensorFlow SavedModel: rebuild the model from Keras's layers, and save it anew",
}  # fmt: skip


_NO_MODEL = "{path} is {kind}; kerascnn opens what model.save('model.keras') writes in Keras, and .h5 files."


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model file whose configuration was checked: nothing of it has been run or built.

    Args:
        path: Where it was read.
        config: Configuration of the model, without that of its training.
        content: The whole file.
    """

    path: Path
    config: dict[str, Any]
    content: bytes

    @preserve_random_state()
    def load(self) -> "keras.Model":
        """Make the `keras.Model`, not compiled. The backend must have been chosen (`kerascnn.utils.backend.activate`).

        Raises:
            ModelError: If the file is damaged, or its weights lie in other files.
        """
        import keras

        require_own_weights(self._read_weights(), self.path, MAX_ARCHIVE_BYTES)
        try:
            with silent_stderr(), tempfile.TemporaryDirectory(prefix="kerascnn-model-") as directory:
                copy = self._write_checked(Path(directory))
                return keras.models.load_model(copy, compile=False, safe_mode=True)
        except MemoryError as error:
            raise ModelError(f"{self.path} does not fit into memory.") from error
        # Keras raises almost anything on a damaged file; none of it is a fault of the user's command.
        except Exception as error:
            first_line = (str(error) or type(error).__name__).strip().splitlines()[0][:200]
            raise ModelError(f"{self.path} is damaged and cannot be loaded ({first_line}).") from error

    def _read_weights(self) -> bytes:
        """Read the HDF5 file of the weights, which an `.h5` file is itself."""
        if self.content.startswith(_HDF5_MAGIC):
            return self.content
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                return archive.read("model.weights.h5")
        except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError) as error:
            raise ModelError(f"{self.path} is damaged: its weights cannot be unpacked ({error}).") from error

    def _write_checked(self, directory: Path) -> Path:
        """Write what was checked, for Keras to open."""
        config = json.dumps(_without_builds(self.config))
        if self.content.startswith(_HDF5_MAGIC):
            import h5py

            path = directory / "model.h5"
            path.write_bytes(self.content)
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = config
            return path
        path = directory / "model.keras"
        with zipfile.ZipFile(io.BytesIO(self.content)) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                target.writestr(name, config if name == "config.json" else source.read(name))
        return path


def load_keras_model(path: Path) -> "keras.Model":
    """Load a model file after checking it, as `read_model_file` and `ModelFile.load` do."""
    return read_model_file(path).load()


def read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a model file after checking the file, without Keras, as `read_model_file` does."""
    return read_model_file(path).config


def read_model_file(path: Path) -> ModelFile:
    """Read a model file and check it, without Keras.

    Args:
        path: Path of a `.keras` or `.h5` file.

    Returns:
        The file, ready to be loaded.

    Raises:
        ModelError: If the file is missing, damaged, too large, or contains anything but built-in layers.
    """
    try:
        if path.is_dir():
            raise ModelError(_describe_directory(path))
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise ModelError(f"{path} is refused: it is larger than {MAX_ARCHIVE_BYTES // 2**20} MiB.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"there is no model {path}.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error
    config = _read_hdf5(content, path) if content.startswith(_HDF5_MAGIC) else _read_archive(content, path)
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a complete model file (its configuration is no object).")
    # `compile=False` leaves optimizer, loss and metrics unread, so they may be anything.
    config.pop("compile_config", None)
    try:
        config = modernize(config)
        _check_config(config, path)
    except RecursionError as error:
        raise ModelError(f"{path} is refused: its configuration is nested too deeply.") from error
    return ModelFile(path, config, content)


def _describe_directory(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return (
            f"{path} is a TensorFlow SavedModel, which may run any code; save the model with "
            "model.save('model.keras') in Keras and give that file."
        )
    return f"{path} is a directory; give a .keras file, or 'reference'."


def _read_archive(content: bytes, path: Path) -> Any:
    """Read the configuration of a `.keras` archive, whose members are checked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "config.json" not in archive.namelist():
                raise ModelError(_NO_MODEL.format(path=path, kind="an archive of something else (PyTorch, NumPy ...)"))
            _check_members(archive, path)
            return json.loads(archive.read("config.json"))
    except (
        OSError,
        zipfile.BadZipFile,
        ValueError,
        KeyError,
        RecursionError,
        NotImplementedError,  # what zipfile raises for a compression that it does not know
        RuntimeError,
    ) as error:
        raise ModelError(_describe_content(content, path)) from error


def _describe_content(content: bytes, path: Path) -> str:
    kind = next((kind for magic, kind in _OTHER_FORMATS.items() if content.startswith(magic)), None)
    kind = _OTHER_FORMATS[b"TFL3"] if content[4:8] == b"TFL3" else kind
    if kind is not None:
        return _NO_MODEL.format(path=path, kind=kind)
    return (
        f"{path} is not a complete {path.suffix or '.keras'} file; it is damaged or something else: get another copy, "
        "or train it again."
    )


def _read_hdf5(content: bytes, path: Path) -> Any:
    """Read the configuration of an `.h5` file, whose weights are checked."""
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            text = file.attrs.get("model_config")
        if text is None:
            raise ModelError(
                f"{path} has weights but not the layers that they belong to; load them into the model that they are "
                "of, and save that with model.save('model.keras')."
            )
        if len(text) > _MAX_CONFIG_BYTES:
            raise ModelError(f"{path} is refused: its configuration is larger than {_MAX_CONFIG_BYTES // 2**20} MiB.")
        return json.loads(text)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, RecursionError) as error:
        raise ModelError(f"{path} is not a complete .h5 file ({error}); get another copy.") from error


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


def _without_builds(node: Any) -> Any:
    """Leave out the shapes for which layers say they were built: Keras derives them from the input, as we do."""
    if isinstance(node, dict):
        kept = (
            node.items()
            if node.get("class_name") in MODELS
            else ((k, v) for k, v in node.items() if k != "build_config")
        )
        return {key: _without_builds(value) for key, value in kept}
    return [_without_builds(value) for value in node] if isinstance(node, list) else node


def _check_config(node: Any, path: Path) -> None:
    if isinstance(node, dict):
        if "class_name" in node:
            _check_class(node, path)
        for key, value in node.items():
            if key in _SIZES:
                _check_size(key, value, path)
            if key in ("batch_shape", "batch_input_shape", "build_input_shape"):
                _check_input_shape(value, path)
            _check_config(value, path)
    elif isinstance(node, list):
        for value in node:
            _check_config(value, path)


def _check_class(node: dict[str, Any], path: Path) -> None:
    name, module = node["class_name"], node.get("module")
    known = isinstance(name, str) and (name in LAYERS | MODELS | OPERATIONS or HELPERS.match(name))
    if not known:
        way_out = _WAYS_OUT.get(str(name), "")
        raise ModelError(
            f"{path} is refused: it contains {name!r}, which is not among the built-in layers that kerascnn runs"
            f"{way_out}."
        )
    if node.get("registered_name") not in (None, name):
        raise ModelError(f"{path} is refused: {name!r} stands for the custom class {node['registered_name']!r}.")
    # Tensors in a configuration carry no module.
    if module is None and (name in LAYERS | MODELS or HELPERS.match(name)):
        return
    is_layer = isinstance(module, str) and MODULES.match(module) and name not in OPERATIONS - LAYERS
    is_operation = isinstance(module, str) and OPERATION_MODULES.match(module) and name in OPERATIONS
    if module is None:
        raise ModelError(f"{path} is refused: Keras opens {name!r} from .keras files only; save the model as one.")
    if not (is_layer or is_operation):
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
