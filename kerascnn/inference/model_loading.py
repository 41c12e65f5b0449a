"""Load a model file that may come from anywhere, after all that can be checked of it has been."""

from typing import TYPE_CHECKING

from kerascnn.saving.safe_loading import check_model
from kerascnn.saving.stored_model import StoredModel
from kerascnn.summary.size_limit import require_modest_size

if TYPE_CHECKING:
    import keras


def load_checked_model(stored: StoredModel) -> "keras.Model":
    """Load a model after checking its content and how much memory it needs.

    Args:
        stored: The model as it was opened. The Keras backend must have been chosen (`kerascnn.utils.backend.activate`).

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        ModelError: If the file is damaged, too large, or contains anything but built-in layers.
    """
    checked = check_model(stored)
    image_size = stored.card.input_shape[:2] if stored.card is not None else None
    size = require_modest_size(checked.config, stored.path, image_size)
    return checked.load(size.weights)
