"""Which patches of the image a transformer looks at."""

from dataclasses import dataclass

import numpy as np

from kerascnn.explaining.anatomy import Anatomy, Step
from kerascnn.explaining.placement import Placement


@dataclass(frozen=True)
class Attention:
    """What is looked at, as multiples of what it would be if every patch were looked at alike: 1 is no preference.

    Args:
        names: of the layers of attention.
        received: float32, `(layers, heads, rows, columns)`: how much each patch is looked at in each layer, by the
            class token if there is one, else by all patches on average.
        rollout: float32, `(rows, columns)`: how much of each patch has arrived at the end, through all layers.
        placement: of the patches in the image.
        has_token: whether there is a class token beside the patches.
    """

    names: tuple[str, ...]
    received: np.ndarray
    rollout: np.ndarray
    placement: Placement
    has_token: bool


def attend(anatomy: Anatomy, image: np.ndarray) -> Attention | None:
    """Follow the attention from the end of the network back to the patches.

    Attention rollout: in each layer half of what a patch becomes is what it was (the connection around the layer) and
    half comes from the patches that it looks at, averaged over the heads; the layers are multiplied.

    Source: S. Abnar and W. Zuidema, "Quantifying attention flow in transformers", ACL 2020.

    Args:
        anatomy: of the model.
        image: `(height, width)`, values 0..255.

    Returns:
        The attention; None for a network whose layers of attention are not all between the same patches of the image.
    """
    patches = _patches(anatomy)
    if patches is None:
        return None
    rows, columns = patches.output.shape[1:3]
    scores = np.stack(anatomy.attention_scores(image))
    count = scores.shape[-1]
    has_token = count > rows * columns
    mixed = np.eye(count)
    for layer in scores.mean(axis=1):
        mixed = (layer + np.eye(count)) / 2 @ mixed

    def on_grid(looks: np.ndarray) -> np.ndarray:
        """`(..., queries, keys)` to `(..., rows, columns)`."""
        seen = looks[..., 0, 1:] if has_token else looks.mean(axis=-2)
        return (seen / seen.mean(axis=-1, keepdims=True)).reshape(*seen.shape[:-1], rows, columns)

    names = tuple(step.name for step in anatomy.attentions)
    return Attention(names, on_grid(scores), on_grid(mixed).astype(np.float32), patches.placement, has_token)


def _patches(anatomy: Anatomy) -> Step | None:
    """The feature maps whose places are the patches that look at each other."""
    shapes = {step.scores.shape[1:] for step in anatomy.attentions}
    if len(shapes) != 1:
        return None
    ((_, queries, keys),) = shapes
    before = anatomy.steps[: anatomy.steps.index(anatomy.attentions[0])]
    for step in reversed(before):
        if step.placement is not None and queries == keys:
            places = step.output.shape[1] * step.output.shape[2]
            return step if keys in (places, places + 1) else None
    return None
