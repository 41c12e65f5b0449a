"""Arithmetic of layers in integers: (N - F + 2P) / S + 1, and sums of products, written out.

Source of the convolution arithmetic: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
2016, arXiv:1603.07285.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from kerascnn.utils.errors import ModelError


@dataclass(frozen=True)
class Arithmetic:
    """A number with the calculation that it comes from, such as `3*3*1*32 + 32`; empty if there was none."""

    value: int = 0
    expression: str = ""

    @property
    def text(self) -> str:
        """Expression and result: `3*3*1*32 + 32 = 320`."""
        result = f"{self.value:,}"
        return f"{self.expression} = {result}" if self.expression not in ("", str(self.value)) else result


def sum_of_products(*products: Sequence[int]) -> Arithmetic:
    """Write out a sum of products, each given by its factors: (3, 3, 1, 32) and (32,) make `3*3*1*32 + 32`."""
    summands = [product for product in products if product]
    expression = " + ".join("*".join(map(str, product)) for product in summands)
    return Arithmetic(sum(prod(product) for product in summands), expression)


@dataclass(frozen=True)
class Window:
    """A filter that slides along one axis, in the symbols of (N - F + 2P) / S + 1.

    Example:
        >>> Window(28, 3).text
        '(28 - 3 + 2*0) / 1 + 1 = 26'
    """

    size: int  # N, number of places of the input
    filter_size: int  # F, number of places that the filter covers
    stride: int = 1  # S, number of places by which it moves
    padding: tuple[int, int] = (0, 0)  # P, places added before and after; `same` padding may add one more after
    dilation: int = 1  # distance between neighbouring taps of the filter

    @property
    def extent(self) -> int:
        """Number of places from the filter's first tap to its last, F where it is not dilated."""
        return self.dilation * (self.filter_size - 1) + 1

    @property
    def fits(self) -> bool:
        """Whether the filter is not larger than the padded input."""
        return self.size + sum(self.padding) >= self.extent

    @property
    def output_size(self) -> int:
        """Number of places of the output; 0 if the filter does not fit."""
        return (self.size + sum(self.padding) - self.extent) // self.stride + 1 if self.fits else 0

    @property
    def unseen(self) -> int:
        """Number of places at the end that the filter never covers, because the stride does not fit."""
        left = (self.size + sum(self.padding) - self.extent) % self.stride if self.fits else 0
        return max(0, left - self.padding[1])

    @property
    def formula(self) -> str:
        """(N - F + 2P) / S + 1 in numbers, without its result."""
        before, after = self.padding
        padding = f"2*{before}" if before == after else f"{before} + {after}"
        return f"({self.size} - {self.extent} + {padding}) / {self.stride} + 1"

    @property
    def text(self) -> str:
        """The formula with its result, and the rounding where the stride does not fit."""
        exact = (self.size + sum(self.padding) - self.extent) / self.stride + 1
        if exact == int(exact):
            return f"{self.formula} = {int(exact)}"
        return f"{self.formula} = {exact:.4g}, rounded down to {self.output_size}"

    @property
    def symbols(self) -> str:
        """N, F, S and P in numbers."""
        before, after = self.padding
        padding = before if before == after else f"{before} + {after}"
        dilated = "" if self.dilation == 1 else f" (spread: {self.dilation}*({self.filter_size} - 1) + 1)"
        return f"N = {self.size}, F = {self.extent}{dilated}, S = {self.stride}, P = {padding}"

    def require_fit(self, layer: str) -> "Window":
        """Raise a ModelError, in the terms of the formula, if the filter is larger than its input; else return self."""
        if self.fits:
            return self
        padding = f" with padding {self.padding[0]} + {self.padding[1]}" if any(self.padding) else ""
        raise ModelError(
            f"the layer {layer!r} is impossible: its filter (F = {self.extent}) is larger than its input "
            f"(N = {self.size}{padding}), so (N - F + 2P) / S + 1 = {self.text} leaves it no place; "
            "use larger images, a smaller filter or more padding."
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return {
            "N": self.size,
            "F": self.filter_size,
            "S": self.stride,
            "P": list(self.padding),
            "dilation": self.dilation,
            "output": self.output_size,
            "unseen": self.unseen,
        }


def compute_padded_window(padding: str, size: int, filter_size: int, stride: int = 1, dilation: int = 1) -> Window:
    """Make the window of a Keras layer, with the padding that its name stands for.

    `valid` stands for none, `same` for so much that the output has N / S places, rounded up; of an odd number the
    larger part comes after the input.

    Raises:
        ModelError: If the padding has another name.
    """
    if padding == "valid":
        return Window(size, filter_size, stride, (0, 0), dilation)
    if padding != "same":
        raise ModelError(f"there is no padding {padding!r} for pictures; Keras has 'valid' and 'same'.")
    extent = dilation * (filter_size - 1) + 1
    total = max(0, (-(-size // stride) - 1) * stride + extent - size)
    return Window(size, filter_size, stride, (total // 2, total - total // 2), dilation)


def convolution_parameters(
    kernel_size: Sequence[int], num_channels: int, num_filters: int, groups: int = 1, use_bias: bool = True
) -> Arithmetic:
    """Count the weights and biases of a convolution; a filter takes the channels of its group."""
    return sum_of_products((*kernel_size, num_channels // groups, num_filters), (num_filters,) if use_bias else ())


def dense_parameters(num_inputs: int, num_units: int, use_bias: bool = True) -> Arithmetic:
    """Count the weights and biases of a fully connected layer."""
    return sum_of_products((num_inputs, num_units), (num_units,) if use_bias else ())
