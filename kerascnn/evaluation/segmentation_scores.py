"""Scores of networks that segment pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kerascnn.datasets.labelled_pages import LabelledPage, make_test_pages
from kerascnn.images.page_segmentation import BACKGROUND, CLASS_NAMES
from kerascnn.inference.engines import Engine
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.tiling import segment_in_tiles
from kerascnn.utils.errors import ModelError


@dataclass(frozen=True)
class SegmentationScore:
    """Scores of a network on pages that it was not trained on.

    Args:
        iou: Intersection over union of all foreground pixels, whatever their class, 0 to 1.
        mean_iou: Mean of the intersections over union of all classes, 0 to 1.
        accuracy: Share of correct pixels among those that are foreground in truth or in the prediction, 0 to 1.
        per_class: Intersection over union of each class by its name, 0 to 1.
        num_samples: Number of pages.
    """

    iou: float
    mean_iou: float
    accuracy: float
    per_class: dict[str, float]
    num_samples: int

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data for JSON."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Convert to the metrics of a model card."""
        return {
            "test_accuracy": self.accuracy,
            "test_iou": self.iou,
            "test_mean_iou": self.mean_iou,
            "num_samples": self.num_samples,
        }


def evaluate_segmentation(model: Predictor | str) -> SegmentationScore:
    """Score a U-Net on synthetic pages of MNIST's test digits.

    Args:
        model: A loaded model, or anything that `kerascnn.load` takes.

    Raises:
        ModelError: If the model cannot be loaded or does not segment pages.

    Example:
        >>> evaluate_segmentation("unet.keras").num_samples
        51
    """
    predictor = model if isinstance(model, Predictor) else load(model)
    if not predictor.card.segments_pages:
        raise ModelError(f"the model {predictor.card.name!r} does not segment pages; give one of architecture unet.")
    return score_pages(predictor.engine, predictor.card.input_shape[0], make_test_pages())


def score_pages(engine: Engine, tile: int, pages: Sequence[LabelledPage]) -> SegmentationScore:
    """Segment pages and score all their pixels together.

    Args:
        engine: Engine that computes the class probabilities of a tile's pixels.
        tile: Height and width of a tile in pixels.
        pages: Pages with the true class of each pixel.
    """
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)), np.int64)
    for page in pages:
        found = segment_in_tiles(page.intensity, engine.probabilities, tile).argmax(axis=-1)
        np.add.at(confusion, (page.classes.ravel(), found.ravel()), 1)
    hits, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    per_class = hits / np.maximum(true + predicted - hits, 1)
    total = confusion.sum()
    foreground = total - confusion[BACKGROUND, BACKGROUND]
    both = total - true[BACKGROUND] - predicted[BACKGROUND] + confusion[BACKGROUND, BACKGROUND]
    return SegmentationScore(
        iou=float(both / max(foreground, 1)),
        mean_iou=float(per_class.mean()),
        accuracy=float((hits.sum() - hits[BACKGROUND]) / max(foreground, 1)),
        per_class={name: round(float(value), 6) for name, value in zip(CLASS_NAMES, per_class, strict=True)},
        num_samples=len(pages),
    )
