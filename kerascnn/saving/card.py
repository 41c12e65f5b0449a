"""A model on disk: `NAME.keras`, `NAME.onnx`, `NAME.csv`, `NAME.png` and, written last, the card `NAME.json`.

The card says what the model is (classes, preparation of pictures, recipe, history, metrics) and carries the SHA-256 of
the other files, by which a file that was replaced or cut short is noticed.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kerascnn.utils.errors import ModelError

CARD_FORMAT = 1
_MAX_CARD_BYTES = 16 * 2**20

ENSEMBLE = "ensemble"
"""What the card of an ensemble names as its architecture."""


@dataclass(frozen=True)
class Card:
    """What is known of a model, as it stands in `NAME.json`.

    Args:
        name: of the model.
        architecture: a name of `kerascnn.models`, or `ENSEMBLE`.
        input_shape: height, width, channels.
        class_names: one name a class, in the order of the outputs.
        preparation: how pictures are prepared, a name of `kerascnn.images.PREPARATIONS`; `page` if pages are segmented.
        temperature: by which the last layer's weights were divided to calibrate the confidence.
        rejection_threshold: the confidence below which no answer is given; None to answer always.
        recipe: all hyper-parameters.
        seed: of weights, order and augmentation, and of the split unless `data` names another one.
        data: name, digest, sizes and split of the data set.
        software: versions, backend.
        history: one row an epoch.
        metrics: validation and test results.
        command: the command that makes the model again.
        members: of an ensemble: name, architecture, seed, recipe, validation accuracy and SHA-256 of each.
        files: SHA-256 by file name.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    preparation: str
    temperature: float = 1.0
    rejection_threshold: float | None = None
    recipe: dict = field(default_factory=dict)
    seed: int = 0
    data: dict = field(default_factory=dict)
    software: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    command: str = ""
    members: list = field(default_factory=list)
    files: dict = field(default_factory=dict)

    @property
    def split_seed(self) -> int:
        """By which the data were divided."""
        return self.data.get("split_seed", self.seed)

    @property
    def recognises_digits(self) -> bool:
        """Whether the classes are the ten digits in order."""
        return self.class_names == tuple("0123456789")

    @property
    def segments_pages(self) -> bool:
        """Whether the model says of every pixel of a page what it shows."""
        return self.preparation == "page"

    def to_json(self) -> str:
        """The card's text."""
        return json.dumps({"format": CARD_FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """The inverse of `to_json`; raises ValueError, KeyError or TypeError if the text is no card."""
        document = json.loads(text)
        if document.pop("format", None) != CARD_FORMAT:
            raise ValueError(f"its format is not {CARD_FORMAT}")
        document["input_shape"] = tuple(int(size) for size in document["input_shape"])
        document["class_names"] = tuple(str(name) for name in document["class_names"])
        if document["preparation"] not in ("mnist", "resize", "page"):
            raise ValueError(f"its preparation {document['preparation']!r} is unknown")
        return cls(**document)


def read_card(model_path: Path) -> Card | None:
    """Read the card beside a model.

    Args:
        model_path: the `.keras` file.

    Returns:
        The card; None if there is none.

    Raises:
        ModelError: if there is a card but it cannot be understood.
    """
    path = model_path.with_suffix(".json")
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError(f"it is larger than {_MAX_CARD_BYTES} bytes")
        return Card.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not the card of a model ({error}); remove it, or train the model again."
        ) from error
