"""`kerascnn evaluate`."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import BackendOption, DataOption, Format, load_model
from kerascnn.cli.results import print_csv
from kerascnn.utils.errors import ModelError

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Predictor


@app.command()
def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="PATH",
            help="As for predict. Given twice, two models are compared on the same images.",
        ),
    ] = None,
    data: DataOption = None,
    backend: BackendOption = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write report.html there, with its pictures as PNG and its tables as CSV."),
    ] = None,
    format: Annotated[Format, typer.Option(help="csv prints the per-class table.")] = Format.text,
) -> None:
    """Score a model on a test set, or compare two: accuracy, loss, per-class results, confusion matrix.

    Example: kerascnn evaluate --model saved_models/mnist_cnn.keras --model reference --output results/
    """
    from kerascnn.evaluation.report import evaluate_models

    if model and len(model) > 2:
        raise typer.BadParameter("--model can be given twice at most.")
    predictors = [load_model(name, backend) for name in model or [None]]
    if any(predictor.card.segments_pages for predictor in predictors):
        _evaluate_segmentation(predictors, data, output, format)
        return
    results = evaluate_models(predictors, data or "mnist", output)
    if format is Format.json:
        result = results.comparison or results.evaluations[0]
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    elif format is Format.csv:
        names = results.comparison.names if results.comparison else [None]
        rows = [
            {**({"model": name} if name else {}), **vars(row)}
            for name, evaluation in zip(names, results.evaluations, strict=True)
            for row in evaluation.per_class
        ]
        print_csv(rows, list(rows[0]))
    else:
        from kerascnn.cli.tables import print_comparison, print_evaluation

        if results.comparison:
            print_comparison(results.comparison)
        else:
            print_evaluation(results.evaluations[0])
    if results.report:
        print(f"wrote {results.report}", file=sys.stderr)


def _evaluate_segmentation(
    predictors: "Sequence[Predictor]", data: str | None, output: str | None, format: Format
) -> None:
    from kerascnn.evaluation.segmentation_scores import evaluate_segmentation

    if len(predictors) > 1 or data or output:
        raise ModelError(
            "a model that segments pages is scored alone, on synthetic pages, and its results are printed; "
            "leave the other --model, --data and --output out."
        )
    score = evaluate_segmentation(predictors[0])
    if format is Format.json:
        print(json.dumps(score.to_dict(), ensure_ascii=False))
    elif format is Format.csv:
        rows = [{"label": name, "iou": value} for name, value in score.per_class.items()]
        print_csv(rows, ["label", "iou"])
    else:
        from kerascnn.cli.tables import print_segmentation

        print_segmentation(score)
