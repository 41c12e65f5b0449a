"""U-Net: semantic segmentation of a page, one class for each pixel.

Source: O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical image segmentation",
MICCAI 2015. As there, a contracting path recognises what a neighbourhood shows, an expanding path localises it, and
each level of the one passes its feature maps to the other. Unlike there, convolutions are padded and normalized, and
there are fewer feature maps.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras

_MOMENTUM = 0.9  # Keras's default of 0.99 averages over more batches than a short run has.


@register("U-Net: what each pixel of a page shows", year=2015, segments=True)
def unet(
    input_shape: tuple[int, int, int] = (128, 128, 1),
    num_classes: int = 12,
    dropout_rates: Sequence[float] = (0.0,),
    widths: Sequence[int] = (16, 32, 64, 96),
) -> "keras.Model":
    """Build the network: levels of two convolutions, down by pooling, up again by transposed convolutions.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
            Height and width are multiples of 2 to the power of the number of poolings.
        num_classes: Number of classes of a pixel.
        dropout_rates: Dropout rate at the lowest level.
        widths: Number of channels of each level; from one level to the next height and width are halved.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, height, width, num_classes)`
        probabilities.

    Raises:
        ValueError: If a height or width cannot be halved so often.

    Example:
        >>> unet().output_shape
        (None, 128, 128, 12)
    """
    import keras
    from keras import layers

    (rate,) = dropout_rates
    smallest = 2 ** (len(widths) - 1)
    if any(side % smallest for side in input_shape[:2]):
        raise ValueError(f"its sides must be multiples of {smallest}")
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    skips = []
    for level, width in enumerate(widths[:-1], start=1):
        x = _convolutions(x, width, f"down{level}")  # (128, 128, 16), (64, 64, 32), (32, 32, 64)
        skips.append(x)
        x = layers.MaxPooling2D(2, data_format="channels_last", name=f"pool{level}")(x)
    x = _convolutions(x, widths[-1], "bottom")  # (16, 16, 96)
    x = layers.Dropout(rate, name="dropout")(x)
    for level, width in reversed(list(enumerate(widths[:-1], start=1))):
        x = layers.Conv2DTranspose(width, 2, strides=2, data_format="channels_last", name=f"up{level}_grow")(x)
        x = layers.Concatenate(name=f"up{level}_join")([skips[level - 1], x])
        x = _convolutions(x, width, f"up{level}")  # (32, 32, 64), (64, 64, 32), (128, 128, 16)
    x = layers.Conv2D(num_classes, 1, activation="softmax", data_format="channels_last", name="probabilities")(x)
    return keras.Model(image, x, name="unet")


def _convolutions(x: "keras.KerasTensor", filters: int, name: str) -> "keras.KerasTensor":
    """Add two convolutions that keep height and width, each with batch normalization, which has the bias."""
    from keras import layers

    for index in (1, 2):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            data_format="channels_last",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv{index}",
        )(x)
        x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm{index}")(x)
        x = layers.ReLU(name=f"{name}_relu{index}")(x)
    return x
