"""Lines are taken out of the ink, strokes stay."""

import cv2
import numpy as np
import pytest

from kerascnn.images.binarization import binarize_page
from kerascnn.images.grid_removal import remove_printed_lines
from kerascnn.images.line_removal import remove_lines


def digits_picture(colour: int = 0) -> np.ndarray:
    picture = np.full((700, 1000), 255, np.uint8)
    for row in range(3):
        for column, text in enumerate("2147058"):
            place = (60 + 130 * column, 150 + 200 * row)
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 3.0, colour, 8, cv2.LINE_AA)
    return picture


def with_lines(picture: np.ndarray, slope: float, thickness: int, squared: bool) -> np.ndarray:
    result = picture.copy()
    for row in range(-200, 1000, 66):
        cv2.line(result, (0, row), (999, round(row + slope * 999)), 90, thickness, cv2.LINE_AA)
    if squared:
        for column in range(-200, 1300, 66):
            cv2.line(result, (column, 0), (round(column - slope * 699), 699), 90, thickness, cv2.LINE_AA)
    return np.minimum(picture, result)


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
@pytest.mark.parametrize("thickness", [2, 4])
@pytest.mark.parametrize("slope", [0.0, 0.03, -0.08])
def test_lines_go_and_strokes_stay(slope, thickness, squared):
    picture = digits_picture()
    strokes = picture < 128
    left = remove_lines(binarize_page(with_lines(picture, slope, thickness, squared)).mask)
    away = cv2.dilate(strokes.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert (left & strokes).sum() >= 0.97 * strokes.sum()
    assert (left & away).sum() <= 0.1 * strokes.sum()


def test_a_dark_stroke_along_a_faint_line_stays():
    contrast = np.zeros((700, 1000), np.float32)
    for row in range(60, 700, 110):
        contrast[row : row + 5] = 0.25
    strokes = np.zeros((700, 1000), np.uint8)
    for column in range(200, 800, 76):
        cv2.ellipse(strokes, (column, 134), (36, 40), 0, 0, 360, 1, 7)
    contrast[strokes > 0] = 0.8
    left = remove_printed_lines(contrast, contrast > 0)
    assert (left & (strokes > 0)).sum() >= 0.97 * strokes.sum()
    assert (left & (strokes == 0)).sum() <= 0.1 * strokes.sum()


def test_without_lines_nothing_goes():
    mask = digits_picture() < 128
    assert np.array_equal(remove_lines(mask), mask)


def test_ones_are_no_lines():
    mask = np.zeros((400, 1000), dtype=bool)
    for column in range(100, 900, 100):
        mask[80:320, column : column + 7] = True
    assert np.array_equal(remove_lines(mask), mask)


def test_a_table_goes_with_its_upright_borders():
    mask = np.zeros((800, 1000), dtype=bool)
    for row in range(100, 701, 150):
        mask[row : row + 4, 100:904] = True
    for column in range(100, 901, 100):
        mask[100:704, column : column + 4] = True
    mask[150:210, 140:147] = True
    left = remove_lines(mask)
    assert left[150:210, 140:147].all()
    left[150:210, 140:147] = False
    assert left.sum() <= 0.02 * mask.sum()


def close_up(squares: int) -> tuple[np.ndarray, np.ndarray]:
    """A 7 on squared paper, photographed from so near that the squares' lines are as thick as strokes."""
    picture = np.full((500, 500), 255, np.uint8)
    cv2.putText(picture, "7", (190, 310), cv2.FONT_HERSHEY_SIMPLEX, 6.0, 0, 14, cv2.LINE_AA)
    strokes = picture < 128
    for place in np.linspace(30, 470, squares).astype(int):
        cv2.line(picture, (place, 0), (place + 6, 499), 90, 8, cv2.LINE_AA)
        cv2.line(picture, (0, place), (499, place + 6), 90, 8, cv2.LINE_AA)
    return picture, strokes


def test_thick_lines_go_where_several_span_the_picture():
    picture, strokes = close_up(squares=5)
    left = remove_lines(picture < 128)
    away = cv2.dilate(strokes.astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    assert (left & strokes).sum() >= 0.97 * strokes.sum()
    assert (left & away).sum() <= 0.1 * strokes.sum()


def test_a_thick_one_that_spans_the_picture_stays():
    mask = np.zeros((500, 300), dtype=bool)
    mask[:, 140:151] = True
    assert np.array_equal(remove_lines(mask), mask)
