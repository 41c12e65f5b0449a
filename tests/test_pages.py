"""`kerascnn.read`: from a picture of a page to its lines, through the public interface."""

import json
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import kerascnn
from kerascnn.datasets.synthetic import STYLES, make_page
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.images.line_ordering import format_line, order_lines
from kerascnn.inference.drawing import Drawings
from kerascnn.inference.page_reader import read_files
from kerascnn.utils.errors import ImageError, ModelError, OutputError


@pytest.fixture(scope="module")
def model():
    return kerascnn.load("reference")


@pytest.fixture(scope="module")
def page():
    return make_page("plain", seed=11, num_lines=3, digits_per_line=7, digit_height=70)


def texts(result: kerascnn.inference.page_reader.Page) -> list[str]:
    return [line.text.replace(" ", "") for line in result.lines]


def share_found(page, result) -> float:
    """The share of a page's digits that were read right where they stand."""
    found = [(digit.box, str(digit.digit)) for line in result.lines for digit in line.digits]
    truth = [
        (box, text)
        for line, boxes in zip(page.lines, page.boxes, strict=True)
        for text, box in zip(line, boxes, strict=True)
    ]
    return np.mean([any(text == other and overlap(box, place) > 0.6 for place, other in found) for box, text in truth])


def overlap(first, second) -> float:
    """Intersection over union of two boxes."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    common = max(0, width) * max(0, height)
    return common / (first[2] * first[3] + second[2] * second[3] - common)


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "kerascnn", *arguments]
    return subprocess.run(command, capture_output=True, input=stdin, check=False)


@pytest.mark.parametrize("style", [name for name in STYLES if name != "touching"])
def test_reads_every_style(model, style):
    pages = [make_page(style, seed, num_lines=3, digits_per_line=6, digit_height=70) for seed in (21, 22)]
    shares = [share_found(page, kerascnn.read(page.picture, model)) for page in pages]
    assert np.mean(shares) >= 0.85, shares


@pytest.mark.parametrize(("segmenter", "share"), [("classical", 0.55), ("both", 0.8)])
def test_cuts_digits_that_touch(model, segmenter, share):
    pages = [make_page("touching", seed, num_lines=3, digits_per_line=6, digit_height=70) for seed in range(2, 6)]
    shares = [share_found(page, kerascnn.read(page.picture, model, segmenter=segmenter)) for page in pages]
    assert np.mean(shares) >= share, shares  # without cuts, fewer than a tenth


def test_words_do_not_become_digits(model):
    page = make_page("plain", seed=11, num_lines=2, digits_per_line=7, digit_height=70)
    width = page.picture.shape[1]
    text = Image.new("RGB", (width, 240), tuple(int(value) for value in np.median(page.picture, axis=(0, 1))))
    words = ("Write the numbers very", "neatly, and hand the", "paper over afterwards.")
    for row, line in enumerate(words):
        ImageDraw.Draw(text).text((30, 15 + 75 * row), line, fill=(40, 40, 60), font=ImageFont.load_default(52))
    result = kerascnn.read(np.concatenate([np.asarray(text), page.picture]), model)
    lower = replace(
        page, boxes=[[(x, y + 240, width, height) for x, y, width, height in boxes] for boxes in page.boxes]
    )
    assert share_found(lower, result) >= 0.85
    num_letters = sum(character.isalpha() for line in words for character in line)
    assert sum(len(line.digits) for line in result.lines) - sum(map(len, page.lines)) <= 0.15 * num_letters


def test_boxes_are_in_the_pixels_of_the_picture(model, page):
    small = kerascnn.read(page.picture, model)
    large = kerascnn.read(cv2.resize(page.picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), model)
    assert texts(small) == texts(large)
    for one, three in zip(small.lines, large.lines, strict=True):
        for digit, other in zip(one.digits, three.digits, strict=True):
            assert np.allclose(np.multiply(digit.box, 3), other.box, atol=12)
            assert all(isinstance(value, int) for value in digit.box)


def written(digits: str, height: int = 60, gap: int = 30, top: int = 0) -> np.ndarray:
    """Ink of digits of MNIST's training part on a row, 0..1."""
    data, generator = kerascnn.load_dataset("mnist"), np.random.default_rng(0)
    rows = []
    for number, digit in enumerate(digits):
        index = np.flatnonzero(data.train_labels == int(digit))[number]
        drawn = draw_digit(np.asarray(data.train_images[index]), height, Pen(0.1 * height, 1.0), generator)
        rows += [np.pad(drawn, ((top, 200 - top - drawn.shape[0]), (0, 0))), np.zeros((200, gap), np.float32)]
    return np.concatenate([np.zeros((200, 40), np.float32), *rows], axis=1)


def as_page(ink: np.ndarray) -> np.ndarray:
    return np.uint8(np.clip(235 - 190 * ink + np.random.default_rng(1).normal(0, 2, ink.shape), 0, 255))


@pytest.mark.parametrize(("height", "thickness"), [(96, 2), (96, 5), (60, 2)], ids=["thin", "thick", "comb"])
def test_upright_lines_of_boxes_are_no_ones(model, height, thickness):
    ink = np.zeros((200, 1400), np.float32)
    for number, digit in enumerate("0250983641"):
        one = written(digit, height=46)[:60, 34:]
        ink[66:126, 50 + 80 * number : 50 + 80 * number + min(66, one.shape[1])] = one[:, :66]
    for column in range(40, 1330, 80):
        cv2.line(ink, (column, 136), (column, 136 - height), 1.0, thickness)
    cv2.line(ink, (40, 136), (1320, 136), 1.0, thickness)
    if height > 60:
        cv2.line(ink, (40, 40), (1320, 40), 1.0, thickness)
    result = kerascnn.read(as_page(ink), model)
    assert texts(result) == ["0250983641"]
    assert result.unread == ()


def test_empty_boxes_have_nothing_to_read(model):
    ink = np.zeros((200, 1400), np.float32)
    for column in range(40, 1300, 80):
        cv2.rectangle(ink, (column, 40), (column + 80, 140), 1.0, 3)
    result = kerascnn.read(as_page(ink), model)
    assert (result.lines, result.unread) == ((), ())


def test_touching_zeros_are_read(model):
    ink = np.zeros((200, 600), np.float32)
    for column in (120, 196, 272):
        cv2.ellipse(ink, (column, 100), (38, 45), 0, 0, 360, 1.0, 8, cv2.LINE_AA)
    assert texts(kerascnn.read(as_page(ink), model)) == ["000"]


def test_strokes_along_a_ruled_line_are_given_back(model):
    ink = np.zeros((260, 975), np.float32)
    cv2.line(ink, (0, 70), (975, 70), 0.45, 2)
    for left in range(60, 900, 95):
        cv2.polylines(ink, [np.array([[left, 70], [left + 48, 70], [left + 20, 150]])], False, 1.0, 5, cv2.LINE_AA)
    # By their form alone the bars of the sevens are parts of the line.
    assert texts(kerascnn.read(as_page(ink), model, segmenter="classical")) == ["111111111"]
    assert texts(kerascnn.read(as_page(ink), model)) == ["777777777"]


def test_straight_ones_between_the_lines_of_a_table_are_no_lines(model):
    ink = np.zeros((380, 660), np.float32)
    for row in range(5):
        cv2.line(ink, (30, 30 + 80 * row), (630, 30 + 80 * row), 0.8, 3)
    for column in range(7):
        cv2.line(ink, (30 + 100 * column, 30), (30 + 100 * column, 350), 0.8, 3)
    for row in range(4):
        for column in range(6):
            x, y = 80 + 100 * column, 70 + 80 * row
            if (row + column) % 2:
                cv2.line(ink, (x, y - 23), (x + 2, y + 23), 1.0, 5, cv2.LINE_AA)
            else:
                cv2.ellipse(ink, (x, y), (15, 23), 0, 0, 360, 1.0, 5, cv2.LINE_AA)
    assert texts(kerascnn.read(as_page(ink), model)) == ["010101", "101010", "010101", "101010"]


def letters(text: str) -> np.ndarray:
    picture = Image.new("L", (60 * len(text) + 120, 200))
    ImageDraw.Draw(picture).text((40, 50), text, fill=255, font=ImageFont.load_default(90))
    return np.asarray(picture, np.float32) / 255


def test_what_cannot_be_read_is_reported(model, tmp_path):
    page = as_page(np.concatenate([written("3258", top=75), letters("A"), written("407", top=75)], axis=1))
    result = kerascnn.read(page, model)
    assert texts(result) == ["3258407"]
    ((left, top, width, height),) = result.unread
    start = written("3258").shape[1] + 40
    assert start - 10 <= left
    assert left + width <= start + 80
    assert 40 <= top <= top + height <= 160
    assert result.marked_text.replace(" ", "") == "3258?407"
    assert result.to_dict()["unread"] == [[left, top, width, height]]
    Image.fromarray(page).save(tmp_path / "page.png")
    arguments = ("read", str(tmp_path / "page.png"), "--model", "reference")
    assert run(*arguments, "--mark-unread").stdout.decode().replace(" ", "") == "3258?407\n"
    assert run(*arguments).stdout.decode().replace(" ", "") == "3258407\n"


def test_a_digit_below_min_confidence_is_unread(model, page):
    everything = kerascnn.read(page.picture, model)
    nothing = kerascnn.read(page.picture, model, min_confidence=1)
    boxes = [digit.box for line in everything.lines for digit in line.digits]
    assert nothing.lines == ()
    assert set(boxes) <= set(nothing.unread)


@pytest.mark.parametrize("letter", "AHKMNRWXdfhkw")
def test_a_letter_is_not_cut_into_digits(model, letter):
    result = kerascnn.read(as_page(letters(letter)), model)
    assert result.lines == ()
    assert len(result.unread) == 1


def test_light_ink_on_dark_paper_reads_like_dark_on_light(model, page):
    assert texts(kerascnn.read(255 - page.picture, model)) == texts(kerascnn.read(page.picture, model))


def test_takes_what_predict_takes(model, page, tmp_path):
    path = tmp_path / "page.png"
    Image.fromarray(page.picture).save(path)
    expected = texts(kerascnn.read(page.picture, model))
    assert texts(kerascnn.read(path, model)) == expected
    assert texts(kerascnn.read(str(path), model)) == expected
    assert texts(kerascnn.read(Image.fromarray(page.picture), model)) == expected


def test_a_turned_photo_is_read_upright(model, page, tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(page.picture))).save(path, exif=exif, quality=95)
    result = kerascnn.read(path, model)
    assert share_found(page, result) >= 0.85


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_page_on_its_side_or_its_head_is_turned(model, page, turns):
    upright = kerascnn.read(page.picture, model)
    turned = kerascnn.read(np.rot90(page.picture, turns), model)
    assert (upright.rotation, turned.rotation) == (0, 90 * turns)
    assert texts(turned) == texts(upright)
    height, width = page.picture.shape[:2]
    left, top, box_width, box_height = upright.lines[0].digits[0].box
    expected = {
        1: (top, width - left - box_width, box_height, box_width),
        2: (width - left - box_width, height - top - box_height, box_width, box_height),
        3: (height - top - box_height, left, box_height, box_width),
    }[turns]
    assert np.allclose(turned.lines[0].digits[0].box, expected, atol=4)


def test_transparent_paper(model, page):
    alpha = (255 - page.picture.min(axis=2)).astype(np.uint8)
    ink = Image.fromarray(np.dstack([np.zeros_like(page.picture), np.where(alpha > 90, 255, 0).astype(np.uint8)]))
    assert share_found(page, kerascnn.read(ink, model)) >= 0.85


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 400, 3), 240, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 20_000), np.uint8),
        np.zeros((20_000, 1), np.uint8),
        np.array([[0, 255], [255, 0]], np.uint8),
        np.tile(np.linspace(0, 255, 600).astype(np.uint8), (400, 1)),
        np.random.default_rng(0).integers(0, 256, (400, 500, 3)).astype(np.uint8),
    ],
    ids=["blank", "dot", "row", "column", "four pixels", "ramp", "noise"],
)
def test_nothing_is_read_where_nothing_is_written(model, picture):
    assert kerascnn.read(picture, model).lines == ()


def test_an_empty_ruled_page_has_no_digits(model):
    picture = np.full((900, 700, 3), 235, np.uint8)
    for row in range(60, 900, 60):
        cv2.line(picture, (0, row), (700, row + 6), (120, 140, 180), 2)
    for column in range(50, 700, 60):
        cv2.line(picture, (column, 0), (column + 5, 900), (120, 140, 180), 2)
    assert kerascnn.read(picture, model).lines == ()


def test_min_confidence_leaves_out_the_unsure(model, page):
    everything = [digit for line in kerascnn.read(page.picture, model, min_confidence=0).lines for digit in line.digits]
    threshold = float(np.median([digit.confidence for digit in everything]))
    sure = [
        digit for line in kerascnn.read(page.picture, model, min_confidence=threshold).lines for digit in line.digits
    ]
    assert sure == [digit for digit in everything if digit.confidence >= threshold]
    assert 0 < len(sure) < len(everything)


def test_a_model_of_other_classes_is_refused(model):
    class OtherCard:
        name, class_names, recognises_digits = "letters", ("a", "b"), False

    other = kerascnn.inference.Predictor(model.engine, OtherCard())
    with pytest.raises(ModelError, match="ten digits"):
        kerascnn.read(np.zeros((20, 20), np.uint8), other)


def test_lines_are_ordered_though_they_slope_and_their_digits_dance():
    generator = np.random.default_rng(3)
    boxes, expected = [], []
    for line in range(4):
        expected.append([])
        for position in range(8):
            expected[-1].append(len(boxes))
            y = 100 * line + 0.12 * 60 * position + generator.uniform(-8, 8)
            boxes.append((60.0 * position, y, 30.0, 50.0 + generator.uniform(-8, 8)))
    order = generator.permutation(len(boxes))
    lines = order_lines([boxes[index] for index in order])
    assert [[int(order[index]) for index in line] for line in lines] == expected


def test_a_column_of_single_digits_is_one_line_each():
    assert order_lines([(10, 200, 30, 50), (12, 20, 30, 50), (8, 110, 30, 50)]) == [[1], [2], [0]]


def test_wide_gaps_become_spaces():
    boxes = [(0, 0, 30, 50), (40, 0, 30, 50), (220, 0, 30, 50), (260, 0, 30, 50)]
    assert format_line(["1", "2", "3", "4"], boxes) == "12 34"
    assert format_line(["1", "2", "3"], [(0, 0, 30, 50), (100, 0, 30, 50), (200, 0, 30, 50)]) == "123"


def test_read_files_reports_the_bad_and_goes_on(model, page, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(page.picture).save(good)
    bad.write_bytes(good.read_bytes()[:500])
    errors = {}
    results = dict(read_files([bad, good], model, lambda name, error: errors.update({name: error})))
    assert list(results) == [str(good)]
    assert isinstance(errors[str(bad)], ImageError)


def test_output_is_a_drawing_for_each_picture(model, page, tmp_path):
    sources = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        sources.append(tmp_path / folder / "page.png")
        Image.fromarray(page.picture).save(sources[-1])
    list(read_files(sources, model, lambda name, error: None, drawings=Drawings(tmp_path / "drawn", sources)))
    drawn = sorted((tmp_path / "drawn").glob("*.png"))
    assert [path.name for path in drawn] == ["page-2.png", "page.png"]
    with Image.open(drawn[0]) as drawing:
        colours = {colour for _, colour in drawing.convert("RGB").getcolors(maxcolors=1 << 24)}
    assert (0, 114, 178) in colours


def test_output_that_cannot_be_written(model, page, tmp_path):
    source, occupied = tmp_path / "page.png", tmp_path / "file"
    Image.fromarray(page.picture).save(source)
    occupied.write_text("not a directory")
    with pytest.raises(OutputError, match="give a directory"):
        Drawings(occupied, [source])


def test_command_line_json_and_a_bad_picture(page, tmp_path):
    good, missing = tmp_path / "good.png", tmp_path / "missing.png"
    Image.fromarray(page.picture).save(good)
    done = run("read", str(good), str(missing), "--model", "reference", "--format", "json")
    assert done.returncode == 1
    assert b"missing.png" in done.stderr
    assert b"Traceback" not in done.stderr
    (row,) = (json.loads(line) for line in done.stdout.splitlines())
    assert row["image"] == str(good)
    assert set(row) == {"image", "lines", "unread", "rotation"}
    assert set(row["lines"][0]) == {"text", "digits", "numbers"}
    assert set(row["lines"][0]["digits"][0]) == {"digit", "confidence", "box"}
    assert len(row["lines"][0]["digits"][0]["box"]) == 4


def test_command_line_text_and_standard_input(page, tmp_path):
    path = tmp_path / "page.png"
    Image.fromarray(page.picture).save(path)
    one = run("read", "-", "--model", "reference", stdin=path.read_bytes())
    two = run("read", str(path), str(path), "--model", "reference")
    assert one.returncode == two.returncode == 0
    text = one.stdout.decode()
    assert two.stdout.decode() == f"{path}:\n{text}" * 2


def test_predict_output_is_a_strip_for_each_picture(tmp_path, page):
    left, top, width, height = page.boxes[0][0]
    margin = height // 4
    digit = page.picture[top - margin : top + height + margin, left - margin : left + width + margin]
    Image.fromarray(digit).save(tmp_path / "digit.png")
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    pictures = [str(tmp_path / name) for name in ("digit.png", "blank.png")]
    plain = run("predict", *pictures, "--model", "reference", "--format", "json")
    drawn = run("predict", *pictures, "--model", "reference", "--format", "json", "--output", str(tmp_path / "out"))
    assert drawn.returncode == 0
    assert drawn.stdout == plain.stdout
    with Image.open(tmp_path / "out" / "digit.png") as strip:
        assert strip.width > 3 * strip.height
    assert (tmp_path / "out" / "blank.png").exists()
