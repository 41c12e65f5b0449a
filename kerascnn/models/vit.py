"""A vision transformer: the picture is cut into patches, and every patch looks at all others.

Sources: A. Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR 2021;
as in L. Beyer, X. Zhai and A. Kolesnikov, "Better plain ViT baselines for ImageNet-1k", 2022, the classes are read from
the average of all patches and not from an additional token; as in W. Wang et al., "PVT v2: improved baselines with
pyramid vision transformer", 2022, patches overlap, so that a stroke on the border of one is whole in another.
"""

from collections.abc import Sequence

import keras
from keras import layers


def vit(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    dropout_rates: Sequence[float] = (0.0,),
    patch_size: int | None = None,
    patch_stride: int | None = None,
    width: int = 64,
    depth: int = 4,
    num_heads: int = 4,
    mlp_width: int = 128,
) -> keras.Model:
    """Build the network: patches, linear embedding, positional embedding, a pre-norm encoder, an average, a head.

    Args:
        input_shape: height, width, channels; pixel values are 0..255, the scaling is part of the model.
        num_classes: units of the head.
        dropout_rates: after each attention and each dense layer of the encoder.
        patch_size: side of a patch in pixels; by default twice the stride.
        patch_stride: pixels from one patch to the next; by default a seventh of the picture's shorter side.
        width: numbers that stand for a patch.
        depth: blocks of the encoder.
        num_heads: of each attention; a divisor of `width`.
        mlp_width: hidden units of each block.

    Returns:
        An uncompiled model, `(batch, height, width, channels)` float32 to `(batch, num_classes)` probabilities. With
        the defaults it has 142,026 parameters.

    Example:
        >>> vit().count_params()
        142026
    """
    (rate,) = dropout_rates
    patch_stride = patch_stride or max(1, round(min(input_shape[:2]) / 7))
    patch_size = patch_size or 2 * patch_stride
    channels_last = {"data_format": "channels_last"}
    image = keras.Input(input_shape, dtype="float32", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    # A convolution that moves on by the stride sees each patch once: the linear embedding.
    x = layers.Conv2D(width, patch_size, strides=patch_stride, padding="same", name="patch_embedding", **channels_last)(
        x
    )  # (7, 7, 64)
    rows, columns = x.shape[1:3]
    x = layers.Reshape((rows * columns, width), name="patches")(x)  # (49, 64)
    # Its bias has a number for each patch and channel: the positional embedding. It scales each channel, too, which
    # changes nothing that the linear embedding could not do.
    x = layers.EinsumDense(
        "bpc,c->bpc",
        output_shape=(rows * columns, width),
        bias_axes="pc",
        kernel_initializer="ones",
        bias_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name="position_embedding",
    )(x)
    for block in range(1, depth + 1):
        x = _encoder_block(x, num_heads, mlp_width, rate, f"block{block}")  # (49, 64)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Reshape((rows, columns, width), name="places")(x)  # (7, 7, 64)
    x = layers.GlobalAveragePooling2D(name="average", **channels_last)(x)  # (64,)
    x = layers.Dense(num_classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="vit")


def _encoder_block(x: keras.KerasTensor, num_heads: int, mlp_width: int, rate: float, name: str) -> keras.KerasTensor:
    """Attention, then a small network for each patch by itself; both normalise what they get and add what they find."""
    width = x.shape[-1]
    normal = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    found = layers.MultiHeadAttention(num_heads, width // num_heads, name=f"{name}_attention")(normal, normal)
    x = layers.Add(name=f"{name}_add1")([x, layers.Dropout(rate, name=f"{name}_dropout1")(found)])
    normal = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    # SiLU has the form of the paper's GELU, which TensorFlow computes by a function that ONNX does not have.
    found = layers.Dense(mlp_width, activation="silu", name=f"{name}_dense1")(normal)  # (49, 128)
    found = layers.Dense(width, name=f"{name}_dense2")(found)
    return layers.Add(name=f"{name}_add2")([x, layers.Dropout(rate, name=f"{name}_dropout2")(found)])
