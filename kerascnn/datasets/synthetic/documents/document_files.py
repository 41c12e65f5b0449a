"""Write made tables and forms to a directory: pictures, a PDF of them, and what stands in them as CSV."""

import csv
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from kerascnn.datasets.synthetic.documents.entries import Entry
from kerascnn.datasets.synthetic.documents.forms import make_form
from kerascnn.datasets.synthetic.documents.scanning import find_document_style
from kerascnn.datasets.synthetic.documents.tables import make_table
from kerascnn.datasets.synthetic.mnist_digits import require_part
from kerascnn.utils.errors import UsageError
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.png import encode_png

_PDF_QUALITY = 90  # of the JPEG compression of its pictures
_EPOCH = time.gmtime(0)  # so that the same seed gives the same file
_BOX = ("x", "y", "width", "height")


def write_tables(
    directory: str | Path, count: int = 1, seed: int = 0, *, part: str = "test", style: str | None = None
) -> list[Path]:
    """Write made tables and what stands in them.

    Args:
        directory: Directory to write to; it is made if it is missing.
        count: Number of tables, at least 1; 1 by default.
        seed: Random seed of the first table; the following tables count up.
        part: Part of MNIST whose digits are written: `"test"`, `"train"` or `"validation"`.
        style: How they are taken, a name in `DOCUMENT_STYLES`; tables take turns by default.

    Returns:
        Paths of the pictures `table-SEED.png` and of `tables.pdf`, which has all of them. Beside each picture,
        `table-SEED.csv` has its rows as they stand, with the printed heading first if there is one; an empty or
        struck-out cell is empty. `cells.csv` has a row for each cell: `file`, `row`, `column` (from 1), `text`,
        `written` (also where it is struck out), `state` (`printed`, `written`, `empty` or `struck out`) and its box
        in pixels.

    Raises:
        UsageError: If the style or the part is unknown, or the count is not positive.
        OutputError: If a file cannot be written, or would replace one that is not of an earlier run.

    Example:
        >>> write_tables("tables", count=1)
        [PosixPath('tables/table-0.png'), PosixPath('tables/tables.pdf')]
    """
    _require_possible(count, part, style)
    names = [f"table-{number}" for number in range(seed, seed + count)]
    document = io.BytesIO()
    cells: list[list[object]] = [["file", "row", "column", "text", "written", "state", *_BOX]]
    files = [f"{name}{suffix}" for name in names for suffix in (".png", ".csv")]
    paths: list[Path] = []
    with OutputDirectory(Path(directory), "synthetic tables", [*files, "tables.pdf", "cells.csv"]) as output:
        for number, name in enumerate(names, start=seed):
            table = make_table(number, part=part, style=style)
            picture = Image.fromarray(table.picture)
            _append_page(document, picture, table.resolution)
            paths.append(output.write(f"{name}.png", encode_png(picture)))
            output.write(f"{name}.csv", _write_csv(table.rows))
            for row, entries in enumerate(table.cells, start=1):
                for column, entry in enumerate(entries, start=1):
                    cells.append([f"{name}.png", row, column, *_describe(entry)])
        output.write("cells.csv", _write_csv(cells))
        paths.append(output.write("tables.pdf", document.getvalue()))
    return paths


def write_forms(
    directory: str | Path, count: int = 1, seed: int = 0, *, part: str = "test", style: str | None = None
) -> list[Path]:
    """Write a stack of one form, filled in by as many hands, and what stands in the forms.

    Args:
        directory: Directory to write to; it is made if it is missing.
        count: Number of forms, at least 1; 1 by default.
        seed: Random seed of the form and of all that is written.
        part: Part of MNIST whose digits are written: `"test"`, `"train"` or `"validation"`.
        style: How they are taken, a name in `DOCUMENT_STYLES`; forms take turns by default.

    Returns:
        Paths of the blank form `form-SEED-blank.png`, of the pictures `form-SEED-1.png` and so on, and of `forms.pdf`,
        which has these. `forms.csv` has a row for each form and a column for each field; an empty or struck-out field
        is empty. `fields.csv` has a row for each field of each form, the blank one included: `file`, `field`, `text`,
        `written` (also where it is struck out), `state` (`written`, `empty` or `struck out`) and its box in pixels.

    Raises:
        UsageError: If the style or the part is unknown, or the count is not positive.
        OutputError: If a file cannot be written, or would replace one that is not of an earlier run.

    Example:
        >>> write_forms("forms", count=1)
        [PosixPath('forms/form-0-blank.png'), PosixPath('forms/form-0-1.png'), PosixPath('forms/forms.pdf')]
    """
    _require_possible(count, part, style)
    files = [f"form-{seed}-{number or 'blank'}.png" for number in range(count + 1)]
    document = io.BytesIO()
    values: list[list[str]] = []
    fields: list[list[object]] = [["file", "field", "text", "written", "state", *_BOX]]
    paths: list[Path] = []
    lists = ["forms.pdf", "forms.csv", "fields.csv"]
    with OutputDirectory(Path(directory), "synthetic forms", [*files, *lists]) as output:
        for number, file in enumerate(files):
            form = make_form(seed, number, part=part, style=style)
            picture = Image.fromarray(form.picture)
            if number:
                _append_page(document, picture, form.resolution)
            paths.append(output.write(file, encode_png(picture)))
            values.append([file, *form.values.values()] if number else ["file", *form.values])
            fields += [[file, name, *_describe(entry)] for name, entry in form.fields.items()]
        output.write("forms.csv", _write_csv(values))
        output.write("fields.csv", _write_csv(fields))
        paths.append(output.write("forms.pdf", document.getvalue()))
    return paths


def _require_possible(count: int, part: str, style: str | None) -> None:
    if count < 1:
        raise UsageError(f"{count} documents cannot be made; expected a count of at least 1.")
    require_part(part)
    find_document_style(style, 0)


def _describe(entry: Entry) -> tuple[object, ...]:
    return entry.text, entry.written, entry.state, *entry.box


def _write_csv(rows: Iterable[Sequence[object]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _append_page(document: io.BytesIO, picture: Image.Image, resolution: float) -> None:
    """Append a picture to a PDF as a page of the size of the paper."""
    picture.save(
        document,
        "PDF",
        resolution=resolution,
        quality=_PDF_QUALITY,
        append=bool(document.tell()),
        creationDate=_EPOCH,
        modDate=_EPOCH,
    )
