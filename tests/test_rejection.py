"""Knowing when not to answer, and confidence that means what it says."""

import json
import string
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL_RUN
from PIL import Image, ImageDraw, ImageFont

import kerascnn
from kerascnn.datasets.augmentation.outliers import LOOK_LIKE_DIGITS, make_outliers
from kerascnn.datasets.synthetic import make_page
from kerascnn.datasets.synthetic.pictures import make_pictures
from kerascnn.inference.predictor import Predictor


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


def letters() -> list[Image.Image]:
    """Letters that cannot be taken for digits."""
    found = [character for character in string.ascii_letters if character not in LOOK_LIKE_DIGITS]
    return [letter(text, size, turn) for text in found for size, turn in ((60, 0), (90, 4))]


def test_letters_get_no_answer(reference):
    predictions = reference.predict(letters())
    assert rejected_share(predictions) >= 0.95
    assert {prediction.reason for prediction in predictions if prediction.label is None} == {"not a digit"}


def test_a_network_that_the_evidence_does_not_know_keeps_its_own_threshold(reference, mnist):
    other = Predictor(reference.engine, replace(reference.card, network=None, rejection_threshold=0.95))
    digits = mnist.test_images[:300], mnist.test_labels[:300]
    pictures = [shown.picture for shown in make_pictures(*digits, 60, np.random.default_rng(3))]
    ours, theirs = reference.predict(pictures), other.predict(pictures)
    doubtful = [one.label is not None and one.confidence < 0.95 for one in ours]
    assert any(doubtful)
    expected = [None if doubt else one.label for one, doubt in zip(ours, doubtful, strict=True)]
    assert [prediction.label for prediction in theirs] == expected


def test_every_model_of_digits_has_a_threshold_and_outliers_make_it_less_sure_of_letters(
    workers, trained, shared_digits, tmp_path, mnist
):
    with_many = tmp_path / "many.keras"
    workers("jax")("fit", data=str(shared_digits), output=str(with_many), outliers=1.0, **SMALL_RUN)
    sureness = []
    for path in (with_many, trained("jax")):
        model = kerascnn.load(path)
        of_letters, of_digits = (
            np.mean([prediction.confidence for prediction in model.predict(pictures)])
            for pictures in (letters(), list(mnist.test_images[200:700]))
        )
        sureness.append(of_letters / of_digits)
        assert model.card.recipe["outliers"] > 0
        assert 0 < model.card.rejection_threshold < 1
    assert sureness[0] < 0.9 * sureness[1]


def test_outliers_follow_from_the_state_of_the_generator(mnist):
    digits, labels = mnist.train_images[:50], mnist.train_labels[:50]
    first, same, other = (make_outliers(300, digits, labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert first.dtype == np.uint8
    assert first.any(axis=(1, 2)).all()
    assert make_outliers(0, digits, labels, np.random.default_rng(1)).shape == (0, 28, 28)


@pytest.mark.parametrize("size", [(8, 8), (24, 36), (64, 64)])
def test_outliers_have_any_size_and_need_no_ink(size):
    digits = np.zeros((20, *size), np.uint8)
    digits[10:, 2:6, 3:5] = 255
    for some in (digits, digits[:10]):
        assert make_outliers(200, some, np.arange(len(some)) % 10, np.random.default_rng(1)).shape == (200, *size)


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
    assert (prediction.label, prediction.reason) == (None, "looks like a page; use 'kerascnn read'")
