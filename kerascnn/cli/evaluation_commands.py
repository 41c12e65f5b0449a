"""`kerascnn evaluate`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import (
    FEEDING,
    DataOption,
    Format,
    PredictionBackendOption,
    load_model,
    print_default_model,
    take_options,
)
from kerascnn.cli.printing import print_csv, print_json, print_message, print_note
from kerascnn.utils.errors import UsageError

if TYPE_CHECKING:
    from kerascnn.evaluation.report import Results
    from kerascnn.inference.predictor import Predictor


@app.command()
@take_options(FEEDING)
def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="A model as for predict. Given twice, two models are compared on the same images.  "
            "[default: saved_models/mnist_cnn.keras if it exists, else reference]",
        ),
    ] = None,
    data: DataOption = None,
    backend: PredictionBackendOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Directory in which to write report.html, its pictures as PNG and its tables as CSV.",
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the scores; csv has one row for each class.")] = (
        Format.text
    ),
    **feeding: Any,
) -> None:
    """Score a model on a test set, or compare two models.

    Prints accuracy, loss, the results of each class and the confusion matrix.

    Example: kerascnn evaluate --model saved_models/mnist_cnn.keras --model reference --output results/
    """
    from kerascnn.evaluation.report import evaluate_models, report_directory
    from kerascnn.saving.model_files import resolve_model_path

    if model and len(model) > 2:
        raise typer.BadParameter("--model can be given twice at most.")
    names = model or (None,)
    if output is not None:  # refused before a model is loaded
        with report_directory(output, [resolve_model_path(name) for name in names]):
            pass
    predictors = [load_model(name, backend, **feeding) for name in names]
    if any(predictor.card.segments_pages for predictor in predictors):
        if len(predictors) > 1 or data or output:
            raise UsageError(
                "a model that segments pages is scored alone, on synthetic pages, and its results are printed; "
                "leave the other --model, --data and --output out."
            )
        _evaluate_segmentation(predictors[0], format)
        return
    results = evaluate_models(predictors, data or "mnist", output, on_note=print_note)
    if not model:
        print_default_model(predictors[0])
    _print_scores(results, format)
    if results.report:
        print_message(f"wrote {results.report}")


def _print_scores(results: "Results", format: Format) -> None:
    if format is Format.json:
        print_json((results.comparison or results.evaluations[0]).to_dict())
    elif format is Format.csv:
        names: Sequence[str | None] = results.comparison.names if results.comparison else [None]
        rows: list[dict[str, Any]] = [
            {**({"model": name} if name else {}), **vars(row)}
            for name, evaluation in zip(names, results.evaluations, strict=True)
            for row in evaluation.per_class
        ]
        print_csv(rows, list(rows[0]))
    else:
        from kerascnn.cli.evaluation_tables import print_comparison, print_evaluation

        if results.comparison:
            print_comparison(results.comparison)
        else:
            print_evaluation(results.evaluations[0])


def _evaluate_segmentation(predictor: "Predictor", format: Format) -> None:
    from kerascnn.evaluation.segmentation_scores import evaluate_segmentation

    score = evaluate_segmentation(predictor)
    if format is Format.json:
        print_json(score.to_dict())
    elif format is Format.csv:
        rows = [{"label": name, "iou": value} for name, value in score.per_class.items()]
        print_csv(rows, ["label", "iou"])
    else:
        from kerascnn.cli.evaluation_tables import print_segmentation

        print_segmentation(score)
