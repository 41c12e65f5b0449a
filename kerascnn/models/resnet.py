"""A residual network: each block adds its input to its output, f(x) + x, so that depth does no harm.

Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016. It begins as the
paper's networks for photographs do, with a wide convolution and max pooling, so that the blocks compute a quarter of
the positions; `pooled_stem=False` is the form of its section 4.2, for small images.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras

_MOMENTUM = 0.9  # Keras's default of 0.99 averages over more batches than a short run has.


@register("residual blocks, f(x) + x", year=2016)
def resnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    widths: Sequence[int] = (32, 64, 128),
    num_blocks: int = 1,
    residual: bool = True,
    pooled_stem: bool = True,
) -> "keras.Model":
    """Build the network: a convolution, stages of residual blocks, global average pooling, a dense layer.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
        num_classes: Number of classes, the units of the head.
        dropout_rates: Dropout rate before the head.
        widths: Number of channels of each stage; from one stage to the next height and width are halved.
        num_blocks: Number of blocks of each stage.
        residual: Whether a block is f(x) + x; otherwise it is f(x) alone, the paper's plain network.
        pooled_stem: Whether the network begins with a 5x5 convolution and max pooling; otherwise it begins with a 3x3
            convolution.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities. With
        the defaults its longest path has 8 layers with weights. Three blocks a stage with widths of 16, 32 and 64 and
        no pooled stem are the paper's ResNet-20.

    Example:
        >>> resnet().count_params()
        309930
    """
    import keras
    from keras import layers

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


def _stem(x: "keras.KerasTensor", filters: int, pooled: bool) -> "keras.KerasTensor":
    """Add the layers before the blocks; the pooling comes before the normalization, which then costs a quarter."""
    from keras import layers

    x = _convolution(x, filters, 5 if pooled else 3, 1, "stem", pool=pooled)
    return layers.ReLU(name="stem_relu")(x)


def _block(x: "keras.KerasTensor", filters: int, strides: int, residual: bool, name: str) -> "keras.KerasTensor":
    """Add relu(f(x) + x), where f is two convolutions; where f changes the shape, a 1x1 convolution projects x."""
    from keras import layers

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
    x: "keras.KerasTensor", filters: int, size: int, strides: int, name: str, pool: bool = False
) -> "keras.KerasTensor":
    """Add a convolution, max pooling if `pool` says so, and batch normalization, which has the bias."""
    from keras import layers

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
