"""The classic small convolutional network for MNIST, the seed of this project.

Source: the Keras examples' `mnist_cnn`, after Y. LeCun et al., "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86 (11), 1998.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras


@register("two convolutions, two dense layers", year=1998)
def cnn(
    input_shape: tuple[int, int, int] = (28, 28, 1), num_classes: int = 10, dropout_rates: Sequence[float] = (0.25, 0.5)
) -> "keras.Sequential":
    """Build the network: two convolutions, one pooling, two dense layers.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
        num_classes: Number of classes, the units of the head.
        dropout_rates: Dropout rates after the pooling and before the head.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities.

    Example:
        >>> cnn().count_params()
        1199882
    """
    import keras
    from keras import layers

    channels_last = {"data_format": "channels_last"}
    return keras.Sequential(
        [
            keras.Input(input_shape, dtype="float32", name="image"),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(32, 3, activation="relu", name="conv1", **channels_last),  # (26, 26, 32)
            layers.Conv2D(64, 3, activation="relu", name="conv2", **channels_last),  # (24, 24, 64)
            layers.MaxPooling2D(2, name="pool", **channels_last),  # (12, 12, 64)
            layers.Dropout(dropout_rates[0], name="dropout1"),
            layers.Flatten(name="flatten", **channels_last),  # (9216,)
            layers.Dense(128, activation="relu", name="dense"),
            layers.Dropout(dropout_rates[1], name="dropout2"),
            layers.Dense(num_classes, activation="softmax", name="probabilities"),
        ],
        name="cnn",
    )
