"""How well a network segments pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from kerascnn.datasets.labelled_pages import LabelledPage, make_test_pages
from kerascnn.images.page_segmentation import BACKGROUND, CLASS_NAMES
from kerascnn.inference.engines import Engine
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.tiling import segment_in_tiles
from kerascnn.utils.errors import ModelError


@dataclass(frozen=True)
class SegmentationScore:
    """What a network makes of pages that it has not seen.

    Args:
        iou: intersection over union of the pixels that are not background, whatever else they are: 0 to 1.
        mean_iou: the mean over all classes of each one's intersection over union.
        accuracy: of the pixels that are not background, in truth or by what the network says.
        per_class: intersection over union of each class, by its name.
        num_samples: pages.
    """

    iou: float
    mean_iou: float
    accuracy: float
    per_class: dict[str, float]
    num_samples: int

    def to_dict(self) -> dict:
        """The same as plain data, for JSON."""
        return asdict(self)

    def metrics(self) -> dict:
        """What a card says of it."""
        return {
            "test_accuracy": self.accuracy,
            "test_iou": self.iou,
            "test_mean_iou": self.mean_iou,
            "num_samples": self.num_samples,
        }


def evaluate_segmentation(model: Predictor | str) -> SegmentationScore:
    """Score a U-Net on synthetic pages of MNIST's test digits.

    Args:
        model: a loaded model, or what `kerascnn.load` takes.

    Returns:
        The results.

    Raises:
        ModelError: if the model cannot be loaded or does not segment pages.

    Example:
        >>> evaluate_segmentation("unet.keras").num_samples
        51
    """
    predictor = model if isinstance(model, Predictor) else load(model)
    if not predictor.card.segments_pages:
        raise ModelError(f"the model {predictor.card.name!r} does not segment pages; give one of architecture unet.")
    return score_pages(predictor.engine, predictor.card.input_shape[0], make_test_pages())


def score_pages(engine: Engine, tile: int, pages: Sequence[LabelledPage]) -> SegmentationScore:
    """Compare what a network says of pages with what they show.

    Args:
        engine: computes the probabilities of a part of a page.
        tile: height and width of such a part in pixels.
        pages: to segment.

    Returns:
        The results, over all pixels of all pages.
    """
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)), np.int64)
    for page in pages:
        found = segment_in_tiles(page.intensity, engine.probabilities, tile).argmax(axis=-1)
        np.add.at(confusion, (page.classes.ravel(), found.ravel()), 1)
    hits, true, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    per_class = hits / np.maximum(true + answered - hits, 1)
    total = confusion.sum()
    not_paper = total - confusion[BACKGROUND, BACKGROUND]
    both = total - true[BACKGROUND] - answered[BACKGROUND] + confusion[BACKGROUND, BACKGROUND]
    return SegmentationScore(
        iou=float(both / max(not_paper, 1)),
        mean_iou=float(per_class.mean()),
        accuracy=float((hits.sum() - hits[BACKGROUND]) / max(not_paper, 1)),
        per_class={name: round(float(value), 6) for name, value in zip(CLASS_NAMES, per_class, strict=True)},
        num_samples=len(pages),
    )
