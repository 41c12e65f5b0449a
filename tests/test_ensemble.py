"""Several models as one."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment, repack

import kerascnn
from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.saving.stored_model import open_model
from kerascnn.utils.backend import BACKENDS
from kerascnn.utils.files import compute_sha256


@pytest.fixture(scope="module")
def members(trained):
    """Three models of the same data and division, which differ: each was trained on another backend."""
    return [trained(backend) for backend in BACKENDS]


@pytest.fixture(scope="module")
def joined(members, shared_digits, tmp_path_factory):
    """The command, as a user types it."""
    path = tmp_path_factory.mktemp("joined") / "joined.keras"
    command = [sys.executable, "-P", "-m", "kerascnn", "ensemble", *members, "--data", shared_digits, "--output", path]
    result = subprocess.run(list(map(str, command)), capture_output=True, env=clean_environment(), check=False)
    assert result.returncode == 0, result.stderr.decode()
    return path, result


def divided_by(model, seed, directory):
    """The same model, whose card says that its data were divided by another seed."""
    target = directory / f"divided-{seed}" / model.name
    target.parent.mkdir()
    shutil.copy(model, target)
    repack(target, data={**kerascnn.load(model).card.data, "split_seed": seed})
    return target


def test_an_ensemble_says_the_average_on_every_backend(workers, members, joined, mnist):
    path, _ = joined
    found = [kerascnn.load(model).engine.probabilities(mnist.test_images[:200]) for model in members]
    expected = np.mean(found, axis=0)
    onnx = kerascnn.load(path)
    assert onnx.engine.name == "onnxruntime"
    assert onnx.engine.probabilities(mnist.test_images[:200]) == pytest.approx(expected, abs=1e-5)
    for backend in BACKENDS:
        keras = workers(backend)("first_probabilities", model=str(path), num_images=200)
        assert np.array(keras) == pytest.approx(expected, abs=1e-5)


def test_the_card_names_the_members_and_what_they_achieve_where_none_was_trained(members, joined, shared_digits):
    path, result = joined
    card = kerascnn.load(path).card
    data = load_dataset(shared_digits)
    _, validation = stratified_split(data.train_labels, 0.2, seed=0)
    answers = [kerascnn.load(model).engine.probabilities(data.train_images[validation]) for model in members]
    for member, model, answer in zip(card.members, members, answers, strict=True):
        assert member["sha256"] == compute_sha256(model)
        right = answer.argmax(axis=1) == data.train_labels[validation]
        assert member["val_accuracy"] == pytest.approx(right.mean())
    average = np.mean(answers, axis=0)
    together = average.argmax(axis=1) == data.train_labels[validation]
    assert card.metrics["val_accuracy"] == pytest.approx(together.mean())
    least_sure = np.sort(average.max(axis=1))[:2]
    assert least_sure[0] < card.rejection_threshold < least_sure[1]
    assert card.metrics["test_accuracy"] == kerascnn.evaluate(path, shared_digits).accuracy
    assert 0 < card.metrics["milliseconds_per_picture"] < 1000
    assert "160 images that no model was trained on" in result.stderr.decode()
    text = result.stdout.decode()
    assert f"{together.mean():.2%}" in text
    assert "joined.onnx" in text


def test_the_members_are_chosen_by_validation_alone(cli, workers, members, shared_digits, tmp_path):
    # Two know what the other one never says. The third knows all, which is the best accuracy, and is sure of nothing.
    candidates = {"never-3": ([3], 1.0), "never-5": ([5], 1.0), "unsure": ([], 0.02)}
    for name, (forgotten, sureness) in candidates.items():
        spoiled = {"output": str(tmp_path / f"{name}.keras"), "forgotten": forgotten, "sureness": sureness}
        workers("tensorflow")("spoil", model=str(members[0]), **spoiled)
    models = [tmp_path / f"{name}.keras" for name in candidates]
    arguments = ("ensemble", *models, "--data", shared_digits, "--output", "few", "--max-members", 2)
    result = cli(*arguments, "--format", "json")
    assert result.returncode == 0, result.stderr.decode()
    card = json.loads(result.stdout)
    assert {member["name"] for member in card["members"]} == {"never-3", "never-5"}
    assert card["metrics"]["val_accuracy"] > card["members"][0]["val_accuracy"]
    assert card["metrics"]["val_loss"] < card["members"][0]["val_loss"] <= card["members"][1]["val_loss"]
    apart = [members[0], divided_by(members[1], 1, tmp_path), divided_by(members[2], 2, tmp_path)]
    fewer = cli("ensemble", *apart, "--data", shared_digits, "--output", "apart")
    number = int(fewer.stderr.decode().split("validation: ")[1].split()[0])
    parts = [set(stratified_split(load_dataset(shared_digits).train_labels, 0.2, seed)[1]) for seed in range(3)]
    assert number == len(set.intersection(*parts)) < 30


def test_an_ensemble_is_a_model_like_any_other(cli, joined, photo, shared_digits, tmp_path):
    path, _ = joined
    photo(3).save(tmp_path / "three.png")
    assert cli("predict", "three.png", "--model", path).returncode == 0
    assert "member3" in cli("summary", "--model", path).stdout.decode()
    assert "3 members" in cli("models", path.parent).stdout.decode()
    evaluated = cli("evaluate", "--model", path, "--data", shared_digits, "--output", "report")
    assert evaluated.returncode == 0, evaluated.stderr.decode()
    assert not (tmp_path / "report" / "activations.png").exists()
    explained = cli("explain", "three.png", "--model", path)
    assert explained.returncode == 0, explained.stderr.decode()
    assert b"integrated-gradients.png" in explained.stdout


def test_models_that_do_not_fit_are_told(cli, members, shared_digits, tmp_path):
    data = ("--data", shared_digits, "--output", "e")
    assert_clear_failure(cli("ensemble", members[0], *data), "two members or more", code=2)
    assert_clear_failure(cli("ensemble", members[0], members[0], *data), "are the same model")
    assert_clear_failure(cli("ensemble", members[0], "nowhere.keras", *data), "there is no model nowhere.keras")
    assert_clear_failure(cli("ensemble", members[0], "lecture", *data), "trained on 'mnist'", "--data")
    assert_clear_failure(cli("ensemble", *members, *data, "--max-members", 1), "--max-members", code=2)
    assert_clear_failure(
        cli("ensemble", *members, "--data", shared_digits, "--output", "e.h5"), "e.h5", ".keras", code=2
    )
    bare = tmp_path / "bare.keras"
    open_model(members[1]).archive.write_network(bare)
    assert_clear_failure(cli("ensemble", members[0], bare, *data), "bare.keras has no card")
    other = divided_by(members[1], 0, tmp_path)
    repack(other, class_names=tuple("abcdefghij"))
    assert_clear_failure(cli("ensemble", members[0], other, *data), "differ in their class names")
    assert not (tmp_path / "e.keras").exists()
