"""Segment pages of any size with a network that sees one size: in tiles that overlap, blended into each other."""

from collections.abc import Callable

import numpy as np

_OVERLAP = 4  # neighbouring tiles share a quarter of their sides
_TILES_AT_ONCE = 16  # the network's maps of many more would fill the memory


def segment_in_tiles(page: np.ndarray, predict: Callable[[np.ndarray], np.ndarray], tile: int) -> np.ndarray:
    """Compute the class probabilities of every pixel of a page: float32, `(height, width, num_classes)`.

    Near its edge a tile does not show what lies beyond; there its neighbour's probabilities weigh more.

    Args:
        page: uint8, `(height, width)`.
        predict: The network, from uint8 `(n, tile, tile)` to float32 `(n, tile, tile, num_classes)`.
        tile: Side of the network's input in pixels.
    """
    height, width = page.shape
    shared = tile // _OVERLAP
    rows, columns = _tile_starts(height, tile, tile - shared), _tile_starts(width, tile, tile - shared)
    padded = np.pad(page, ((0, rows[-1] + tile - height), (0, columns[-1] + tile - width)))
    places = [np.s_[row : row + tile, column : column + tile] for row in rows for column in columns]
    total, weights, weight = None, np.zeros((*padded.shape, 1), np.float32), _tile_weights(tile, shared)
    for start in range(0, len(places), _TILES_AT_ONCE):
        chosen = places[start : start + _TILES_AT_ONCE]
        results = predict(np.stack([padded[place] for place in chosen]))
        if total is None:
            total = np.zeros((*padded.shape, results.shape[-1]), np.float32)
        for place, result in zip(chosen, results, strict=True):
            total[place] += weight * result
            weights[place] += weight
    return (total / weights)[:height, :width]


def _tile_starts(length: int, tile: int, step: int) -> list[int]:
    """List where tiles begin that cover a length; the last one reaches beyond it."""
    return list(range(0, max(1, length - tile + step), step))


def _tile_weights(tile: int, shared: int) -> np.ndarray:
    """Weigh the pixels of a tile, float32 `(tile, tile, 1)`: less towards the edge, never 0."""
    from_edge = np.minimum(np.arange(tile), np.arange(tile)[::-1]) + 1
    ramp = np.minimum(from_edge / shared, 1).astype(np.float32)
    return np.outer(ramp, ramp)[..., None]
