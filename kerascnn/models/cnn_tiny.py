"""A convolutional network of fewer than 10,000 parameters: global average pooling in place of large dense layers.

Sources: M. Lin, Q. Chen and S. Yan, "Network in network", ICLR 2014 (global average pooling); S. Ioffe and
C. Szegedy, "Batch normalization", ICML 2015.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras

_MOMENTUM = 0.9  # Keras's default of 0.99 averages over more batches than a short run has.


@register("five convolutions, under 10,000 weights", year=2014)
def cnn_tiny(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    filters: Sequence[int] = (8, 16, 16, 16, 20),
) -> "keras.Model":
    """Build the network: five convolutions, with a pooling after the second, and global average pooling.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
        num_classes: Number of classes, the units of the head.
        dropout_rates: Dropout rate before the head.
        filters: Number of filters of each convolution.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities.

    Example:
        >>> cnn_tiny().count_params()
        9226
    """
    import keras
    from keras import layers

    (rate,) = dropout_rates
    channels_last = {"data_format": "channels_last"}
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    for index, count in enumerate(filters, start=1):
        # (26, 26, 8), (24, 24, 16); after the pooling (10, 10, 16), (8, 8, 16), (6, 6, 20)
        x = layers.Conv2D(count, 3, use_bias=False, name=f"conv{index}", **channels_last)(x)
        x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"norm{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
        if index == 2:
            x = layers.MaxPooling2D(2, name="pool", **channels_last)(x)  # (12, 12, 16)
    x = layers.GlobalAveragePooling2D(name="average", **channels_last)(x)  # (20,)
    x = layers.Dropout(rate, name="dropout")(x)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="cnn_tiny")
