"""The architectures side by side: their size, their cost, and what trained models of each have achieved."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kerascnn.models import ARCHITECTURES
from kerascnn.saving.card import ENSEMBLE, Card, read_card
from kerascnn.saving.model_files import SHIPPED, find_shipped_model
from kerascnn.summary.counts import counts_of
from kerascnn.utils.errors import ModelError
from kerascnn.utils.files import write_bytes
from kerascnn.utils.outputs import require_own_png

MODELS = Path("saved_models")
"""Where `fit` writes, and where trained models are looked for."""

_SHIPPED = {find_shipped_model(name): name for name in SHIPPED}
_SEGMENTING = {name for name, facts in ARCHITECTURES.items() if facts.segments}


@dataclass(frozen=True)
class Runs:
    """Trainings that differ in nothing but their seed, as their cards tell of them.

    Args:
        data: name of the data set.
        recipe: name of the recipe; of an ensemble, how many members it has.
        epochs: passes over the training part; None for an ensemble.
        backend: that they were trained on.
        seeds: in ascending order; a seed counts once.
        num_test: images that each was scored on.
        accuracy: on them, the mean over the seeds; of a network that segments pages, that of the pixels with ink.
        accuracy_deviation: the standard deviation; None for a single seed.
        seconds: of all epochs, the mean over the seeds, on the machine where each was trained; None for an ensemble.
        milliseconds_per_picture: for one picture at a time on one core, the mean over the seeds; None where a card does
            not tell.
        models: where the cards are.
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
    """One architecture.

    Args:
        name: of the architecture.
        description: what it is, in a line.
        num_parameters: weights and biases, for pictures of 28x28 pixels and ten classes, or what else the architecture
            is for; None for ensembles.
        num_multiply_adds: for one such picture; None for ensembles.
        runs: of the trained models, the most accurate first.
    """

    name: str
    description: str
    num_parameters: int | None
    num_multiply_adds: int | None
    runs: tuple[Runs, ...]

    def to_dict(self) -> dict:
        """The same as plain data, for JSON."""
        return asdict(self)


def compare_architectures(
    paths: Sequence[str | Path] = (),
    on_note: Callable[[str], None] | None = None,
    *,
    figure: str | Path | None = None,
) -> tuple[ArchitectureOverview, ...]:
    """Put the architectures side by side.

    Accuracy and time are those that the cards of trained models recorded; nothing is measured anew.

    Args:
        paths: `.keras` files, and directories of them; by default `saved_models/`. The models that ship are always
            among them.
        on_note: called with a sentence about a model that is left out.
        figure: a `.png` to write, with mistakes against milliseconds a picture; not of networks that segment pages.

    Returns:
        One entry an architecture, and one for ensembles if there are any.

    Raises:
        ModelError: if a path is missing, or a card beside a model cannot be understood.
        OutputError: if the figure cannot be written.

    Example:
        >>> [row.num_parameters for row in compare_architectures() if row.name == "cnn"]
        [1199882]
    """
    if figure is not None:
        require_own_png(Path(figure))
    cards = dict(_cards([*_SHIPPED, *_model_paths(paths)], on_note or (lambda text: None)))
    rows = [
        ArchitectureOverview(
            name,
            facts.description,
            *counts_of(name),
            _runs({path: card for path, card in cards.items() if card.architecture == name}),
        )
        for name, facts in ARCHITECTURES.items()
    ]
    ensembles = [_run_of_ensemble(path, card) for path, card in cards.items() if card.architecture == ENSEMBLE]
    if ensembles:
        best_first = sorted(ensembles, key=lambda runs: -runs.accuracy)
        rows.append(ArchitectureOverview(ENSEMBLE, "the average of several models", None, None, tuple(best_first)))
    if figure is not None:
        drawn = [row for row in rows if row.name not in _SEGMENTING]
        # Here, since matplotlib takes half a second to import.
        from kerascnn.evaluation.model_overview_figure import draw_models

        write_bytes(Path(figure), draw_models(drawn).png())
    return tuple(rows)


def _model_paths(paths: Sequence[str | Path]) -> list[Path]:
    if not paths:
        return sorted(MODELS.glob("*.keras"))
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.glob("*.keras"))
        elif path.is_file():
            found.append(path)
        else:
            raise ModelError(f"there is no model {path}; give a .keras file, or a directory of them.")
    return found


def _cards(paths: Iterable[Path], note: Callable[[str], None]) -> Iterable[tuple[str, Card]]:
    """The cards that say how well a model of one of our architectures did, by the model's name for people."""
    for path in paths:
        card = read_card(path)
        name = _SHIPPED.get(path, str(path))
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
    return tuple(sorted(map(_summary_of, groups.values()), key=lambda runs: -runs.accuracy))


def _summary_of(group: dict[str, Card]) -> Runs:
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
    return None if None in found else statistics.mean(found)
