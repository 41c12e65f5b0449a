"""Segment pages of any size with a network that sees one size: in tiles that overlap, blended into each other."""

from collections.abc import Callable

import numpy as np

_OVERLAP = 4  # a tile shares the fourth part of its side with its neighbour
_TILES_AT_ONCE = 16  # the network's maps of many more would fill the memory


def segment(seen: np.ndarray, probabilities_of: Callable[[np.ndarray], np.ndarray], tile: int) -> np.ndarray:
    """Say of each pixel of a page what it shows.

    Near its edge a tile does not know what lies beyond; there its neighbour's answer counts more.

    Args:
        seen: uint8, `(height, width)`.
        probabilities_of: the network, uint8 `(n, tile, tile)` to float32 `(n, tile, tile, num_classes)`.
        tile: side of what it sees in pixels.

    Returns:
        float32, `(height, width, num_classes)`, probabilities.
    """
    height, width = seen.shape
    shared = tile // _OVERLAP
    rows, columns = _starts(height, tile, tile - shared), _starts(width, tile, tile - shared)
    padded = np.pad(seen, ((0, rows[-1] + tile - height), (0, columns[-1] + tile - width)))
    places = [np.s_[row : row + tile, column : column + tile] for row in rows for column in columns]
    total, weights, weight = None, np.zeros((*padded.shape, 1), np.float32), _weight(tile, shared)
    for start in range(0, len(places), _TILES_AT_ONCE):
        chosen = places[start : start + _TILES_AT_ONCE]
        answers = probabilities_of(np.stack([padded[place] for place in chosen]))
        if total is None:
            total = np.zeros((*padded.shape, answers.shape[-1]), np.float32)
        for place, answer in zip(chosen, answers, strict=True):
            total[place] += weight * answer
            weights[place] += weight
    return (total / weights)[:height, :width]


def _starts(length: int, tile: int, step: int) -> list[int]:
    """Where tiles begin so that they cover a length, the last one reaching beyond it."""
    return list(range(0, max(1, length - tile + step), step))


def _weight(tile: int, shared: int) -> np.ndarray:
    """How much the pixels of a tile count, `(tile, tile, 1)`: less towards the edge, nothing at none."""
    from_edge = np.minimum(np.arange(tile), np.arange(tile)[::-1]) + 1
    ramp = np.minimum(from_edge / shared, 1).astype(np.float32)
    return np.outer(ramp, ramp)[..., None]
