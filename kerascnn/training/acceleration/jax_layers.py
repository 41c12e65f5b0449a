"""Keras layers whose JAX code XLA compiles well for the CPU. They compute what Keras's own layers do.

Measured with jax 0.10 on two cores (batch 128, a convolution of 32 to 64 channels, milliseconds; the
gradient of the kernel on another processor than the rest):

- XLA has two implementations of a convolution. The one that it prefers uses one core (36), the other one all of them
  (18). It takes the other one where the result is larger than what is convolved. So images are padded until it is
  larger by one row, and the additional rows are cut off again.
- The gradient of the kernel is a convolution with batch and channels exchanged, whose result is never larger. It uses
  one core (90), but several of them run side by side, each for a few images, whose patches are read again while they
  are in the cache (17): their results add up. Padding makes them quicker.
- The gradient of `reduce_window`, which is Keras's pooling, takes 27; that of a chain of comparisons 5.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import keras
from jax import lax

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_FEW_CHANNELS = 4  # below, a matrix of all patches is small, and the quickest way to the gradient of the kernel
_PARTS, _IMAGES_A_PART = 16, 8  # of the gradient of a kernel: so many at most, and not fewer images in each

Padding = tuple[tuple[int, int], tuple[int, int]]
Residuals = tuple[jax.Array, jax.Array]


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(images: jax.Array, kernel: jax.Array, padding: Padding) -> jax.Array:
    """Convolve images with stride 1.

    Args:
        images: Images or feature maps, `(n, height, width, channels)`.
        kernel: Weights, `(height, width, channels, filters)`.
        padding: Numbers of zeros above and below, and left and right.

    Returns:
        Feature maps, `(n, height, width, filters)`.
    """
    return _convolution(images, kernel, padding)


def _forward(images: jax.Array, kernel: jax.Array, padding: Padding) -> tuple[jax.Array, Residuals]:
    return convolve(images, kernel, padding), (images, kernel)


def _backward(padding: Padding, residuals: Residuals, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    images, kernel = residuals
    rows, columns = kernel.shape[:2]
    (above, below), (left, right) = padding
    around = (rows - 1 - above, rows - 1 - below), (columns - 1 - left, columns - 1 - right)
    turned = jnp.flip(kernel, (0, 1)).transpose(0, 1, 3, 2)
    few = kernel.shape[2] < _FEW_CHANNELS
    of_kernel = _from_patches if few else _from_exchanged_axes
    return _convolution(gradient, turned, around), of_kernel(images, kernel.shape, padding, gradient)


def _from_patches(images: jax.Array, shape: tuple[int, ...], padding: Padding, gradient: jax.Array) -> jax.Array:
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


def _from_exchanged_axes(images: jax.Array, shape: tuple[int, ...], padding: Padding, gradient: jax.Array) -> jax.Array:
    parts = min(_PARTS, -(-images.shape[0] // _IMAGES_A_PART))
    pairs = zip(jnp.array_split(images, parts), jnp.array_split(gradient, parts), strict=True)
    return sum(_convolve_exchanged(*pair, padding) for pair in pairs).transpose(1, 2, 0, 3)


def _convolve_exchanged(images: jax.Array, gradient: jax.Array, padding: Padding) -> jax.Array:
    images, gradient = images.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3)
    if padding[1] == (0, 0):
        # A column of zeros on both sides changes no sum, and makes this a padded convolution.
        gradient = jnp.pad(gradient, ((0, 0), (0, 1), (0, 0), (0, 0)))
        padding = (padding[0], (0, 1))
    return _xla_convolution(images, gradient, padding)


def _convolution(images: jax.Array, kernel: jax.Array, padding: Padding) -> jax.Array:
    """Convolve on all cores: the result has one row more than the images until it is cut."""
    (above, below), sides = padding
    height = images.shape[1] + above + below - kernel.shape[0] + 1
    additional = max(0, images.shape[1] + 1 - height) if kernel.shape[2] >= _FEW_CHANNELS else 0
    return _xla_convolution(images, kernel, ((above, below + additional), sides))[:, :height]


def _xla_convolution(images: jax.Array, kernel: jax.Array, padding: Padding) -> jax.Array:
    return lax.conv_general_dilated(images, kernel, (1, 1), padding, dimension_numbers=_LAYOUT)


convolve.defvjp(_forward, _backward)


class FastConv2D(keras.layers.Conv2D):
    """`Conv2D` with stride 1, channels last."""

    def convolution_op(self, inputs: jax.Array, kernel: jax.Array) -> jax.Array:
        """Convolve, before bias and activation."""
        rows, columns = self.kernel_size if self.padding == "same" else (1, 1)
        padding = ((rows - 1) // 2, rows // 2), ((columns - 1) // 2, columns // 2)
        return convolve(inputs, keras.ops.convert_to_tensor(kernel), padding)


class FastMaxPooling2D(keras.layers.MaxPooling2D):
    """`MaxPooling2D` with windows that do not overlap, channels last."""

    def call(self, inputs: jax.Array) -> jax.Array:
        """Take the largest value of each window; of equal ones the first has the gradient, as in Keras's own layer."""
        rows, columns = self.pool_size
        inside = inputs[:, : inputs.shape[1] // rows * rows, : inputs.shape[2] // columns * columns]
        parts = [inside[:, row::rows, column::columns] for row in range(rows) for column in range(columns)]
        return reduce(lambda first, second: jnp.where(second > first, second, first), parts)


class FastDropout(keras.layers.Dropout):
    """`Dropout` with random numbers that take a third of the time; the same seed gives another mask than in Keras's."""

    def call(self, inputs: jax.Array, training: bool = False) -> jax.Array:
        """Zero a share of the values and scale the others, in training."""
        if not training or not 0 < self.rate < 1:
            return super().call(inputs, training=training)
        with jax.threefry_partitionable(False):
            bits = jax.random.bits(self.seed_generator.next(), inputs.shape, jnp.uint16)
        kept = bits >= min(round(self.rate * 2**16), 2**16 - 1)
        return jnp.where(kept, inputs * (1 / (1 - self.rate)), 0)


def fast_class(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """Find the class of the fast layer that does what this one does; the layer's own class if there is none."""
    if layer.dtype_policy.name != "float32":
        return type(layer)
    if type(layer) is keras.layers.Dropout and layer.noise_shape is None:
        return FastDropout
    if getattr(layer, "data_format", None) != "channels_last":
        return type(layer)
    if type(layer) is keras.layers.Conv2D:
        usual = layer.strides == layer.dilation_rate == (1, 1) and layer.groups == 1 and not layer.lora_enabled
        return FastConv2D if usual and max(layer.kernel_size) > 1 else type(layer)
    if type(layer) is keras.layers.MaxPooling2D:
        usual = layer.strides == layer.pool_size and layer.padding == "valid"
        return FastMaxPooling2D if usual else type(layer)
    return type(layer)
