"""What is read becomes a table: columns by alignment, CSV and workbooks, files that are not replaced."""

import csv
import io
import json
import os
import sys

import cv2
import numpy as np
import openpyxl
import pytest
from conftest import assert_clear_failure
from PIL import Image

import kerascnn
from kerascnn.inference.page_text import Line, Number, Page
from kerascnn.tables import align_page
from kerascnn.tables.table import take_ruled_table


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
    assert_clear_failure(cli("read", "a.png", "-o", "a.png"), "a.png is a file; give a directory, or a table that ends")
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


def test_a_table_as_text_shows_what_is_empty_and_what_could_not_be_read(cli, form):
    result = cli("read", form, "--table", "--digits", "3-4")
    assert result.stdout.decode().splitlines() == ["", "042         2468", "struck out", "??          1357"]
    assert b"--mark-unread" not in result.stderr
    result = cli("read", form, "--table", "--digits", "3-4", "--format", "csv")
    assert result.stdout.decode() == ",\n042,2468\nstruck out,\n??,1357\n"


def test_a_struck_out_number_is_none_where_it_is_expected(cli, form, tmp_path):
    (tmp_path / "numbers.txt").write_text("042\n57\n31\n2468\n1357\n99\n")
    result = cli("read", form, "--table", "--format", "csv", "--expect", "numbers.txt")
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


@pytest.fixture(scope="module")
def reader(mnist):
    """Draw a table of `xs` and `ys` with numbers at their places, and read it: what its cells say."""
    model = kerascnn.load("reference")

    def draw(picture: np.ndarray, texts: dict[tuple[int, int], str], step: int = 26) -> np.ndarray:
        for (left, top), text in texts.items():
            for place, digit in enumerate(text):
                image = mnist.test_images[np.flatnonzero(mnist.test_labels == int(digit))[3]]
                at = np.s_[top : top + 28, left + step * place : left + step * place + 28]
                picture[at] = np.minimum(picture[at], 235 - (image * 0.8).astype(np.uint8))
        return picture

    def read(picture: np.ndarray, texts: dict[tuple[int, int], str], step: int = 26) -> list[list[str]]:
        table = take_ruled_table(kerascnn.read(draw(picture, texts, step), model, table=True))
        return [list(row) for row in table.texts]

    return read


def rule_table(xs: list[int], ys: list[int], ink: int = 40) -> np.ndarray:
    picture = np.full((460, 640), 235, np.uint8)
    for x in xs:
        picture[ys[0] : ys[-1] + 3, x : x + 3] = ink
    for y in ys:
        picture[y : y + 3, xs[0] : xs[-1] + 3] = ink
    return picture


XS, YS = [60, 200, 340, 480], [60, 130, 200, 270, 340]
TEXTS = {(90, 80): "04", (230, 80): "71", (370, 150): "5", (90, 290): "23", (370, 290): "60"}
CELLS = [["04", "71", ""], ["", "", "5"], ["", "", ""], ["23", "", "60"]]


def test_a_table_may_be_open_at_some_or_all_sides_or_at_a_corner(reader):
    sides, ends, corner = (rule_table(XS, YS) for _ in range(3))
    for x in (XS[0], XS[-1]):
        sides[YS[0] + 3 : YS[-1], x : x + 3] = 235
        for y in YS:
            sides[y : y + 3, x : x + 3] = 40
    ends[YS[0] : YS[0] + 3] = ends[YS[-1] : YS[-1] + 3] = 235
    for x in XS:
        ends[YS[0] : YS[-1] + 3, x : x + 3] = 40
    corner[40:80, 40:90] = 235
    nowhere = np.full_like(sides, 235)
    for x in XS[1:-1]:
        nowhere[YS[0] : YS[-1] + 3, x : x + 3] = 40
    for y in YS[1:-1]:
        nowhere[y : y + 3, XS[0] : XS[-1] + 3] = 40
    for picture in (sides, ends, corner, nowhere):
        assert reader(picture, TEXTS) == CELLS


def test_lines_much_fainter_than_the_frame_and_dashed_divide_cells(reader):
    picture = np.full((460, 640), 235, np.uint8)
    for x in XS:
        picture[YS[0] : YS[-1], x : x + 3][np.arange(YS[-1] - YS[0]) % 12 < 8] = 222
    for y in YS:
        picture[y : y + 3, XS[0] : XS[-1]][:, np.arange(XS[-1] - XS[0]) % 12 < 8] = 222
    for x in (XS[0], XS[-1]):
        picture[YS[0] : YS[-1] + 3, x : x + 3] = 40
    for y in (YS[0], YS[-1]):
        picture[y : y + 3, XS[0] : XS[-1] + 3] = 40
    assert reader(picture, TEXTS) == CELLS


def test_a_row_of_boxes_is_one_number(reader):
    picture = rule_table(list(range(60, 361, 50)), [200, 250])
    assert reader(picture, {(72, 212): "104713"}, step=50) == [["104713"]]


def test_boxes_below_one_printed_heading_are_one_number(reader):
    picture = rule_table([60, 110, 160, 210, 260, 400], [60, 95, 165, 235, 305])
    picture[63:95, 105:215] = 235
    for x in range(66, 240, 9):  # letters, also where the divisions of the boxes would be
        picture[72:86, x : x + 4] = 60
    texts = {(72, 116): "1047", (72, 256): "7013"}
    rows = reader(picture, texts, step=50)
    assert [row[0] for row in rows[1:]] == ["1047", "", "7013"]
    assert {len(row) for row in rows} == {2}


def test_a_scan_with_a_dark_lid_around_the_sheet_is_read(reader):
    picture = rule_table(XS, YS)
    picture[:12], picture[:, :9], picture[:, -14:] = 15, 15, 15
    assert reader(picture, TEXTS) == CELLS


def test_what_is_written_close_below_a_thick_line_is_whole(reader):
    picture = rule_table(XS, YS)
    picture[130:135, XS[0] : XS[-1]] = 40
    assert reader(picture, {(90, 132): "36", (230, 133): "85"}) == [[""] * 3, ["36", "85", ""], [""] * 3, [""] * 3]


def test_a_broad_line_is_one_line(reader):
    picture = rule_table(XS, YS)
    picture[130:138, XS[0] : XS[-1]] = 40
    assert reader(picture, TEXTS) == CELLS


def test_boxes_stay_together_where_a_row_of_them_is_struck_out(reader):
    xs = [60, 110, 160, 210, 260, 420]
    picture = rule_table(xs, YS[:4])
    for y in (161, 168):
        picture[y : y + 3, 66:256] = 40
    rows = reader(picture, {(72, 80): "1047", (72, 150): "2361", (72, 220): "7013"}, step=50)
    assert rows == [["1047", ""], ["struck out", ""], ["7013", ""]]


def test_the_edge_of_the_sheet_is_no_table(reader):
    picture = rule_table(XS, YS)
    for place in (6, 450):
        picture[place : place + 2, 6:632] = 150
    for place in (6, 630):
        picture[6:452, place : place + 2] = 150
    picture[:, 520:600:9] = 228  # streaks of a copier
    assert reader(picture, TEXTS) == CELLS


def test_a_stamp_below_a_table_is_none(reader):
    picture = rule_table(XS, YS)
    stamp = np.full((60, 140), 235, np.uint8)
    stamp[:3] = stamp[-3:] = stamp[:, :3] = stamp[:, -3:] = 90
    stamp[16:44, 10:130] = 90
    stamp[16:44, 10:130:8] = 235
    picture[360:450, 400:600] = np.asarray(
        Image.fromarray(np.pad(stamp, ((15, 15), (30, 30)), constant_values=235)).rotate(9, fillcolor=235)
    )
    assert reader(picture, TEXTS) == CELLS


def test_a_page_without_a_ruled_table_is_one_sentence(cli, card):
    card("a.png", [["012", "34"]])
    assert_clear_failure(cli("read", "a.png", "--table"), "no ruled table")


def test_a_heading_of_bold_letters_that_touch_is_not_struck_out(reader):
    picture = rule_table([60, 260, 460], [40, 110, 180, 250])
    for left in (80, 280):
        cv2.putText(picture, "Reading", (left, 88), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 40, 7)
    heading, *rows = reader(picture, {(110, 130): "42", (110, 200): "31", (300, 130): "68", (300, 200): "57"})
    assert rows == [["42", "68"], ["31", "57"]]
    assert set("".join(heading)) == {"?"}
