"""Networks and layers with every kind of geometry, built by Keras: what the arithmetic of the summary is held against.

Imported by the worker only, once a backend has been chosen.
"""

import keras
from keras import layers

LAYERS = [
    ((28, 28, 1), "Conv2D", {"filters": 4, "kernel_size": 3}),
    ((28, 27, 3), "Conv2D", {"filters": 4, "kernel_size": (5, 2), "strides": (3, 2), "use_bias": False}),
    ((28, 27, 3), "Conv2D", {"filters": 4, "kernel_size": 4, "padding": "same"}),
    ((28, 27, 3), "Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ((28, 27, 4), "Conv2D", {"filters": 6, "kernel_size": 3, "dilation_rate": (2, 3), "groups": 2}),
    ((28, 27, 4), "Conv2D", {"filters": 6, "kernel_size": 1, "strides": 2, "padding": "same"}),
    ((3, 28, 27), "Conv2D", {"filters": 6, "kernel_size": 3, "data_format": "channels_first"}),
    ((13, 14, 3), "DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"}),
    ((13, 14, 3), "SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}),
    ((7, 5, 3), "Conv2DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2}),
    ((7, 5, 3), "Conv2DTranspose", {"filters": 5, "kernel_size": 2, "strides": 3, "padding": "valid"}),
    ((7, 5, 3), "Conv2DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ((7, 5, 3), "Conv2DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2, "output_padding": 1}),
    ((13, 14, 3), "MaxPooling2D", {"pool_size": 2}),
    ((13, 14, 3), "AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
    ((13, 14, 3), "GlobalAveragePooling2D", {}),
    ((13, 14, 3), "GlobalMaxPooling2D", {"keepdims": True}),
    ((13, 14, 3), "UpSampling2D", {"size": (2, 3)}),
    ((13, 14, 3), "ZeroPadding2D", {"padding": ((1, 2), (3, 4))}),
    ((13, 14, 3), "Cropping2D", {"cropping": ((1, 2), (3, 4))}),
    ((13, 14, 3), "BatchNormalization", {}),
    ((13, 14, 3), "BatchNormalization", {"scale": False, "trainable": False}),
    ((13, 14, 6), "LayerNormalization", {}),
    ((13, 14, 6), "LayerNormalization", {"axis": [1, -1], "center": False}),
    ((13, 14, 6), "GroupNormalization", {"groups": 3}),
    ((13, 14, 6), "RMSNormalization", {}),
    ((13, 14, 6), "Normalization", {"axis": -1}),
    ((13, 14, 6), "PReLU", {"shared_axes": [1, 2]}),
    ((13, 14, 6), "Flatten", {}),
    ((13, 14, 6), "Reshape", {"target_shape": (-1, 3)}),
    ((13, 14, 6), "Permute", {"dims": (3, 1, 2)}),
    ((6,), "Embedding", {"input_dim": 9, "output_dim": 4}),
    ((13, 6), "Dense", {"units": 4, "use_bias": False}),
    ((13, 6), "EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 4), "bias_axes": "de"}),
    ((13, 14, 6), "Dropout", {"rate": 0.5}),
    ((13, 14, 6), "Softmax", {}),
    ((13, 14, 6), "Rescaling", {"scale": 0.5}),
]


def attention() -> keras.Model:
    """Patches, attention to themselves and to others, a head."""
    picture = keras.Input((28, 28, 1), name="picture")
    patches = layers.Conv2D(12, 7, strides=7, name="patches")(picture)
    tokens = layers.Reshape((16, 12), name="tokens")(patches)
    x = layers.MultiHeadAttention(3, 4, name="self")(tokens, tokens)
    x = layers.Add(name="sum")([x, tokens])
    x = layers.LayerNormalization(name="norm")(x)
    fewer = layers.Reshape((8, 24), name="fewer")(x)
    x = layers.MultiHeadAttention(2, 5, value_dim=6, output_shape=10, use_bias=False, use_gate=True, name="cross")(
        query=x, value=fewer
    )
    x = layers.Dense(8, activation="gelu", name="mixed")(x)
    return keras.Model(picture, layers.Dense(10, name="head")(layers.Flatten(name="flat")(x)), name="attention")


def branches() -> keras.Model:
    """Down and up again, with residuals, a model inside the model, a layer used twice, and no non-linearity."""
    picture = keras.Input((64, 64, 3), name="picture")
    stem = layers.Conv2D(4, 3, padding="same", strides=2, use_bias=False, name="stem")(picture)
    x = layers.BatchNormalization(name="normal")(stem)
    shared = layers.Conv2D(4, 3, padding="same", dilation_rate=2, groups=2, name="shared")
    x = shared(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(shared(x)))
    x = layers.Add(name="residual")([x, stem])
    block = keras.Sequential([keras.Input((32, 32, 4)), layers.AveragePooling2D(2, name="pool"),
                              layers.Conv2D(6, 3, padding="same", name="deep")], name="block")  # fmt: skip
    x = layers.UpSampling2D(2, name="up")(block(x))
    x = layers.Concatenate(name="skip")([x, stem])
    x = layers.Conv2D(4, 2, padding="same", name="after")(x)
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="transposed")(x)
    x = layers.Cropping2D(1, name="crop")(layers.ZeroPadding2D(((0, 1), (1, 0)), name="pad")(x))
    return keras.Model(picture, layers.SeparableConv2D(2, 3, name="last")(x), name="branches")


def one_layer(shape: tuple, class_name: str, arguments: dict) -> keras.Model:
    """A model of one layer."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, getattr(layers, class_name)(**arguments)(inputs))
