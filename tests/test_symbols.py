"""`read --symbols`: what stands between digits, in text, JSON, tables and drawings, where it is asked for."""

import csv
import io
import json

import numpy as np
import pytest
from conftest import assert_clear_failure
from PIL import Image, ImageDraw

import kerascnn
from kerascnn import Digit, Line, Number, Page, Symbol, UsageError
from kerascnn.datasets.synthetic import make_symbol_page, write_pages
from kerascnn.inference.predictor import Predictor
from kerascnn.reviewing import Correction, apply_corrections, match_corrections

LINES = ["12/05/2024", "-42 3.14"]
SEED = 5


@pytest.fixture(scope="module")
def model() -> Predictor:
    """The model that ships."""
    return kerascnn.load("reference")


@pytest.fixture(scope="module")
def made():
    """A small page with a date, a negative number and a decimal point."""
    return make_symbol_page("plain", SEED, lines=LINES)


@pytest.fixture(scope="module")
def page(made, model) -> Page:
    """What is read of it with all symbols."""
    return kerascnn.read(made.picture, model, symbols=".,-/:+")


@pytest.fixture
def picture(made, tmp_path):
    """The page as a file."""
    path = tmp_path / "page.png"
    Image.fromarray(made.picture).save(path)
    return path


def test_symbols_stand_in_the_numbers_each_with_its_box(made, page):
    assert page.text == "12/05/2024\n-42 3.14"
    assert page.marked_text == page.text
    for line, text, boxes in zip(page.lines, made.lines, made.boxes, strict=True):
        truth = [(one, box) for one, box in zip(text.replace(" ", ""), boxes, strict=True) if not one.isdigit()]
        assert [symbol.symbol for symbol in line.symbols] == [one for one, _ in truth]
        for symbol, (_, box) in zip(line.symbols, truth, strict=True):
            assert symbol.box == pytest.approx(box, abs=6)
    # The box of a number reaches round its sign.
    assert page.lines[1].numbers[0].box[0] == page.lines[1].symbols[0].box[0]


def test_what_is_not_asked_for_is_not_read(made, model):
    alone = kerascnn.read(made.picture, model)
    # As versions read this page that knew digits only: the slashes are ones, a minus and a point are nothing.
    assert alone.text == "1210512024\n42 314"
    assert "symbols" not in alone.to_dict()["lines"][0]
    slashes = kerascnn.read(made.picture, model, symbols="/")
    assert slashes.text == "12/05/2024\n42 314"
    assert slashes.to_dict()["lines"][1]["symbols"] == []


def test_the_digits_alone_of_a_page_are_read_as_before(model):
    # The same digits without the symbols between them: nothing is taken for one.
    plain = make_symbol_page("plain", SEED, lines=LINES, symbols="").picture
    with_symbols, alone = kerascnn.read(plain, model, symbols=".,-/:+"), kerascnn.read(plain, model)
    assert with_symbols.text == alone.text == "12052024\n42 314"


def test_a_line_without_digits_has_no_symbols(model):
    blank = np.full((300, 600), 255, np.uint8)
    assert kerascnn.read(blank, model, symbols="/").lines == ()


def test_the_command_prints_and_draws_them(cli, picture, tmp_path, page):
    result = cli("read", picture, "--symbols", ".,-/:+", "--format", "json", "--output", "found")
    assert result.returncode == 0, result.stderr
    lines = json.loads(result.stdout)["lines"]
    assert [line["text"] for line in lines] == ["12/05/2024", "-42 3.14"]
    assert lines[0]["symbols"][0]["symbol"] == "/"
    assert lines[0]["symbols"][0]["box"] == list(page.lines[0].symbols[0].box)
    assert (tmp_path / "found" / "page.png").is_file()
    with_symbols = np.asarray(Image.open(tmp_path / "found" / "page.png")).copy()
    assert cli("read", picture, "--output", "digits").returncode == 0
    # A frame is drawn round the point, where there is none without the option.
    assert (with_symbols != np.asarray(Image.open(tmp_path / "digits" / "page.png"))).any()


def test_a_table_has_numbers_as_they_are_written(cli, picture):
    result = cli("read", picture, "--symbols", "/.-", "--format", "csv")
    rows = list(csv.reader(io.StringIO(result.stdout.decode())))
    assert [cell for row in rows for cell in row if cell] == ["12/05/2024", "-42", "3.14"]


def test_the_country_of_an_iban_is_written_whatever_stands_between_its_digits(model):
    made = make_symbol_page("plain", 3, lines=["93-8601-1117947"])
    rule = kerascnn.make_rule(check="iban:NO")
    assert kerascnn.read(made.picture, model, symbols="-", rule=rule).text == "NO93 8601 1117 947"


def test_the_cells_of_a_ruled_table_have_symbols(model):
    made = make_symbol_page("plain", 8, lines=["12/05 3.14", "-42 7,50", "8:30 +61", "99 2-3"])
    picture = Image.fromarray(made.picture)
    draw, (width, height) = ImageDraw.Draw(picture), picture.size
    tops, bottoms = ([edge(boxes) for boxes in made.boxes] for edge in (find_top, find_bottom))
    between = [(bottom + top) // 2 for bottom, top in zip(bottoms, tops[1:], strict=False)]
    counts = [len(line.split()[0]) for line in made.lines]
    gaps = [(boxes[count - 1], boxes[count]) for boxes, count in zip(made.boxes, counts, strict=True)]
    middle = sum((before[0] + before[2] + behind[0]) // 2 for before, behind in gaps) // len(gaps)
    for y in (12, *between, height - 12):
        draw.line((12, y, width - 12, y), (60, 60, 60), 4)
    for x in (12, middle, width - 12):
        draw.line((x, 12, x, height - 12), (60, 60, 60), 4)
    table = kerascnn.read(picture, model, symbols=".,-/:+", table=True)
    texts = [[cell.number.text for cell in row] for row in table.table]
    assert texts == [["12/05", "3.14"], ["-42", "7,50"], ["8:30", "+61"], ["99", "2-3"]]
    assert "".join(symbol.symbol for line in table.lines for symbol in line.symbols) == "/.-,:+-"


def find_top(boxes) -> int:
    return min(box[1] for box in boxes)


def find_bottom(boxes) -> int:
    return max(box[1] + box[3] for box in boxes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--symbols", "/%"), ("'%'", ". , - / : +")),
        (("--symbols", "%", "--template", "form.json"), ("'%'", ". , - / : +")),
    ],
)
def test_what_is_no_symbol_is_wrong_usage(cli, picture, options, words):
    assert_clear_failure(cli("read", picture, *options), *words, code=2)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"digits": "2-8"}, "12/05/2024\n-42 3.14"),
        ({"digits": 8}, "12/05/2024"),
        ({"pattern": r"\d{2}/\d{2}/\d{4}"}, "12/05/2024"),
        ({"pattern": r"-?\d[.]?\d+"}, "-42 3.14"),
        ({"pattern": r"\d+"}, ""),
        ({"expected": ["12/05/2024", "01/01/2000", "-42", "3.14"]}, "12/05/2024\n-42 3.14"),
    ],
)
def test_what_is_known_of_numbers_holds_for_the_digits_between_symbols(made, model, known, text):
    page = kerascnn.read(made.picture, model, symbols=".,-/:+", rule=kerascnn.make_rule(**known))
    assert page.text == text
    assert bool(page.unread) == (len(text) < len(made.lines[0] + made.lines[1]))
    for line in page.lines:
        assert len(line.symbols) == 2
        assert all(number.confidence > 0.5 for number in line.numbers)


def test_corrections_keep_the_symbols_that_are_right():
    digits = tuple(Digit(value, 0.9, (10 + 20 * place, 10, 18, 30)) for place, value in ((0, 3), (2, 1), (3, 4)))
    line = Line("3.14", digits, (Number("3.14", 0.9, (10, 10, 80, 30)),), (Symbol(".", 0.8, (32, 34, 5, 5)),))

    def correct(text: str) -> Line:
        said = Correction("a.png", 1, (10, 10, 80, 30), "3.14", text, "sha256:0")
        page = Page((line,))
        return apply_corrections(page, match_corrections(page, [said])).lines[0]

    assert correct("3,15").symbols == (Symbol(",", 1.0, (32, 34, 5, 5)),)
    assert correct("3,15").text == "3,15"
    assert correct("315").symbols == ()


def test_pages_with_symbols_are_made_with_their_text(tmp_path):
    (path,) = write_pages(tmp_path / "pages", "lined", count=1, seed=4, symbols=True)
    row = next(csv.DictReader((tmp_path / "pages" / "labels.csv").open(encoding="utf-8")))
    assert path.name == row["file"] == "lined-4.png"
    assert any(not one.isdigit() for one in row["text"].replace("|", "").replace(" ", ""))
    for line, boxes in zip(row["text"].split("|"), json.loads(row["boxes"]), strict=True):
        assert len(line.replace(" ", "")) == len(boxes)
    again = make_symbol_page("lined", 4)
    assert "|".join(again.lines) == row["text"]
    # The same digits without the symbols.
    alone = make_symbol_page("lined", 4, symbols="")
    kept = ["".join(one for one in line if one.isdigit() or one == " ").split() for line in again.lines]
    assert [line.split() for line in alone.lines] == kept
    with pytest.raises(UsageError, match="cannot be written"):
        make_symbol_page(lines=["12 euro"])
