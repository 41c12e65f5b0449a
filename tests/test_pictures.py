"""One way for one picture: every command and every form of it gives the same answer, or says why there is none."""

import io
import json

import numpy as np
import pytest
from conftest import assert_clear_failure
from PIL import Image

import kerascnn
from kerascnn.datasets import load_dataset
from kerascnn.inference.drawing import Drawings, predict_and_draw

NO_INK = "no ink found"


@pytest.fixture(scope="module")
def reference():
    return kerascnn.load("reference")


def as_png(picture: np.ndarray | Image.Image) -> bytes:
    stream = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(stream, "PNG")
    return stream.getvalue()


def refuse(name: str, error: Exception) -> None:
    raise error


BLANK = {
    "large": np.full((120, 90), 250, np.uint8),
    "small": np.full((40, 30, 3), 200, np.uint8),
    "as MNIST has it": np.zeros((28, 28), np.uint8),
}


# === Forms of one picture ===


def test_a_picture_has_one_answer_in_every_form(reference, photo, tmp_path):
    picture = photo(7)
    path = tmp_path / "seven.png"
    path.write_bytes(as_png(picture))
    forms = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), picture, np.asarray(picture)]
    answers = reference.predict(forms)
    assert answers[0].digit == 7
    assert all(answer == answers[0] for answer in answers)
    with path.open("rb") as file:
        assert reference.predict(file) == answers[:1]
    drawings = Drawings(tmp_path / "strips", [path])
    assert [answer for _, answer in predict_and_draw([path], reference, refuse, drawings)] == answers[:1]
    assert [answer for _, answer in reference.predict_files(forms, refuse)] == answers


def test_standard_input_is_a_picture(cli, photo):
    result = cli("predict", "-", "--model", "reference", "--format", "json", stdin=as_png(photo(4)))
    document = json.loads(result.stdout)
    assert (document["image"], document["digit"]) == ("-", 4)


def test_pages_are_read_from_bytes_and_files(reference, photo):
    content = as_png(photo(3))
    assert kerascnn.read(content, reference).text == "3"
    assert kerascnn.read(io.BytesIO(content), reference).text == "3"


# === No ink ===


@pytest.mark.parametrize("kind", BLANK)
def test_a_blank_picture_has_a_reason_instead_of_an_answer(reference, kind, tmp_path):
    blank = BLANK[kind]
    (prediction,) = reference.predict([blank])
    assert (prediction.label, prediction.digit, prediction.reason) == (None, None, NO_INK)
    assert [found.reason for _, found in reference.predict_files([as_png(blank)], refuse)] == [NO_INK]
    drawings = Drawings(tmp_path, ["-"])
    assert [found.reason for _, found in predict_and_draw([as_png(blank)], reference, refuse, drawings)] == [NO_INK]
    prepared = reference.prepare(blank)
    assert (prepared.has_ink, prepared.glyph, prepared.pixels.any()) == (False, None, False)


def test_one_faint_pixel_is_ink(reference):
    """What was found decides, not how bright it is: an image that is prepared already keeps its faintest stroke."""
    image = np.zeros((28, 28), np.uint8)
    image[14, 14] = 1
    assert reference.predict([image])[0].reason != NO_INK


def test_it_is_known_how_the_glyph_was_found(reference, photo, digit_image):
    large = reference.prepare(photo(5))
    # The glyph nearly fills the grid, since the even margin around it is left out.
    height, width = large.grid
    assert 0 <= large.glyph.left < 0.1 * width < 0.9 * width < large.glyph.right <= width
    assert 0 <= large.glyph.top < 0.1 * height < 0.9 * height < large.glyph.bottom <= height
    as_it_is = reference.prepare(digit_image(5))
    assert (as_it_is.found_by, as_it_is.glyph) == ("as it is", None)


def test_explain_says_that_there_is_no_ink(cli, tmp_path):
    (tmp_path / "blank.png").write_bytes(as_png(BLANK["large"]))
    result = cli("explain", "blank.png", "--model", "lecture", "--format", "json", "--output", "why")
    assert_clear_failure(result, "blank.png", "no ink was found")
    assert not (tmp_path / "why").exists()


def test_a_class_folder_holds_what_predict_sees(reference, photo, tmp_path):
    for digit in range(10):
        directory = tmp_path / "folder" / "train" / str(digit)
        directory.mkdir(parents=True)
        (directory / "picture.png").write_bytes(as_png(photo(digit) if digit else BLANK["large"]))
    (tmp_path / "folder" / "test").symlink_to(tmp_path / "folder" / "train")
    data = load_dataset(tmp_path / "folder")
    # Nothing is recognised while a folder is read, yet the glyph that the evidence chooses is the same digit.
    assert [answer.digit for answer in reference.predict(data.train_images[1:])] == list(range(1, 10))
    assert not data.train_images[0].any()


# === Predictor ===


def test_a_saved_copy_gives_the_same_probabilities(reference, mnist, tmp_path):
    path = reference.save(tmp_path / "models" / "copy")
    assert path == tmp_path / "models" / "copy.keras"
    copy = kerascnn.load(path)
    assert (copy.card.name, copy.engine.name) == ("copy", "onnxruntime")
    images = mnist.test_images[:50]
    assert np.array_equal(copy.engine.probabilities(images), reference.engine.probabilities(images))
    assert all(file.is_file() for file in copy.files)


def test_a_model_in_memory_is_saved_with_all_that_loading_needs(workers, mnist, tmp_path):
    path = tmp_path / "memory.keras"
    told = workers("tensorflow")("save_from_memory", model="lecture", output=str(path))
    assert "'lecture'" in told["repr"]
    assert "tensorflow" in told["repr"]
    loaded = kerascnn.load(path)
    assert loaded.engine.name == "onnxruntime"
    assert loaded.summary().num_parameters == told["num_parameters"]
    assert np.allclose(loaded.engine.probabilities(mnist.test_images[:20]), told["probabilities"], atol=1e-5)


def test_a_model_says_what_it_is(reference):
    text = repr(reference)
    for word in ("reference", "10 classes", "onnxruntime", "reference.keras"):
        assert word in text
    summary = reference.summary()
    assert summary.layers[-1].output_shape == (10,)
    assert summary.num_parameters == sum(layer.parameters.value for layer in summary.layers)
