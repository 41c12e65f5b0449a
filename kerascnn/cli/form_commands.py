"""Forms: the command that drafts a template, and what `read` does with one."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascnn.cli.application import app
from kerascnn.cli.number_options import NUMBERS
from kerascnn.cli.options import Format, load_model, name_model_first
from kerascnn.cli.page_output import count_rows
from kerascnn.cli.printing import print_csv, print_json, print_lines, print_message
from kerascnn.cli.reading_job import ReadingJob
from kerascnn.utils.errors import UsageError

if TYPE_CHECKING:
    from kerascnn.forms.form_reading import Form
    from kerascnn.tables import TableFile

TEMPLATE = {
    "template": Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="A template of a form, as 'kerascnn template' drafts it: each picture is a filled-in form, and each "
            "field is read for itself.",
        ),
    ]
}


@app.command()
def template(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture of the blank form, or a page of a PDF.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The template, a .json file, to write.")
    ] = "form.json",
) -> None:
    """Draft a template of a form from a blank one.

    Its boxes and the lines to write on are found.

    Give the fields their names in the file, and what is known of their numbers: "digits", "pattern", "expect", "check".
    Beside the template, a picture shows where each field is.

    Example: kerascnn template blank-form.png --output form.json
    """
    from kerascnn.forms.template_drafting import draft_template

    print_lines(draft_template(image, Path(output)))


def require_alone(options: dict[str, Any]) -> None:
    """Raise UsageError if something is said of the numbers of a form besides what its template says of each field."""
    given = [name for name in NUMBERS if options[name] is not None]
    if given:
        raise UsageError(f"--{given[0]} holds for whole pages; write it into the template, to the field it is true of.")
    if options["crops"] is not None:
        raise UsageError("--crops is for pages; the digits of the fields of a form are not cut out.")
    if options["table"]:
        raise UsageError("--table finds the cells of a table itself; with --template, the fields are known.")
    if options["mark_unread"]:
        raise UsageError("--mark-unread is for pages; in the fields of a form, ? always stands for what is unread.")


def read_by_template(
    job: ReadingJob, model: str | None, backend: str | None, format: Format, options: Mapping[str, Any]
) -> None:
    """Read filled-in forms by the template among the options, and print a row for each, or write it to a table file."""
    from kerascnn.forms.form_reading import Form, FormReader, read_forms

    predictor = load_model(model, backend, options["scale"], options["preparation"])
    chosen = {name: options[name] for name in ("min_confidence", "segmenter", "symbols") if options[name] is not None}
    reader = FormReader(options["template"], predictor, **chosen)
    with job.resuming.open(Form, predictor) as journal:
        forms = read_forms(job.sources, reader, job.failures.add, job.drawings, journal)
        results = name_model_first(job.show_progress(job.review.follow_forms(forms)), model, predictor)
        columns = [field.name for field in reader.template.fields]
        _print_forms(results, columns, format, job.table, single=len(job.sources) == 1)


def _print_forms(
    results: Iterable[tuple[str, "Form"]],
    columns: Sequence[str],
    format: Format,
    table: "TableFile | None",
    *,
    single: bool,
) -> None:
    """Print forms as they are read, or write them to a table file at the end."""
    if table is not None:
        rows_written = [[name, *(field.text for field in form.fields)] for name, form in results]
        if rows_written:
            table.write(["file", *columns], rows_written)
            print_message(f"wrote {table.path}: {count_rows(len(rows_written))}")
        return
    if format is Format.csv:
        rows = ({"file": name, **{field.name: field.text for field in form.fields}} for name, form in results)
        print_csv(rows, ["file", *columns])
        return
    for name, form in results:
        _print_form(name, form, format, single=single)


def _print_form(name: str, form: "Form", format: Format, *, single: bool) -> None:
    if format is Format.json:
        print_json({"image": name, **form.to_dict()})
        return
    width = max(len(field.name) for field in form.fields)
    print_lines([] if single else [f"{name}:"])
    print_lines(f"{field.name:{width}}  {field.text}".rstrip() for field in form.fields)
    unread = sum("?" in field.text for field in form.fields)
    if unread:
        fields = "1 field has" if unread == 1 else f"{unread} fields have"
        print_message(f"{'' if single else name + ': '}{fields} writing that could not be read, marked with ?")
