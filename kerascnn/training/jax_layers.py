"""Keras layers whose JAX code XLA compiles well for the CPU. They compute what Keras's own layers do.

Measured with jax 0.10 (CPU time of two cores, batch 128, convolution of 32 to 64 channels): a padded convolution
reaches the speed of a matrix product, the same without padding a third of it, and the gradient of the kernel as JAX
derives it a quarter; the gradient of `reduce_window` takes ten times as long as that of a chain of comparisons. So a
"valid" convolution is padded by one column, which is cut off again; the gradient of the kernel is the convolution that
it is in mathematics, with batch and channels exchanged; and pooling is comparisons.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import keras
from jax import lax

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_FEW_CHANNELS = 4  # below, a matrix of all patches is small, and the quickest way to the gradient of the kernel

Padding = tuple[tuple[int, int], tuple[int, int]]


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(images: jax.Array, kernel: jax.Array, padding: Padding) -> jax.Array:
    """Convolution with stride 1, `(n, height, width, channels)` and `(height, width, channels, filters)`.

    Args:
        images: what is convolved.
        kernel: the weights.
        padding: zeros above and below, left and right.

    Returns:
        `(n, height, width, filters)`.
    """
    if kernel.shape[2] < _FEW_CHANNELS or padding[1] != (0, 0):
        return _convolution(images, kernel, padding)
    return _convolution(images, kernel, (padding[0], (0, 1)))[:, :, :-1]


def _forward(images: jax.Array, kernel: jax.Array, padding: Padding) -> tuple[jax.Array, tuple]:
    return convolve(images, kernel, padding), (images, kernel)


def _backward(padding: Padding, residuals: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    images, kernel = residuals
    around = tuple(
        (size - 1 - before, size - 1 - after) for size, (before, after) in zip(kernel.shape[:2], padding, strict=True)
    )
    turned = jnp.flip(kernel, (0, 1)).transpose(0, 1, 3, 2)
    few = kernel.shape[2] < _FEW_CHANNELS
    of_kernel = _from_patches if few else _from_exchanged_axes
    return _convolution(gradient, turned, around), of_kernel(images, kernel.shape, padding, gradient)


def _from_patches(images: jax.Array, shape: tuple, padding: Padding, gradient: jax.Array) -> jax.Array:
    images = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    height, width = gradient.shape[1:3]
    patches = jnp.stack(
        [
            images[:, row : row + height, column : column + width, channel].reshape(-1)
            for row in range(shape[0])
            for column in range(shape[1])
            for channel in range(shape[2])
        ]
    )
    return (patches @ gradient.reshape(-1, shape[3])).reshape(shape)


def _from_exchanged_axes(images: jax.Array, shape: tuple, padding: Padding, gradient: jax.Array) -> jax.Array:
    images, gradient = images.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3)
    if padding[1] == (0, 0):
        # A column of zeros on both sides changes no sum, and makes this a padded convolution.
        gradient = jnp.pad(gradient, ((0, 0), (0, 1), (0, 0), (0, 0)))
        padding = (padding[0], (0, 1))
    return _convolution(images, gradient, padding).transpose(1, 2, 0, 3)


def _convolution(images: jax.Array, kernel: jax.Array, padding: Padding) -> jax.Array:
    return lax.conv_general_dilated(images, kernel, (1, 1), padding, dimension_numbers=_LAYOUT)


convolve.defvjp(_forward, _backward)


class FastConv2D(keras.layers.Conv2D):
    """`Conv2D` with stride 1, channels last."""

    def convolution_op(self, inputs, kernel):
        """The convolution, before bias and activation."""
        padding = ((0, 0), (0, 0))
        if self.padding == "same":
            padding = tuple(((size - 1) // 2, size // 2) for size in self.kernel_size)
        return convolve(inputs, keras.ops.convert_to_tensor(kernel), padding)


class FastMaxPooling2D(keras.layers.MaxPooling2D):
    """`MaxPooling2D` with windows that do not overlap, channels last."""

    def call(self, inputs):
        """The largest value of each window; of equal ones the first has the gradient, as in Keras's own layer."""
        rows, columns = self.pool_size
        inside = inputs[:, : inputs.shape[1] // rows * rows, : inputs.shape[2] // columns * columns]
        parts = [inside[:, row::rows, column::columns] for row in range(rows) for column in range(columns)]
        return reduce(lambda first, second: jnp.where(second > first, second, first), parts)


def on_cpu() -> bool:
    """Whether JAX computes on the CPU."""
    return jax.default_backend() == "cpu"


def fast_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A new layer of the same configuration: a fast one where there is one, else one of its own class."""
    return _fast_class(layer).from_config(layer.get_config())


def _fast_class(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    if getattr(layer, "data_format", None) != "channels_last" or layer.compute_dtype != "float32":
        return type(layer)
    if type(layer) is keras.layers.Conv2D:
        usual = layer.strides == layer.dilation_rate == (1, 1) and layer.groups == 1 and not layer.lora_enabled
        return FastConv2D if usual and max(layer.kernel_size) > 1 else type(layer)
    if type(layer) is keras.layers.MaxPooling2D:
        usual = layer.strides == layer.pool_size and layer.padding == "valid"
        return FastMaxPooling2D if usual else type(layer)
    return type(layer)
