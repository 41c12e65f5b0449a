"""Open a model file that may come from anywhere: a `.keras` archive, or an `.h5` file of Keras 2 or 3.

Both hold a configuration (JSON) and weights (HDF5). Which of the two a file is, its content says, not its name. Before
Keras opens it, its configuration is checked: it may be no larger than any model's, and name built-in layers only, so
that nothing in it runs code or reads other files. How much memory and work its layers ask for is measured in
`kerascnn.summary.size_limit`. Keras is then given the configuration that was checked, and weights written anew.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.saving.configuration_check import check_classes
from kerascnn.saving.configuration_limits import require_bounded
from kerascnn.saving.input_declarations import declare_inputs_once
from kerascnn.saving.keras2_configuration import modernize
from kerascnn.saving.model_archive import CONFIG, MAX_ARCHIVE_BYTES, WEIGHTS
from kerascnn.saving.stored_model import StoredModel, open_model
from kerascnn.saving.weights_files import CopiedWeights, copy_weights
from kerascnn.utils.errors import ModelError
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.random_state import preserve_random_state

if TYPE_CHECKING:
    import keras

_SPARE_WEIGHTS = 1 << 20  # that a model may have beyond twice those of its file: some layers share theirs


@dataclass(frozen=True, eq=False)
class CheckedModel:
    """A stored model whose configuration was checked: nothing of it has been run or built.

    Args:
        stored: The model as it was opened.
        config: Configuration of its network, without that of its training.
        weights: The weights of an `.h5` file, in which the configuration is; None for a `.keras` file.
    """

    stored: StoredModel
    config: dict[str, Any]
    weights: CopiedWeights | None = None

    @preserve_random_state()
    def load(self, num_weights: int = 0) -> "keras.Model":
        """Make the `keras.Model`, not compiled. The backend must have been chosen (`kerascnn.utils.backend.activate`).

        Args:
            num_weights: Number of weights that its layers ask for.

        Raises:
            ModelError: If the file is damaged, lacks weights, or its weights lie in other files.
        """
        import keras

        path = self.stored.path
        try:
            with silent_stderr(), tempfile.TemporaryDirectory(prefix="kerascnn-model-") as directory:
                copy = self._write_checked(Path(directory), num_weights)
                return keras.models.load_model(copy, compile=False, safe_mode=True)
        except ModelError:
            raise
        except MemoryError as error:
            raise ModelError(f"{path} does not fit into memory.") from error
        # Keras raises almost anything on a damaged file; none of it is a fault of the user's command.
        except Exception as error:
            raise ModelError(f"{path} is damaged and cannot be loaded ({summarize_error(error)}).") from error

    def _write_checked(self, directory: Path, num_weights: int) -> Path:
        """Write what was checked, for Keras to open."""
        archive, config = self.stored.archive, json.dumps(self.config)
        weights = self.weights
        if archive is not None:
            weights = copy_weights(archive.read(WEIGHTS), self.stored.path, MAX_ARCHIVE_BYTES)
        assert weights is not None  # one of the two is there
        if num_weights > 2 * weights.num_values + _SPARE_WEIGHTS:
            raise ModelError(
                f"{self.stored.path} is damaged: its layers ask for {num_weights:,} weights, but it holds "
                f"{weights.num_values:,}; get another copy."
            )
        if archive is not None:
            path = directory / "model.keras"
            archive.write_network(path, {CONFIG: config.encode(), WEIGHTS: weights.content})
            return path
        import h5py

        path = directory / "model.h5"
        path.write_bytes(weights.content)
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = config
        return path


def summarize_error(error: Exception) -> str:
    """Return the first line of what a framework says, or the kind of its error."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def check_model(stored: StoredModel) -> CheckedModel:
    """Check the network of a model, without Keras.

    Args:
        stored: The model as it was opened.

    Returns:
        The model, ready to be loaded.

    Raises:
        ModelError: If it is damaged, or contains anything but built-in layers.
    """
    path, weights = stored.path, None
    if stored.archive is not None:
        text: bytes | str | None = stored.archive.read(CONFIG)
    else:
        weights = copy_weights(stored.content, path, MAX_ARCHIVE_BYTES)
        text = weights.config
    if text is None:
        raise ModelError(
            f"{path} has weights but not the layers that they belong to; load them into the model that they are "
            "of, and save that with model.save('model.keras')."
        )
    config = _read_json(text, path)
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a complete model file (its configuration is no object).")
    require_bounded(config, path)
    config = declare_inputs_once(modernize(config))
    check_classes(config, path)
    return CheckedModel(stored, config, weights)


def read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a model file after checking it, without Keras.

    Raises:
        ModelError: As `open_model` and `check_model` do.
    """
    return check_model(open_model(path)).config


def _read_json(text: bytes | str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ModelError(f"{path} is damaged: its configuration cannot be read ({reason}).") from error
