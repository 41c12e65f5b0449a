"""Receptive fields of a layer's units in the image, so that a feature map can be laid on the image.

A unit (row, column) sees a window of `size` pixels whose centre is `start + jump * row`, and so for columns.

Source: A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]

_WINDOWED = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2D", "SeparableConv2D"), "kernel_size"),
    **dict.fromkeys(("AveragePooling2D", "MaxPooling2D"), "pool_size"),
}


@dataclass(frozen=True)
class Placement:
    """The windows of a layer's units, in pixels, each value for (rows, columns)."""

    start: tuple[float, float] = (0.0, 0.0)  # centre of the first unit's window
    jump: tuple[float, float] = (1.0, 1.0)  # distance between the centres of neighbouring windows
    size: tuple[float, float] = (1.0, 1.0)  # of a window

    def window(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Return the left, top, right and bottom edge of a unit's window; pixel 0 reaches from -0.5 to 0.5."""
        y, x = self.start[0] + row * self.jump[0], self.start[1] + column * self.jump[1]
        tall, wide = self.size
        return x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2

    def edges(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Return the left, top, right and bottom edge of all units together, each a cell of `jump` pixels.

        Unlike the windows, which may overlap or leave gaps, these cells lie side by side.
        """
        (top, left), (tall, wide) = self.start, self.jump
        return left - wide / 2, top - tall / 2, left + (columns - 0.5) * wide, top + (rows - 0.5) * tall

    def interpolate(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Interpolate a map `(rows, columns)` or `(rows, columns, n)` to the pixels of an image of this shape.

        It is linear between the windows' centres, constant beyond them.
        """
        for axis in (0, 1):
            centres = self.start[axis] + self.jump[axis] * np.arange(values.shape[axis])
            pixels = np.arange(shape[axis])
            values = np.apply_along_axis(
                lambda line, at=pixels, known=centres: np.interp(at, known, line), axis, values
            )
        return values


def propagate(layer: Any, before: Placement, shape_before: Shape, shape_after: Shape) -> Placement | None:
    """Compute the placement of a layer's units from that of the layer before it; None where it is not known.

    Args:
        layer: Keras layer with channels last.
        before: Placement of its first input.
        shape_before: Shape of that input, `(batch, rows, columns, channels)`.
        shape_after: Shape of its output, `(batch, rows, columns, channels)`.
    """
    kind = type(layer).__name__
    if kind in _WINDOWED:
        window = getattr(layer, _WINDOWED[kind])
        dilation = getattr(layer, "dilation_rate", (1, 1))
        axes = []
        for i in (0, 1):
            reach, stride = dilation[i] * (window[i] - 1), layer.strides[i]
            padding = _padding_before(layer.padding, shape_before[1 + i], reach, stride)
            centre = before.start[i] + (reach / 2 - padding) * before.jump[i]
            axes.append((centre, before.jump[i] * stride, before.size[i] + reach * before.jump[i]))
        (top, down, tall), (left, across, wide) = axes
        return Placement((top, left), (down, across), (tall, wide))
    if kind in ("ZeroPadding2D", "Cropping2D"):
        sign, edges = (-1, layer.padding) if kind == "ZeroPadding2D" else (1, layer.cropping)
        top, left = (before.start[i] + sign * edges[i][0] * before.jump[i] for i in (0, 1))
        return Placement((top, left), before.jump, before.size)
    return before if shape_after[1:3] == shape_before[1:3] else None


def spread_evenly(shape: Shape, image_shape: tuple[int, int]) -> Placement:
    """Spread units evenly over the image, each with all of it in its window: where nothing better is known."""
    down, across = image_shape[0] / shape[1], image_shape[1] / shape[2]
    # Windows of twice the image cover the whole of it from any of its pixels.
    return Placement(((down - 1) / 2, (across - 1) / 2), (down, across), (2 * image_shape[0], 2 * image_shape[1]))


def _padding_before(padding: str, length: int, reach: int, stride: int) -> int:
    if padding == "valid":
        return 0
    outputs = -(-length // stride)
    return max(0, (outputs - 1) * stride + reach + 1 - length) // 2
