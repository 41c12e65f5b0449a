"""Knowing when not to answer, and confidence that means what it says."""

import json
import string

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import kerascnn
from kerascnn.datasets.augmentation.outliers import LOOK_LIKE_DIGITS
from kerascnn.datasets.synthetic import make_page


@pytest.fixture(scope="module")
def reference():
    return kerascnn.load("reference")


def rejected_share(predictions) -> float:
    """The share of predictions without an answer."""
    return sum(prediction.label is None for prediction in predictions) / len(predictions)


def letter(text: str, size: int, turn: float) -> Image.Image:
    """A letter in Pillow's own font, which is not among those that the network was trained with."""
    picture = Image.new("L", (160, 160), 235)
    ImageDraw.Draw(picture).text((50, 30), text, fill=30, font=ImageFont.load_default(size))
    return picture.rotate(turn, fillcolor=235)


def test_a_blank_picture_is_no_digit_and_no_error(cli, tmp_path):
    Image.new("L", (200, 300), 240).save(tmp_path / "blank.png")
    result = cli("predict", "blank.png", "--format", "json", "--model", "reference")
    document = json.loads(result.stdout)
    assert result.returncode == 0
    assert (document["digit"], document["label"], document["reason"]) == (None, None, "no ink found")
    assert cli("predict", "blank.png").stdout == b"no ink found\n"


def test_letters_get_no_answer(reference):
    letters = [character for character in string.ascii_letters if character not in LOOK_LIKE_DIGITS]
    pictures = [letter(text, size, turn) for text in letters for size, turn in ((60, 0), (90, 4))]
    predictions = reference.predict(pictures)
    assert rejected_share(predictions) >= 0.95
    assert {prediction.reason for prediction in predictions if prediction.label is None} == {"not a digit"}


def test_digits_are_answered_and_confidence_is_calibrated(mnist):
    evaluation = kerascnn.evaluate("reference")
    assert evaluation.rejection["coverage"] >= 0.995
    assert evaluation.rejection["accuracy"] > evaluation.accuracy
    assert evaluation.calibration_error <= 0.005
    curve = evaluation.coverage_curve
    assert curve[0]["coverage"] == 1
    assert curve[0]["accuracy"] == pytest.approx(evaluation.accuracy)
    assert [point["coverage"] for point in curve] == sorted((point["coverage"] for point in curve), reverse=True)


def test_temperature_undoes_too_much_confidence(mnist):
    from kerascnn.evaluation.calibration import apply_temperature, expected_calibration_error, fit_temperature

    model = kerascnn.load("reference")
    honest = model.engine.probabilities(mnist.test_images)
    boastful = apply_temperature(honest, 0.4)
    temperature = fit_temperature(boastful, mnist.test_labels)
    assert temperature > 1.8
    mended = expected_calibration_error(apply_temperature(boastful, temperature), mnist.test_labels)
    assert mended < expected_calibration_error(boastful, mnist.test_labels)


def noise_and_textures() -> list[np.ndarray]:
    """Noise of every coarseness, stripes and checks, as pictures of 28 pixels and of 150."""
    generator = np.random.default_rng(5)
    pictures = []
    for side in (28, 150):
        for cells in (10, 20, side):
            for _ in range(6):
                small = Image.fromarray(generator.integers(0, 256, (cells, cells)).astype(np.uint8))
                pictures.append(np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)))
        y, x = np.mgrid[:side, :side] / side
        for turn, waves in ((0.0, 4), (0.6, 6), (1.2, 9), (1.6, 12)):
            wave = np.sin(2 * np.pi * waves * (x * np.cos(turn) + y * np.sin(turn)))
            across = np.sin(2 * np.pi * waves * (y * np.cos(turn) - x * np.sin(turn)))
            pictures += [(127 + 120 * wave).astype(np.uint8), (127 + 120 * wave * across).astype(np.uint8)]
    return pictures


def test_noise_and_textures_get_no_answer(reference):
    assert rejected_share(reference.predict(noise_and_textures())) >= 0.95


def test_of_many_digits_none_is_picked_out(reference):
    page = make_page("plain", 4, num_lines=3, digits_per_line=5)
    (prediction,) = reference.predict(page.picture)
    assert (prediction.label, prediction.reason) == (None, "not a digit")
