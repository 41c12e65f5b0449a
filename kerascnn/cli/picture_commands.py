"""The commands that are given pictures, or make some: `predict`, `read`, `explain`, `sample`, `synthesize`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascnn.cli.application import app, fail
from kerascnn.cli.failures import Failures
from kerascnn.cli.form_commands import TEMPLATE, read_by_template, require_alone
from kerascnn.cli.no_pictures import describe_no_picture
from kerascnn.cli.number_options import NUMBERS, SYMBOLS, require_symbols, take_rule
from kerascnn.cli.options import (
    FEEDING,
    BackendOption,
    ClassifierOption,
    Format,
    ImagesArgument,
    ModelOption,
    PagesOption,
    PredictionBackendOption,
    PredictionFormat,
    TextOrJson,
    load_model,
    name_model_first,
    take_options,
)
from kerascnn.cli.page_output import TABLE, PageOutput, open_table_file
from kerascnn.cli.printing import (
    print_json,
    print_lines,
    print_message,
    print_note,
    print_predictions,
    print_submission,
)
from kerascnn.cli.reading_job import ReadingJob
from kerascnn.cli.resume_options import RESUME, Resuming
from kerascnn.cli.review_options import REVIEW, take_review
from kerascnn.utils.errors import ImageError, UsageError

if TYPE_CHECKING:
    from kerascnn.images.decoding import Page
    from kerascnn.inference.drawing import Drawings

_READING = {
    "min_confidence": Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="NUMBER", help="Lowest probability of a digit that is not left out.  [default: 0.5]"
        ),
    ],
    "segmenter": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How digits are found on the page: 'unet', 'classical', 'both', or a .keras file of a U-Net.  "
            "[default: both]",
        ),
    ],
}
_KINDS = {
    "table": Annotated[bool, typer.Option("--table", help="Make filled-in tables, and their rows as CSV.")],
    "form": Annotated[
        bool, typer.Option("--form", help="Make a stack of one form, filled in by many hands, and its fields as CSV.")
    ],
    "symbols": Annotated[
        bool,
        typer.Option(
            "--symbols", help="Make pages of dates, amounts, times and the like, with points, commas and so on."
        ),
    ],
}
_EXPLANATION = {
    "layer": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Layer whose feature maps are weighted and whose filters are maximised.  "
            "[default: the last one with feature maps]",
        ),
    ],
    "label": Annotated[
        str | None, typer.Option("--class", metavar="LABEL", help="Class to explain.  [default: the most probable one]")
    ],
    "data": Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Data set, as for fit, whose training images are shown beside the filters that they excite most.  "
            "[default: mnist, if the model has its classes]",
        ),
    ],
    "seed": Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="NUMBER",
            help="Random seed for the noise that activation maximisation starts from.  [default: 0]",
        ),
    ],
}


@app.command()
@take_options({"pages": PagesOption, **FEEDING})
def predict(
    images: ImagesArgument,
    model: ClassifierOption = None,
    backend: PredictionBackendOption = None,
    top_k: Annotated[
        int,
        typer.Option(min=1, metavar="NUMBER", help="Number of classes that --format json lists, most probable first."),
    ] = 3,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Directory in which to write a strip for each picture: the original, its ink, the network's input.",
        ),
    ] = None,
    format: Annotated[
        PredictionFormat,
        typer.Option(
            help="How to print the predictions; json is one object a line, kaggle a table of ImageId and Label."
        ),
    ] = PredictionFormat.text,
    **feeding: Any,
) -> None:
    """Read the digit in each picture.

    Example: kerascnn predict scans/ --format json
    """
    from kerascnn.inference.sources import expand_sources

    sources = expand_sources(images, feeding.pop("pages"), print_note)
    failures = Failures()
    with _drawings(output, sources) as drawings, _show_decoding(sources) as shown:
        predictor = load_model(model, backend, **feeding)
        if drawings is None:
            results = predictor.predict_files(shown, failures.add)
        else:
            from kerascnn.inference.drawing import predict_and_draw

            results = predict_and_draw(shown, predictor, failures.add, drawings)
        results = name_model_first(results, model, predictor)
        if format is PredictionFormat.kaggle:
            print_submission(results, [source.name for source in sources], predictor.card.class_names)
        else:
            print_predictions(results, predictor.card.class_names, top_k, format, single=len(sources) == 1)
    failures.exit_if_any(len(sources))


@app.command()
@take_options(
    {"pages": PagesOption, **TEMPLATE, **_READING, **TABLE, **NUMBERS, **SYMBOLS, **REVIEW, **RESUME, **FEEDING}
)
def read(
    images: ImagesArgument,
    model: ClassifierOption = None,
    backend: PredictionBackendOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Directory in which to write each picture with the digits found drawn on it, or a table of all pages: "
            "a file that ends in .csv or .xlsx.",
        ),
    ] = None,
    mark_unread: Annotated[
        bool, typer.Option("--mark-unread", help="Print ? at the place of writing that could not be read.")
    ] = False,
    format: Annotated[
        Format,
        typer.Option(
            help="How to print the digits; json is one object a picture; csv a row a line, in columns, or a row a form."
        ),
    ] = Format.text,
    **options: Any,
) -> None:
    """Read every digit on a page, line by line.

    Example: kerascnn read photo.jpg --output found/
    """
    from kerascnn.inference.sources import expand_sources

    require_symbols(options["symbols"])
    resuming = Resuming(output, options)
    options.pop("resume")
    if options["template"] is not None:
        require_alone({**options, "mark_unread": mark_unread})
    rule = take_rule(options)
    sources = expand_sources(images, options.pop("pages"), print_note)
    review, failures = take_review(options, sources), Failures()
    with open_table_file(output, sources) as table, _drawings(None if table else output, sources) as drawings:
        job = ReadingJob(sources, failures, review, resuming, drawings, table)
        if options["template"] is not None:
            read_by_template(job, model, backend, format, options)
        else:
            pages = PageOutput(format, sources, mark_unread=mark_unread, ruled=rule is not None)
            _read_pages(job, model, backend, pages, {**options, "rule": rule})
    job.finish()


def _read_pages(
    job: ReadingJob, model: str | None, backend: str | None, pages: PageOutput, options: Mapping[str, Any]
) -> None:
    """Read the pages of a job by its options, and print or write what they say."""
    from kerascnn.inference.page_reader import read_files
    from kerascnn.inference.page_text import Page

    predictor = load_model(model, backend, options["scale"], options["preparation"])
    chosen = {name: value for name, value in _drop_unset(options).items() if name not in FEEDING}
    with job.resuming.open(Page, predictor) as journal:
        results = read_files(job.sources, predictor, job.failures.add, drawings=job.drawings, journal=journal, **chosen)
        shown = job.show_progress(job.review.follow(results))
        for name, page in name_model_first(shown, model, predictor):
            pages.add(name, page, job.table)
        pages.finish(job.table)


@app.command()
@take_options({**_EXPLANATION, **FEEDING})
def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture, or - for standard input.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Directory in which to write report.html and its pictures.  "
            "[default: explained/ and the picture's name]",
        ),
    ] = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    format: Annotated[
        TextOrJson, typer.Option(help="How to print the result: the files written, or one JSON object.")
    ] = TextOrJson.text,
    **options: Any,
) -> None:
    """Show why the network gives its answer, on one page.

    The page has class activation maps, filters, feature maps and what covering parts of the picture does.

    Example: kerascnn explain image.png --output explained/
    """
    from kerascnn.explaining import explain as run

    try:
        explanation = run(image, model, output=output, backend=backend, progress=print_message, **_drop_unset(options))
    except ImageError as error:
        fail(describe_no_picture(image) or str(error))
    if format is TextOrJson.json:
        print_json(explanation.to_dict())
    else:
        print_lines(explanation.files)


@app.command()
def sample(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="Directory in which to write them; it is made if it is missing.")
    ],
) -> None:
    """Write a few pictures to try: single digits and a page.

    DIR/digits/ gets the single digits, DIR/page.txt the text of DIR/page.png. All are digits of MNIST's test part,
    drawn on paper and photographed by a program.

    Example: kerascnn sample samples/
    """
    from kerascnn.datasets.samples import write_samples

    print_lines(write_samples(directory))


@app.command()
@take_options(_KINDS)
def synthesize(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="Directory in which to write the pages; it is made if it is missing.")
    ],
    style: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Look of the pages: plain, shadow, lined, table, ...; of tables and forms: scan, copy, photo, shadow; "
            "or all.",
        ),
    ] = "all",
    count: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Number of pages of each style, of tables, or of forms.")
    ] = 1,
    seed: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Random seed of the first page; the following pages count up.")
    ] = 0,
    part: Annotated[
        str, typer.Option(metavar="NAME", help="Part of MNIST whose digits are written: test, train, or validation.")
    ] = "test",
    **kinds: Any,
) -> None:
    """Make handwritten pages, tables and forms with known text.

    Writes pictures, and labels.csv with their text and the boxes of their digits; for tables and forms also a PDF of
    the pictures, and CSV files with what stands in each cell and field, and where.

    Example: kerascnn synthesize pages/ --style lined --count 10
    """
    from kerascnn.datasets.synthetic import write_forms, write_pages, write_tables

    given = [name for name, is_given in kinds.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} are two kinds of documents; give one of them.")
    if kinds["table"] or kinds["form"]:
        write = write_tables if kinds["table"] else write_forms
        print_lines(write(directory, count, seed, part=part, style=None if style == "all" else style))
    else:
        print_lines(write_pages(directory, style, count, seed, part=part, symbols=kinds["symbols"]))


def _drop_unset(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _drawings(output: str | None, sources: Sequence["Page"]) -> AbstractContextManager["Drawings | None"]:
    """Prepare the files for the drawings, and check them before any work."""
    if output is None:
        return nullcontext()
    from kerascnn.inference.drawing import Drawings

    return Drawings(output, sources)


def _show_decoding(sources: Sequence["Page"]) -> AbstractContextManager[Sequence["Page"]]:
    """Show how many of several pictures are decoded."""
    if len(sources) == 1:
        return nullcontext(sources)
    from kerascnn.cli.progress import show_decoding

    return show_decoding(sources)
