"""What is read becomes a table: columns by alignment, CSV and workbooks, files that are not replaced."""

import csv
import io
import json
import os
import sys

import numpy as np
import openpyxl
import pytest
from conftest import assert_clear_failure
from PIL import Image

from kerascnn.inference.page_text import Line, Number, Page
from kerascnn.tables import align_page


def make_page(rows: list[list[tuple[str, int]]], slope: float = 0.0, rotation: int = 0) -> Page:
    """A page of numbers at given left edges, with digits 10 wide and 20 high, in rows 40 apart that rise."""
    lines = []
    for place, row in enumerate(rows):
        numbers = []
        for text, left in row:
            x, y = left - slope * 40 * place, 40 * place + slope * left
            box = (round(x), round(y), 10 * len(text), 20)
            if rotation == 90:  # the picture lay on its side
                box = (box[1], 1000 - box[0] - box[2], box[3], box[2])
            numbers.append(Number(text, 1.0, box))
        lines.append(Line(" ".join(text for text, _ in row), (), tuple(numbers)))
    return Page(tuple(lines), rotation=rotation)


@pytest.mark.parametrize("slope", [-0.08, 0.0, 0.08])
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_number_keeps_its_column_where_cells_are_empty(slope, rotation):
    rows = [
        [("12", 100), ("007", 200), ("5", 300)],
        [("345", 200)],
        [("99", 100), ("8", 300)],
        *[[("11", 100), ("222", 200), ("3", 300)]] * 6,
    ]
    texts = align_page(make_page(rows, slope, rotation)).texts
    assert texts[:3] == (("12", "007", "5"), ("", "345", ""), ("99", "", "8"))


def test_numbers_of_different_lengths_stand_in_one_column_by_either_edge():
    right = [[("7", 190), ("1", 300)], [("12345", 150), ("22", 300)], [("123", 170)], [("4444", 300)]]
    assert align_page(make_page(right)).texts == (("7", "1"), ("12345", "22"), ("123", ""), ("", "4444"))


def test_a_page_without_numbers_is_a_table_without_rows():
    assert align_page(Page(())).texts == ()


@pytest.fixture
def card(tmp_path, digit_image):
    """Write a picture of two columns of numbers, the second of which has an empty cell."""

    def write(name: str, rows: list[list[str]]) -> None:
        picture = np.full((90 * len(rows) + 60, 420), 235, np.uint8)
        for y, row in enumerate(rows):
            for x, text in enumerate(row):
                for place, digit in enumerate(text):
                    left, top = 40 + 200 * x + 34 * place, 40 + 90 * y
                    picture[top : top + 28, left : left + 28] -= (digit_image(int(digit)) * 0.8).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / name)

    return write


def test_one_page_is_printed_as_its_rows_and_several_with_file_and_page(cli, card):
    card("a.png", [["012", "34"], ["", "56"], ["07", ""]])
    card("b.png", [["1"]])
    assert cli("read", "a.png", "--format", "csv").stdout.decode() == "012,34\n,56\n07,\n"
    both = cli("read", "a.png", "b.png", "--format", "csv").stdout.decode()
    assert both == "file,page,1,2\na.png,1,012,34\na.png,1,,56\na.png,1,07,\nb.png,1,1,\n"


def test_a_file_has_all_pages_and_replaces_only_what_is_unchanged(cli, card, tmp_path):
    card("a.png", [["012", "34"]])
    result = cli("read", "a.png", "-o", "table.csv")
    assert result.returncode == 0
    assert not result.stdout
    rows = list(csv.reader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert rows == [["file", "page", "1", "2"], ["a.png", "1", "012", "34"]]
    assert cli("read", "a.png", "-o", "table.csv").returncode == 0
    (tmp_path / "table.csv").write_text("mine")
    assert_clear_failure(cli("read", "a.png", "-o", "table.csv"), "table.csv exists already")
    assert (tmp_path / "table.csv").read_text() == "mine"


def test_nothing_is_written_where_nothing_was_read(cli, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert cli("read", "broken.png", "-o", "table.csv").returncode == 1
    assert not (tmp_path / "table.csv").exists()


def test_a_workbook_has_text_and_pictures_of_doubtful_values(cli, card, tmp_path):
    card("=a.png", [["012", "34"]])
    doubtful = Image.open(tmp_path / "=a.png")
    doubtful.paste(235, (40 + 14, 30, 40 + 24, 80))  # half of the zero is gone
    doubtful.save(tmp_path / "=a.png")
    assert cli("read", "=a.png", "-o", "table.xlsx", "--digits", "2-3").returncode == 0
    sheet = openpyxl.load_workbook(tmp_path / "table.xlsx").active
    values = {cell.value for cell in sheet[2]}
    assert {"=a.png", "1", "34"} <= values
    assert {cell.data_type for cell in sheet[2] if cell.value} == {"s"}
    (picture,) = sheet._images
    assert sheet.cell(picture.anchor._from.row + 1, picture.anchor._from.col).value not in (None, "34")


def test_a_workbook_without_its_library_is_one_sentence(cli, card, tmp_path):
    card("a.png", [["1"]])
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text("import sys; sys.modules['openpyxl'] = None\n")
    path = os.pathsep.join([str(tmp_path / "hidden"), *filter(None, sys.path)])
    result = cli("read", "a.png", "-o", "table.xlsx", PYTHONPATH=path)
    assert_clear_failure(result, "pip install 'kerascnn[tables]'")
    assert not (tmp_path / "table.xlsx").exists()


@pytest.fixture(scope="module")
def form(tmp_path_factory, mnist):
    """A ruled table under a heading, askew: a column of numbers, four boxes of one number; one cell is struck out."""
    canvas = np.full((420, 640), 235, np.uint8)
    x, y = [60, 260, 335, 410, 485, 560], [60, 130, 200, 270, 340]
    for left in x:
        canvas[130 if left in x[2:-1] else 60 : 341, left : left + 3] = 40
    for top in y:
        canvas[top : top + 3, 60:563] = 40

    def write(text: str, left: int, top: int, step: int) -> None:
        for place, digit in enumerate(text):
            image = mnist.test_images[np.flatnonzero(mnist.test_labels == int(digit))[3]]
            at = np.s_[top : top + 28, left + step * place : left + step * place + 28]
            canvas[at] -= (image * 0.8).astype(np.uint8)

    write("042", 110, 152, 32)
    write("57", 110, 222, 32)
    write("31", 110, 292, 32)
    write("2468", 285, 152, 75)
    write("1357", 285, 292, 75)
    canvas[234:238, 100:190] = 40
    path = tmp_path_factory.mktemp("form") / "form.png"
    Image.fromarray(canvas).rotate(2, Image.Resampling.BICUBIC, fillcolor=235).save(path)
    return path


def test_cells_of_a_ruled_table_are_read_each_for_itself(cli, form):
    result = cli("read", form, "--table", "--format", "csv")
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.decode() == ",\n042,2468\nstruck out,\n31,1357\n"


def test_the_table_is_in_json_with_the_boxes_of_its_cells(cli, form):
    page = json.loads(cli("read", form, "--table", "--digits", "3-4", "--format", "json").stdout)
    assert [[cell["text"] for cell in row] for row in page["table"]] == [
        [None, None],
        ["042", "2468"],
        [None, None],
        ["??", "1357"],
    ]
    assert [cell["struck_out"] for cell in page["table"][2]] == [True, False]
    left, top, width, height = page["table"][1][0]["box"]
    assert left < 115 < 200 < left + width
    assert top < 155 < 180 < top + height


def test_a_page_without_a_ruled_table_is_one_sentence(cli, card):
    card("a.png", [["012", "34"]])
    assert_clear_failure(cli("read", "a.png", "--table"), "no ruled table")
