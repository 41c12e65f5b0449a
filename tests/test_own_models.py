"""Models of people's own scripts: how each is fed is found out, said and recorded, and plain Keras says the same."""

import io
import json
import shutil

import numpy as np
import pytest
from conftest import assert_clear_failure, copy_reference

import kerascnn
from kerascnn.inference.own_models import write_card
from kerascnn.saving.feeding import read_scale

DIGITS = list("0123456789")
# What is found out of each model of `own_model_tasks.py`: scale, outputs and classes.
FOUND = {
    "unit": ("1", "probabilities", DIGITS),
    "logits": ("1", "logits", DIGITS),
    "values784": ("1", "probabilities", DIGITS),
    "channel_first": ("1", "probabilities", DIGITS),
    "sigmoids": ("1", "sigmoids", DIGITS),
    "seven": ("1", "sigmoid", ["not 7", "7"]),
    "seven_logit": ("1", "logit", ["not 7", "7"]),
    "rgb": ("1", "probabilities", DIGITS),
    "minus_one": ("-1..1", "probabilities", DIGITS),
    "standardised": ("0.1307,0.3081", "probabilities", DIGITS),
    "augmenting": ("255", "probabilities", DIGITS),
    "any_size": ("255", "probabilities", DIGITS),
    "division": ("255", "probabilities", DIGITS),
    "normalized": ("255", "probabilities", DIGITS),
}


@pytest.fixture(scope="session")
def linear(workers, tmp_path_factory):
    """The directory of the models of one layer, and what plain Keras says of 50 test images."""
    directory = tmp_path_factory.mktemp("linear")
    workers("tensorflow")("save_linear_models", directory=str(directory))
    return directory


@pytest.fixture(scope="session")
def carded(workers, linear, tmp_path_factory):
    """A model with pixels 0..1 whose card and .onnx were written."""
    path = tmp_path_factory.mktemp("carded") / "unit.keras"
    shutil.copy(linear / path.name, path)
    workers("tensorflow")("write_own_card", model=str(path))
    return path


@pytest.fixture(scope="session")
def no_digits(workers, tmp_path_factory):
    """The directory of models whose scale cannot be measured."""
    directory = tmp_path_factory.mktemp("no-digits")
    workers("tensorflow")("save_what_is_no_digit_model", directory=str(directory))
    return directory


@pytest.mark.parametrize("name", FOUND)
def test_how_a_model_is_fed_is_found_out(workers, linear, name):
    found = workers("tensorflow")("load_own", model=str(linear / f"{name}.keras"))
    scale, outputs, classes = FOUND[name]
    assert (found["scale"], found["outputs"], found["class_names"]) == (scale, outputs, classes)
    assert found["preparation"] == "mnist"
    expected = np.load(linear / f"{name}.npy")
    assert np.allclose(found["probabilities"], expected, atol=5e-5)
    if classes == DIGITS:
        assert np.allclose(found["predicted"], expected, atol=5e-5)  # from rows of 784 values
    (note,) = found["notes"]
    assert f"--scale {scale} (measured on training images" in note


def test_other_backends_find_the_same(worker, linear):
    found = worker("load_own", model=str(linear / "logits.keras"))
    assert (found["scale"], found["outputs"]) == ("1", "logits")
    assert np.allclose(found["probabilities"], np.load(linear / "logits.npy"), atol=5e-5)


def test_a_scale_that_is_said_is_taken(workers, linear):
    found = workers("tensorflow")(
        "load_own", model=str(linear / "standardised.keras"), scale="33.3285, 78.5655", preparation="resize"
    )
    assert (found["scale"], found["preparation"]) == ("33.3285, 78.5655", "resize")
    assert np.allclose(found["probabilities"], np.load(linear / "standardised.npy"), atol=5e-5)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("untrained", "say it with --scale"),
        ("one_softmax", "a softmax of one unit"),
        ("two_channels", "takes (28, 28, 2) values for each image"),
    ],
)
def test_what_is_not_clear_is_refused(workers, no_digits, name, words):
    assert words in workers("tensorflow")("load_own", model=str(no_digits / f"{name}.keras"))["refused"]


def test_a_layer_that_scales_is_believed_where_nothing_can_be_measured(workers, no_digits):
    found = workers("tensorflow")("load_own", model=str(no_digits / "untrained_scaled.keras"))
    assert (found["scale"], found["preparation"], found["class_names"]) == ("255", "resize", ["0", "1", "2"])
    assert "since it has a layer that scales them" in found["notes"][0]


def test_a_card_makes_it_a_model_like_ours(cli, carded, linear, mnist, digit_image):
    notes: list[str] = []
    model = kerascnn.load(carded, on_note=notes.append)
    assert (model.engine.name, notes, model.card.feeding.scale) == ("onnxruntime", [], "1")
    expected = np.load(linear / "unit.npy")
    assert np.allclose(model.engine.probabilities(mnist.test_images[:50]), expected, atol=5e-5)
    assert kerascnn.evaluate(model).accuracy > 0.8
    with pytest.raises(kerascnn.ModelError, match="has a card, which says --scale 1, not 255"):
        kerascnn.load(carded, scale="255")
    result = cli("evaluate", "--model", carded, "--scale", "1", "--format", "json")
    assert json.loads(result.stdout)["accuracy"] == kerascnn.evaluate(model).accuracy
    with pytest.raises(kerascnn.ModelError, match="has the card that it was trained with"):
        write_card("reference")


def test_the_command_takes_names_scale_and_preparation(cli, linear, tmp_path):
    path = shutil.copy(linear / "seven.keras", tmp_path / "mine.keras")
    result = cli("card", "mine.keras", "--scale", "1", "--classes", "other,seven", "--preparation", "mnist")
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode().splitlines() == ["wrote mine.onnx", "wrote mine.json"]
    card = kerascnn.load(path).card
    assert (card.class_names, card.preparation, card.feeding.outputs) == (("other", "seven"), "mnist", "sigmoid")
    assert_clear_failure(cli("card", "mine.keras", "--classes", "a,b,c"), "tells 2 classes apart, but 3 are named")
    assert_clear_failure(cli("predict", "x.png", "--scale", "7", "--model", "mine.keras"), "--scale 1, not 7")


def test_a_card_is_written_anew_for_another_model_of_that_name_unless_it_was_changed(cli, linear, tmp_path):
    path = copy_reference(tmp_path / "mine.keras")
    shutil.copy(linear / "seven.keras", path)
    with pytest.raises(kerascnn.ModelError, match=r"mine\.json is the card of another file"):
        kerascnn.load(path)
    result = cli("card", "mine.keras", "--scale", "1", "--preparation", "mnist")
    assert result.returncode == 0, result.stderr
    assert len(kerascnn.load(path).card.class_names) == 2
    card = json.loads(path.with_suffix(".json").read_text())
    card["class_names"][0] = "naught"
    path.with_suffix(".json").write_text(json.dumps(card))
    assert kerascnn.load(path).card.class_names[0] == "naught"
    assert_clear_failure(cli("card", "mine.keras", "--scale", "1"), "mine.json was changed since kerascnn wrote it")
    assert kerascnn.load(path).card.class_names[0] == "naught"


def test_an_explanation_is_of_the_model_as_it_is_fed(workers, carded, linear, tmp_path):
    for name, model, options in (("card", carded, {}), ("scale", linear / "values784.keras", {"scale": "1"})):
        label, *files = workers("tensorflow")("explain_own", model=str(model), output=str(tmp_path / name), **options)
        assert (label, files[-1]) == ("7", "report.html")


@pytest.mark.parametrize(
    ("scale", "values"),
    [
        ("255", (0, 255)),
        ("1", (0, 1)),
        ("-1..1", (-1, 1)),
        ("1..0", (1, 0)),
        ("0.5,0.25", (-2, 2)),
        ("127.5,51", (-2.5, 2.5)),
    ],
)
def test_scales(scale, values):
    factor, offset = read_scale(scale)
    assert np.allclose([offset, 255 * factor + offset], values)


@pytest.mark.parametrize("scale", ["", "2", "x", "1,0", "1..1", "nan"])
def test_what_is_no_scale_is_wrong_usage(scale):
    with pytest.raises(kerascnn.UsageError, match=r"give 255, 1, -1\.\.1"):
        read_scale(scale)


def test_arrays_tensors_and_lists_are_pictures(digit_image, photo):
    import jax
    import torch

    model = kerascnn.load("reference")
    images = np.stack([digit_image(digit) for digit in (3, 1, 4)])
    for given in (
        images,
        images.reshape(3, 784),
        images / 255.0,
        images[..., None],
        images[:, None],
        torch.tensor(images / 255.0, requires_grad=True),
        jax.numpy.asarray(images),
        images.tolist(),
        list(images),
    ):
        assert [prediction.label for prediction in model.predict(given)] == ["3", "1", "4"]
    content = io.BytesIO()
    photo(6).save(content, "PNG")
    array = np.asarray(photo(6))
    for given in (content.getvalue(), content, array, array.tolist(), torch.tensor(array), jax.numpy.asarray(array)):
        assert [prediction.label for prediction in model.predict(given)] == ["6"]
        assert kerascnn.read(given, model).text == "6"
    wide = np.repeat(np.repeat(np.asarray(photo(6)), 2, axis=0), 2, axis=1)[:, :784]
    assert len(model.predict(wide)) == 1  # a picture that is as wide as a flat image is long


@pytest.mark.parametrize(
    "given",
    [
        5,
        None,
        np.zeros((200, 200, 2)),
        np.array([object()]),
        np.zeros((30, 30), complex),
        {"a": 1},
        np.zeros((2, 2, 2, 2, 2)),
        np.float32(3),
    ],
    ids=["number", "none", "two-channels", "objects", "complex", "mapping", "five-axes", "scalar"],
)
def test_what_is_no_picture_is_one_clear_error(given, tmp_path):
    model = kerascnn.load("reference")
    for use in (model.predict, kerascnn.read, lambda one: kerascnn.explain(one, output=tmp_path / "x")):
        with pytest.raises(kerascnn.ImageError, match="is not a picture") as refused:
            use(given)
        assert isinstance(refused.value, ValueError)
