"""Find the models that can be members of one ensemble, and the images on which they can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from kerascnn.datasets import Dataset
from kerascnn.saving.card import Card
from kerascnn.saving.model_files import resolve_model_path
from kerascnn.saving.stored_model import StoredModel, open_model
from kerascnn.utils.errors import DataError, ModelError, UsageError


@dataclass(frozen=True)
class Candidate:
    """A model that may become a member: its file as it was opened, and its card."""

    stored: StoredModel
    card: Card

    @property
    def path(self) -> Path:
        """Path of the `.keras` file."""
        return self.stored.path

    @property
    def digest(self) -> str:
        """SHA-256 of the `.keras` file."""
        return self.stored.digest


def find_candidates(models: Sequence[str | Path]) -> list[Candidate]:
    """Find the models, and check that they read the same pictures and classes.

    Args:
        models: Paths of `.keras` files, or names of models that ship with the package.

    Returns:
        One candidate for each model, in their order.

    Raises:
        ModelError: If a model is missing, was changed or has no card, or two are the same model or do not fit.
        UsageError: If there are fewer than two.
    """
    if len(models) < 2:
        raise UsageError("an ensemble has two members or more; name more models.")
    found = [_candidate(resolve_model_path(model)) for model in models]
    first = found[0]
    for index, one in enumerate(found[1:], start=1):
        for same in found[:index]:
            if one.digest == same.digest:
                raise ModelError(f"{same.path} and {one.path} are the same model; name it once.")
        for what in ("class_names", "input_shape", "preparation"):
            values = [tuple(getattr(card, what)) for card in (first.card, one.card)]
            if values[0] != values[1]:
                raise ModelError(
                    f"{first.path} and {one.path} differ in their {what.replace('_', ' ')}; "
                    "the members of an ensemble read the same pictures and name the same classes."
                )
    return found


def check_data(members: Sequence[Candidate], dataset: Dataset, source: str | Path) -> None:
    """Raise DataError unless each member was trained on this data set."""
    digest = dataset.digest()
    for member in members:
        if member.card.data.get("digest") != digest:
            raise DataError(
                f"{member.path} was trained on {member.card.data.get('name')!r}, which is not {str(source)!r} as it "
                "is now; name with --data what all the models were trained on."
            )


def find_held_out(members: Sequence[Candidate], dataset: Dataset) -> np.ndarray:
    """Find the training images of a data set that no member was trained on, as ascending indices; there may be none."""
    divisions = {(member.card.data["validation_split"], member.card.split_seed) for member in members}
    parts = [dataset.divide_training_part(share, seed)[1] for share, seed in divisions]
    return reduce(np.intersect1d, parts)


def _candidate(path: Path) -> Candidate:
    stored = open_model(path)
    if stored.card is None or "validation_split" not in stored.card.data:
        raise ModelError(f"{path} has no card that tells how it was trained; train it with 'kerascnn fit'.")
    return Candidate(stored, stored.card)
