"""A residual network: each block adds what it computes to what it was given, f(x) + x, so that depth does no harm.

Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016. It begins as the
paper's networks for photographs do, with a wide convolution and a pooling, so that the blocks have a quarter of the
places to work at; `pooled_stem=False` is the form of its section 4.2, for small images.
"""

from collections.abc import Sequence

import keras
from keras import layers

_MOMENTUM = 0.9  # Keras's own 0.99 averages over more batches than a short run has


def resnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    widths: Sequence[int] = (32, 64, 128),
    num_blocks: int = 1,
    residual: bool = True,
    pooled_stem: bool = True,
) -> keras.Model:
    """Build the network: a convolution, stages of residual blocks, an average over all places, a dense layer.

    Args:
        input_shape: height, width, channels; pixel values are 0..255, the scaling is part of the model.
        num_classes: units of the head.
        dropout_rates: before the head.
        widths: channels of each stage; from one to the next height and width are halved.
        num_blocks: of each stage.
        residual: without it a block is f(x) alone: the plain network that the paper compares with.
        pooled_stem: whether it begins with a 5x5 convolution and max pooling, or else with a 3x3 convolution.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities. With
        the defaults it has 8 layers with weights one after another and 309,930 parameters. Three blocks a stage with
        widths of 16, 32 and 64 and no pooled stem are the paper's ResNet-20.

    Example:
        >>> resnet().count_params()
        309930
    """
    (rate,) = dropout_rates
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = _stem(x, widths[0], pooled_stem)  # (14, 14, 32)
    for stage, width in enumerate(widths, start=1):
        for block in range(1, num_blocks + 1):
            strides = 2 if block == 1 and stage > 1 else 1
            x = _block(x, width, strides, residual, f"stage{stage}_block{block}")
        # (14, 14, 32), (7, 7, 64), (4, 4, 128)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="average")(x)  # (128,)
    x = layers.Dropout(rate, name="dropout")(x)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="resnet")


def _stem(x: keras.KerasTensor, filters: int, pooled: bool) -> keras.KerasTensor:
    """What comes before the blocks; pooled before it is normalised, which then costs a quarter."""
    x = _convolution(x, filters, 5 if pooled else 3, 1, "stem", pool=pooled)
    return layers.ReLU(name="stem_relu")(x)


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


def _convolution(
    x: keras.KerasTensor, filters: int, size: int, strides: int, name: str, pool: bool = False
) -> keras.KerasTensor:
    """A convolution, a pooling if it is wished for, and the normalisation, which has the bias."""
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
    if pool:
        x = layers.MaxPooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
    return layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(x)
