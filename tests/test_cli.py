"""The command line on the model that ships: predict and evaluate, good input and bad."""

import csv
import io
import json
import platform
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure, copy_reference
from PIL import Image
from typer.testing import CliRunner

import kerascnn
from kerascnn.cli import app

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def json_lines(result) -> list[dict]:
    """The objects on stdout."""
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


def test_predict_prints_the_digit(cli, tmp_path, photo):
    photo(7).save(tmp_path / "seven.png")
    result = cli("predict", "seven.png")
    digit, confidence, percent = result.stdout.decode().split()
    assert (result.returncode, digit, percent) == (0, "7", "%")
    assert 90 < float(confidence) <= 100
    assert result.stderr.decode() == "model: reference (ships with kerascnn), on onnxruntime\n"


def test_predict_json_lines_for_files_directories_and_standard_input(cli, tmp_path, photo):
    (tmp_path / "scans" / "deep").mkdir(parents=True)
    photo(3).save(tmp_path / "scans" / "b.jpg")
    photo(8).save(tmp_path / "scans" / "deep" / "c.png")
    (tmp_path / "scans" / "notes.csv").write_text("a,b\n")
    (tmp_path / "scans" / ".hidden.png").write_bytes(b"nothing")
    (tmp_path / "scans" / "._b.jpg").write_bytes(b"what macOS keeps beside b.jpg")
    stream = io.BytesIO()
    photo(5).save(stream, "PNG")
    result = cli(
        "predict", "scans", "-", "--format", "json", "--top-k", "2", "--model", "reference", stdin=stream.getvalue()
    )
    rows = json_lines(result)
    assert result.returncode == 0
    assert result.stderr.decode().startswith("note: 1 hidden picture is left out (scans/.hidden.png);")
    assert [(row["image"], row["label"], row["digit"]) for row in rows] == [
        ("scans/b.jpg", "3", 3),
        ("scans/deep/c.png", "8", 8),
        ("-", "5", 5),
    ]
    assert [len(row["top"]) for row in rows] == [2, 2, 2]
    assert rows[0]["top"][0] == {"label": "3", "probability": rows[0]["confidence"]}


def test_predict_csv(cli, tmp_path, photo):
    photo(1).save(tmp_path / "one.png")
    rows = list(csv.DictReader(cli("predict", "one.png", "--format", "csv").stdout.decode().splitlines()))
    assert [(row["image"], row["label"]) for row in rows] == [("one.png", "1")]


def test_one_bad_picture_among_many(cli, tmp_path, photo):
    for digit in (2, 4):
        photo(digit).save(tmp_path / f"{digit}.png")
    (tmp_path / "3.png").write_bytes((tmp_path / "2.png").read_bytes()[:300])
    result = cli("predict", "2.png", "3.png", "4.png", "missing.png", "--format", "json")
    assert result.returncode == 1
    assert [row["digit"] for row in json_lines(result)] == [2, 4]
    message = result.stderr.decode()
    assert "3.png is damaged" in message
    assert "missing.png: there is no such file" in message
    assert "2 of 4 pictures could not be read" in message


def test_many_pictures_in_order(cli, tmp_path, mnist):
    (tmp_path / "many").mkdir()
    for index in range(700):
        Image.fromarray(mnist.test_images[index]).save(tmp_path / "many" / f"{index:04d}.png")
    rows = json_lines(cli("predict", "many", "--format", "json"))
    digits = np.array([row["digit"] for row in rows])
    assert [row["image"] for row in rows] == [f"many/{index:04d}.png" for index in range(700)]
    assert (digits == mnist.test_labels[:700]).mean() > 0.98


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("Usage:",)),
        (("predikt", "x.png"), ("'predikt'", "predict")),
        (("predict",), ("IMAGE",)),
        (("predict", "x.png", "--modle", "reference"), ("--modle", "--model")),
        (("predict", ""), ("''", "no value")),
        (("predict", "x.png", "--model="), ("'--model='", "no value")),
        (("predict", "x.png", "--top-k", "0"), ("--top-k", "0 is not at least 1.")),
        (("predict", "x.png", "--format", "xml"), ("--format': 'xml' is not one of", "csv")),
        (("read", "x.png", "--min-confidence", "2"), ("--min-confidence", "2 is not at most 1.")),
        (("explain", "x.png", "y.png"), ("y.png",)),
        (("evaluate", *["--model", "reference"] * 3), ("--model",)),
        (("summary", "--architecture", "cnn", "--model", "lecture"), ("not both",)),
        (("summary", "--architecture", "rnn"), ("'rnn'", "cnn")),
        (("summary", "--input-shape", "abc"), ("'abc'", "28x28x1")),
        (("ensemble", "reference"), ("--output",)),
        (("ensemble", "reference", "-o", "e.keras"), ("two members",)),
        (("ensemble", "reference", "lecture", "-o", "e.h5"), ("'.h5'", ".keras")),
        (("synthesize", "pages", "--style", "crayon"), ("'crayon'", "plain, shadow")),
        (("synthesize", "pages", "--part", "all"), ("'all'", "test, train, validation")),
        (("synthesize", "pages", "--count", "0"), ("--count",)),
        (("benchmark", "--seconds", "0"), ("--seconds",)),
        (("benchmark", "--backend", "theano"), ("'theano'", "tensorflow, jax, torch")),
        (("fit", "--epochs", "three"), ("--epochs",)),
        (("fit", "--architecture", "rnn"), ("'rnn'", "cnn")),
        (("fit", "--recipe", "slow"), ("'slow'", "quick, best")),
        (("fit", "--epochs", "0"), ("epochs is 0",)),
        (("fit", "--validation-split", "1.5"), ("validation_split is 1.5",)),
        (("fit", "--learning-rate", "-1"), ("learning_rate is -1",)),
        (("fit", "--learning-rate", "nan"), ("learning_rate is nan",)),
        (("models", "--figure", "models.jpg"), ("models.jpg", ".png")),
        (("fit", "--optimizer", "sgd"), ("optimizer is 'sgd'", "adam, muon")),
        (("fit", "--schedule", "steps"), ("schedule is 'steps'", "cosine, constant")),
        (("fit", "--dropout-rates", "0,1"), ("dropout rate", "below 1")),
        (("fit", "--augmentation", "-1"), ("augmentation is -1",)),
        (("fit", "--seed", "-1"), ("seed is -1",)),
        (("fit", "--output", "model.h5"), ("'.h5'", ".keras")),
        (("fit", "--dropout-rates", "0.1"), ("is 0.1;", "takes 2, such as its own 0.25,0.5")),
        (("fit", "--architecture", "vit", "--dropout-rates", "0.1,0.2"), ("'vit' takes 1,",)),
    ],
)
def test_wrong_usage_is_exit_2(cli, tmp_path, arguments, words):
    result = cli(*arguments)
    assert_clear_failure(result, *words, code=2)
    assert result.stderr.decode().startswith("Usage: kerascnn")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("predict", "empty-directory"), ("holds no pictures",)),
        (("predict", "missing.png"), ("no such file",)),
        (
            ("predict", "x.png", "--model", "no.keras"),
            ("there is no model no.keras", "give the path of a .keras or .h5 file"),
        ),
        (("evaluate", "--data", "nowhere"), ("there is no data set 'nowhere'",)),
        (("fit", "--resume"), ("no interrupted run", "saved_models/mnist_cnn.run")),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, tmp_path, arguments, words):
    (tmp_path / "empty-directory").mkdir()
    result = cli(*arguments)
    assert_clear_failure(result, *words)
    assert len(result.stderr.decode().splitlines()) == 1  # not even a model is named
    assert not (tmp_path / "saved_models").exists()


def test_help_says_what_a_command_takes():
    shown = {name: CliRunner().invoke(app, [name, "--help"]).stdout for name in COMMANDS}
    names = [name for name, text in shown.items() if "--model" in text and "'segmenter'" in text]
    assert names == ["explain", "summary"]
    assert [name for name, text in shown.items() if "ONNX Runtime" in text] == ["evaluate", "predict", "read"]
    # No types of Python, and the list of commands cuts no sentence short.
    assert not re.findall(r"<(?:int|float|str|list.*?)>", "".join(shown.values()))
    assert "..." not in CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2]


def test_evaluate_counts_every_test_image_once(cli, mnist):
    document = json.loads(cli("evaluate", "--model", "reference", "--format", "json").stdout)
    matrix = np.array(document["confusion_matrix"])
    assert document["num_samples"] == matrix.sum() == 10000
    assert list(matrix.sum(axis=1)) == list(np.bincount(mnist.test_labels))
    assert document["accuracy"] == pytest.approx(np.trace(matrix) / 10000)
    assert document["accuracy"] >= 0.995
    assert 0 < document["loss"] < 0.03
    row = document["per_class"][3]
    assert row["precision"] == pytest.approx(matrix[3, 3] / matrix[:, 3].sum())
    assert row["recall"] == pytest.approx(matrix[3, 3] / matrix[3].sum())
    assert row["support"] == 1010


def test_evaluate_for_people_and_as_csv(cli, small_digits):
    text = cli("evaluate", "--data", small_digits).stdout.decode()
    assert "200 images of digits" in text
    assert "precision" in text
    rows = list(csv.DictReader(cli("evaluate", "--data", small_digits, "--format", "csv").stdout.decode().splitlines()))
    assert [row["label"] for row in rows] == list("0123456789")


def test_evaluate_refuses_data_that_do_not_fit(cli, tmp_path, mnist):
    labels = np.arange(40) % 4
    images = mnist.train_images[:40, :20, :20]
    names = np.array(["0", "1", "2", "cat"])
    for name, extra in (("small.npz", {}), ("cats.npz", {"class_names": names})):
        np.savez(tmp_path / name, x_train=images, y_train=labels, x_test=images, y_test=labels, **extra)
    assert_clear_failure(cli("evaluate", "--data", "small.npz"), "20x20", "28x28")
    assert_clear_failure(cli("evaluate", "--data", "cats.npz"), "'cat'", "does not know")


def test_output_without_terminal_has_no_colour(cli, small_digits):
    result = cli("evaluate", "--data", small_digits, FORCE_COLOR="")
    assert b"precision" in result.stdout
    assert b"\x1b" not in result.stdout + result.stderr


def test_a_reader_that_leaves_early_is_no_error(cli, tmp_path, mnist):
    import subprocess
    import sys

    (tmp_path / "many").mkdir()
    for index in range(600):
        Image.fromarray(mnist.test_images[index]).save(tmp_path / "many" / f"{index:04d}.png")
    command = f"{sys.executable} -m kerascnn predict many --format json --top-k 10 | head -n 1"
    result = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Traceback" not in result.stderr
    assert "Broken pipe" not in result.stderr
    assert json.loads(result.stdout)["image"] == "many/0000.png"


def test_predict_uses_the_model_of_the_working_directory(cli, tmp_path, photo):
    photo(6).save(tmp_path / "six.png")
    copy_reference(tmp_path / "saved_models" / "mnist_cnn.keras")
    result = cli("predict", "six.png")
    assert result.stderr.decode() == "model: saved_models/mnist_cnn.keras, on onnxruntime\n"
    assert result.stdout.decode().startswith("6 ")
    assert cli("predict", "six.png", "--model", "reference").stderr == b""


def test_version_tells_what_a_bug_report_needs(cli):
    lines = cli("--version").stdout.decode().splitlines()
    assert lines[0] == f"kerascnn {kerascnn.__version__}"
    told = dict(line.split(" ", 1) for line in lines)
    assert set(told) >= {"python", "platform", "keras", "tensorflow", "jax", "torch", "onnxruntime", "numpy", "opencv"}
    assert told["python"] == platform.python_version()


@pytest.mark.parametrize(
    ("words", "completed"), [("kerascnn fi", {"fit"}), ("kerascnn predict --form", {"--format"}), ("kerascnn x", set())]
)
def test_shell_completion(cli, words, completed):
    result = cli(_KERASCNN_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    assert set(result.stdout.decode().split()) == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_can_be_shown(cli, shell):
    result = cli(_KERASCNN_COMPLETE=f"source_{shell}")
    assert "_KERASCNN_COMPLETE" in result.stdout.decode()


def test_samples_are_read_as_they_are_named(cli, tmp_path):
    written = cli("sample", "samples").stdout.decode().splitlines()
    assert {str(path.relative_to(tmp_path)) for path in (tmp_path / "samples").rglob("[!.]*.*")} == set(written)
    rows = json_lines(cli("predict", "samples/digits", "--format", "json"))
    assert len(rows) >= 5
    assert all(Path(row["image"]).name.startswith(f"{row['digit']}-") for row in rows)
    page = cli("read", "samples/page.png", "-o", "found").stdout.decode()
    assert page == (tmp_path / "samples" / "page.txt").read_text()
    assert cli("sample", "samples").returncode == 0


def test_samples_replace_no_file_of_the_user(cli, tmp_path):
    (tmp_path / "page.png").write_bytes(b"my own")
    assert_clear_failure(cli("sample", "."), "page.png exists", "another place")
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


# === What a newcomer gives ===


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("fit", "--lr", "0.1"), "--learning-rate"),
        (("fit", "--batchsize", "3"), "--batch-size"),
        (("predict", "x.png", "--lr", "0.1"), "--lr"),
        (("fit", "--epochs", "three"), "'three' is no whole number"),
        (("fit", "--learning-rate", "fast"), "'fast' is no number"),
        (("predict", "x.png", "--top-k", "2.5"), "'2.5' is no whole number"),
    ],
)
def test_wrong_usage_names_what_was_meant(arguments, expected):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert expected in result.output
    assert "--help)" not in result.output


def test_help_is_a_word_too():
    runner = CliRunner()
    assert runner.invoke(app, ["help"]).output == runner.invoke(app, ["--help"]).output
    assert runner.invoke(app, ["help", "fit"]).output == runner.invoke(app, ["fit", "--help"]).output


def test_addresses_are_told_from_damaged_pictures(cli):
    result = cli("predict", "https://example.org/four.png")
    assert_clear_failure(result, "is an address on the web; download it first, then give four.png")
