"""Where in the image a unit of a layer looks: so that a map lies on the image as it was computed from it.

A layer's unit (row, column) sees a window of `size` pixels whose centre is `start + jump * row`, and so for columns.

Source: A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019.
"""

from dataclasses import dataclass

import numpy as np

_WINDOWED = {
    "AveragePooling2D": "pool_size",
    "Conv2D": "kernel_size",
    "DepthwiseConv2D": "kernel_size",
    "MaxPooling2D": "pool_size",
    "SeparableConv2D": "kernel_size",
}


@dataclass(frozen=True)
class Placement:
    """The windows of a layer's units, in pixels, each value for (rows, columns).

    Args:
        start: centre of the first unit's window.
        jump: from one unit's window to the next one's.
        size: of a window.
    """

    start: tuple[float, float] = (0.0, 0.0)
    jump: tuple[float, float] = (1.0, 1.0)
    size: tuple[float, float] = (1.0, 1.0)

    def window(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge of a unit's window; pixel 0 reaches from -0.5 to 0.5."""
        centre_y, centre_x = self.start[0] + row * self.jump[0], self.start[1] + column * self.jump[1]
        return (
            centre_x - self.size[1] / 2,
            centre_y - self.size[0] / 2,
            centre_x + self.size[1] / 2,
            centre_y + self.size[0] / 2,
        )

    def edges(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge of all units together, where each stands for `jump` pixels.

        Unlike their windows, which may overlap or leave gaps, these cells lie side by side.
        """
        (top, left), (tall, wide) = self.start, self.jump
        return left - wide / 2, top - tall / 2, left + (columns - 0.5) * wide, top + (rows - 0.5) * tall

    def spread(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Lay a map on the image.

        Args:
            values: `(rows, columns)`, one value a unit.
            shape: height and width of the image in pixels.

        Returns:
            `shape`: interpolated linearly between the windows' centres, constant beyond the outermost.
        """
        for axis in (0, 1):
            centres = self.start[axis] + self.jump[axis] * np.arange(values.shape[axis])
            pixels = np.arange(shape[axis])
            values = np.apply_along_axis(
                lambda line, at=pixels, known=centres: np.interp(at, known, line), axis, values
            )
        return values


def placement_after(layer, before: Placement, shape_before: tuple, shape_after: tuple) -> Placement | None:
    """Where a layer's units look, from where the units of the layer before it look.

    Args:
        layer: a Keras layer with channels last.
        before: of its (first) input.
        shape_before: `(batch, rows, columns, channels)` of that input.
        shape_after: the same of its output.

    Returns:
        The placement; None for a layer that moves its input in a way that is not known here.
    """
    kind = type(layer).__name__
    if kind in _WINDOWED:
        window = getattr(layer, _WINDOWED[kind])
        dilation = getattr(layer, "dilation_rate", (1, 1))
        return _zipped(
            _windowed_axis(before.start[i], before.jump[i], before.size[i], window[i], layer.strides[i], dilation[i],
                           _padding_before(layer, shape_before[1 + i], window[i], layer.strides[i], dilation[i]))
            for i in (0, 1)
        )  # fmt: skip
    if kind in ("ZeroPadding2D", "Cropping2D"):
        sign, edges = (-1, layer.padding) if kind == "ZeroPadding2D" else (1, layer.cropping)
        start = tuple(before.start[i] + sign * edges[i][0] * before.jump[i] for i in (0, 1))
        return Placement(start, before.jump, before.size)
    return before if shape_after[1:3] == shape_before[1:3] else None


def even_placement(shape: tuple, image_shape: tuple) -> Placement:
    """Units spread evenly over the image, each looking at all of it: where nothing better is known."""
    jump = tuple(image_shape[i] / shape[i] for i in (1, 2))
    # Twice the image, so that the window of a unit at its edge still covers the whole of it.
    return Placement(tuple((value - 1) / 2 for value in jump), jump, (2 * image_shape[1], 2 * image_shape[2]))


def _windowed_axis(
    start: float, jump: float, size: float, window: int, stride: int, dilation: int, padding: int
) -> tuple[float, float, float]:
    reach = dilation * (window - 1)
    return start + (reach / 2 - padding) * jump, jump * stride, size + reach * jump


def _padding_before(layer, length: int, window: int, stride: int, dilation: int) -> int:
    if layer.padding == "valid":
        return 0
    outputs = -(-length // stride)
    return max(0, (outputs - 1) * stride + dilation * (window - 1) + 1 - length) // 2


def _zipped(axes) -> Placement:
    start, jump, size = zip(*axes, strict=True)
    return Placement(start, jump, size)
