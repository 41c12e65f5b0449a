"""Join models, compare the result with its members, and write it to disk.

Sources: L. K. Hansen and P. Salamon, "Neural network ensembles", IEEE Transactions on Pattern Analysis and Machine
Intelligence 12 (10), 1990; for the choice of members R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble
selection from libraries of models", ICML 2004.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.datasets import Dataset, load_dataset
from kerascnn.evaluation.scoring import score_test_set
from kerascnn.inference.engines import KerasEngine
from kerascnn.inference.model_loading import load_checked_model
from kerascnn.inference.onnx_conversion import add_onnx
from kerascnn.inference.predictor import Predictor
from kerascnn.saving.card import ENSEMBLE, Card
from kerascnn.saving.model_files import complete_model_path, require_replaceable, resolve_model_path, save
from kerascnn.training.ensembling.members import Candidate, check_data, find_candidates, find_held_out
from kerascnn.training.ensembling.validation import Validation
from kerascnn.utils.backend import activate, describe_software
from kerascnn.utils.errors import ModelError, UsageError
from kerascnn.utils.locks import reserve_output
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.random_state import preserve_random_state
from kerascnn.utils.staging import staging_directory

if TYPE_CHECKING:
    import keras

_SUFFIXES = (".keras", ".onnx")


@preserve_random_state()
def ensemble(
    models: Sequence[str | Path],
    output: str | Path,
    *,
    max_members: int | None = None,
    data: str | Path = "mnist",
    backend: str | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Predictor:
    """Join models into one that averages their probabilities, score it and write it to disk.

    Members and ensemble are compared on those images of the training part that no model was trained on; models that
    were trained with the same `split_seed` have all their validation images in common.

    Args:
        models: Paths of `.keras` files, or `"reference"`; two or more with the same classes and pictures.
        output: Path of the `.keras` file to write; `.onnx` and card are written beside it.
        max_members: Largest number of members, chosen by the loss on these images: the best model, then always the one
            that improves the average most, if one does. By default all models are members.
        data: Data set that the models were trained on: a name or a path that `load_dataset` takes.
        backend: Backend that computes the probabilities: `tensorflow`, `jax` or `torch`.
        on_note: Function that is called with a sentence from time to time.

    Returns:
        The ensemble. Its card names the members.

    Raises:
        ModelError: If a model is missing, damaged or has no card, if they do not fit each other, or if there is
            nothing to choose by or no average that is better than one model.
        DataError: If the data are malformed, or not those that the models were trained on.
        BackendError: If the backend is unknown or not installed.
        OutputError: If the result cannot be written.

    Example:
        >>> kerascnn.ensemble(["a.keras", "b.keras"], "e.keras").card.metrics["val_accuracy"]
        0.9958
    """
    note = on_note or (lambda text: None)
    if max_members is not None and max_members < 2:
        raise UsageError(f"max_members is {max_members}; an ensemble has two members or more.")
    path = complete_model_path(output)
    require_replaceable(path, _SUFFIXES, inputs=map(resolve_model_path, models))
    with reserve_output(path):
        return _join(models, path, max_members, data, backend, note)


def _join(
    models: Sequence[str | Path],
    path: Path,
    max_members: int | None,
    data: str | Path,
    backend: str | None,
    note: Callable[[str], None],
) -> Predictor:
    found = find_candidates(models)
    # Better now than after all the work: is there a place for the result?
    with staging_directory(path):
        pass
    dataset = load_dataset(data, seed=found[0].card.split_seed, preparation=found[0].card.preparation)
    check_data(found, dataset, data)
    indices = find_held_out(found, dataset)
    _tell_held_out(len(indices), max_members, note)
    backend = activate(backend).name
    engines = [KerasEngine(load_checked_model(one.stored)) for one in found]
    validation = Validation(engines, dataset, indices)
    chosen = list(range(len(found))) if max_members is None else validation.choose(max_members)
    if len(chosen) < 2:
        raise ModelError(f"no average is better in validation than {found[chosen[0]].path} alone; use that model.")
    members = [_member(found[index], validation.score([index])) for index in chosen]
    engine = KerasEngine(_average([engines[index].model for index in chosen], members))
    card = _card(path, [found[index].card for index in chosen], members, dataset, backend)
    if card.recognises_digits and len(indices):
        card = replace(card, rejection_threshold=validation.fit_rejection_threshold(chosen))
    card = replace(card, data={**card.data, "num_validation": len(indices)}, metrics=validation.score(chosen))
    card = score_test_set(card, engine, dataset)
    note("converting to ONNX ...")
    return Predictor(engine, _write(engine.model, card, path, note), path)


def _tell_held_out(number: int, max_members: int | None, note: Callable[[str], None]) -> None:
    if number:
        note(f"validation: {number:,} images that no model was trained on")
    elif max_members is None:
        note("each image of the training part was trained on by some model: there is no validation accuracy.")
    else:
        raise ModelError(
            "each image of the training part was trained on by some model, so that none is left to choose by; "
            "train the models with the same --split-seed."
        )


def _member(candidate: Candidate, metrics: dict[str, float]) -> dict[str, Any]:
    """Describe a member as the ensemble's card does."""
    card = candidate.card
    return {
        "name": card.name,
        "architecture": card.architecture,
        "seed": card.seed,
        "recipe": card.recipe.get("name"),
        "sha256": candidate.digest,
        **metrics,
    }


def _average(models: Sequence["keras.Model"], members: Sequence[dict[str, Any]]) -> "keras.Model":
    # Imports Keras, which must not happen before the backend is chosen.
    from kerascnn.training.ensembling.averaging import average

    return average(models, [member["name"] for member in members])


def _card(path: Path, cards: Sequence[Card], members: list[dict[str, Any]], dataset: Dataset, backend: str) -> Card:
    first = cards[0]
    thresholds = [card.rejection_threshold for card in cards if card.rejection_threshold is not None]
    return Card(
        name=path.stem,
        architecture=ENSEMBLE,
        input_shape=first.input_shape,
        class_names=first.class_names,
        preparation=first.preparation,
        rejection_threshold=statistics.mean(thresholds) if len(thresholds) == len(cards) else None,
        seed=first.seed,
        data={
            "name": dataset.name,
            "digest": first.data["digest"],
            "num_test": len(dataset.test_labels),
            "split_seed": first.split_seed,
        },
        software=describe_software(backend),
        members=members,
    )


def _write(model: "keras.Model", card: Card, path: Path, note: Callable[[str], None]) -> Card:
    with staging_directory(path) as directory:
        staged = {suffix: directory / f"model{suffix}" for suffix in _SUFFIXES}
        with silent_stderr():
            model.save(staged[".keras"])
        return save(path, staged, add_onnx(staged, card, path, note))
