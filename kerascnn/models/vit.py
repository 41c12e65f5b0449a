"""A vision transformer: the picture is cut into patches, and every patch attends to all others.

Sources: A. Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR 2021;
as in L. Beyer, X. Zhai and A. Kolesnikov, "Better plain ViT baselines for ImageNet-1k", 2022, the classes are read from
the average of all patches and not from an additional token; as in W. Wang et al., "PVT v2: improved baselines with
pyramid vision transformer", 2022, patches overlap, so that a stroke on the border of one is whole in another.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.models.registry import register

if TYPE_CHECKING:
    import keras

_HEAD_WIDTH = 16  # Channels of an attention head.


@register("vision transformer: patches, attention", year=2021)
def vit(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    patch_size: int | None = None,
    patch_stride: int | None = None,
    width: int = 64,
    depth: int = 4,
) -> "keras.Model":
    """Build the network: patches, linear embedding, positional embedding, a pre-norm encoder, an average, a head.

    Args:
        input_shape: Height, width and channels of an image; pixel values are 0..255, the scaling is part of the model.
        num_classes: Number of classes, the units of the head.
        dropout_rates: Dropout rate after each attention and each multilayer perceptron of the encoder.
        patch_size: Side of a patch, in pixels; by default twice the stride.
        patch_stride: Distance between patches, in pixels; by default a seventh of the picture's shorter side.
        width: Length of the vector that represents a patch, a multiple of 16.
        depth: Number of encoder blocks.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities.

    Example:
        >>> vit().count_params()
        142026
    """
    import keras
    from keras import layers

    (rate,) = dropout_rates
    patch_stride = patch_stride or max(1, round(min(input_shape[:2]) / 7))
    patch_size = patch_size or 2 * patch_stride
    channels_last = {"data_format": "channels_last"}
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    # A convolution whose stride is that of the patches: the linear embedding.
    x = layers.Conv2D(width, patch_size, strides=patch_stride, padding="same", name="patch_embedding", **channels_last)(
        x
    )  # (7, 7, 64)
    rows, columns = x.shape[1:3]
    x = layers.Reshape((rows * columns, width), name="patches")(x)  # (49, 64)
    # Its bias has a number for each patch and channel: the positional embedding. Its kernel scales each channel, which
    # the linear embedding could do as well.
    x = layers.EinsumDense(
        "bpc,c->bpc",
        output_shape=(rows * columns, width),
        bias_axes="pc",
        kernel_initializer="ones",
        bias_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name="position_embedding",
    )(x)
    for block in range(1, depth + 1):
        x = _encoder_block(x, rate, f"block{block}")  # (49, 64)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Reshape((rows, columns, width), name="places")(x)  # (7, 7, 64)
    x = layers.GlobalAveragePooling2D(name="average", **channels_last)(x)  # (64,)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="vit")


def _encoder_block(x: "keras.KerasTensor", rate: float, name: str) -> "keras.KerasTensor":
    """Add self-attention, then a multilayer perceptron for each patch; both normalize their input and are residual."""
    from keras import layers

    width = x.shape[-1]
    normal = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    attended = layers.MultiHeadAttention(width // _HEAD_WIDTH, _HEAD_WIDTH, name=f"{name}_attention")(normal, normal)
    x = layers.Add(name=f"{name}_add1")([x, layers.Dropout(rate, name=f"{name}_dropout1")(attended)])
    normal = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    # SiLU has the form of the paper's GELU, which TensorFlow computes by a function that ONNX does not have.
    hidden = layers.Dense(2 * width, activation="silu", name=f"{name}_dense1")(normal)  # (49, 128)
    hidden = layers.Dense(width, name=f"{name}_dense2")(hidden)
    return layers.Add(name=f"{name}_add2")([x, layers.Dropout(rate, name=f"{name}_dropout2")(hidden)])
