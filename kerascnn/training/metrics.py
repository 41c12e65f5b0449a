"""The metrics that choose the best epoch."""

from typing import Any

import keras

from kerascnn.images.page_segmentation import BACKGROUND


class AccuracyOfDecided(keras.metrics.CategoricalAccuracy):
    """Accuracy over the samples of a class; outliers, whose targets are uniform, do not count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: one-hot or uniform targets and probabilities, `(batch, num_classes)`, and perhaps weights."""
        decided = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 0.5, "float32")
        if sample_weight is not None:
            decided = decided * keras.ops.cast(sample_weight, "float32")
        super().update_state(y_true, y_pred, sample_weight=decided)


class AccuracyOfInk(keras.metrics.CategoricalAccuracy):
    """Accuracy over the pixels of a page whose true or predicted class is not background.

    Most pixels are background, which any network soon classifies correctly.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: one-hot targets and probabilities, `(batch, height, width, num_classes)`."""
        counted = keras.ops.logical_or(
            keras.ops.argmax(y_true, axis=-1) != BACKGROUND, keras.ops.argmax(y_pred, axis=-1) != BACKGROUND
        )
        super().update_state(y_true, y_pred, sample_weight=keras.ops.cast(counted, "float32"))
