"""Load a model file that may come from anywhere, after all that can be checked of it has been."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.saving.safe_loading import read_model_file
from kerascnn.summary.size_limit import require_modest_size

if TYPE_CHECKING:
    import keras


def load_checked_model(path: Path) -> "keras.Model":
    """Load a `.keras` or `.h5` file after checking its content and how much memory it needs.

    Args:
        path: Path of the file. The Keras backend must have been chosen (`kerascnn.utils.backend.activate`).

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ModelError: If the file is missing, damaged, too large, or contains anything but built-in layers.
    """
    file = read_model_file(path)
    require_modest_size(file.config, path)
    return file.load()
