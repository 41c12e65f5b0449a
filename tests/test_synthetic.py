"""Synthetic pages: repeatable, labelled, of every style."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kerascnn.datasets.synthetic import STYLES, make_page, write_pages
from kerascnn.utils.errors import DataError


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
    grey = page.picture.min(axis=2).astype(int)
    assert all(
        grey[y : y + h, x : x + w].min() < np.median(grey[y : y + h, x : x + w]) - 40
        for x, y, w, h in (box for line in page.boxes for box in line)
    )


def test_hairlines_are_thinner_than_markers():
    ink = {}
    for style in ("hairline", "marker"):
        page = make_page(style, seed=4, num_lines=2, digits_per_line=5, digit_height=80)
        grey = page.picture.mean(axis=2)
        ink[style] = (grey < 0.75 * np.median(grey)).sum() / sum(map(len, page.lines))
    assert ink["marker"] > 3 * ink["hairline"]


def test_training_pages_hold_other_digits_than_test_pages():
    train, test = (make_page("plain", 1, part=part, num_lines=3, digits_per_line=8) for part in ("train", "test"))
    assert train.lines != test.lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "crayon"}, "plain, shadow"),
        ({"part": "all"}, "'train' or 'test'"),
        ({"num_lines": 0}, "at least 1"),
    ],
)
def test_wishes_that_cannot_be_met(arguments, message):
    with pytest.raises(DataError, match=message):
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
    assert wrong.returncode == 1
    assert "crayon" in wrong.stderr
    assert "Traceback" not in wrong.stderr
