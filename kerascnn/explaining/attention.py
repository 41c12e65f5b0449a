"""Which patches of the image a transformer attends to."""

from dataclasses import dataclass

import numpy as np

from kerascnn.explaining.anatomy import Anatomy, SpatialStep
from kerascnn.explaining.placement import Placement


@dataclass(frozen=True)
class Attention:
    """Attention to each patch, as a multiple of what it would be if all patches got the same.

    `received` is the attention that each patch gets in each layer, from the class token if there is one, else from all
    patches on average.
    """

    names: tuple[str, ...]  # of the attention layers
    received: np.ndarray  # float32 (layers, heads, rows, columns)
    rollout: np.ndarray  # attention rollout through all layers, float32 (rows, columns)
    placement: Placement  # of the patches in the image
    has_token: bool  # whether there is a class token beside the patches


def trace_attention(anatomy: Anatomy, image: np.ndarray) -> Attention | None:
    """Follow the attention from the end of the network back to the patches of an image `(height, width)`, 0..255.

    Attention rollout: the matrices of all layers are multiplied. In each, half of a patch's output comes from itself
    (the residual connection), half from the patches that it attends to, averaged over the heads.

    Source: S. Abnar and W. Zuidema, "Quantifying attention flow in transformers", ACL 2020.

    Returns:
        The attention; None for a network without attention layers that are all between the same patches of the image.
    """
    patches = _find_patches(anatomy)
    if patches is None:
        return None
    rows, columns = patches.output.shape[1:3]
    scores = np.stack(anatomy.attention_scores(image))
    count = scores.shape[-1]
    has_token = count > rows * columns
    mixed = np.eye(count)
    for layer in scores.mean(axis=1):
        mixed = (layer + np.eye(count)) / 2 @ mixed

    def to_grid(attention: np.ndarray) -> np.ndarray:
        """Convert `(..., queries, keys)` to `(..., rows, columns)`."""
        seen = attention[..., 0, 1:] if has_token else attention.mean(axis=-2)
        grid: np.ndarray = (seen / seen.mean(axis=-1, keepdims=True)).reshape(*seen.shape[:-1], rows, columns)
        return grid

    names = tuple(step.name for step in anatomy.attentions)
    return Attention(names, to_grid(scores), to_grid(mixed).astype(np.float32), patches.placement, has_token)


def _find_patches(anatomy: Anatomy) -> SpatialStep | None:
    """Find the feature maps whose places are the patches."""
    shapes = {step.scores.shape[1:] for step in anatomy.attentions}
    if len(shapes) != 1:
        return None
    ((_, queries, keys),) = shapes
    before = anatomy.steps[: anatomy.steps.index(anatomy.attentions[0])]
    for step in reversed(before):
        if isinstance(step, SpatialStep) and queries == keys:
            places = step.output.shape[1] * step.output.shape[2]
            return step if keys in (places, places + 1) else None
    return None
