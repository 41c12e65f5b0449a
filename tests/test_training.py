"""Training on every backend: what is written, what is interrupted, what is resumed."""

import csv
import io
import json
import resource
import shlex
import signal
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from conftest import (
    SMALL_RUN,
    assert_clear_failure,
    clean_environment,
    copy_reference,
    start_small_run,
    wait_for_epochs,
)

import kerascnn
from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.utils.backend import BACKENDS
from kerascnn.utils.files import compute_sha256

FIGURES = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")


def weights_of(model) -> dict[str, bytes]:
    """Every array in a `.keras` file, to the bit."""
    with zipfile.ZipFile(model) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        arrays = {}
        file.visititems(
            lambda name, item: arrays.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
        )
    return arrays


def card_of(model) -> dict:
    """The card beside a model."""
    return json.loads(model.with_suffix(".json").read_text())


@pytest.mark.parametrize("backend", BACKENDS)
def test_fit_writes_model_onnx_history_curves_and_card(trained, backend):
    path = trained(backend)
    card = card_of(path)
    assert {file.name for file in path.parent.iterdir()} == {
        f"model.{end}" for end in ("keras", "onnx", "csv", "png", "json")
    }
    assert card["files"] == {
        f"model{end}": compute_sha256(path.with_suffix(end)) for end in (".keras", ".onnx", ".csv", ".png")
    }
    assert not any(name.startswith("optimizer") for name in weights_of(path))
    assert card["software"]["backend"] == backend
    assert card["class_names"] == list("0123456789")
    assert card["recipe"]["epochs"] == 4
    assert [row["epoch"] for row in card["history"]] == [1, 2, 3, 4]
    assert card["history"][-1]["loss"] < card["history"][0]["loss"]
    with path.with_suffix(".csv").open() as stream:
        assert [float(row["val_loss"]) for row in csv.DictReader(stream)] == [
            row["val_loss"] for row in card["history"]
        ]
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert card["metrics"]["test_accuracy"] > 0.8


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_best_epoch_on_validation_data_is_kept_and_scored_on_the_test_part(trained, shared_digits, backend):
    card = card_of(trained(backend))
    best = max(card["history"], key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert card["metrics"]["best_epoch"] == best["epoch"]
    data = load_dataset(shared_digits)
    _, validation = stratified_split(data.train_labels, 0.2, seed=0)
    model = kerascnn.load(trained(backend))
    right = model.engine.probabilities(data.train_images[validation]).argmax(axis=1) == data.train_labels[validation]
    assert right.mean() == pytest.approx(best["val_accuracy"], abs=1e-6)
    assert kerascnn.evaluate(model, shared_digits).accuracy == pytest.approx(card["metrics"]["test_accuracy"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_run_resumes_as_if_nothing_had_happened(workers, trained, shared_digits, tmp_path, backend):
    output = tmp_path / "model.keras"
    process = start_small_run(backend, shared_digits, output, epochs=SMALL_RUN["epochs"])
    wait_for_epochs(process, output, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not output.exists()
    resumed = workers(backend)("fit", output=str(output), resume=True)
    uninterrupted = card_of(trained(backend))
    assert [[row[name] for name in FIGURES] for row in resumed["history"]] == [
        [row[name] for name in FIGURES] for row in uninterrupted["history"]
    ]
    assert weights_of(output) == weights_of(trained(backend))
    assert not output.with_suffix(".run").exists()


def test_ctrl_c_keeps_the_finished_epochs_and_resume_refuses_a_contradiction(cli, shared_digits, tmp_path):
    output = tmp_path / "model.keras"
    process = start_small_run("jax", shared_digits, output, epochs=200)
    wait_for_epochs(process, output, 1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert not stdout
    assert b"Traceback" not in stderr
    assert b"interrupted after epoch" in stderr
    assert b"--resume continues" in stderr
    assert not output.exists()
    arguments = ("fit", "--output", output, "--resume")
    for option, value, recorded in (
        ("--epochs", 5, "which has 200"),
        ("--seed", 3, "which has 0"),
        ("--backend", "torch", "which has jax"),
        ("--data", "mnist", "which has"),
        ("--patience", 2, "which has None"),
    ):
        assert_clear_failure(cli(*arguments, option, value), f"{option} {value} contradicts", recorded)
    assert_clear_failure(cli(*arguments, KERAS_BACKEND="torch"), "torch contradicts", "which has jax")
    state = output.with_suffix(".run") / "state.json"
    state.write_text(state.read_text()[:100])
    assert_clear_failure(cli(*arguments), "state.json cannot be read", "without --resume")


def test_patience_stops_a_run_that_does_not_improve(cli, shared_digits, tmp_path):
    result = cli(
        *("fit", "--data", shared_digits, "--output", "stopped", "--epochs", 30, "--patience", 2),
        *("--learning-rate", 9, "--format", "json", "--tensorboard", "logs"),
    )
    card = json.loads(result.stdout)
    assert 3 <= len(card["history"]) < 30
    assert card["metrics"]["best_epoch"] == len(card["history"]) - 2
    assert (tmp_path / "stopped.keras").exists()
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


def test_values_of_the_recipe_are_options_that_the_card_repeats(cli, shared_digits, tmp_path):
    changes = ("--optimizer", "adam", "--schedule", "constant", "--warmup", "0.0", "--dropout-rates", "0.1,0.2")
    changes += ("--seed", "3", "--split-seed", "1", "--final-augmentation", "0.1", "--label-smoothing", "0.2")
    assert cli("fit", "--data", shared_digits, "--output", "changed", "--epochs", 1, *changes).returncode == 0
    card = card_of(tmp_path / "changed.keras")
    values = {"optimizer": "adam", "schedule": "constant", "warmup": 0.0, "dropout_rates": [0.1, 0.2]}
    values |= {"label_smoothing": 0.2}
    assert {name: card["recipe"][name] for name in values} == values
    assert (card["seed"], card["data"]["split_seed"]) == (3, 1)
    again = shlex.split(card["command"])[1:]
    assert cli(*again, "--output", "again").returncode == 0
    assert weights_of(tmp_path / "again.keras") == weights_of(tmp_path / "changed.keras")


def test_augmentation_falls_to_its_final_strength(workers):
    first, middle, last = workers("jax")("changes_by_augmentation", epochs=3, augmentation=1.0, final_augmentation=0.0)
    assert first > middle > last == 0
    unchanged = workers("jax")("changes_by_augmentation", epochs=3, augmentation=1.0)
    assert min(unchanged) > 0.7 * max(unchanged) > 0


def test_outliers_take_the_place_of_digits_towards_the_end(workers):
    assert workers("jax")("outliers_by_epoch") == [[136, 8], [136, 20], [136, 32]]
    assert workers("jax")("outliers_by_epoch", outliers=0.125) == [[144, 16]] * 3
    assert workers("jax")("outliers_by_epoch", outliers=0.0, final_outliers=0.5)[-1] == [128, 64]


def test_augmentation_leaves_the_other_cores_to_the_training_step():
    # Threads of a library that wait at full speed for their next piece of work show in the processor time.
    program = """
import time
import cv2
import numpy as np
import kerascnn
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.training.progress import NoProgress

class ShowThreads(NoProgress):
    def epoch_started(self, epoch):
        print(cv2.getNumThreads())

images = np.full((128, 28, 28), 200, np.uint8)
cv2.setNumThreads(1)
augment(images, 0.5, np.random.default_rng(0))
all_threads, this_thread = time.process_time(), time.thread_time()
for seed in range(200):
    augment(images, 0.5, np.random.default_rng(seed))
print((time.process_time() - all_threads) / (time.thread_time() - this_thread))
cv2.setNumThreads(3)
kerascnn.fit(backend="jax", dry_run=True, progress=ShowThreads())
print(cv2.getNumThreads())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ratio, *threads_in_epochs, threads_afterwards = result.stdout.split()
    assert float(ratio) < 1.3
    assert set(threads_in_epochs) == {"1"}
    assert threads_afterwards == "3"


def test_smoothed_labels_leave_the_network_less_sure(cli, shared_digits, tmp_path):
    losses = []
    for number, share in enumerate(("0", "0.3")):
        output = tmp_path / f"{number}.keras"
        options = ("--epochs", 3, "--batch-size", 32, "--label-smoothing", share)
        assert cli("fit", "--data", shared_digits, "--output", output, *options).returncode == 0
        losses.append(card_of(output)["history"][-1]["val_loss"])  # without outliers
    # Smoothed targets have an entropy that no network gets below: 0.97 for a share of 0.3 of ten classes.
    assert losses[0] < 0.9 < 0.97 < losses[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_averaged_weights_are_validated_kept_and_resumed(workers, shared_digits, tmp_path, backend):
    arguments = {"data": str(shared_digits), **SMALL_RUN, "weight_averaging": 0.9}
    whole = workers(backend)("fit", output=str(tmp_path / "whole.keras"), **arguments)
    plain = workers(backend)("fit", output=str(tmp_path / "plain.keras"), **(arguments | {"weight_averaging": 0.0}))
    first, other = whole["history"][0], plain["history"][0]
    # The first epoch takes the same steps either way; what is validated differs.
    assert first["loss"] == pytest.approx(other["loss"], rel=1e-4)
    assert first["val_loss"] != pytest.approx(other["val_loss"], rel=1e-4)
    data = load_dataset(shared_digits)
    _, validation = stratified_split(data.train_labels, 0.2, seed=0)
    model = kerascnn.load(tmp_path / "whole.keras")
    right = model.engine.probabilities(data.train_images[validation]).argmax(axis=1) == data.train_labels[validation]
    assert right.mean() == pytest.approx(max(row["val_accuracy"] for row in whole["history"]), abs=1e-6)
    output = tmp_path / "resumed.keras"
    process = start_small_run(backend, shared_digits, output, "--weight-averaging", "0.9", epochs=SMALL_RUN["epochs"])
    wait_for_epochs(process, output, 2)
    process.kill()
    process.communicate()
    workers(backend)("fit", output=str(output), resume=True)
    assert weights_of(output) == weights_of(tmp_path / "whole.keras")


def test_the_short_way_of_muon_is_keras_own_for_kernels_of_every_shape(worker):
    assert max(worker("orthogonal_updates")) < 1e-4


def test_muon_has_the_kernels_of_convolutions_and_dense_layers_only(worker):
    layers = {path.split("/")[-2] for path in worker("kernels_of_muon", architecture="cnn")}
    assert layers == {"conv1", "conv2", "dense", "probabilities"}
    for_vit = worker("kernels_of_muon", architecture="vit")
    assert for_vit
    assert not any("attention" in path or "embedding" in path or "bias" in path for path in for_vit)


def test_dry_run_does_everything_and_leaves_nothing(cli, tmp_path):
    result = cli("fit", "--dry-run", "--recipe", "best", "--epochs", 1)
    assert result.returncode == 0, result.stderr.decode()
    assert b"test accuracy" in result.stdout
    assert b"images (384, 28, 28), labels (384,)" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_leaves_the_old_model(shared_digits, trained, tmp_path):
    output = copy_reference(tmp_path / "model.keras")
    before = output.read_bytes()
    # The system refuses to write files of more than a megabyte, as a full disk would.
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "kerascnn",
            "fit",
            "--data",
            str(shared_digits),
            "--output",
            str(output),
            "--backend",
            "jax",
        ],
        capture_output=True,
        env=clean_environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)),
        check=False,
    )
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
    (told,) = [line for line in result.stderr.decode().splitlines() if line.startswith("kerascnn: ")]
    assert "could not be written: file too large; a limit of the size of files is set; raise it (ulimit -f)" in told
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.rglob("*") if path.suffix == ".npz"] == []


def test_a_place_that_cannot_be_written_is_told_before_training(cli, shared_digits, tmp_path):
    (tmp_path / "file").write_text("")
    result = cli("fit", "--data", shared_digits, "--output", "file/model.keras")
    assert_clear_failure(result, "file/model.keras could not be written", "choose another place")
    assert b"epoch" not in result.stderr


def test_data_of_other_classes_give_a_head_of_their_number(cli, tmp_path, mnist):
    few = mnist.train_labels < 3
    images, labels = mnist.train_images[few][:300], mnist.train_labels[few][:300]
    names = np.array(["zero", "one", "two"])
    np.savez(tmp_path / "three.npz", x_train=images, y_train=labels, x_test=images, y_test=labels, class_names=names)
    result = cli("fit", "--data", "three.npz", "--epochs", 2, "--batch-size", 32, "--backend", "jax")
    assert result.returncode == 0, result.stderr.decode()
    model = kerascnn.load(tmp_path / "saved_models" / "three_cnn.keras")
    assert model.card.class_names == ("zero", "one", "two")
    assert model.card.preparation == "resize"
    prediction = model.predict(images[labels == 1][0])[0]
    assert (prediction.label, prediction.digit) == ("one", None)
    document = json.loads(
        cli("evaluate", "--model", "saved_models/three_cnn.keras", "--data", "three.npz", "--format", "json").stdout
    )
    assert document["num_samples"] == 300
    assert document["accuracy"] > 0.9


def test_images_too_small_for_the_network_are_told(cli, tmp_path, mnist):
    images, labels = mnist.train_images[:100, 12:16, 12:16], mnist.train_labels[:100]
    np.savez(tmp_path / "tiny.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    assert_clear_failure(cli("fit", "--data", "tiny.npz", "--backend", "jax"), "4x4 pixels", "larger")
