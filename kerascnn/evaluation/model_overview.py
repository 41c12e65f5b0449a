"""Put the architectures side by side: their size, their cost, and the results of trained models."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerascnn.models import ARCHITECTURES
from kerascnn.saving.card import ENSEMBLE, Card
from kerascnn.saving.model_files import DEFAULT_MODEL, SHIPPED, find_shipped_model
from kerascnn.saving.stored_model import read_card
from kerascnn.summary.counts import find_counts
from kerascnn.utils.errors import ModelError

MODELS = DEFAULT_MODEL.parent
"""Directory to which `fit` writes, and in which trained models are looked for."""

_SHIPPED = {find_shipped_model(name): name for name in SHIPPED}


@dataclass(frozen=True)
class Runs:
    """Results of trained models that differ in nothing but their seed, as their cards tell them.

    Args:
        data: Name of the data set.
        recipe: Name of the recipe, or the number of members of an ensemble.
        epochs: Number of passes over the training images; None for an ensemble.
        backend: Name of the backend that trained them.
        seeds: Random seeds in ascending order, each one once.
        num_test: Number of test images.
        accuracy: Mean test accuracy over the seeds, 0 to 1; for a segmenter that of the pixels with ink.
        accuracy_deviation: Standard deviation of the accuracy; None for a single seed.
        seconds: Mean time of training on the machine of each, in seconds; None for an ensemble.
        milliseconds_per_picture: Mean time for one picture on one core; None where a card does not tell.
        models: Names or paths of the models.
    """

    data: str
    recipe: str
    epochs: int | None
    backend: str
    seeds: tuple[int, ...]
    num_test: int
    accuracy: float
    accuracy_deviation: float | None
    seconds: float | None
    milliseconds_per_picture: float | None
    models: tuple[str, ...]


@dataclass(frozen=True)
class ArchitectureOverview:
    """An architecture with the results of its trained models.

    Args:
        name: Name of the architecture.
        description: Description in a line.
        num_parameters: Number of weights and biases at the usual size of input; None for ensembles.
        num_multiply_adds: Number of multiply-adds for one picture of that size; None for ensembles.
        runs: Results of the trained models, the most accurate first.
    """

    name: str
    description: str
    num_parameters: int | None
    num_multiply_adds: int | None
    runs: tuple[Runs, ...]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return asdict(self)


def compare_architectures(
    paths: Sequence[str | Path] = (), on_note: Callable[[str], None] | None = None
) -> tuple[ArchitectureOverview, ...]:
    """Put the architectures side by side.

    Accuracy and time are those that the cards of trained models recorded; nothing is measured anew.

    Args:
        paths: Paths of `.keras` files and of directories of them; `saved_models/` by default. The models that ship
            always belong to them.
        on_note: Function that is called with a sentence about each model that is left out.

    Returns:
        One overview for each architecture, and one for ensembles if there are any.

    Raises:
        ModelError: If a path is missing, or a card beside a model cannot be understood.

    Example:
        >>> [row.num_parameters for row in compare_architectures() if row.name == "cnn"]
        [1199882]
    """
    cards = dict(_cards([*_SHIPPED, *_model_paths(paths)], on_note or (lambda text: None)))
    rows = [
        ArchitectureOverview(
            name,
            facts.description,
            *find_counts(name),
            _runs({path: card for path, card in cards.items() if card.architecture == name}),
        )
        for name, facts in ARCHITECTURES.items()
    ]
    ensembles = [_run_of_ensemble(path, card) for path, card in cards.items() if card.architecture == ENSEMBLE]
    if ensembles:
        best_first = sorted(ensembles, key=lambda runs: -runs.accuracy)
        rows.append(ArchitectureOverview(ENSEMBLE, "the average of several models", None, None, tuple(best_first)))
    return tuple(rows)


def _model_paths(paths: Sequence[str | Path]) -> list[Path]:
    if not paths:
        return sorted(MODELS.glob("*.keras"))
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.glob("*.keras"))
        elif str(path) in SHIPPED:
            continue  # it is in the overview anyway
        elif path.is_file():
            found.append(path)
        else:
            raise ModelError(f"there is no model {path}; give a .keras file, or a directory of them.")
    return found


def _cards(paths: Iterable[Path], note: Callable[[str], None]) -> Iterable[tuple[str, Card]]:
    """Find the cards with a test accuracy of one of our architectures, each with the name that a user reads."""
    for path in paths:
        name = _SHIPPED.get(path, str(path))
        try:
            card = read_card(path)
        except ModelError as error:
            note(f"{error} It is left out.")
            continue
        if card is None:
            note(f"{path} has no card; it is left out.")
        elif card.architecture not in (*ARCHITECTURES, ENSEMBLE):
            note(f"{path} is none of the architectures ({card.architecture!r}); it is left out.")
        elif "test_accuracy" not in card.metrics:
            note(f"{path} has no test accuracy in its card; it is left out.")
        else:
            yield name, card


def _runs(cards: dict[str, Card]) -> tuple[Runs, ...]:
    groups: dict[str, dict[str, Card]] = {}
    for name, card in cards.items():
        alike = (card.data.get("digest"), card.data.get("num_train"), card.software.get("backend"), card.recipe)
        groups.setdefault(repr(alike), {})[name] = card
    return tuple(sorted(map(_summarize, groups.values()), key=lambda runs: -runs.accuracy))


def _summarize(group: dict[str, Card]) -> Runs:
    # The same seed gives the same model again, which says nothing about the spread.
    by_seed = {card.seed: card for card in reversed(group.values())}
    accuracies = [card.metrics["test_accuracy"] for card in by_seed.values()]
    first = next(iter(group.values()))
    return Runs(
        data=str(first.data.get("name", "")),
        recipe=str(first.recipe.get("name", "")),
        epochs=len(first.history),
        backend=str(first.software.get("backend", "")),
        seeds=tuple(sorted(by_seed)),
        num_test=first.metrics.get("num_samples", 0),
        accuracy=statistics.mean(accuracies),
        accuracy_deviation=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        seconds=statistics.mean(sum(row["seconds"] for row in card.history) for card in by_seed.values()),
        milliseconds_per_picture=_milliseconds(by_seed.values()),
        models=tuple(group),
    )


def _run_of_ensemble(name: str, card: Card) -> Runs:
    return Runs(
        data=str(card.data.get("name", "")),
        recipe=f"{len(card.members)} members",
        epochs=None,
        backend=str(card.software.get("backend", "")),
        seeds=(card.seed,),
        num_test=card.metrics.get("num_samples", 0),
        accuracy=card.metrics["test_accuracy"],
        accuracy_deviation=None,
        seconds=None,
        milliseconds_per_picture=_milliseconds([card]),
        models=(name,),
    )


def _milliseconds(cards: Iterable[Card]) -> float | None:
    found = [card.metrics.get("milliseconds_per_picture") for card in cards]
    known = [float(value) for value in found if value is not None]
    return statistics.mean(known) if len(known) == len(found) else None
