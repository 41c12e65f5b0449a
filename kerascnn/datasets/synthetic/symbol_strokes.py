"""Draw what stands between the digits of numbers, of which MNIST has none: as one hand writes it, stroke by stroke.

A hand has a habit for each symbol (how long, how steep, how bent, how high above the line) and keeps to it roughly, so
that the symbols of one page are alike, and those of two pages are not.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.components import bounding_box

OTHERS = "·'=()x"
"""What also stands among digits, and is no symbol of numbers."""

_FINE = 4  # pixels of the canvas for one of the page, in either direction
_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with
_UNSTEADY = 0.12  # standard deviation of a stroke's extent, as a share of it
_NUM_POINTS = 9  # of a bent stroke

Stroke = np.ndarray
"""Points in digit heights, float `(n, 2)`: to the right, and downwards from the middle of the digits."""


@dataclass(frozen=True)
class SymbolHand:
    """How one hand writes symbols; lengths are in heights of its digits.

    Args:
        point: Length of the short stroke that a point is.
        baseline: How far below the middle of the digits a point stands.
        comma: Extent of a comma to the right and downwards.
        hyphen: Length of a hyphen, and its rise over its run.
        level: How far below the middle of the digits hyphens and pluses stand.
        slash: Height of a slash, and its run over its rise.
        plus: Width and height of a plus.
        lean: Run over rise of its upright strokes.
        bend: How far the middle of a stroke is beside the line between its ends, as a share of its length.
        weight: Width of the stroke against that of digits.
    """

    point: float
    baseline: float
    comma: tuple[float, float]
    hyphen: tuple[float, float]
    level: float
    slash: tuple[float, float]
    plus: tuple[float, float]
    lean: float
    bend: float
    weight: float


def draw_hand(generator: np.random.Generator) -> SymbolHand:
    """Draw the habits of a hand at random."""
    width = generator.uniform(0.35, 0.8)
    return SymbolHand(
        point=generator.uniform(0.0, 0.06),
        baseline=generator.uniform(0.38, 0.5),
        comma=(-generator.uniform(0.02, 0.2), generator.uniform(0.14, 0.38)),
        hyphen=(generator.uniform(0.28, 0.75), generator.uniform(-0.15, 0.12)),
        level=generator.uniform(-0.08, 0.12),
        slash=(generator.uniform(0.95, 1.55), generator.uniform(0.25, 0.75)),
        plus=(width, width * generator.uniform(0.8, 1.3)),
        lean=generator.uniform(-0.08, 0.35),
        bend=generator.normal(0, 0.05),
        weight=generator.uniform(0.8, 1.25),
    )


def draw_symbol(
    symbol: str, height: float, width: float, hand: SymbolHand, generator: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Draw a symbol as a hand writes it.

    Args:
        symbol: One of `kerascnn.images.symbol_candidates.SYMBOLS`, or of `OTHERS`.
        height: Height of the digits in pixels.
        width: Width of the strokes of digits in pixels.
        hand: The hand.
        generator: Source of the hand's unsteadiness.

    Returns:
        Coverage by ink, float32 `(height, width)`, 0..1, cropped to it, and where its upper edge is, in pixels below
        the middle of the digits.
    """
    strokes = [_shake(stroke, generator) for stroke in _list_strokes(symbol, hand, generator)]
    points = np.concatenate(strokes) * height
    margin = width * hand.weight + 3
    low = np.floor(points.min(axis=0) - margin)
    size = np.ceil(points.max(axis=0) + margin - low).astype(int)
    canvas = np.zeros((size[1] * _FINE, size[0] * _FINE), np.uint8)
    thickness = max(2, round(_FINE * width * hand.weight * generator.uniform(0.9, 1.1)))
    for stroke in strokes:
        fine = np.round((stroke * height - low) * _FINE * 2**_SHIFT).astype(np.int32)
        cv2.polylines(canvas, [fine.reshape(-1, 1, 2)], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    coverage = cv2.resize(canvas, size.tolist(), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    inked = bounding_box(coverage > 0.02)
    return coverage[inked], float(low[1] + inked[0].start)


def _list_strokes(symbol: str, hand: SymbolHand, generator: np.random.Generator) -> list[Stroke]:
    if symbol in ".:·":
        return _list_points(symbol, hand, generator)
    if symbol in ",'":
        top = (hand.baseline if symbol == "," else -0.5) + generator.normal(-0.03, 0.03)
        return [_bend((0, top), (hand.comma[0], top + hand.comma[1]), hand.bend - 0.1)]
    if symbol in "-=":
        length, rise = hand.hyphen
        levels = [hand.level] if symbol == "-" else [hand.level - 0.12, hand.level + 0.12]
        return [_bend((0, level), (length, level - rise * length), hand.bend) for level in levels]
    if symbol == "/":
        tall, run = hand.slash
        low = 0.5 * tall + generator.normal(0.04, 0.04)
        return [_bend((0, low), (run * tall, low - tall), hand.bend)]
    if symbol in "()":
        side = 0.35 if symbol == "(" else -0.35
        return [_bend((0.1, -0.6), (0, 0.6), side * generator.uniform(0.6, 1.1))]
    width, tall = hand.plus
    if symbol == "x":
        half, size = hand.level + 0.1, 0.5 * min(hand.plus)
        return [
            _bend((-size, half - size), (size, half + size), hand.bend),
            _bend((-size, half + size), (size, half - size), hand.bend),
        ]
    across, rise = hand.lean * tall / 2, hand.hyphen[1] * width / 2
    return [
        _bend((-width / 2, hand.level + rise), (width / 2, hand.level - rise), hand.bend),
        _bend((across, hand.level - tall / 2), (-across, hand.level + tall / 2), hand.bend),
    ]


def _list_points(symbol: str, hand: SymbolHand, generator: np.random.Generator) -> list[Stroke]:
    """List the points of a point, a colon or a multiplication sign, each a very short stroke."""
    distance = generator.uniform(0.3, 0.6)
    levels = {".": [hand.baseline], ":": [hand.baseline - distance, hand.baseline], "·": [0.0]}[symbol]
    turn = generator.uniform(0, np.pi)
    end = hand.point * np.array([np.cos(turn), np.sin(turn)])
    lean = hand.lean * (hand.baseline - np.array(levels))
    shaken = generator.normal(0, 0.025, (len(levels), 2))
    starts = np.column_stack([lean, levels]) + shaken
    return [np.array([start, start + end]) for start in starts]


def _bend(start: tuple[float, float], end: tuple[float, float], bend: float) -> Stroke:
    """Draw a stroke between two points, an arc whose middle is beside the line by a share of its length."""
    first, last = np.array(start), np.array(end)
    along = np.linspace(0, 1, _NUM_POINTS)[:, None]
    beside = np.array([first[1] - last[1], last[0] - first[0]])
    return np.asarray(first + along * (last - first) + 4 * bend * along * (1 - along) * beside)


def _shake(stroke: Stroke, generator: np.random.Generator) -> Stroke:
    """Make a stroke a little longer or shorter, and turn it a little, about its middle."""
    middle = stroke.mean(axis=0)
    turn = generator.normal(0, 0.05)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    scale = np.exp(generator.normal(0, _UNSTEADY, 2))
    return np.asarray((stroke - middle) @ matrix.T * scale + middle)
