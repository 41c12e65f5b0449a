"""Open a model file that may come from anywhere: a `.keras` archive, or an `.h5` file of Keras 2 or 3.

Both hold a configuration (JSON) and weights (HDF5). Which of the two a file is, its content says, not its name. Before
Keras opens it, the declared sizes are checked, and so are the classes and layer sizes that the configuration names:
nothing in it may run code, read other files or ask for more memory than any digit model needs. Keras is then given a
copy of the bytes and the configuration that were checked.
"""

import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.saving.allowed_layers import HELPERS, LAYERS, MODELS, MODULES, OPERATION_MODULES, OPERATIONS
from kerascnn.saving.keras2_configuration import modernize
from kerascnn.saving.model_archive import CONFIG, MAX_ARCHIVE_BYTES, WEIGHTS, ModelArchive
from kerascnn.saving.stored_model import StoredModel, open_model
from kerascnn.saving.weights_files import require_own_weights
from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.random_state import preserve_random_state

if TYPE_CHECKING:
    import keras

_MAX_CONFIG_BYTES = 8 * 2**20
_MAX_LAYER_SIZE = 1 << 20  # units, filters or pixels a side
_MAX_INPUT_VALUES = 1 << 24
_SIZES = {"units", "filters", "output_dim", "input_dim", "num_heads", "key_dim", "kernel_size", "size"}

_RUNS_CODE = "; it runs code that the file brings: replace it by layers such as Rescaling, and save the model anew"
_WAYS_OUT = {
    **dict.fromkeys(("Lambda", "function", "__lambda__"), _RUNS_CODE),
    **dict.fromkeys(("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"),
                    "; it is an operation of TensorFlow in Keras 2: replace it by layers, and save the model anew"),
    "TFSMLayer": "; it runs a TensorFlow SavedModel: rebuild the model from Keras's layers, and save it anew",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class CheckedModel:
    """A stored model whose configuration was checked: nothing of it has been run or built.

    Args:
        stored: The model as it was opened.
        config: Configuration of its network, without that of its training.
    """

    stored: StoredModel
    config: dict[str, Any]

    @preserve_random_state()
    def load(self) -> "keras.Model":
        """Make the `keras.Model`, not compiled. The backend must have been chosen (`kerascnn.utils.backend.activate`).

        Raises:
            ModelError: If the file is damaged, or its weights lie in other files.
        """
        import keras

        path, archive = self.stored.path, self.stored.archive
        weights = self.stored.content if archive is None else archive.read(WEIGHTS)
        require_own_weights(weights, path, MAX_ARCHIVE_BYTES)
        try:
            with silent_stderr(), tempfile.TemporaryDirectory(prefix="kerascnn-model-") as directory:
                copy = self._write_checked(Path(directory))
                return keras.models.load_model(copy, compile=False, safe_mode=True)
        except MemoryError as error:
            raise ModelError(f"{path} does not fit into memory.") from error
        # Keras raises almost anything on a damaged file; none of it is a fault of the user's command.
        except Exception as error:
            first_line = (str(error) or type(error).__name__).strip().splitlines()[0][:200]
            raise ModelError(f"{path} is damaged and cannot be loaded ({first_line}).") from error

    def _write_checked(self, directory: Path) -> Path:
        """Write what was checked, for Keras to open."""
        config = json.dumps(_without_builds(self.config))
        if self.stored.archive is None:
            import h5py

            path = directory / "model.h5"
            path.write_bytes(self.stored.content)
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = config
            return path
        path = directory / "model.keras"
        self.stored.archive.write_network(path, config.encode())
        return path


def check_model(stored: StoredModel) -> CheckedModel:
    """Check the network of a model, without Keras.

    Args:
        stored: The model as it was opened.

    Returns:
        The model, ready to be loaded.

    Raises:
        ModelError: If it is damaged, or contains anything but built-in layers.
    """
    path = stored.path
    config = _read_hdf5(stored.content, path) if stored.archive is None else _read_json(stored.archive, path)
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a complete model file (its configuration is no object).")
    # `compile=False` leaves optimizer, loss and metrics unread, so they may be anything.
    config.pop("compile_config", None)
    try:
        config = modernize(config)
        _check_config(config, path)
    except RecursionError as error:
        raise ModelError(f"{path} is refused: its configuration is nested too deeply.") from error
    return CheckedModel(stored, config)


def read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a model file after checking it, without Keras.

    Raises:
        ModelError: As `open_model` and `check_model` do.
    """
    return check_model(open_model(path)).config


def _read_json(archive: ModelArchive, path: Path) -> Any:
    try:
        return json.loads(archive.read(CONFIG))
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ModelError(f"{path} is damaged: its configuration cannot be read ({reason}).") from error


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
