"""The page on which doubtful numbers are checked, by keyboard alone in a real browser, and what comes of it."""

import csv
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browsers import open_browser
from conftest import assert_clear_failure, clean_environment
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import kerascnn
from kerascnn import Digit, Line, Number, Page
from kerascnn.datasets import load_dataset
from kerascnn.datasets.synthetic import make_page
from kerascnn.forms.form_reading import FieldReading, Form
from kerascnn.images.decoding import Page as Picture
from kerascnn.images.decoding import decode
from kerascnn.reviewing import Correction, Review, ReviewPlan, apply_corrections, find_doubtful, match_corrections
from kerascnn.reviewing.digit_pictures import cut_digits
from kerascnn.reviewing.doubtful_numbers import digest_picture

HOSTILE = "=1+1,<img src=x onerror=alert(1)>'\".png"
HEADER = b"file,page,box,read,corrected,picture\n"


def read_json(directory: Path, *arguments: str) -> dict[str, list[dict]]:
    """Read the pictures of a directory: the numbers of each by its name."""
    command = [sys.executable, "-P", "-m", "kerascnn", "read", *arguments, "--format", "json"]
    done = subprocess.run(command, cwd=directory, env=clean_environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    return {page["image"]: [number for line in page["lines"] for number in line["numbers"]] for page in pages}


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory) -> tuple[Path, list[dict]]:
    """A directory with a page of six numbers, its review, and what was read."""
    directory = tmp_path_factory.mktemp("review")
    page = make_page("plain", 11, num_lines=6, digits_per_line=3, digit_height=50)
    Image.fromarray(page.picture).save(directory / HOSTILE)
    numbers = read_json(directory, HOSTILE, "--review", "review.html", "--review-below", "1")[HOSTILE]
    assert len(numbers) >= 5
    assert not any("corrected" in number for number in numbers)
    return directory, numbers


@pytest.fixture(scope="module")
def browser(reviewed):
    with open_browser(reviewed[0]) as browser:
        yield browser


@pytest.fixture
def review(browser, reviewed):
    """The page of the review, opened for the first time."""
    url = (reviewed[0] / "review.html").as_uri()
    browser.get(url)
    browser.execute_script("localStorage.clear()")
    browser.get(url)
    yield browser
    # Nothing was refused and nothing failed in it, and it asked nobody for anything.
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []


def press(browser, *keys: str) -> None:
    """Press keys, one after the other, wherever the focus is."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def find_focus(browser) -> str:
    return browser.switch_to.active_element.get_attribute("id")


def download(browser, directory: Path, *keys: str) -> list[dict[str, str]]:
    """Press keys, and wait for the corrections that they download."""
    path = directory / "corrections.csv"
    path.unlink(missing_ok=True)
    press(browser, *keys)
    for _ in range(200):
        if path.exists():
            break
        time.sleep(0.05)
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# === The page ===


def test_numbers_are_checked_by_keyboard_alone(review, reviewed):
    directory, numbers = reviewed
    count, other = len(numbers), numbers[2]["runner_up"]["text"]
    assert find_focus(review) == "number-1"
    press(review, Keys.ENTER, "4711" + Keys.ENTER, Keys.CONTROL + Keys.ENTER + Keys.NULL, Keys.DELETE, Keys.ENTER)
    assert find_focus(review) == "number-5"
    assert review.find_element(By.ID, "state").text == f"4 of {count} checked"
    marks = [mark.text for mark in review.find_elements(By.CLASS_NAME, "mark")]
    assert marks[:5] == ["✓ accepted", "✓ corrected", "✓ corrected", "✓ no number", ""]
    rows = download(review, directory, Keys.CONTROL + "s" + Keys.NULL)
    assert [row["corrected"] for row in rows] == [numbers[0]["text"], "4711", other, ""]
    assert [row["read"] for row in rows] == [number["text"] for number in numbers[:4]]
    assert [row["box"] for row in rows] == [" ".join(map(str, number["box"])) for number in numbers[:4]]
    assert {(row["file"], row["page"]) for row in rows} == {(f"'{HOSTILE}", "1")}
    corrected = read_json(directory, HOSTILE, "--apply", "corrections.csv")[HOSTILE]
    texts = [numbers[0]["text"], "4711", other, *(number["text"] for number in numbers[4:])]
    assert [number["text"] for number in corrected] == texts
    assert [number.get("corrected", False) for number in corrected] == [True] * 3 + [False] * (count - 4)
    assert [number["confidence"] for number in corrected[:3]] == [1.0] * 3


def test_one_can_go_back_and_think_again(review, reviewed):
    directory, numbers = reviewed
    press(review, "5", Keys.ENTER, Keys.ENTER, Keys.SHIFT + Keys.ENTER + Keys.NULL, Keys.ARROW_UP)
    assert find_focus(review) == "number-1"
    assert review.switch_to.active_element.get_property("value") == "5"
    press(review, Keys.ESCAPE)
    assert review.switch_to.active_element.get_property("value") == numbers[0]["text"]
    assert review.find_element(By.ID, "state").text.startswith("1 of")
    press(review, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert find_focus(review) == "number-3"
    # Who types and goes on with Tab has decided; the next stop is the button of the other reading.
    press(review, "77", Keys.TAB, Keys.SPACE)
    assert find_focus(review) == "number-4"
    rows = download(review, directory, Keys.CONTROL + "s" + Keys.NULL)
    assert [row["corrected"] for row in rows] == [numbers[1]["text"], numbers[2]["runner_up"]["text"]]


def test_the_work_is_kept_and_the_last_enter_downloads(review, reviewed):
    directory, numbers = reviewed
    press(review, "=2" + Keys.ENTER, Keys.ENTER)
    review.refresh()
    assert find_focus(review) == "number-3"
    press(review, *[Keys.ENTER] * (len(numbers) - 2))
    assert find_focus(review) == "finish"
    rows = download(review, directory, Keys.ENTER)
    assert len(rows) == len(numbers)
    assert rows[0]["corrected"] == "'=2"  # no formula for a spreadsheet
    assert f"{len(numbers)} of {len(numbers)} numbers" in review.find_element(By.ID, "message").text
    corrected = read_json(directory, HOSTILE, "--apply", "corrections.csv")[HOSTILE]
    assert corrected[0]["text"] == "=2"


@pytest.mark.parametrize("width", [400, 1000])
def test_it_suits_every_screen(review, width):
    papers = []
    for scheme in ("light", "dark"):
        emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        review.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        review.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        assert review.execute_script("return document.documentElement.scrollWidth") <= width
        field = review.find_element(By.ID, "number-1")
        colours = [field.value_of_css_property(name) for name in ("color", "background-color")]
        ink, paper = (sum(map(int, colour[colour.index("(") + 1 :].split(",")[:3])) for colour in colours)
        assert abs(ink - paper) > 400
        papers.append(paper)
        # The bar with the progress stays in sight and covers nothing that has the focus.
        press(review, *[Keys.ARROW_DOWN] * 2)
        bar, focused = (element.rect for element in (review.find_element(By.CLASS_NAME, "bar"), focused_item(review)))
        top = review.execute_script("return scrollY")
        assert bar["y"] - top >= -1
        assert focused["y"] >= bar["y"] + bar["height"]
    review.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert papers[0] > papers[1]


def focused_item(browser):
    return browser.switch_to.active_element.find_element(By.XPATH, "ancestor::li")


def test_everything_has_a_name_and_nothing_of_a_file_name_is_run(review, reviewed):
    _, numbers = reviewed
    fields = review.find_elements(By.TAG_NAME, "input")
    assert [field.accessible_name for field in fields] == [f"Number {index + 1}" for index in range(len(numbers))]
    assert review.find_element(By.CLASS_NAME, "other").accessible_name.startswith("Take ")
    assert review.find_element(By.ID, "progress").accessible_name == "Numbers checked"
    images = review.find_elements(By.TAG_NAME, "img")
    assert len(images) == len(numbers)
    assert HOSTILE in images[0].get_attribute("alt")
    assert all(review.execute_script("return arguments[0].naturalWidth", image) > 40 for image in images)


# === What is merged ===


def make_number(text: str, left: int, confidence: float = 0.6) -> Number:
    return Number(text, confidence, (left, 10, 20 * len(text), 30))


@pytest.fixture
def page() -> Page:
    """Two numbers on the first line, one on the second."""
    digits = [Digit(int(value), 0.8, (10 + 20 * index, 10, 18, 30)) for index, value in enumerate("123")]
    digits += [Digit(int(value), 0.8, (200 + 20 * index, 10, 18, 30)) for index, value in enumerate("45")]
    first = Line("123 45", tuple(digits), (make_number("123", 10), make_number("45", 200)))
    second = Line("6", (Digit(6, 0.7, (10, 90, 18, 30)),), (Number("6", 0.7, (10, 90, 20, 30)),))
    return Page((first, second), unread=((300, 10, 20, 30),), marked_text="123 45 ?\n6")


def correct(box: tuple[int, int, int, int], text: str) -> Correction:
    return Correction("a.png", 1, box, "?", text, "sha256:0")


def test_the_digits_of_a_corrected_number_are_corrected(page):
    # The box is not quite the same: another version may find the number a little further left.
    matches = match_corrections(page, [correct((8, 11, 60, 30), "173"), correct((500, 10, 40, 30), "9")])
    assert [match.correction.corrected for match in matches] == ["173"]
    corrected = apply_corrections(page, matches)
    assert corrected.text == "173 45\n6"
    assert corrected.marked_text == "173 45 ?\n6"
    assert [digit.digit for digit in corrected.lines[0].digits] == [1, 7, 3, 4, 5]
    assert [digit.box for digit in corrected.lines[0].digits] == [digit.box for digit in page.lines[0].digits]
    assert corrected.lines[0].numbers[1] == page.lines[0].numbers[1]


def test_a_number_with_another_count_of_digits_has_none_and_no_number_leaves_no_trace(page):
    wishes = [correct((10, 10, 60, 30), "1-23"), correct((200, 10, 40, 30), "4")]
    corrected = apply_corrections(page, match_corrections(page, wishes))
    assert corrected.lines[0].text == "1-23 4"
    assert [digit.digit for digit in corrected.lines[0].digits] == [1, 2, 3]
    corrected = apply_corrections(page, match_corrections(page, [correct((10, 90, 20, 30), "")]))
    assert corrected.text == "123 45"


def test_the_fields_of_forms_are_checked_too(tmp_path):
    array = np.full((200, 300), 230, np.uint8)
    fields = {"age": Number("4?", 0.0, (20, 20, 40, 30)), "room": Number("12", 0.995, (20, 90, 40, 30)), "sum": None}
    form = Form(tuple(FieldReading(name, number) for name, number in fields.items()))
    sources = [Picture("a.png", lambda: array)]
    review = Review(ReviewPlan(tmp_path / "review.html"), sources)
    assert list(review.follow_forms(iter([("a.png", form)]))) == [("a.png", form)]
    assert review.finish() == [f"wrote {tmp_path / 'review.html'}: 1 of 2 numbers to check"]
    assert "read as <b>4?</b>" in (tmp_path / "review.html").read_text(encoding="utf-8")
    said = [("20 20 40 30", "47"), ("20 90 40 30", "")]
    rows = [f"a.png,1,{box},?,{text},{digest_picture(array)}\n" for box, text in said]
    (tmp_path / "c.csv").write_bytes(HEADER + "".join(rows).encode())
    review = Review(ReviewPlan(corrections=tmp_path / "c.csv"), sources)
    ((_, corrected),) = review.follow_forms(iter([("a.png", form)]))
    assert [field.text for field in corrected.fields] == ["47", "", ""]
    assert corrected.to_dict()["fields"]["age"]["corrected"] is True
    assert review.finish() == []


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_cut_outs_of_a_page_that_was_turned_are_upright(rotation):
    drawn = make_page("plain", 3, num_lines=1, digits_per_line=3, digit_height=60)
    upright = drawn.picture
    boxes = [box for line in drawn.boxes for box in line]
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] + box[side + 2] for box in boxes) for side in (0, 1))
    whole = left, top, right - left, bottom - top
    digits = [Digit(int(value), 0.9, box) for value, box in zip(drawn.lines[0], boxes, strict=True)]
    expected, cuts = cut_out(upright, digits, Number(drawn.lines[0], 0.5, whole), 0)
    given, height, width = upright, *upright.shape[:2]
    for _ in range(rotation // 90):  # anticlockwise, so that it is read after turning it clockwise
        given = np.rot90(given)
        boxes = [(y, width - x - across, down, across) for x, y, across, down in boxes]
        whole = whole[1], width - whole[0] - whole[2], whole[3], whole[2]
        height, width = width, height
    digits = [replace(digit, box=box) for digit, box in zip(digits, boxes, strict=True)]
    turned, turned_cuts = cut_out(np.ascontiguousarray(given), digits, Number(drawn.lines[0], 0.5, whole), rotation)
    assert turned.shape == expected.shape
    assert np.abs(turned.astype(float) - expected).mean() < 6
    assert [name.partition("/")[0] for name in turned_cuts] == list(drawn.lines[0])
    for cut, other in zip(turned_cuts.values(), cuts.values(), strict=True):
        assert np.array_equal(decode(cut), decode(other))


def cut_out(array: np.ndarray, digits: list[Digit], number: Number, rotation: int) -> tuple[np.ndarray, dict]:
    """What a review shows of a number, and the pictures of its digits."""
    page = Page((Line(number.text, tuple(digits), (number,)),), rotation=rotation)
    (doubtful,) = find_doubtful("scan.pdf#3", array, page, 0.9)
    assert (doubtful.file, doubtful.page, doubtful.number) == ("scan.pdf", 3, number)
    accepted = Correction("scan.pdf", 3, number.box, number.text, number.text, doubtful.picture)
    return decode(doubtful.cutout), dict(cut_digits(array, page, match_corrections(page, [accepted])))


def test_the_digits_of_corrected_numbers_can_be_learned_from(cli, reviewed, tmp_path):
    directory, numbers = reviewed
    with Image.open(directory / HOSTILE) as picture:
        digest = digest_picture(np.asarray(picture))
    said = ["7" * len(numbers[0]["text"]), "123456789", *(number["text"] for number in numbers[2:])]
    boxes = [" ".join(map(str, number["box"])) for number in numbers]
    rows = [f"a.png,1,{box},?,{text},{digest}" for box, text in zip(boxes, said, strict=True)]
    (tmp_path / "c.csv").write_bytes(HEADER + "\n".join(rows).encode())
    shutil.copy(directory / HOSTILE, tmp_path / "a.png")
    done = cli("read", "a.png", "--apply", "c.csv", "--crops", "corrections")
    assert done.returncode == 0
    labels = sorted("".join([said[0], *said[2:]]))  # the second has not as many digits as were found
    cut = [path for path in (tmp_path / "corrections").glob("*/*.png") if not path.name.startswith("mnist-")]
    assert sorted(path.parent.name for path in cut) == labels
    assert f"wrote {len(labels)} digits" in done.stderr.decode()
    # Each picture shows its digit alone, as the model reads it that has read the page.
    answers = kerascnn.load("reference").predict([str(path) for path in cut if path.parent.name != "7"])
    assert [answer.label for answer in answers] == [path.parent.name for path in cut if path.parent.name != "7"]
    data = load_dataset(tmp_path / "corrections")
    assert len(data.class_names) == 10
    assert len(data.train_labels) + len(data.test_labels) == 2000 + len(cut)
    # What somebody changed since is kept.
    cut[0].write_bytes(b"mine")
    again = cli("read", "a.png", "--apply", "c.csv", "--crops", "corrections")
    assert again.returncode == 1
    assert cut[0].name in again.stderr.decode()
    assert cut[0].read_bytes() == b"mine"
    assert_clear_failure(cli("read", "a.png", "--crops", "corrections"), "--apply FILE", code=2)


def test_corrections_of_other_pictures_are_told_in_one_sentence(cli, reviewed, tmp_path):
    directory, numbers = reviewed
    with Image.open(directory / HOSTILE) as picture:
        changed = 255 - (255 - np.asarray(picture)) // 2
    Image.fromarray(changed).save(tmp_path / "a.png")
    row = ["a.png", "1", " ".join(map(str, numbers[0]["box"])), numbers[0]["text"], "1", "sha256:0"]
    (tmp_path / "c.csv").write_text(f"file,page,box,read,corrected,picture\n{','.join(row)}\n")
    done = cli("read", "a.png", "--apply", "c.csv")
    assert done.returncode == 0
    assert done.stdout.split()[0].decode() == numbers[0]["text"]
    (sentence,) = [line for line in done.stderr.decode().splitlines() if "correction" in line]
    assert "1 of 1 corrections match no number" in sentence
    assert "'1' on page 1 of a.png" in sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("c.csv", "cannot be read")),
        (b"\xff\xfe\x00", ("c.csv", "cannot be read")),
        (b"image,label\na.png,3\n", ("no column 'file'",)),
        (HEADER + b"a.png,1,12 13,5,6,sha256:0\n", ("line 2",)),
        (HEADER.replace(b",", b";") + b"a.png;one;1 2 3 4;5;6;sha256:0\n", ("line 2",)),
        (HEADER + b"a.png,1,1 2 3 4,5,6,x\na.png,1,1 2 3 4,5,7,x\n", ("'6' and '7'",)),
        (HEADER + b"a.png,1,1 2 3 4," + b"5" * 200_000 + b",6,x\n", ("larger than field limit",)),
    ],
    ids=["missing", "no text", "another table", "no box", "no page", "contradiction", "endless field"],
)
def test_what_are_no_corrections_is_refused(cli, tmp_path, photo, content, words):
    photo(3).save(tmp_path / "a.png")
    if content is not None:
        (tmp_path / "c.csv").write_bytes(content)
    assert_clear_failure(cli("read", "a.png", "--apply", "c.csv"), *words)


def test_the_page_of_a_review_replaces_only_such_pages(cli, reviewed, tmp_path, photo):
    photo(3).save(tmp_path / "a.png")
    shutil.copy(reviewed[0] / "review.html", tmp_path / "review.html")
    (tmp_path / "notes.html").write_text("<p>mine</p>")
    assert_clear_failure(cli("read", "a.png", "--review", "notes.html"), "notes.html", "no page of a review")
    assert (tmp_path / "notes.html").read_text() == "<p>mine</p>"
    done = cli("read", "a.png", "--review", "review.html", "--review-below", "0")
    assert done.returncode == 0
    assert "0 of 1 numbers to check" in done.stderr.decode()
    assert "Nothing to check" in (tmp_path / "review.html").read_text(encoding="utf-8")
    assert_clear_failure(cli("read", "a.png", "--review-below", "0.5"), "--review FILE", code=2)
