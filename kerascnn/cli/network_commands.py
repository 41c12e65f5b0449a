"""The commands about networks and trained models: `summary`, `models`, `ensemble`."""

import json
import shutil
import sys
from typing import Annotated

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import ARCHITECTURE_NAMES, BackendOption, DataOption, Format, ModelOption, TextOrJson
from kerascnn.cli.results import print_csv


@app.command()
def summary(
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"An untrained network: {ARCHITECTURE_NAMES}.")
    ] = None,
    model: ModelOption = None,
    input_shape: Annotated[
        str | None,
        typer.Option(metavar="SHAPE", help="Of a picture: height x width x channels.  [default: 28x28x1]"),
    ] = None,
    format: Annotated[TextOrJson, typer.Option(help="How to print.")] = TextOrJson.text,
) -> None:
    """Show the layers of a network, with the arithmetic behind every shape.

    Example: kerascnn summary --architecture cnn --input-shape 256x256x3
    """
    from kerascnn.summary import parse_input_shape, summarize

    if architecture and model:
        raise typer.BadParameter("give --architecture or --model, not both.")
    try:
        shape = parse_input_shape(input_shape) if input_shape else None
    except ValueError as error:
        raise typer.BadParameter(f"{input_shape!r} is no input shape such as 28x28x1.") from error
    result = summarize(architecture, model=model, input_shape=shape)
    if format is TextOrJson.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
        return
    from kerascnn.summary.text import summary_text

    print(summary_text(result, shutil.get_terminal_size().columns))


@app.command()
def models(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]",
            help="Trained models, or directories of them.  [default: saved_models/]",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        str | None, typer.Option(metavar="PATH", help="Draw mistakes against milliseconds a picture there, as PNG.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
) -> None:
    """Show the architectures side by side: size, cost, and the accuracy that trained models have on their cards.

    Example: kerascnn models saved_models/ --format json
    """
    from kerascnn.evaluation.model_overview import compare_architectures

    rows = compare_architectures(
        paths or (), on_note=lambda text: print(f"note: {text}", file=sys.stderr), figure=figure
    )
    if format is Format.json:
        print(json.dumps([row.to_dict() for row in rows], ensure_ascii=False))
    elif format is Format.csv:
        columns = ["name", "num_parameters", "num_multiply_adds", "data", "recipe", "epochs", "backend", "num_seeds",
                   "num_test", "accuracy", "accuracy_deviation", "seconds", "milliseconds_per_picture"]  # fmt: skip
        lines = [
            {**vars(row), **(vars(runs) | {"num_seeds": len(runs.seeds)} if runs else {})}
            for row in rows
            for runs in row.runs or [None]
        ]
        print_csv([{name: line.get(name) for name in columns} for line in lines], columns)
    else:
        from kerascnn.cli.tables import print_models

        print_models(rows)
    if figure:
        print(f"wrote {figure}", file=sys.stderr)


@app.command()
def ensemble(
    members: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Trained models, .keras files or 'reference'; two or more.")
    ],
    output: Annotated[str, typer.Option(metavar="PATH", help="The .keras file to write.")],
    max_members: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Choose so many at most, by the loss in validation.  [default: all]"),
    ] = None,
    data: DataOption = None,
    backend: BackendOption = None,
    format: Annotated[TextOrJson, typer.Option(help="json prints the ensemble's card.")] = TextOrJson.text,
) -> None:
    """Join trained models into one, which gives the average of their probabilities.

    They are compared on images that none was trained on: train them with the same --split-seed.

    Example: kerascnn ensemble a.keras b.keras c.keras --output e.keras
    """
    from kerascnn.cli.tables import print_ensemble
    from kerascnn.training.ensembling import ensemble as run

    model = run(
        members,
        output,
        max_members=max_members,
        data=data or "mnist",
        backend=backend,
        on_note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if format is TextOrJson.json:
        print(model.card.to_json(), end="")
    else:
        print_ensemble(model.card, model.files)
