"""Made tables and forms: repeatable, with what stands in each cell and field, as pictures, PDF and CSV."""

import csv
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from conftest import assert_clear_failure
from PIL import Image

from kerascnn.datasets.synthetic import DOCUMENT_STYLES, make_form, make_table, write_forms, write_tables
from kerascnn.utils.errors import UsageError


def measure_ink(picture: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """Measure the share of dark pixels in the inside of a cell or field, away from its lines."""
    x, y, width, height = box
    inside = picture[y + height // 5 : y + height - height // 5, x + 6 : x + width - 6].min(axis=2).astype(float)
    return float((inside < np.median(inside) - 35).mean())


@pytest.fixture(scope="module")
def stack():
    """The blank form and the first two of its stack."""
    return [make_form(5, number, style="scan" if number else None) for number in range(3)]


def test_numbers_stand_in_the_cells_that_are_written_in():
    table = make_table(8, style="scan", num_rows=8, num_columns=4)
    assert {len(row) for row in table.cells} == {len(table.cells[0])}
    by_state = {}
    for cell in (cell for row in table.cells[table.has_heading :] for cell in row):
        by_state.setdefault(cell.state, []).append(measure_ink(table.picture, cell.box))
    assert len(by_state["written"]) > 15
    assert max(by_state["empty"]) < 0.01 < min(by_state["written"])


@pytest.mark.parametrize("style", list(DOCUMENT_STYLES))
def test_a_table_is_taken_in_every_style(style):
    table = make_table(1, style=style, num_rows=2, num_columns=2)
    height, width, _ = table.picture.shape
    boxes = [cell.box for row in table.cells for cell in row]
    assert all(x >= 0 and y >= 0 and x + across <= width and y + down <= height for x, y, across, down in boxes)
    assert all(cell.text.isdigit() for row in table.cells for cell in row if cell.state == "written")


def test_the_same_seed_gives_the_same_table():
    first, again, other = (make_table(seed, num_rows=3, num_columns=2) for seed in (4, 4, 8))
    assert np.array_equal(first.picture, again.picture)
    assert first.cells == again.cells
    assert first.rows != other.rows
    assert make_table(4, part="train", num_rows=3, num_columns=2).rows != first.rows


def test_what_is_struck_out_is_not_what_a_cell_says():
    tables = [make_table(seed, style="scan", num_rows=12, num_columns=6) for seed in (1, 2)]
    cells = [cell for table in tables for row in table.cells for cell in row]
    struck = [cell for cell in cells if cell.state == "struck out"]
    assert struck
    assert all(cell.written and not cell.text for cell in struck)
    assert all(cell.text == cell.written for cell in cells if cell.state != "struck out")


def test_the_forms_of_a_stack_have_the_same_fields(stack):
    blank, first, second = stack
    assert list(blank.fields) == list(first.fields) == list(second.fields)
    assert set(blank.values.values()) == {""}
    assert first.values != second.values
    assert [form.number for form in stack] == [0, 1, 2]
    assert list(make_form(6, 0).fields) != list(blank.fields)


def test_the_fields_of_a_form_are_where_their_boxes_are(stack):
    blank, *filled = stack
    for form in filled:
        for name, entry in form.fields.items():
            # A field has its printed lines, and more dark pixels where somebody wrote in it.
            more = measure_ink(form.picture, entry.box) - measure_ink(blank.picture, blank.fields[name].box)
            assert more > 0.015 if entry.written else more < 0.015, name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_table(style="crayon"), "scan, copy, photo, shadow"),
        (lambda: make_table(part="all"), "test, train, validation"),
        (lambda: make_table(num_rows=0), "1 to 26"),
        (lambda: make_form(number=-1), "counted from 1"),
        (lambda: write_forms("forms", 0), "at least 1"),
    ],
)
def test_documents_that_cannot_be_made(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def assert_pages_show(document: Path, pictures: list[Path]) -> None:
    """The pages of a PDF show the pictures, on paper of 13 to 40 cm."""
    with pypdfium2.PdfDocument(document) as pages:
        assert len(pages) == len(pictures)
        for page, path in zip(pages, pictures, strict=True):
            assert all(130 < points / 72 * 25.4 < 400 for points in page.get_size())
            with Image.open(path) as picture:
                shown = page.render(scale=picture.width / page.get_width()).to_pil().convert("RGB").resize(picture.size)
                assert np.abs(np.asarray(shown, float) - np.asarray(picture, float)).mean() < 8


def test_written_tables_carry_their_rows(tmp_path):
    paths = write_tables(tmp_path / "first", 2, seed=0)
    assert [path.name for path in paths] == ["table-0.png", "table-1.png", "tables.pdf"]
    table = make_table(0)
    assert (table.style, make_form(0, 2).style) == ("scan", "copy")
    assert read_rows(tmp_path / "first" / "table-0.csv") == [list(row) for row in table.rows]
    header, *cells = read_rows(tmp_path / "first" / "cells.csv")
    assert header == ["file", "row", "column", "text", "written", "state", "x", "y", "width", "height"]
    own = [cell for cell in cells if cell[0] == "table-0.png"]
    assert [tuple(map(int, cell[6:])) for cell in own] == [cell.box for row in table.cells for cell in row]
    assert_pages_show(paths[-1], paths[:-1])
    again = write_tables(tmp_path / "again", 2, seed=0)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_the_command_writes_a_stack_of_forms(cli, tmp_path):
    done = cli("synthesize", "forms", "--form", "--count", "2", "--seed", "5", "--style", "scan")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        str(Path("forms", name)) for name in ("form-5-blank.png", "form-5-1.png", "form-5-2.png", "forms.pdf")
    ]
    header, *rows = read_rows(tmp_path / "forms" / "forms.csv")
    form = make_form(5, 1, style="scan")
    assert header == ["file", *form.values]
    assert rows[0] == ["form-5-1.png", *form.values.values()]
    fields = read_rows(tmp_path / "forms" / "fields.csv")
    assert len(fields) == 1 + 3 * len(form.fields)
    assert_pages_show(tmp_path / "forms" / "forms.pdf", [tmp_path / "forms" / row[0] for row in rows])


def test_a_table_is_no_form(cli, tmp_path):
    refused = cli("synthesize", "made", "--form", "--table")
    assert_clear_failure(refused, "--table and --form", code=2)
    assert not (tmp_path / "made").exists()
