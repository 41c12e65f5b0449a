"""A residual network: each block adds what it computes to what it was given, f(x) + x, so that depth does no harm.

Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016; the form is that
of its section 4.2, for small images.
"""

from collections.abc import Sequence

import keras
from keras import layers

_MOMENTUM = 0.9  # Keras's own 0.99 averages over more batches than a short run has


def resnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    widths: Sequence[int] = (16, 32, 64),
    num_blocks: int = 2,
    residual: bool = True,
) -> keras.Model:
    """Build the network: a convolution, stages of residual blocks, an average over all places, a dense layer.

    Args:
        input_shape: height, width, channels; pixel values are 0..255, the scaling is part of the model.
        num_classes: units of the head.
        dropout_rates: before the head.
        widths: channels of each stage; from one to the next height and width are halved.
        num_blocks: of each stage.
        residual: without it a block is f(x) alone: the plain network that the paper compares with.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities. With
        the defaults it has 14 layers with weights one after another and 176,090 parameters; three blocks a stage are
        the paper's ResNet-20.

    Example:
        >>> resnet().count_params()
        176090
    """
    (rate,) = dropout_rates
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = _convolution(x, widths[0], 3, 1, "stem")  # (28, 28, 16)
    x = layers.ReLU(name="stem_relu")(x)
    for stage, width in enumerate(widths, start=1):
        for block in range(1, num_blocks + 1):
            strides = 2 if block == 1 and stage > 1 else 1
            x = _block(x, width, strides, residual, f"stage{stage}_block{block}")
        # (28, 28, 16), (14, 14, 32), (7, 7, 64)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="average")(x)  # (64,)
    x = layers.Dropout(rate, name="dropout")(x)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="resnet")


def _block(x: keras.KerasTensor, filters: int, strides: int, residual: bool, name: str) -> keras.KerasTensor:
    """relu(f(x) + x), where f is two convolutions; where f changes the shape, x is projected to the new one."""
    shortcut = x
    if residual and (strides != 1 or x.shape[-1] != filters):
        shortcut = _convolution(x, filters, 1, strides, f"{name}_projection")
    x = _convolution(x, filters, 3, strides, f"{name}_conv1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolution(x, filters, 3, 1, f"{name}_conv2")
    if residual:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu2")(x)


def _convolution(x: keras.KerasTensor, filters: int, size: int, strides: int, name: str) -> keras.KerasTensor:
    """A convolution and its normalisation, which has the bias."""
    x = layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(x)
