"""The fully connected network: what digits were read with before convolutions, and what a CNN is measured against.

Source: D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by back-propagating errors", Nature
323, 1986; the sizes are those of the Keras examples' `mnist_mlp`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras


@register("fully connected, two hidden layers", year=1986)
def mlp(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.2, 0.2),
    units: Sequence[int] = (512, 512),
) -> "keras.Model":
    """Build the network: hidden layers in which every unit sees every value of the layer before.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
        num_classes: Number of classes, the units of the head.
        dropout_rates: Dropout rate after each hidden layer.
        units: Number of units of each hidden layer.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities.

    Example:
        >>> mlp().count_params()
        669706
    """
    import keras
    from keras import layers

    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Flatten(data_format="channels_last", name="flatten")(x)  # (784,)
    for index, (size, rate) in enumerate(zip(units, dropout_rates, strict=True), start=1):
        x = layers.Dense(size, activation="relu", name=f"dense{index}")(x)  # (512,)
        x = layers.Dropout(rate, name=f"dropout{index}")(x)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="mlp")
