"""Forms: a template is drafted of a blank one, and filled-in ones are read field by field."""

import csv
import io
import json

import numpy as np
import pytest
from conftest import assert_clear_failure
from PIL import Image

from kerascnn.datasets.synthetic import make_form, make_symbol_page, write_forms
from kerascnn.forms.field_detection import find_fields
from kerascnn.forms.form_reading import FormReader
from kerascnn.forms.registration import BlankForm
from kerascnn.forms.template import Field, load_template, make_template
from kerascnn.utils.errors import DataError, ImageError

SEED = 7


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A blank form, two filled-in scans of it, and its template with the names of the fields."""
    path = tmp_path_factory.mktemp("forms")
    write_forms(path, 2, SEED, style="scan")
    fields = [
        {"name": row["field"], "box": [int(row[key]) for key in ("x", "y", "width", "height")]}
        for row in read_csv(path / "fields.csv")
        if row["file"] == f"form-{SEED}-blank.png"
    ]
    write_template(path / "form.json", fields)
    return path


@pytest.fixture(scope="module")
def reader(directory):
    return FormReader(directory / "form.json", "reference")


def read_csv(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write_template(path, fields, **changes):
    document = {"format": 1, "picture": f"form-{SEED}-blank.png", "fields": fields, **changes}
    path.write_text(json.dumps(document))


def scan(directory, number=1):
    return np.asarray(Image.open(directory / f"form-{SEED}-{number}.png"))


def test_forms_are_read_into_a_table_with_a_column_a_field(cli, directory):
    pictures = [str(directory / f"form-{SEED}-{number}.png") for number in (1, 2)]
    result = cli("read", *pictures, "--template", str(directory / "form.json"), "--format", "csv")
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout.decode())))
    assert [row["file"] for row in rows] == pictures
    truth = read_csv(directory / "forms.csv")
    cells = [(row[name], true[name]) for row, true in zip(rows, truth, strict=True) for name in true if name != "file"]
    written = [read == true for read, true in cells if true]
    assert sum(written) >= 0.8 * len(written)
    # What is empty or struck out is no number.
    assert all(not read.isdigit() for read, true in cells if not true)


def test_the_fields_of_a_blank_form_are_found():
    for seed in (0, SEED):
        blank = make_form(seed, 0)
        found = np.array([field.box for field in find_fields(blank.picture, "blank")])
        true = np.array([field.box for field in blank.fields.values()])
        middles = true[:, :2] + true[:, 2:] / 2
        inside = (middles[:, None] > found[:, :2]) & (middles[:, None] < found[:, :2] + found[:, 2:])
        assert inside.all(axis=2).any(axis=1).all()


def test_a_row_of_boxes_is_one_field():
    picture = np.full((400, 900), 240, np.uint8)
    for column in range(8):
        picture[100:102, 100 : 100 + 60 * 8] = picture[158:160, 100 : 100 + 60 * 8] = 30
        picture[100:160, 100 + 60 * column : 102 + 60 * column] = picture[100:160, 578:580] = 30
    (field,) = find_fields(picture, "boxes")
    assert field.cells == 8
    assert np.abs(np.subtract(field.box, (100, 100, 480, 60))).max() <= 3


def test_a_template_is_drafted_once(cli, directory, tmp_path):
    blank = str(directory / f"form-{SEED}-blank.png")
    result = cli("template", blank)
    assert result.stdout.decode().split() == ["form.json", "form-fields.png"]
    assert len(json.loads((tmp_path / "form.json").read_text())["fields"]) >= 10
    assert FormReader(tmp_path / "form.json", "reference").template.fields
    assert_clear_failure(cli("template", blank), "form.json", "already")


def test_a_form_is_read_the_same_when_it_lies_on_its_head_and_smaller(directory, reader):
    array = scan(directory)
    first = {field.name: field.text for field in reader.read(array).fields}
    turned = Image.fromarray(array).rotate(180, expand=True)
    smaller = turned.resize((turned.width * 4 // 5, turned.height * 4 // 5), Image.Resampling.LANCZOS)
    again = {field.name: field.text for field in reader.read(smaller).fields}
    assert sum(again[name] == text for name, text in first.items()) >= len(first) - 2


def test_boxes_are_those_of_the_picture_as_it_is_given(directory, reader):
    array = scan(directory)
    true = {row["field"]: row for row in read_csv(directory / "fields.csv") if row["file"] == f"form-{SEED}-1.png"}
    found = [field for field in reader.read(array).fields if field.number is not None]
    assert found
    for field in found:
        left, top, width, height = field.number.box
        row = true[field.name]
        assert int(row["x"]) - 20 < left + width / 2 < int(row["x"]) + int(row["width"]) + 20
        assert int(row["y"]) - 20 < top + height / 2 < int(row["y"]) + int(row["height"]) + 20


def test_what_is_known_of_a_field_makes_it_right(directory, tmp_path):
    truth = read_csv(directory / "forms.csv")[0]
    name = next(name for name, text in truth.items() if name != "file" and len(text) >= 5)
    fields = json.loads((directory / "form.json").read_text())["fields"]
    (directory / "numbers.txt").write_text(f"{truth[name]}\n31415926\n")
    chosen = [{**field, "expect": "numbers.txt"} for field in fields if field["name"] == name]
    write_template(directory / "known.json", chosen)
    (field,) = FormReader(directory / "known.json", "reference").read(scan(directory)).fields
    assert field.text == truth[name]


def test_what_stands_between_the_digits_of_a_field_is_read_where_it_is_asked_for(directory):
    form = Image.open(directory / f"form-{SEED}-blank.png").convert("L")
    template = json.loads((directory / "form.json").read_text())
    left, top, width, height = max(
        (field["box"] for field in template["fields"]), key=lambda box: min(box[2] / 7, box[3])
    )
    date = Image.fromarray(make_symbol_page("plain", 5, lines=["12/05/2024"]).picture).convert("L")
    date.thumbnail((int(0.96 * width), int(0.96 * height)))
    corner = left + (width - date.width) // 2, top + (height - date.height) // 2
    form.paste(date, corner)
    texts = {}
    for symbols in (None, "/"):
        reader = FormReader(directory / "form.json", "reference", symbols=symbols)
        texts[symbols] = [field.text for field in reader.read(form).fields if field.number is not None]
    assert texts["/"] == ["12/05/2024"]
    assert texts[None] != texts["/"]


def test_a_picture_of_something_else_is_told(cli, directory):
    other = make_form(3, 0).picture
    path = directory / "other.png"
    Image.fromarray(other).save(path)
    good = str(directory / f"form-{SEED}-1.png")
    result = cli("read", str(path), good, "--template", str(directory / "form.json"), "--format", "json")
    message = result.stderr.decode()
    assert result.returncode == 1
    assert "other.png does not look like the blank form" in message
    assert "1 of 2 pictures" in message
    assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == [good]


@pytest.mark.parametrize("shape", [(1, 1), (1, 100_000), (3, 40, 3), (600, 600)])
def test_a_picture_without_anything_is_no_form(reader, shape):
    with pytest.raises(ImageError, match="does not look like"):
        reader.read(np.full(shape, 255, np.uint8))
    with pytest.raises(ImageError, match="too little is printed"):
        BlankForm.from_picture(np.full(shape, 255, np.uint8), "blank.png")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([{"name": "a", "box": [1, 1, 9, 9]}, {"name": "a", "box": [1, 1, 9, 9]}], "called 'a'"),
        ([{"name": "a", "box": [1, 1, 9]}], "box"),
        ([{"name": "a", "box": [1, 1, 9, 9], "digit": "4"}], "digit"),
        ([{"name": "a", "box": [1, 1, 9, 9], "digits": "four"}], "'a'.*'four'"),
        ([{"name": "a", "box": [1, 1, 9, 9], "expect": "missing.txt"}], "'a'.*missing.txt"),
        ([], "fields"),
    ],
)
def test_a_template_that_is_none_is_told(tmp_path, fields, words):
    write_template(tmp_path / "form.json", fields)
    with pytest.raises(DataError, match=words):
        FormReader(tmp_path / "form.json")


def test_the_last_field_can_be_taken_away_by_its_line(directory):
    draft = make_template(
        f"form-{SEED}-blank.png", tuple(Field(name, (9, 9, 90, 40), digits="4") for name in ("a", "b"))
    )
    lines = draft.to_json().decode().splitlines(keepends=True)
    (directory / "shorter.json").write_text("".join(line for line in lines if '"b"' not in line))
    (field,) = load_template(directory / "shorter.json").fields
    assert (field.name, field.box, field.digits) == ("a", (9, 9, 90, 40), "4")


def test_a_field_outside_the_blank_form_is_told(directory):
    write_template(directory / "outside.json", [{"name": "a", "box": [5000, 1, 9, 9]}])
    with pytest.raises(ImageError, match="outside the picture"):
        FormReader(directory / "outside.json")


def test_options_that_a_template_has_for_each_field_are_refused(cli, directory):
    arguments = ("read", str(directory / f"form-{SEED}-1.png"), "--template", str(directory / "form.json"))
    assert_clear_failure(cli(*arguments, "--digits", "4"), "--digits", "template", code=2)
    assert_clear_failure(cli(*arguments, "--mark-unread"), "--mark-unread", code=2)
