"""Evaluation of one model or two side by side, and the report about it."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.datasets import Dataset, Note, load_dataset
from kerascnn.evaluation.comparison import Comparison, compare, model_names
from kerascnn.evaluation.report_comparison import add_comparison, add_results
from kerascnn.evaluation.report_page import Page, Subject
from kerascnn.evaluation.report_sections import (
    add_activations,
    add_classes,
    add_confidence,
    add_confusion,
    add_learning_curves,
    add_mistakes,
)
from kerascnn.evaluation.scoring import Evaluation, ScoredPredictions, predict_and_score
from kerascnn.inference.predictor import Predictor
from kerascnn.utils.errors import UsageError
from kerascnn.utils.html_page import HtmlReport
from kerascnn.utils.interrupts import remember_interrupts
from kerascnn.utils.outputs import REPORT, OutputDirectory

__all__ = ["Results", "evaluate_models", "report_directory"]

_FILES_OF_A_MODEL = ("mistakes", "confusion_matrix", "per_class", "reliability", "coverage", "activations")
_FILES_OF_ALL = ("coverage.png", "disagreements.csv", "disagreements.png", "report.html")


@dataclass(frozen=True)
class Results:
    """Scores of one model or two, and the report about them.

    Args:
        evaluations: Scores of each model.
        comparison: Comparison of two models; None for a single model.
        report: Path of `report.html`; None if no report was asked for.
    """

    evaluations: tuple[Evaluation, ...]
    comparison: Comparison | None
    report: Path | None


def evaluate_models(
    predictors: Sequence[Predictor],
    data: str | Path | Dataset = "mnist",
    output: str | Path | None = None,
    *,
    on_note: Note | None = None,
) -> Results:
    """Score one model, or two side by side, and write a report.

    Args:
        predictors: One loaded model or two.
        data: A data set, or anything that `load_dataset` takes.
        output: Directory for the figures (PNG), the tables (CSV) and `report.html`; by default nothing is written. The
            files of two models are in a directory each.
        on_note: Called with what is worth knowing of the data.

    Raises:
        DataError: If the data are malformed or do not fit a model, or two models were not tested on the same images.
        UsageError: If there are more than two models.
        OutputError: If the report cannot be written.

    Example:
        >>> evaluate_models([kerascnn.load("reference")], output="results").report
        PosixPath('results/report.html')
    """
    if not 1 <= len(predictors) <= 2:
        raise UsageError(f"{len(predictors)} models cannot be put side by side; give one or two.")
    models = [predictor.path or predictor.card.name for predictor in predictors]
    with contextlib.nullcontext() if output is None else report_directory(output, models) as directory:
        found = [
            predict_and_score(predictor, dataset, with_features=output is not None)
            for predictor, dataset in zip(predictors, _datasets(predictors, data, on_note), strict=True)
        ]
        comparison = compare(*found) if len(found) == 2 else None
        report = None
        if directory is not None:
            with remember_interrupts() as raise_if_interrupted:
                files = _files(found, comparison)
                raise_if_interrupted()
            report = directory.write_all(files)[-1]
    return Results(tuple(one.evaluation for one in found), comparison, report)


def report_directory(output: str | Path, models: Sequence[Path | str]) -> OutputDirectory:
    """Choose the files of a report, before a model is loaded.

    Args:
        output: The directory.
        models: Path of each model, or its name if it was not saved.

    Raises:
        OutputError: If a file of the report would replace one that is not of an earlier report.
    """
    directories = _model_directories(model_names(models))
    stems = [f"{directory}{stem}" for directory in directories for stem in _FILES_OF_A_MODEL]
    names = [f"{stem}{suffix}" for stem in stems for suffix in (".csv", ".png")]
    return OutputDirectory(Path(output), REPORT, [*names, *_FILES_OF_ALL])


def _model_directories(names: Sequence[str]) -> list[str]:
    """Name the directory of each model's files, with a slash at the end; empty for a single model.

    A model may have any name, such as `..`; its directory is always below that of the report.
    """
    if len(names) == 1:
        return [""]
    plain = [re.sub(r"[^\w-]", "_", name)[:100] for name in names]
    distinct = len({name.lower() for name in plain}) == len(plain)
    return [f"{name}/" if distinct else f"{name}-{number}/" for number, name in enumerate(plain, start=1)]


def _datasets(predictors: Sequence[Predictor], data: str | Path | Dataset, on_note: Note | None) -> list[Dataset]:
    """Load the data as each model takes them, once where that is the same."""
    if isinstance(data, Dataset):
        return [data] * len(predictors)
    keys = [(predictor.card.split_seed, predictor.card.preparation) for predictor in predictors]
    loaded = {key: load_dataset(data, seed=key[0], preparation=key[1], on_note=on_note) for key in dict.fromkeys(keys)}
    return [loaded[key] for key in keys]


def _files(found: Sequence[ScoredPredictions], comparison: Comparison | None) -> dict[str, bytes]:
    """Make the contents of the files by name, the page last."""
    names = model_names([one.predictor.path or one.predictor.card.name for one in found])
    subjects = [
        Subject(name, directory, f"{name}: " if comparison else "", one)
        for name, directory, one in zip(names, _model_directories(names), found, strict=True)
    ]
    data, number = found[0].evaluation.data, found[0].evaluation.num_samples
    introduction = (
        f"Two models on the same {number:,} test images, and where they differ."
        if comparison
        else f"How well the model does on {number:,} test images, and where it fails."
    )
    page = Page(HtmlReport(f"{' and '.join(names)}, evaluated on {data}", introduction))
    add_results(page, subjects)
    if comparison:
        add_comparison(page, comparison, found[0].images)
    for add in (add_mistakes, add_confusion, add_classes, add_confidence, add_activations, add_learning_curves):
        add(page, subjects)
    return {**page.files, "report.html": page.html.to_html().encode(errors="backslashreplace")}
