"""The metrics that choose the best epoch."""

from typing import Any

import keras

from kerascnn.images.page_segmentation import BACKGROUND


class AccuracyOfDecided(keras.metrics.CategoricalAccuracy):
    """Accuracy over the samples that belong to a class; outliers, whose target is undecided, do not count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: targets and probabilities, `(batch, num_classes)`."""
        decided = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 0.5, "float32")
        super().update_state(y_true, y_pred, sample_weight=decided)


class AccuracyOfInk(keras.metrics.CategoricalAccuracy):
    """Accuracy over the pixels of a page that are not background, in truth or by what the network says.

    Most of a page is paper, and right whatever the network has learned.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: targets and probabilities, `(batch, height, width, num_classes)`."""
        counted = keras.ops.logical_or(
            keras.ops.argmax(y_true, axis=-1) != BACKGROUND, keras.ops.argmax(y_pred, axis=-1) != BACKGROUND
        )
        super().update_state(y_true, y_pred, sample_weight=keras.ops.cast(counted, "float32"))
