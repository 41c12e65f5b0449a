"""The summary's arithmetic, worked by hand, and held against what Keras builds and what its networks really see."""

import json
import math
import zipfile

import pytest
from conftest import assert_clear_failure

from kerascnn.models import ARCHITECTURES
from kerascnn.saving.model_files import find_shipped_model
from kerascnn.summary import summarize
from kerascnn.summary.counts import find_counts
from kerascnn.summary.layer_arithmetic import Window, compute_padded_window, convolution_parameters, dense_parameters
from kerascnn.utils.errors import ModelError


def write_model(path, config: dict) -> None:
    """A `.keras` file of a configuration; its weights are nobody's business here."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")


@pytest.fixture(scope="module")
def built(workers) -> list[dict]:
    """Networks as Keras builds them; the configuration does not depend on the backend; this one builds them soonest."""
    return workers("torch")("keras_layers")


# === By hand ===


def test_the_formula_in_numbers():
    assert Window(28, 3).text == "(28 - 3 + 2*0) / 1 + 1 = 26"
    assert Window(32, 5, 1, (2, 2)).text == "(32 - 5 + 2*2) / 1 + 1 = 32"
    assert Window(7, 3, 2).output_size == 3
    assert compute_padded_window("same", 224, 7, 2).text == "(224 - 7 + 2 + 3) / 2 + 1 = 112"
    assert Window(7, 3, 3).text == "(7 - 3 + 2*0) / 3 + 1 = 2.333, rounded down to 2"
    assert Window(7, 3, 3).unseen == 1


def test_weights_in_numbers():
    assert convolution_parameters((3, 3), 1, 32).text == "3*3*1*32 + 32 = 320"
    assert convolution_parameters((3, 3), 8, 16, groups=4, use_bias=False).text == "3*3*2*16 = 288"
    assert dense_parameters(9216, 128).text == "9216*128 + 128 = 1,179,776"


def test_the_table_of_the_network_that_ships(cli):
    text = cli("summary", "--model", "lecture").stdout.decode()
    assert "conv1             26x26x32         320     194,688        3x3     84.5 KiB" in text
    for line in (
        "Conv2D: N = 28, F = 3, S = 1, P = 0: (28 - 3 + 2*0) / 1 + 1 = 26",
        "weights and biases: 3*3*1*32 + 32 = 320",
        "MaxPooling2D: N = 24, F = 2, S = 2, P = 0: (24 - 2 + 2*0) / 2 + 1 = 12",
        "multiply-adds: 9216*128 = 1,179,648",
    ):
        assert f"    {line}\n" in text
    assert "total                        1,199,882  11,992,448               343.7 KiB" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_fully_connected_network_beside_it(cli):
    result = cli("summary", "--architecture", "cnn", "--input-shape", "256x256x3")
    text = result.stdout.decode()
    assert "256*256*3 = 196,608" in text
    assert "first layer: weights of one unit             27          196,608" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_the_same_in_numbers(cli):
    document = json.loads(cli("summary", "--format", "json", "--model", "lecture").stdout)
    layers = {layer["name"]: layer for layer in document["layers"]}
    assert layers["conv2"]["windows"][0] == {
        **{"N": 26, "F": 3, "S": 1, "P": [0, 0]},
        **{"dilation": 1, "output": 24, "unseen": 0},
    }
    assert [layers[name]["receptive_field"] for name in ("conv1", "conv2", "pool", "dense")] == [
        [3, 3],
        [5, 5],
        [6, 6],
        "whole",
    ]
    assert document["num_parameters"] == 1199882
    assert document["num_multiply_adds"] == 194688 + 10616832 + 1179648 + 1280
    assert document["activation_bytes"] == sum(4 * math.prod(layer["output_shape"]) for layer in layers.values())


def test_a_wide_terminal_keeps_the_arithmetic_on_one_line(cli, tmp_path, built):
    (config,) = [model["config"] for model in built if model["config"]["config"]["name"] == "attention"]
    write_model(tmp_path / "attention.keras", config)
    narrow, wide = (
        cli("summary", "--model", "attention.keras", COLUMNS=width).stdout.decode() for width in ("80", "120")
    )
    line = "16*12*3*4 + 16*12*3*4 + 16*12*3*4 + 16*16*3*4 + 16*16*3*4 + 16*3*4*12 = 15,360"
    assert line in wide
    assert line not in narrow
    assert max(map(len, narrow.splitlines())) <= 80


# === What cannot be ===


def test_a_filter_larger_than_its_input_is_explained(cli):
    result = cli("summary", "--architecture", "cnn", "--input-shape", "4x4x1")
    assert_clear_failure(result, "'conv2' is impossible", "F = 3", "N = 2", "(2 - 3 + 2*0) / 1 + 1 = 0")


def test_a_stride_that_does_not_fit_is_explained(cli):
    text = cli("summary", "--input-shape", "29x28x1", "--model", "lecture").stdout.decode()
    assert "height: N = 25, F = 2, S = 2, P = 0:" in text
    assert "(25 - 2 + 2*0) / 2 + 1 = 12.5, rounded down to 12" in text
    assert "the stride does not fit; left out: the last 1 of 25 rows" in text


def test_wrong_usage(cli):
    assert cli("summary", "--architecture", "cnn", "--model", "lecture").returncode == 2
    for shape in ("28", "28x0x1", "axb", "1x2x3x4"):
        result = cli("summary", "--input-shape", shape)
        assert result.returncode == 2
        assert "28x28x1" in result.stderr.decode()
    assert_clear_failure(cli("summary", "--architecture", "rnn"), "'rnn'", "cnn", code=2)
    assert_clear_failure(cli("summary", "--model", "nothing.keras"), "there is no model nothing.keras")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"class_name": "Lambda", "config": {}}, "'Lambda'"),
        ({"class_name": "Functional", "config": {"layers": [{"name": "a"}]}}, "cannot be understood"),
        ({"class_name": "Sequential", "config": {"layers": []}}, "any size"),
    ],
)  # fmt: skip
def test_a_user_s_file_is_not_trusted(tmp_path, config, words):
    write_model(tmp_path / "model.keras", config)
    with pytest.raises(ModelError, match=words):
        summarize(model=tmp_path / "model.keras")


def test_another_shape_for_a_fixed_reshape_is_explained(tmp_path, built):
    (config,) = [model["config"] for model in built if model["config"]["config"]["name"] == "attention"]
    write_model(tmp_path / "attention.keras", config)
    with pytest.raises(ModelError, match=r"'tokens' .*300 values do not make 16x12"):
        summarize(model=tmp_path / "attention.keras", input_shape=(35, 35, 1))


# === Against Keras ===


def test_shapes_and_counts_are_those_that_keras_builds(tmp_path, built):
    for model in built:
        write_model(tmp_path / "model.keras", model["config"])
        summary = summarize(model=tmp_path / "model.keras")
        shapes = {layer.name: layer.output_shape for layer in summary.layers}
        # A model inside the model has a row for each of its layers, and none of its own.
        assert set(model["shapes"]) - set(shapes) <= {"block"}
        for name in set(shapes) & set(model["shapes"]):
            own, expected = shapes[name], model["shapes"][name]
            assert len(own) == len(expected), name
            assert all(size in (None, mine) for mine, size in zip(own, expected, strict=True)), (name, own, expected)
        assert summary.num_parameters == sum(model["num_parameters"].values()), model["num_parameters"]
        assert summary.num_trainable == model["num_trainable"], model["num_parameters"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_size_of_each_architecture_is_what_the_summary_counts(tmp_path, built, name):
    (config,) = [model["config"] for model in built if model["config"]["config"]["name"] == name]
    write_model(tmp_path / "model.keras", config)
    summary = summarize(model=tmp_path / "model.keras")
    assert find_counts(name) == (summary.num_parameters, summary.num_multiply_adds)


def test_the_architecture_that_ships_is_the_one_that_is_built(built):
    (counts,) = [model["num_parameters"] for model in built if model["config"]["config"]["name"] == "cnn"]
    layers = summarize("cnn").layers
    assert {layer.name: layer.parameters.value for layer in layers[1:]} == counts
    assert read_classes(find_shipped_model("lecture")) == [layer.class_name for layer in layers]


def read_classes(path) -> list[str]:
    """The classes of the layers of a sequential model's file."""
    with zipfile.ZipFile(path) as archive:
        return [layer["class_name"] for layer in json.loads(archive.read("config.json"))["config"]["layers"]]


def test_receptive_fields_are_what_the_network_sees(tmp_path, workers):
    answer = workers("torch")("seen_pixels")
    write_model(tmp_path / "branches.keras", answer["config"])
    fields = {}
    for layer in summarize(model=tmp_path / "branches.keras").layers:
        fields.setdefault(layer.name, layer.receptive_field)  # Keras tells of the first use of a shared layer
    assert {"up", "after", "transposed", "last"} < set(answer["seen"])
    assert set(answer["seen"]) - set(fields) <= {"block"}
    for name in set(answer["seen"]) & set(fields):
        assert list(fields[name]) == answer["seen"][name], name
