"""The commands about networks and trained models: `summary`, `models`, `card`, `ensemble`."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import (
    ARCHITECTURE_NAMES,
    FEEDING,
    BackendOption,
    DataOption,
    Format,
    ModelOption,
    TextOrJson,
    take_options,
)
from kerascnn.cli.printing import print_card, print_csv, print_json, print_line, print_lines, print_message, print_note

_MODELS_COLUMNS = ("name", "num_parameters", "num_multiply_adds", "data", "recipe", "epochs", "backend", "num_seeds",
                   "num_test", "accuracy", "accuracy_deviation", "seconds", "milliseconds_per_picture")  # fmt: skip


@app.command()
def summary(
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"An untrained network: {ARCHITECTURE_NAMES}.")
    ] = None,
    model: ModelOption = None,
    input_shape: Annotated[
        str | None,
        typer.Option(
            metavar="SHAPE",
            help="Size of the input as HEIGHTxWIDTHxCHANNELS, in pixels.  [default: the model's own, 28x28x1 for most]",
        ),
    ] = None,
    format: Annotated[TextOrJson, typer.Option(help="How to print the layers.")] = TextOrJson.text,
) -> None:
    """Show the layers of a network and the arithmetic behind them.

    Shapes, weights, multiply-adds, receptive field and memory of every layer are written out.

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
        print_json(result.to_dict())
        return
    from kerascnn.summary.text import format_summary

    print_lines(format_summary(result, shutil.get_terminal_size().columns).split("\n"))


@app.command()
def models(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH", help="Trained models, or directories of them.  [default: saved_models/]", show_default=False
        ),
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="PNG file to draw: share of mistakes against milliseconds for one picture, by model."
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the overview.")] = Format.text,
) -> None:
    """Compare the networks: size, cost and recorded accuracy.

    The accuracy is the one that trained models have on their cards.

    Example: kerascnn models saved_models/ --format json
    """
    from kerascnn.evaluation.model_overview import compare_architectures

    rows = compare_architectures(paths or (), on_note=print_note)
    if figure:
        # Here, since matplotlib takes half a second to import.
        from kerascnn.evaluation.model_overview_figure import write_models_figure

        write_models_figure(rows, figure, on_note=print_note)
    if format is Format.json:
        print_json([row.to_dict() for row in rows])
    elif format is Format.csv:
        lines = [
            {**vars(row), **(vars(runs) | {"num_seeds": len(runs.seeds)} if runs else {})}
            for row in rows
            for runs in row.runs or [None]
        ]
        print_csv([{name: line.get(name) for name in _MODELS_COLUMNS} for line in lines], _MODELS_COLUMNS)
    else:
        from kerascnn.cli.network_tables import print_models

        print_models(rows)
    if figure:
        print_message(f"wrote {figure}")


@app.command()
@take_options(FEEDING)
def card(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .keras or .h5 file that Keras saved.")],
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Names of the classes in the order of the outputs, with commas between them, or a .txt file with a "
            "name a line.  [default: the digits that it knows, else numbers]",
        ),
    ] = None,
    backend: BackendOption = None,
    format: Annotated[TextOrJson, typer.Option(help="How to print the result; json is the model card.")] = (
        TextOrJson.text
    ),
    **feeding: Any,
) -> None:
    """Describe a model of your own, once for all.

    Writes a card (.json) and an .onnx file beside the model; from then on it is a model like those of kerascnn.

    Example: kerascnn card theirs.keras --scale 1 --classes 0,1,2,3,4,5,6,7,8,9 --preparation mnist
    """
    from kerascnn.inference.own_models import read_class_names, write_card

    names = None if classes is None else read_class_names(classes)
    made = write_card(model, classes=names, backend=backend, on_note=print_note, **feeding)
    if format is TextOrJson.json:
        print_card(made)
        return
    for name in dict.fromkeys((*list(made.files)[1:], Path(model).with_suffix(".json").name)):
        print_line(f"wrote {Path(model).with_name(name)}")


@app.command()
def ensemble(
    members: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="Two or more trained models: .keras files, 'reference' or 'lecture'."),
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="PATH", help="The .keras file to write.")],
    max_members: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="NUMBER",
            help="Largest number of members to keep, chosen by validation loss.  [default: all]",
        ),
    ] = None,
    data: DataOption = None,
    backend: BackendOption = None,
    format: Annotated[TextOrJson, typer.Option(help="How to print the result; json is the model card.")] = (
        TextOrJson.text
    ),
) -> None:
    """Average trained models into one.

    The new model averages their probabilities. They are compared on images that none was trained on: train
    them with the same --split-seed.

    Example: kerascnn ensemble a.keras b.keras c.keras --output e.keras
    """
    from kerascnn.training.ensembling import ensemble as run

    model = run(members, output, max_members=max_members, data=data or "mnist", backend=backend, on_note=print_message)
    if format is TextOrJson.json:
        print_card(model.card)
        return
    from kerascnn.cli.training_tables import print_ensemble

    print_ensemble(model.card, model.files)
