"""What `explain` takes and returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypedDict

from kerascnn.inference.predictor import Prediction
from kerascnn.utils.errors import ImageError


class ExplanationOptions(TypedDict, total=False):
    """Options of an explanation of a classifier; see `explain`."""

    scale: str | None
    preparation: str | None
    layer: str | None
    label: str | None
    data: str | Path | None
    seed: int


def raise_no_ink(name: str) -> NoReturn:
    """Refuse a picture in which nothing is written: of nothing there is nothing to explain."""
    shown = "standard input" if name == "-" else name
    raise ImageError(f"{shown} is empty: no ink was found, so there is nothing to explain; give another picture.")


@dataclass(frozen=True)
class Explanation:
    """Explanation of a classifier's answer.

    Args:
        image: Name of the picture.
        prediction: Prediction for it.
        classes: Explained class, then the class that it is compared with.
        layer: Name of the layer of the class activation maps; None for a network without feature maps.
        files: Files that were written, the report last.
    """

    image: str
    prediction: Prediction
    classes: tuple[str, ...]
    layer: str | None
    files: tuple[Path, ...]

    @property
    def report(self) -> Path:
        """Path of the HTML report."""
        return self.files[-1]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        reason = {"reason": self.prediction.reason} if self.prediction.reason else {}
        return {
            "image": self.image,
            "label": self.prediction.label,
            **reason,
            "confidence": round(self.prediction.confidence, 6),
            "classes": list(self.classes),
            "layer": self.layer,
            "report": str(self.report),
            "files": [str(path) for path in self.files],
        }


@dataclass(frozen=True)
class PageExplanation:
    """Explanation of a page's segmentation.

    Args:
        image: Name of the picture.
        model: Name of the network.
        pixels: Number of pixels of the segmented page by the name of their class.
        files: Files that were written, the report last.
    """

    image: str
    model: str
    pixels: dict[str, int]
    files: tuple[Path, ...]

    @property
    def report(self) -> Path:
        """Path of the HTML report."""
        return self.files[-1]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return {
            "image": self.image,
            "model": self.model,
            "pixels": self.pixels,
            "report": str(self.report),
            "files": [str(path) for path in self.files],
        }
