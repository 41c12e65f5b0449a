"""Synthetic pages: repeatable, labelled, of every style."""

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from kerascnn.datasets.synthetic import STYLES, make_page, write_pages
from kerascnn.utils.errors import UsageError


@pytest.mark.parametrize("style", list(STYLES))
def test_a_page_of_every_style(style):
    page = make_page(style, seed=5, num_lines=2, digits_per_line=4, digit_height=50)
    height, width, channels = page.picture.shape
    assert page.picture.dtype == np.uint8
    assert channels == 3
    assert len(page.lines) == len(page.boxes) == 2
    for text, boxes in zip(page.lines, page.boxes, strict=True):
        assert len(text) == len(boxes)
        assert all(min(x, y) >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)


def test_the_same_seed_gives_the_same_page():
    first, again, other = (make_page("shadow", seed, num_lines=2, digits_per_line=4) for seed in (7, 7, 8))
    assert np.array_equal(first.picture, again.picture)
    assert first.lines == again.lines
    assert first.boxes == again.boxes
    assert not np.array_equal(first.picture.shape, other.picture.shape) or first.lines != other.lines


def test_boxes_hold_the_ink():
    page = make_page("plain", seed=3, num_lines=2, digits_per_line=5, digit_height=80)
    grey = page.picture.min(axis=2).astype(int)
    paper = np.median(grey)
    ink = grey < paper - 70
    inside = np.zeros_like(ink)
    for x, y, w, h in (box for line in page.boxes for box in line):
        assert ink[y : y + h, x : x + w].mean() > 0.05
        inside[max(0, y - 2) : y + h + 2, max(0, x - 2) : x + w + 2] = True
    assert (ink & ~inside).sum() == 0


def test_boxes_follow_the_perspective():
    page = make_page("perspective", seed=3, num_lines=2, digits_per_line=5, digit_height=80)
    for number, (x, y, w, h) in enumerate((box for line in page.boxes for box in line), start=1):
        rows, columns = np.nonzero(page.instances == number)
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert found == pytest.approx((x, y, x + w, y + h), abs=8), number


def test_hairlines_are_thinner_than_markers():
    ink = {}
    for style in ("hairline", "marker"):
        page = make_page(style, seed=4, num_lines=2, digits_per_line=5, digit_height=80)
        grey = page.picture.mean(axis=2)
        ink[style] = (grey < 0.75 * np.median(grey)).sum() / sum(map(len, page.lines))
    assert ink["marker"] > 3 * ink["hairline"]


def trace_pen(mask: np.ndarray) -> np.ndarray:
    """Draw the middle of a digit's strokes, which does not depend on the width of the pen, as a vector of length 1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    digit = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8) * 255
    scale = 64 / max(digit.shape)
    size = [max(4, round(side * scale)) for side in digit.shape[::-1]]
    digit = np.where(cv2.resize(digit, size, interpolation=cv2.INTER_AREA) > 127, 255, 0).astype(np.uint8)
    top, left = ((72 - side) // 2 for side in digit.shape)
    canvas = np.zeros((72, 72), np.uint8)
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    depth = cv2.distanceTransform(canvas, cv2.DIST_L2, 5)
    ridge = cv2.GaussianBlur((depth / np.maximum(cv2.dilate(depth, np.ones((9, 9))), 1e-6)) ** 2, (0, 0), 2)
    trace = ridge[::2, ::2].ravel()
    return trace / np.linalg.norm(trace)


def enlarge(image: np.ndarray) -> np.ndarray:
    """Enlarge an image of MNIST, so that its edge at half height is smooth."""
    return cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC)


def test_training_pages_hold_training_digits_and_test_pages_test_digits(mnist):
    label = 2
    traces = {
        part: np.stack([trace_pen(enlarge(image) > 115) for image in images[labels == label]])
        for part, images, labels in (
            ("train", mnist.train_images, mnist.train_labels),
            ("test", mnist.test_images, mnist.test_labels),
        )
    }
    for part in traces:
        found = []
        for seed in range(5):
            page = make_page("plain", seed, part=part, num_lines=3, digits_per_line=8, digit_height=80)
            for number, digit in enumerate("".join(page.lines), start=1):
                if int(digit) == label:
                    trace = trace_pen(page.instances == number)
                    found.append(max(traces, key=lambda name, trace=trace: (traces[name] @ trace).max()))
        assert len(found) >= 5
        # A digit of the other part is now and then more like the drawn one than the digit that it was drawn from.
        assert found.count(part) >= 0.6 * len(found), (part, found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "crayon"}, "plain, shadow"),
        ({"part": "all"}, "test, train, validation"),
        ({"num_lines": 0}, "at least 1"),
    ],
)
def test_wishes_that_cannot_be_met(arguments, message):
    with pytest.raises(UsageError, match=message):
        make_page(**arguments)


def test_written_pages_carry_their_labels(tmp_path):
    paths = write_pages(tmp_path / "pages", "lined", count=2, seed=9)
    with (tmp_path / "pages" / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == [path.name for path in paths] == ["lined-9.png", "lined-10.png"]
    page = make_page("lined", 9)
    assert rows[0]["text"] == "|".join(page.lines)
    assert json.loads(rows[0]["boxes"]) == [[list(box) for box in line] for line in page.boxes]
    with Image.open(paths[0]) as picture:
        assert np.array_equal(np.asarray(picture), page.picture)


def test_command_line(tmp_path):
    command = [sys.executable, "-m", "kerascnn", "synthesize"]
    done = subprocess.run([*command, str(tmp_path), "--style", "plain", "--seed", "2"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [str(tmp_path / "plain-2.png")]
    wrong = subprocess.run([*command, str(tmp_path), "--style", "crayon"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "crayon" in wrong.stderr
    assert "Traceback" not in wrong.stderr
