"""kerascnn explain: the maps are right and the same on every backend, the page shows them, failures leave nothing."""

import base64
import io
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment
from PIL import Image, ImageDraw, ImageFont

from kerascnn.utils.backend import BACKENDS

NUM_IMAGES = 3
MAPS = ("grad_cam", "hires_cam", "input_gradient", "integrated_gradients", "occlusion")


@pytest.fixture(scope="module")
def user_model(workers, tmp_path_factory):
    """A model as a user might have it, by kind, made when it is first asked for."""
    directory = tmp_path_factory.mktemp("models")

    def model(kind: str) -> str:
        path = directory / f"{kind}.keras"
        if not path.exists():
            workers("tensorflow")("build_user_model", kind=kind, path=str(path))
        return str(path)

    return model


@pytest.fixture(scope="module")
def maps(workers, tmp_path_factory) -> dict[str, dict]:
    """All maps of the lecture's network for the first test images, by backend."""
    directory = tmp_path_factory.mktemp("maps")
    for backend in BACKENDS:
        workers(backend)("maps", model="lecture", num_images=NUM_IMAGES, output=str(directory / f"{backend}.npz"))
    return {backend: dict(np.load(directory / f"{backend}.npz")) for backend in BACKENDS}


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's, over all pixels."""
    ranks = [np.argsort(np.argsort(values.ravel())) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


@pytest.mark.parametrize("name", MAPS)
def test_maps_agree_on_all_backends(maps, name):
    first = maps["tensorflow"][name]
    assert first.shape == (NUM_IMAGES, 10 if name == "occlusion" else 2, 28, 28)
    assert (np.abs(first).max(axis=(2, 3)) > 0.001).all()
    for backend in BACKENDS:
        assert np.abs(maps[backend][name] - first).max() <= 1e-4, backend


def test_input_gradients_agree_with_finite_differences(worker, user_model):
    difference, largest = worker("gradient_and_differences", model=user_model("smooth"))
    assert largest > 0.01
    assert difference <= 1e-4


def test_integrated_gradients_add_up_to_the_score(maps):
    found = maps["tensorflow"]
    label = found["logits"].argmax(axis=1)
    rise = found["logits"].max(axis=1) - found["empty"][label]
    assert np.abs(rise).min() > 1
    assert found["integrated_gradients"][:, 0].sum(axis=(1, 2)) == pytest.approx(rise, rel=0.02)


def test_occlusion_of_empty_paper_changes_nothing(maps):
    found = maps["tensorflow"]
    for image, drops in zip(found["images"], found["occlusion"], strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, 2), (5, 5))
        inked = windows.any(axis=(2, 3))
        assert np.abs(drops[:, ~inked]).max() < 1e-4
        assert np.abs(drops[:, inked]).max() > 1


def test_class_activation_maps_depend_on_the_weights(workers, maps, tmp_path):
    workers("tensorflow")("shuffled_maps", model="lecture", num_images=NUM_IMAGES, output=str(tmp_path / "s.npz"))
    shuffled = np.load(tmp_path / "s.npz")
    for name in ("grad_cam", "hires_cam"):
        pairs = zip(maps["tensorflow"][name][:, 0], shuffled[name][:, 0], strict=True)
        correlations = [rank_correlation(first, second) for first, second in pairs]
        assert max(correlations) < 0.5, name
        assert abs(np.mean(correlations)) < 0.3, name
        assert rank_correlation(maps["tensorflow"][name][0, 0], maps["jax"][name][0, 0]) > 0.99


def test_before_a_single_dense_layer_class_activation_maps_are_sums_of_its_weights(workers, user_model):
    assert max(workers("tensorflow")("maps_by_hand", model=user_model("linear"))) < 1e-5


def test_networks_with_connections_around_layers_are_cut_where_it_is_possible(workers, user_model):
    found = workers("tensorflow")("cut", model=user_model("residual"), layer="inner")
    assert (found["name"], found["last_maps"]) == ("add", "stage")
    assert found["difference"] < 1e-5
    assert workers("tensorflow")("cut", model=user_model("residual"), layer="stem")["name"] == "stem"


def test_maps_lie_on_the_image_where_they_were_computed_from(workers):
    found = workers("tensorflow")("windows")
    assert [row["layer"] for row in found] == ["valid", "same", "padded", "dilated", "pooled"]
    for row in found:
        assert row["window"] == row["reached"], row["layer"]


def test_images_made_for_filters_excite_them_more_than_any_other(workers):
    found = workers("tensorflow")("maximised", model="lecture", layer="conv2")
    assert found["beats_noise"] == 1
    assert found["beats_training"] >= 0.8
    assert found["repeatable"]
    assert found["seeded"]
    assert found["range"][0] >= 0
    assert found["range"][1] <= 255


def test_training_images_that_excite_filters(workers, user_model):
    found = workers("tensorflow")("exemplars", model=user_model("small"), layer="second")
    assert found["found"] == pytest.approx(np.array(found["brute_force"]))
    # The frame that is drawn holds all that the unit sees.
    assert found["in_frame"] == pytest.approx([row[0] for row in found["found"]], rel=1e-4)


def test_filters_are_ordered_by_the_direction_of_their_edge(workers):
    found = workers("tensorflow")("direction_order")
    assert found["num_edges"] == 8
    assert found["angles"] == sorted(found["angles"])


def pictures_of(page: str, attribute: str) -> list[np.ndarray]:
    """The pictures that a page carries within itself: `src` for light surroundings, `srcset` for dark ones."""
    found = re.findall(rf'{attribute}="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")) for text in found]


def test_command_writes_pictures_and_a_page_of_its_own(cli, tmp_path, photo, user_model, small_digits):
    photo(4).save(tmp_path / "my four.png")
    shutil.copy(user_model("small"), tmp_path / "mine.keras")
    options = ("--model", "mine.keras", "--class", "7", "--layer", "first", "--data", small_digits, "--format", "json")
    result = cli("explain", "my four.png", *options)
    assert result.returncode == 0, result.stderr.decode()
    document = json.loads(result.stdout)
    assert document["image"] == "my four.png"
    assert document["classes"][0] == "7"
    assert document["classes"][1] != "7"
    assert document["layer"] == "first"
    assert document["report"] == "explained/my four/report.html"
    names = {Path(path).name for path in document["files"]}
    # A hidden file lists what this command may replace.
    assert names == {path.name for path in (tmp_path / "explained" / "my four").glob("[!.]*")}
    assert names >= {
        "answer.png", "hires-cam.png", "grad-cam.png", "integrated-gradients.png", "input-gradient.png",
        "occlusion.png", "filters.png", "feature-maps-first.png", "feature-maps-smaller.png", "feature-maps-second.png",
        "maximised-filters.png", "exciting-images.png", "report.html",
    }  # fmt: skip
    page = (tmp_path / document["report"]).read_text(encoding="utf-8")
    assert "What follows explains the class 7." in page
    # What covering changes is the answer, whichever class is explained.
    likely = document["classes"][1]
    assert f"remains {likely}" in page or f"no longer {likely}" in page
    assert "800 training images" in page
    # The network flattens its maps, so that the two maps differ.
    assert "believe HiResCAM" in page
    assert "Draelos" in page
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    assert not re.search(r'(?:src|href|srcset)="(?!data:|#)', page)
    assert page.count("<figcaption>") == page.count("<img ")
    assert 'alt=""' not in page
    light, dark = pictures_of(page, "src"), pictures_of(page, "srcset")
    assert light
    for picture, other in zip(light, dark, strict=True):
        assert picture.shape == other.shape
        assert picture.shape[1] > 1000
        assert picture[0, 0].mean() > 250
        assert other[0, 0].mean() < 40
    for path in (tmp_path / "explained" / "my four").glob("*.png"):
        drawn = np.asarray(Image.open(path).convert("RGB"))
        assert any(np.array_equal(drawn, picture) for picture in light), path


def test_a_withheld_answer_is_explained_by_the_most_probable_class(workers, tmp_path):
    letter = Image.new("L", (300, 300), 240)
    ImageDraw.Draw(letter).text((60, 0), "W", fill=20, font=ImageFont.load_default(240))
    letter.save(tmp_path / "letter.png")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    arguments = {"picture": str(tmp_path / "letter.png"), "model": "lecture", "output": str(tmp_path / "kept")}
    found = workers("tensorflow")("explain", **arguments)
    assert found["label"] is None
    assert found["reason"] == "not a digit"
    page = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "The answer is withheld (not a digit)" in page
    assert "Here they are empty" in page
    assert f"What follows explains the class {found['classes'][0]}." in page
    assert (tmp_path / "kept" / "notes.txt").read_text() == "mine"


def test_before_averages_no_map_is_to_be_believed_more(workers, tmp_path, photo, user_model):
    photo(3).save(tmp_path / "three.png")
    output = str(tmp_path / "out")
    arguments = {"picture": str(tmp_path / "three.png"), "model": user_model("residual"), "output": output}
    found = workers("jax")("explain", **arguments)
    assert found["layer"] == "stage"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "both maps are the same" in page
    assert "believe HiResCAM" not in page


def test_an_empty_picture_is_refused_in_one_sentence(workers, tmp_path, user_model):
    Image.new("L", (200, 200), 240).save(tmp_path / "empty.png")
    arguments = {"picture": str(tmp_path / "empty.png"), "output": str(tmp_path / "new" / "out")}
    for model in ("lecture", "segmenter", user_model("small")):
        message = workers("jax")("explain_refused", model=model, **arguments)
        assert message.startswith(f"{tmp_path / 'empty.png'} is empty: no ink was found"), model
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layer": "conv9"}, ("no layer 'conv9'", "first, smaller, second")),
        ({"label": "ten"}, ("no class 'ten'", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9")),
        ({"data": "nowhere"}, ("no data set 'nowhere'",)),
        ({"picture": "missing.png"}, ("missing.png: there is no such file",)),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(workers, tmp_path, photo, user_model, arguments, words):
    photo(2).save(tmp_path / "two.png")
    arguments = {"picture": str(tmp_path / "two.png"), "output": str(tmp_path / "new" / "out"), **arguments}
    message = workers("tensorflow")("explain_refused", model=user_model("small"), **arguments)
    for word in words:
        assert word in message
    assert not (tmp_path / "new").exists()


def test_a_bad_picture_fails_before_anything_is_loaded(cli, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert_clear_failure(cli("explain", "bad.png"), "bad.png is not a picture")
    (tmp_path / "file").write_text("in the way")
    Image.new("L", (28, 28)).save(tmp_path / "fine.png")
    assert_clear_failure(cli("explain", "fine.png", "--output", "file"), "file is a file", "--output")


def test_an_interrupted_explanation_leaves_nothing(tmp_path, photo, user_model):
    photo(2).save(tmp_path / "two.png")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "kerascnn", "explain", "two.png", "--model", user_model("small")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    for line in process.stderr:
        if line.startswith(b"drawing"):
            break
    process.send_signal(signal.SIGINT)
    output, message = process.communicate()
    assert process.returncode == 130
    assert output == b""
    assert b"interrupted" in message
    assert b"Traceback" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["two.png"]
