"""The command line: parse, call one library function, print. Nothing heavy is imported before a command runs."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

import typer
from typer.core import TyperGroup

from kerascnn import __version__
from kerascnn.errors import KerasCNNError
from kerascnn.models import ARCHITECTURES
from kerascnn.printing import print_csv, print_predictions


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"
    csv = "csv"


class TextOrJson(StrEnum):
    """How results that are no table are printed."""

    text = "text"
    json = "json"


class _Commands(TyperGroup):
    """Turns every expected failure into one sentence and exit code 1."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except KerasCNNError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("interrupted.")
        except BrokenPipeError:
            # The reader of our output has gone; nobody is left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except MemoryError:
            _fail("there is not enough memory; close other programs, or give less at once.")
        except OSError as error:
            _fail(f"{error.filename or 'the system'}: {error.strerror or error}.")


app = typer.Typer(
    cls=_Commands,
    name="kerascnn",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ARCHITECTURES = ", ".join(ARCHITECTURES)

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH",
        help="A .keras file, or 'reference' for the model that ships with kerascnn. "
        "Default: saved_models/mnist_cnn.keras if it is there, else the reference.",
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option("--backend", metavar="NAME", help="tensorflow, jax or torch; else KERAS_BACKEND decides."),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="'mnist' (the default), a directory of IDX files, an .npz file in Keras's layout, "
        "or a directory with one sub-directory of pictures a class.",
    ),
]


def main() -> None:
    """The `kerascnn` command."""
    app()


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Read handwritten digits with Keras 3, on TensorFlow, JAX or PyTorch.

    Example: kerascnn predict image.png
    """
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def fit(
    data: DataOption = None,
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"The network: {_ARCHITECTURES}.  [default: cnn]")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="quick (the default: minutes) or best (36 augmented epochs)."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part.  [quick: 3]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step.  [quick: 128]")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="NAME", help="adam or muon.  [quick: muon]")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The schedule's peak.  [quick: 0.002]")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="NAME", help="cosine (down to zero) or constant.  [quick: cosine]")
    ] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Share of the steps in which the learning rate rises.  [quick: 0.1]")
    ] = None,
    dropout_rates: Annotated[
        str | None, typer.Option(metavar="RATES", help="With commas, one a place.  [quick: 0,0.3 for cnn]")
    ] = None,
    augmentation: Annotated[
        float | None, typer.Option(help="Strength of the random changes to the images.  [quick: 0.5]")
    ] = None,
    final_augmentation: Annotated[
        float | None, typer.Option(help="The same in the last epoch, approached little by little.  [quick: unchanged]")
    ] = None,
    outliers: Annotated[
        float | None, typer.Option(help="Pictures of no digit, as a share of each batch.  [quick: 0]")
    ] = None,
    validation_split: Annotated[
        float | None, typer.Option(help="Share of the training part to validate on.  [default: 0.2]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.  [default: 0]")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Of what is validated on.  [default: that of --seed]")] = None,
    output: Annotated[
        str | None, typer.Option(metavar="PATH", help="Default: saved_models/DATA_ARCHITECTURE.keras")
    ] = None,
    backend: BackendOption = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without improvement in validation.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the interrupted run of the same output.")] = False,
    tensorboard: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write TensorBoard's logs there (an extra).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="A few batches of everything, in a temporary directory.")
    ] = False,
    format: Annotated[TextOrJson, typer.Option(help="json prints the model's card.")] = TextOrJson.text,
) -> None:
    """Train a network and write it to saved_models/.

    Example: kerascnn fit --backend jax --epochs 1
    """
    from kerascnn.console import FitProgress, print_fit
    from kerascnn.training import fit as run

    progress = FitProgress()
    try:
        model = run(
            data,
            architecture,
            recipe,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            warmup=warmup,
            dropout_rates=_rates(dropout_rates),
            augmentation=augmentation,
            final_augmentation=final_augmentation,
            outliers=outliers,
            validation_split=validation_split,
            seed=seed,
            split_seed=split_seed,
            output=output,
            backend=backend,
            patience=patience,
            resume=resume,
            dry_run=dry_run,
            tensorboard=tensorboard,
            progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        if not progress.saved_epochs or dry_run:
            _fail("interrupted before the first epoch was finished; nothing was kept.")
        _fail(f"interrupted after epoch {progress.saved_epochs}; the same command with --resume continues.")
    finally:
        progress.close()
    if format is TextOrJson.json:
        print(model.card.to_json(), end="")
        return
    print_fit(model.card, [] if dry_run else model.files)
    if dry_run:
        print("dry run: everything works; nothing was kept.", file=sys.stderr)


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
    from kerascnn.evaluation_report import evaluate_models

    if model and len(model) > 2:
        raise typer.BadParameter("--model can be given twice at most.")
    results = evaluate_models([_load(name, backend) for name in model or [None]], data or "mnist", output)
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
        from kerascnn.console import print_comparison, print_evaluation

        if results.comparison:
            print_comparison(results.comparison)
        else:
            print_evaluation(results.evaluations[0])
    if results.report:
        print(f"wrote {results.report}", file=sys.stderr)


@app.command()
def predict(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Pictures, directories of pictures, or - for standard input."),
    ],
    model: ModelOption = None,
    backend: BackendOption = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many classes to list, most probable first.")] = 3,
    output: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write a strip for each picture there: original, ink, what the network saw."),
    ] = None,
    format: Annotated[Format, typer.Option(help="json prints one object a line.")] = Format.text,
) -> None:
    """Read the digit in each picture.

    Example: kerascnn predict scans/ --format json
    """
    from kerascnn.sources import expand

    sources = expand(images)
    predictor = _load(model, backend)
    failures = _Failures()
    if output is None:
        results = predictor.predict_files(_opened(sources), failures.add)
    else:
        from kerascnn.strips import predict_and_draw

        results = predict_and_draw(_opened(sources), predictor, failures.add, output)
    if len(sources) > 200 and sys.stderr.isatty():
        from kerascnn.console import with_bar

        results = with_bar(results, len(sources))
    print_predictions(results, predictor.card.class_names, top_k, format, single=len(sources) == 1)
    failures.exit_if_any(len(sources))


@app.command()
def read(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Pictures, directories of pictures, or - for standard input."),
    ],
    model: ModelOption = None,
    backend: BackendOption = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out digits of a lower probability.  [default: 0.5]")
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write each picture there with the digits found drawn on it.")
    ] = None,
    format: Annotated[TextOrJson, typer.Option(help="json prints one object a line.")] = TextOrJson.text,
) -> None:
    """Read every digit on a page, line by line.

    Example: kerascnn read photo.jpg --output found/
    """
    from kerascnn.reading import MIN_CONFIDENCE, read_files
    from kerascnn.sources import expand

    sources = expand(images)
    predictor = _load(model, backend)
    failures = _Failures()
    pages = read_files(
        _opened(sources),
        predictor,
        failures.add,
        min_confidence=MIN_CONFIDENCE if min_confidence is None else min_confidence,
        output=output,
    )
    for name, page in pages:
        if format is TextOrJson.json:
            print(json.dumps({"image": name, **page.to_dict()}, ensure_ascii=False))
        else:
            print(f"{name}:\n{page.text}" if len(sources) > 1 else page.text)
    failures.exit_if_any(len(sources))


@app.command()
def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture, or - for standard input.")],
    output: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the pictures and report.html go.  [explained/IMAGE'S NAME]")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Weigh the maps of this layer, and maximise its filters.  [the last ones]"),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--class", metavar="LABEL", help="Explain this class.  [the most probable one]")
    ] = None,
    model: ModelOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="SOURCE",
            help="Where training images that excite filters come from, as for fit.  [mnist, if the model reads it]",
        ),
    ] = None,
    backend: BackendOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise that activation maximisation starts from.")] = 0,
    format: Annotated[TextOrJson, typer.Option(help="json prints one object.")] = TextOrJson.text,
) -> None:
    """Show why the network gives its answer: class activation maps, filters, feature maps, on one page.

    Example: kerascnn explain image.png --output explained/
    """
    from kerascnn.explaining import explain as run

    (source,) = _opened([image])
    explanation = run(
        source,
        model,
        output=output,
        layer=layer,
        label=label,
        data=data,
        backend=backend,
        seed=seed,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if format is TextOrJson.json:
        print(json.dumps(explanation.to_dict(), ensure_ascii=False))
    else:
        print(*explanation.files, sep="\n")


@app.command()
def synthesize(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Where the pages go; it is made if it is missing.")],
    style: Annotated[str, typer.Option(metavar="NAME", help="plain, shadow, lined, table, ...; or all.")] = "all",
    count: Annotated[int, typer.Option(min=1, help="Pages of each style.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first page; the others count up.")] = 0,
    part: Annotated[
        str, typer.Option(metavar="NAME", help="Which of MNIST's digits are written: test or train.")
    ] = "test",
) -> None:
    """Make pages of handwritten digits to test with: pictures, and labels.csv with their text and boxes.

    Example: kerascnn synthesize pages/ --style lined --count 10
    """
    from kerascnn.synthetic import write_pages

    for path in write_pages(directory, style, count, seed, part=part):
        print(path)


@app.command()
def summary(
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"An untrained network: {_ARCHITECTURES}.")
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
    from kerascnn.overview import compare_architectures

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
        from kerascnn.console import print_models

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
        typer.Option(metavar="NUMBER", help="Choose so many at most, by the validation images.  [default: all]"),
    ] = None,
    data: DataOption = None,
    backend: BackendOption = None,
    format: Annotated[TextOrJson, typer.Option(help="json prints the ensemble's card.")] = TextOrJson.text,
) -> None:
    """Join trained models into one, which gives the average of their probabilities.

    They are compared on images that none was trained on: train them with the same --split-seed.

    Example: kerascnn ensemble a.keras b.keras c.keras --output e.keras
    """
    from kerascnn.console import print_ensemble
    from kerascnn.ensembling import ensemble as run

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


@app.command()
def backends(
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.text,
) -> None:
    """Show which backends are installed, on which devices, and which one would be used.

    Example: kerascnn backends --format json
    """
    from kerascnn.backend import backend_statuses, choose_backend

    statuses = backend_statuses()
    problem = None
    try:
        choice = choose_backend()
    except KerasCNNError as error:
        choice, problem = None, error
    if format is Format.text:
        from kerascnn.console import print_backends

        print_backends(statuses, choice)
    elif format is Format.csv:
        print_csv(
            [{**status.to_dict(), "devices": " ".join(status.devices)} for status in statuses],
            ["name", "version", "devices"],
        )
    else:
        used = {"name": choice.name, "reason": choice.reason, "note": choice.note} if choice else None
        print(json.dumps({"backends": [status.to_dict() for status in statuses], "used": used}))
    if choice and choice.note:
        print(choice.note, file=sys.stderr)
    if problem:
        raise problem


@app.command()
def benchmark(
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME", help="tensorflow, jax or torch; can be repeated.  [default: all]"),
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="NUMBER", help="Of a block.")] = 5.0,
    rounds: Annotated[int, typer.Option(metavar="NUMBER", help="Blocks of each, in turn; the median counts.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="One step of each: does everything work?")] = False,
    format: Annotated[Format, typer.Option(help="json has every single run.")] = Format.text,
) -> None:
    """Measure this machine: training and predicting on each backend, against the limit of its processor.

    Example: kerascnn benchmark --backend tensorflow --backend jax --format json
    """
    from kerascnn.benchmarking import benchmark as run

    result = run(
        backend,
        seconds=seconds,
        rounds=rounds,
        dry_run=dry_run,
        on_note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if format is Format.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    elif format is Format.csv:
        tasks = {"training": result.training, "predicting": result.predicting}
        rows = [{"task": task, **vars(rate), "runs": len(rate.runs)} for task, rates in tasks.items() for rate in rates]
        print_csv(rows, list(rows[0]))
    else:
        from kerascnn.console import print_benchmark

        print_benchmark(result)
    if dry_run:
        print("dry run: everything was tried; the figures say nothing.", file=sys.stderr)


class _Failures:
    """Reports the pictures that could not be read; the others go on."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, name: str, error: KerasCNNError) -> None:
        """Say what is wrong with a picture."""
        self._names.append(name)
        print(f"kerascnn: {error}", file=sys.stderr)

    def exit_if_any(self, num_pictures: int) -> None:
        """Exit with 1 if a picture could not be read."""
        if not self._names:
            return
        if num_pictures > 1:
            print(f"kerascnn: {len(self._names)} of {num_pictures} pictures could not be read.", file=sys.stderr)
        raise typer.Exit(1)


def _opened(sources: Sequence[str]) -> Iterator[str | bytes]:
    """The sources, standard input read when its turn comes."""
    from kerascnn.sources import STANDARD_INPUT

    for source in sources:
        yield sys.stdin.buffer.read() if source == STANDARD_INPUT else source


def _rates(text: str | None) -> tuple[float, ...] | None:
    """Numbers with commas between them."""
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of dropout rates such as 0.1,0.3.") from error


def _load(model: str | None, backend: str | None):
    """Load a model, and name it on stderr where the user did not."""
    from kerascnn.artifact import reference_path
    from kerascnn.inference import load

    predictor = load(model, backend=backend, on_note=lambda text: print(f"note: {text}", file=sys.stderr))
    if model is None:
        is_reference = predictor.path == reference_path()
        name = "reference (ships with kerascnn)" if is_reference else predictor.path
        print(f"model: {name}, on {predictor.engine.name}", file=sys.stderr)
    return predictor


def _fail(text: str) -> None:
    print(f"kerascnn: {text}", file=sys.stderr)
    raise typer.Exit(1)
