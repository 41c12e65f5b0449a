"""The model card: what is to be known of a model beside its network.

It describes the model (classes, preparation of pictures, recipe, history, metrics) and holds the SHA-256 of its network
and of the files beside it. A `.keras` file that kerascnn wrote carries its card; the `.json` beside it is a copy, which
is sealed with a digest of its own content, so that a copy that somebody changed is told from one of another generation.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from kerascnn.saving.feeding import AS_THEY_ARE, Feeding
from kerascnn.utils.errors import ModelError, UsageError

CARD_FORMAT = 1
PREPARATIONS = ("mnist", "resize")
"""Ways from a picture to an image, as a user names them."""

ENSEMBLE = "ensemble"
"""Architecture that the card of an ensemble names."""

_SEAL = "seal"

_Name = Annotated[str, Meta(min_length=1, max_length=1000)]
_Size = Annotated[int, Meta(ge=1, le=1 << 12)]  # pixels a side, or channels
_Share = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Number = int | float | None


class _Epoch(TypedDict):
    """A row of the history; a value that is no number, as when training failed, is written as null."""

    epoch: _Count
    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    seconds: float | None


class _Facts(TypedDict):
    """What is used of `data`, `recipe`, `metrics` and a member; there may be more."""

    name: NotRequired[str | None]
    digest: NotRequired[str | None]
    split_seed: NotRequired[_Count | None]
    validation_split: NotRequired[_Share | None]
    augmentation: NotRequired[float | None]
    dropout_rates: NotRequired[list[_Share] | None]
    val_accuracy: NotRequired[_Share | None]
    test_accuracy: NotRequired[_Share]
    num_samples: NotRequired[_Count]


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
        network: SHA-256 of configuration and weights of the network, for a card that is in the model's file.
    """

    name: _Name
    architecture: _Name
    input_shape: tuple[_Size, _Size, _Size]
    class_names: Annotated[tuple[_Name, ...], Meta(min_length=2)]
    preparation: Annotated[str, Meta(pattern="^(mnist|resize|page)$")]
    temperature: Annotated[float, Meta(gt=0)] = 1.0
    rejection_threshold: _Share | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    seed: _Count = 0
    data: dict[str, Any] = field(default_factory=dict)
    software: dict[str, str | None] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    feeding: Feeding | None = None
    members: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, _Sha256] = field(default_factory=dict)
    network: _Sha256 | None = None

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

    def digests(self, suffix: str) -> set[str]:
        """List the SHA-256 that the card has of files with an ending, whatever they are called now."""
        return {digest for name, digest in self.files.items() if Path(name).suffix == suffix}

    def to_json(self) -> str:
        """Write the card as a JSON document."""
        return _to_text(self._document())

    def to_sealed_json(self) -> str:
        """Write the card that lies beside a model; `tell_copy` says whether somebody changed it since."""
        document = self._document()
        return _to_text({**document, _SEAL: _seal(document)})

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> "Card":
        """Read what `to_json` wrote.

        Args:
            text: The JSON document; what a newer version of kerascnn says besides is left out.
            name: Where it stands, for messages.

        Raises:
            ModelError: If the text is no card, or a field has a value that it cannot have.
        """
        try:
            card = msgspec.json.decode(text, type=_Written).card(text)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            reason = str(error) or "it is nested too deeply"
            raise ModelError(
                f"{name} is not the card of a model ({reason}); remove it, or train the model again."
            ) from error
        return card

    def _document(self) -> dict[str, Any]:
        document = {"format": CARD_FORMAT, **asdict(self)}
        document["history"] = [
            {key: None if isinstance(value, float) and isnan(value) else value for key, value in row.items()}
            for row in self.history
        ]
        return document


class _Written(msgspec.Struct):
    """What is read before the fields of a card, since another format may have others."""

    format: int

    def card(self, text: str | bytes) -> Card:
        if self.format != CARD_FORMAT:
            raise ValueError(f"its format is {self.format}, not {CARD_FORMAT}; a newer kerascnn may know it")
        card = msgspec.json.decode(text, type=Card)
        if len(set(card.class_names)) < len(card.class_names):
            raise ValueError("two of its class_names are equal")
        for field_name, facts in (("data", card.data), ("recipe", card.recipe), ("metrics", card.metrics)):
            _require(facts, _Facts, field_name)
        _require(card.metrics, dict[str, _Number | dict[str, _Number | str]], "metrics")
        _require(card.members, list[_Facts], "members")
        _require(card.history, list[_Epoch], "history")
        for row in card.history:
            row.update({key: nan for key, value in row.items() if value is None})
        return card


def _require(value: Any, kind: Any, field_name: str) -> None:
    try:
        msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        message = str(error).replace("`$", f"`$.{field_name}") if "`$" in str(error) else f"{error} - at `{field_name}`"
        raise ValueError(message) from error


def _to_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _seal(document: dict[str, Any]) -> str:
    """Compute the digest of a document as it is meant, whatever its spaces and the order of its fields."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def tell_copy(text: bytes) -> Literal["as written", "changed", "unsealed", "no card"]:
    """Tell whether the `.json` beside a model is a copy of a card, and whether it was changed since it was written.

    Cards of earlier versions are unsealed.
    """
    if b'"class_names"' not in text:
        return "no card"
    try:
        document = json.loads(text)
        seal = document.pop(_SEAL, None)
        if seal is None:
            return "unsealed"
        return "as written" if seal == _seal(document) else "changed"
    except (ValueError, RecursionError, AttributeError, TypeError):
        return "changed"


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
