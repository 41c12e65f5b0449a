"""The architectures: each goes through every command, on every backend; and `kerascnn models` compares them."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure, copy_reference, repack
from model_tasks import CLASSIFIERS
from PIL import Image

import kerascnn
from kerascnn.evaluation.model_overview import compare_architectures
from kerascnn.models import ARCHITECTURES, resolve_dropout_rates
from kerascnn.summary.counts import find_counts
from kerascnn.training.recipe import choose_recipe
from kerascnn.utils.backend import BACKENDS

NEW = ("mlp", "cnn_tiny", "resnet", "vit")
LIMITS = {"cnn_tiny": 10_000, "resnet": 1_000_000, "vit": 1_000_000}
RUN = {"epochs": 2, "batch_size": 64, "optimizer": "muon"}

# A network of each family is trained in full on one backend; `test_each_trains_on_the_other_backends` has the rest.
TRAINED_ON = {"mlp": "torch", "cnn_tiny": "tensorflow", "resnet": "torch", "vit": "torch"}
RATES = {"mlp": (0.1, 0.1), "cnn_tiny": (0.1,), "resnet": (0.1,), "vit": (0.1,)}


@pytest.fixture(scope="module")
def made(workers, shared_digits, tmp_path_factory):
    """Each architecture, trained twice: without interruption, and resumed after its first epoch."""
    made: dict[str, tuple] = {}

    def models(name: str) -> tuple:
        if name not in made:
            directory = tmp_path_factory.mktemp(name)
            result = workers(TRAINED_ON[name])(
                "interrupted_and_resumed",
                data=str(shared_digits),
                directory=str(directory),
                architecture=name,
                dropout_rates=RATES[name],
                **RUN,
            )
            made[name] = directory / "whole.keras", result
        return made[name]

    return models


@pytest.mark.parametrize("name", NEW)
def test_a_resumed_run_is_the_same_run_and_the_card_says_what_it_is(made, name):
    path, result = made(name)
    assert result["epochs"] == [1, 2]
    assert result["same"]
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["architecture"] == name
    assert tuple(card["recipe"]["dropout_rates"]) == RATES[name]
    assert f"--architecture {name}" in card["command"]
    rates = f"--dropout-rates {','.join(map(str, RATES[name]))}" if RATES[name] else ""
    assert rates in card["command"]
    assert card["history"][1]["loss"] < card["history"][0]["loss"]
    assert path.with_suffix(".onnx").exists()


@pytest.mark.parametrize("name", NEW)
def test_all_engines_agree(workers, made, mnist, name):
    path, _ = made(name)
    first = kerascnn.load(path).engine
    assert first.name == "onnxruntime"
    expected = first.probabilities(mnist.test_images[:100])
    for backend in BACKENDS:
        found = np.array(workers(backend)("first_probabilities", model=str(path), num_images=100))
        assert np.abs(found - expected).max() <= 1e-5, backend
    _, features = first.probabilities_and_features(mnist.test_images[:2])
    assert features.ndim == 2


@pytest.mark.parametrize(
    ("name", "backend"), [(name, backend) for name in NEW for backend in BACKENDS if backend != TRAINED_ON[name]]
)
def test_each_trains_on_the_other_backends(workers, shared_digits, name, backend):
    found = workers(backend)("fit_briefly", data=str(shared_digits), architecture=name)
    assert len(found["losses"]) == 2
    assert found["losses"][1] < found["losses"][0]
    assert found["num_parameters"] == find_counts(name).num_parameters < LIMITS.get(name, 10**7)


def test_every_command_takes_them(cli, made, shared_digits, tmp_path, photo):
    path, _ = made("mlp")
    (tmp_path / "photos").mkdir()
    for digit in range(10):
        photo(digit).save(tmp_path / "photos" / f"{digit}.png")
    document = json.loads(cli("evaluate", "--model", path, "--data", shared_digits, "--format", "json").stdout)
    assert document["accuracy"] > 0.6
    lines = cli("predict", "photos", "--model", path, "--format", "json").stdout.decode().splitlines()
    rows = [json.loads(line) for line in lines]
    # A network that was trained for a moment reads few of them, but more than the one that chance would.
    likely = [row["top"][0]["label"] for row in rows]
    assert sum(label == str(digit) for digit, label in enumerate(likely)) >= 3, likely
    assert f"{find_counts('mlp').num_parameters:,}".encode() in cli("summary", "--model", path).stdout
    for command in ("fit", "summary"):
        assert ", ".join(ARCHITECTURES) in " ".join(cli(command, "--help").stdout.decode().split())


# === Shapes and dropout ===


@pytest.fixture(scope="module")
def shapes(workers) -> dict:
    """What each architecture makes of pictures of several sizes; the backend makes no difference."""
    return workers("torch")("shapes")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_pictures_of_other_sizes_and_classes(shapes, name):
    assert shapes[name]["sums"] == pytest.approx([1] * len(shapes[name]["sums"]), abs=1e-5)
    refused = shapes[name]["refused"]
    assert set(refused) <= {"7x7x1"}
    assert refused or name != "cnn_tiny"
    for message in refused.values():
        assert "cannot take images of 7x7 pixels; use larger ones" in message
        assert "\n" not in message


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_dropout_is_the_networks_own_unless_it_is_given(shapes, name):
    assert shapes[name]["default_rates"] == list(ARCHITECTURES[name].dropout_rates)
    assert shapes[name]["rates_in_layers"] == shapes[name]["rates"]
    of_recipe = {"cnn": (0.0, 0.0)}
    assert choose_recipe("quick", name).dropout_rates == of_recipe.get(name, resolve_dropout_rates(name))
    with pytest.raises(kerascnn.KerasCNNError, match=f"'{name}' takes {len(ARCHITECTURES[name].dropout_rates)}"):
        choose_recipe("quick", name, dropout_rates=(0.1, 0.2, 0.3))


# === Explaining ===


@pytest.fixture(scope="module")
def attention(workers, made) -> dict:
    """The attention of the transformer for a test image, by backend."""
    path, _ = made("vit")
    return {backend: workers(backend)("attention", model=str(path)) for backend in BACKENDS}


def test_attention_is_what_its_definition_says(attention):
    for found in attention.values():
        assert found["by_hand"] < 1e-5
        assert np.ravel(found["rollout"]) == pytest.approx(found["rollout_by_hand"], abs=1e-4)
        received = np.array(found["received"])
        assert received.shape == (4, 4, 7, 7)
        assert received.mean(axis=(2, 3)) == pytest.approx(np.ones((4, 4)), abs=1e-4)
        assert received.std() > 0.01
        assert found["window"] == [9.5, 5.5, 17.5, 13.5]  # patches overlap, the cells that stand for them do not
        assert found["edges"] == [-0.5, -0.5, 27.5, 27.5]


def test_attention_is_the_same_on_all_backends(attention):
    first = attention["tensorflow"]
    for found in attention.values():
        for name in ("received", "rollout"):
            assert np.array(found[name]) == pytest.approx(np.array(first[name]), abs=1e-4)


@pytest.mark.parametrize(("name", "layer"), [("resnet", "stage3_block1_relu2"), ("vit", "places")])
def test_the_last_maps_are_those_that_the_head_averages(workers, made, name, layer):
    found = workers("tensorflow")("decisive_maps", model=str(made(name)[0]))
    assert found["name"] == layer
    assert found["difference"] < 1e-4


@pytest.fixture
def explained(workers, made, tmp_path, photo):
    """What `explain` tells of a model and a picture of a four, and its page."""
    photo(4).save(tmp_path / "four.png")

    def explain(name: str, **arguments) -> tuple[dict, str]:
        arguments |= {
            "picture": str(tmp_path / "four.png"),
            "model": str(made(name)[0]),
            "output": str(tmp_path / "out"),
        }
        document = workers("torch")("explain", **arguments)
        return document, (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    return explain


def test_a_fully_connected_network_is_explained_without_maps(workers, made, explained, tmp_path):
    document, page = explained("mlp")
    names = {Path(file).name for file in document["files"]}
    assert names >= {"integrated-gradients.png", "occlusion.png", "first-weights.png", "report.html"}
    assert not [name for name in names if "cam" in name or "feature-maps" in name]
    assert document["layer"] is None
    assert "it has no feature maps" in page
    assert "The 64 of 512 units of dense1" in page
    arguments = {"picture": str(tmp_path / "four.png"), "model": str(made("mlp")[0]), "layer": "dense1"}
    message = workers("torch")("explain_refused", **arguments)
    assert "no layer 'dense1' with feature maps; it has no convolution" in message


def test_a_transformer_is_explained_by_its_attention(explained, small_digits):
    document, page = explained("vit", data=str(small_digits))
    names = {Path(file).name for file in document["files"]}
    assert {"attention-rollout.png", "attention.png", "hires-cam.png", "grad-cam.png"} < names
    assert document["layer"] == "places"
    assert "7 x 7 patches" in page
    assert "4 layers of attention" in page


# === kerascnn models ===


@pytest.fixture
def recorded(tmp_path):
    """Cards of trained models: two seeds of one recipe, one seed twice, another recipe, one without a card."""
    directory = tmp_path / "trained"
    for name, seed, epochs, accuracy in (
        ("a", 0, 3, 0.98), ("b", 1, 3, 0.99), ("copy", 1, 3, 0.99), ("c", 0, 1, 0.97),
    ):  # fmt: skip
        path = copy_reference(directory / f"{name}.keras")
        card = kerascnn.load(path).card
        repack(
            path,
            architecture="vit",
            seed=seed,
            history=card.history[:epochs],
            recipe={**card.recipe, "name": "quick", "epochs": epochs},
            metrics={**card.metrics, "test_accuracy": accuracy, "milliseconds_per_picture": 0.5 + 0.2 * seed},
        )
    (directory / "unknown.keras").write_bytes(b"")
    return directory


def test_models_tells_what_cards_recorded(recorded):
    notes = []
    rows = {row.name: row for row in compare_architectures([recorded], notes.append)}
    assert list(rows) == list(ARCHITECTURES)
    many, one = rows["vit"].runs
    assert (many.seeds, many.epochs, many.recipe, many.num_test) == ((0, 1), 3, "quick", 10000)
    assert many.accuracy == pytest.approx(0.985)
    assert many.accuracy_deviation == pytest.approx(0.00707, abs=1e-5)
    assert many.milliseconds_per_picture == pytest.approx(0.6)
    assert len(many.models) == 3
    assert (one.seeds, one.accuracy, one.accuracy_deviation) == ((0,), 0.97, None)
    assert rows["cnn"].runs[0].models == ("lecture",)
    assert rows["resnet"].runs[0].models == ("reference",)
    assert rows["unet"].runs[0].models == ("segmenter",)
    assert rows["mlp"].runs == ()
    assert len(notes) == 1
    assert "unknown.keras is not a complete .keras file" in notes[0]


def test_models_for_people_and_programs(cli, recorded):
    text = cli("models", recorded, COLUMNS="80").stdout.decode()
    assert re.search("vit +97.00% +1 +quick +1 .* torch", text)
    assert "98.50% ± 0.71%" in text
    assert "0.60" in text
    assert "99.54%" in text
    assert "not trained yet: mlp, cnn_tiny (" in text
    assert "unet: accuracy of the pixels with ink" in text
    assert "…" not in text
    files = [line for line in text.splitlines() if line.startswith("vit, quick: ")]
    assert [name.partition("trained/")[2] for line in files for name in line.split(", ")[1:]] == [
        "a.keras", "b.keras", "copy.keras", "c.keras",
    ]  # fmt: skip
    assert "resnet, best: reference" in text
    assert max(len(line) for line in text.splitlines() if line not in files) <= 80
    document = json.loads(cli("models", recorded, "--format", "json").stdout)
    assert {row["name"]: row["num_parameters"] for row in document}["vit"] == 142026
    rows = list(csv.DictReader(cli("models", recorded, "--format", "csv").stdout.decode().splitlines()))
    assert [row["accuracy"] for row in rows if row["name"] == "vit"] == ["0.985", "0.97"]
    assert [row["accuracy"] for row in rows if row["name"] == "mlp"] == [""]
    assert_clear_failure(cli("models", "nowhere"), "there is no model nowhere")


def test_models_draws_mistakes_against_time(cli, recorded, tmp_path):
    said = cli("models", recorded, "--figure", "drawn/models.png").stderr.decode()
    assert said.endswith("wrote drawn/models.png\n")
    assert "note: lecture is not in the figure: its card has no time for one picture." in said
    assert "note: segmenter is not in the figure" in said
    assert "reference is not" not in said
    picture = np.asarray(Image.open(tmp_path / "drawn" / "models.png").convert("RGB"))
    trained, untrained = (86, 180, 233), (0, 114, 178)  # the colours of vit and of mlp
    assert (picture == trained).all(axis=-1).sum() > 100
    assert not (picture == untrained).all(axis=-1).any()
