"""A model on disk: `NAME.keras`, `NAME.onnx`, `NAME.csv`, `NAME.png` and, written last, the card `NAME.json`.

The model card describes the model (classes, preparation of pictures, recipe, history, metrics) and holds the SHA-256 of
the other files, so that a file that was replaced or cut short is noticed.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from kerascnn.saving.feeding import AS_THEY_ARE, Feeding
from kerascnn.utils.errors import ModelError, UsageError

CARD_FORMAT = 1
PREPARATIONS = ("mnist", "resize")
"""Ways from a picture to an image, as a user names them."""

_MAX_CARD_BYTES = 16 * 2**20

ENSEMBLE = "ensemble"
"""Architecture that the card of an ensemble names."""


@dataclass(frozen=True)
class Card:
    """The model card, as it stands in `NAME.json`.

    Args:
        name: Name of the model.
        architecture: Name of an architecture of `kerascnn.models`, or `ENSEMBLE`.
        input_shape: Height, width and channels of an image.
        class_names: Names of the classes, in the order of the outputs.
        preparation: How pictures are prepared: `mnist` or `resize`, or `page` for a model that segments pages.
        temperature: Temperature of the calibration; the weights of the last layer have been divided by it.
        rejection_threshold: Confidence below which a picture is rejected, 0 to 1; None to accept all.
        recipe: Hyper-parameters of the training, with the recipe's name.
        seed: Random seed for weights, order and augmentation; for the split, too, unless `data` has another one.
        data: Name, digest, sizes and split of the data set.
        software: Backend, and versions of the programs.
        history: Rows of the training history, one for each epoch.
        metrics: Results on the validation and the test part.
        command: Command that makes the model again; empty if there is none.
        feeding: What a network that kerascnn did not make takes and gives; None for those that it made.
        members: Name, architecture, seed, recipe, validation results and SHA-256 of each member of an ensemble.
        files: SHA-256 of each file of the model, by file name.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    preparation: str
    temperature: float = 1.0
    rejection_threshold: float | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    software: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    feeding: Feeding | None = None
    members: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def split_seed(self) -> int:
        """Random seed that divided the data into parts to train and to validate on."""
        return int(self.data.get("split_seed", self.seed))

    @property
    def recognises_digits(self) -> bool:
        """Whether the classes are the ten digits in order."""
        return self.class_names == tuple("0123456789")

    @property
    def segments_pages(self) -> bool:
        """Whether the model classifies each pixel of a page."""
        return self.preparation == "page"

    def to_json(self) -> str:
        """Write the card as a JSON document."""
        return json.dumps({"format": CARD_FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read what `to_json` wrote; raises ValueError, KeyError or TypeError if the text is no card."""
        document = json.loads(text)
        if document.pop("format", None) != CARD_FORMAT:
            raise ValueError(f"its format is not {CARD_FORMAT}; a newer kerascnn may know it")
        # A newer version of kerascnn may say more of a model; what it says besides stays true.
        known = {field.name for field in fields(cls)}
        document = {name: value for name, value in document.items() if name in known}
        document["input_shape"] = tuple(int(size) for size in document["input_shape"])
        document["class_names"] = tuple(str(name) for name in document["class_names"])
        if document["preparation"] not in ("mnist", "resize", "page"):
            raise ValueError(f"its preparation {document['preparation']!r} is unknown")
        if document.get("feeding") is not None:
            document["feeding"] = Feeding.from_dict(document["feeding"])
        return cls(**document)


def require_preparation(preparation: str | None) -> None:
    """Raise UsageError for an unknown preparation."""
    if preparation not in (None, *PREPARATIONS):
        raise UsageError(f"the preparation {preparation!r} is unknown; give {' or '.join(PREPARATIONS)}.")


def require_same(card: Card, path: Path, scale: str | None, preparation: str | None) -> None:
    """Raise ModelError if a user asks for something else than a model's card says."""
    require_preparation(preparation)
    own_scale = card.feeding.scale if card.feeding else AS_THEY_ARE
    for what, asked, own in (("scale", scale, own_scale), ("preparation", preparation, card.preparation)):
        if asked not in (None, own):
            raise ModelError(
                f"{path} has a card, which says --{what} {own}, not {asked}; leave the option out, or write the card "
                "of a model of your own anew with 'kerascnn card'."
            )


def read_card(model_path: Path) -> Card | None:
    """Read the card beside a model.

    Args:
        model_path: Path of the `.keras` file.

    Returns:
        The card, or None if there is none.

    Raises:
        ModelError: If there is a card but it cannot be understood.
    """
    path = model_path.with_suffix(".json")
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError(f"it is larger than {_MAX_CARD_BYTES} bytes")
        return Card.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not the card of a model ({error}); remove it, or train the model again."
        ) from error
