"""Keras layers that PyTorch runs on the CPU without copies. They compute what Keras's own layers do.

An array with channels last, its axes permuted, is what PyTorch calls the channels-last memory format, and its
convolutions are quickest on that. Keras's own layers copy each array into the other format and back before every
convolution and pooling, and add the bias and apply the activation to further copies. Two things PyTorch itself does
slowly: the kernel's gradient where there are few channels, and drawing the mask of a dropout number by number.
"""

from typing import Any

import keras
import torch
from torch.nn import functional

_FEW_CHANNELS = 4  # below, a matrix of all patches is small, and the quickest way to the gradient of the kernel


class _ConvolutionOfFewChannels(torch.autograd.Function):
    """Convolution with stride 1, without padding, of images that need no gradient themselves."""

    @staticmethod
    def forward(context: Any, images: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        context.save_for_backward(images)
        context.kernel_shape = kernel.shape
        return functional.conv2d(images, kernel, bias)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor, torch.Tensor | None]:
        (images,) = context.saved_tensors
        filters, channels, rows, columns = context.kernel_shape
        height, width = gradient.shape[2:]
        patches = torch.stack(
            [
                images[:, channel, row : row + height, column : column + width]
                for channel in range(channels)
                for row in range(rows)
                for column in range(columns)
            ]
        )
        values = gradient.permute(0, 2, 3, 1).reshape(-1, filters)
        of_kernel = (patches.view(len(patches), -1) @ values).T.reshape(context.kernel_shape)
        return None, of_kernel, values.sum(0) if context.needs_input_grad[2] else None


class FastConv2D(keras.layers.Conv2D):
    """`Conv2D` with channels last, without copies."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        """Convolve, add the bias and apply the activation in one go."""
        if inputs.device.type == "meta":
            return super().call(inputs)
        outputs = self._convolve(inputs.permute(0, 3, 1, 2))
        if self.activation is keras.activations.relu:
            # The gradient of a convolution does not need its result, so that it may be overwritten; but not as a view,
            # for which PyTorch makes copies on the way back.
            return torch.relu_(outputs).permute(0, 2, 3, 1)
        return self.activation(outputs.permute(0, 2, 3, 1))

    def _convolve(self, images: torch.Tensor) -> torch.Tensor:
        kernel = keras.ops.convert_to_tensor(self.kernel).permute(3, 2, 0, 1)
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        bias = None if self.bias is None else keras.ops.convert_to_tensor(self.bias)
        plain = self.padding == "valid" and {*self.strides, *self.dilation_rate, self.groups} == {1}
        if plain and images.shape[1] < _FEW_CHANNELS and not images.requires_grad:
            return _ConvolutionOfFewChannels.apply(images, kernel, bias)
        return functional.conv2d(images, kernel, bias, self.strides, self.padding, self.dilation_rate, self.groups)


class FastMaxPooling2D(keras.layers.MaxPooling2D):
    """`MaxPooling2D` with channels last, without copies."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        """Take the largest value of each window."""
        if inputs.device.type == "meta":
            return super().call(inputs)
        pooled = functional.max_pool2d(inputs.permute(0, 3, 1, 2), self.pool_size, self.strides)
        return pooled.permute(0, 2, 3, 1)


class FastDropout(keras.layers.Dropout):
    """`Dropout` whose mask is drawn four values at a time; the same seed gives another mask than in Keras's layer."""

    def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
        """Zero a share of the values and scale the others, in training."""
        if not training or not 0 < self.rate < 1 or inputs.device.type == "meta":
            return super().call(inputs, training=training)
        # 64 random bits are four whole numbers from -2**15 to 2**15 - 1: steps that are fine enough for any rate.
        bits = torch.empty(-(-inputs.numel() // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
        smallest_kept = min(round(self.rate * 2**16), 2**16 - 1) - 2**15
        kept = bits[: inputs.numel()].view(inputs.shape) >= smallest_kept
        return inputs * (kept * (1 / (1 - self.rate)))


def fast_class(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """Find the class of the fast layer that does what this one does; the layer's own class if there is none."""
    if layer.dtype_policy.name != "float32":
        return type(layer)
    if type(layer) is keras.layers.Dropout and layer.seed is None and layer.noise_shape is None:
        return FastDropout
    if getattr(layer, "data_format", None) != "channels_last":
        return type(layer)
    if type(layer) is keras.layers.Conv2D and not layer.lora_enabled:
        # PyTorch knows "same" with stride 1 only.
        return FastConv2D if layer.padding == "valid" or set(layer.strides) == {1} else type(layer)
    if type(layer) is keras.layers.MaxPooling2D and layer.padding == "valid":
        return FastMaxPooling2D
    return type(layer)
