"""The commands that are given pictures, or make some: `predict`, `read`, `explain`, `synthesize`."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from kerascnn.cli.application import app
from kerascnn.cli.options import BackendOption, Format, ModelOption, TextOrJson, load_model
from kerascnn.cli.results import print_predictions
from kerascnn.utils.errors import KerasCNNError


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
    from kerascnn.inference.sources import expand_directories

    sources = expand_directories(images)
    predictor = load_model(model, backend)
    failures = _Failures()
    if output is None:
        results = predictor.predict_files(_opened(sources), failures.add)
    else:
        from kerascnn.inference.strips import predict_and_draw

        results = predict_and_draw(_opened(sources), predictor, failures.add, output)
    if len(sources) > 200:
        from kerascnn.cli.progress import with_bar

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
    segmenter: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What tells digits from lines and each other: unet, classical or both.  [both]"
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write each picture there with the digits found drawn on it.")
    ] = None,
    format: Annotated[TextOrJson, typer.Option(help="json prints one object a line.")] = TextOrJson.text,
) -> None:
    """Read every digit on a page, line by line.

    Example: kerascnn read photo.jpg --output found/
    """
    from kerascnn.inference.page_reader import MIN_CONFIDENCE, read_files
    from kerascnn.inference.sources import expand_directories

    sources = expand_directories(images)
    predictor = load_model(model, backend)
    failures = _Failures()
    pages = read_files(
        _opened(sources),
        predictor,
        failures.add,
        min_confidence=MIN_CONFIDENCE if min_confidence is None else min_confidence,
        segmenter=segmenter,
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
    from kerascnn.datasets.synthetic import write_pages

    for path in write_pages(directory, style, count, seed, part=part):
        print(path)


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
    from kerascnn.inference.sources import STANDARD_INPUT

    for source in sources:
        yield sys.stdin.buffer.read() if source == STANDARD_INPUT else source
