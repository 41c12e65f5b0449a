"""What `fit` says of its outcome: classes that are not recognised, a loss that is no number, nothing learnt."""

import json

import numpy as np
import pytest

from kerascnn.evaluation.scoring import score_test_set
from kerascnn.saving.card import Card
from kerascnn.training.outcome import describe_doubt, describe_weak_classes, require_learning
from kerascnn.training.recipe import Recipe
from kerascnn.training.run_settings import prepare_run
from kerascnn.utils.errors import TrainingError

SMALL = {"architecture": "mlp", "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3, "augmentation": 0.0}


@pytest.fixture(scope="module")
def imbalanced(tmp_path_factory, mnist):
    """600 images of a 1 and 8 of a 7, with a validation and a test part."""
    ones, sevens = (mnist.train_images[mnist.train_labels == digit] for digit in (1, 7))

    def part(start, num_ones, num_sevens):
        images = np.concatenate([ones[start : start + num_ones], sevens[start : start + num_sevens]])
        return images, np.array(["[red]"] * num_ones + ["[/]"] * num_sevens)

    arrays = {}
    for name, numbers in (("train", (0, 600, 8)), ("val", (600, 60, 6)), ("test", (700, 60, 4))):
        arrays[f"x_{name}"], arrays[f"y_{name}"] = part(*numbers)
    path = tmp_path_factory.mktemp("imbalanced") / "two.npz"
    np.savez(path, **arrays)
    return path


def test_rare_classes_count_and_a_loss_that_is_no_number_ends_the_run(workers, imbalanced, tmp_path):
    told = workers("jax")(
        "fit_told",
        data=str(imbalanced),
        output=str(tmp_path / "m.keras"),
        preparation="resize",
        class_weights="balanced",
        epochs=5,
        nan_in=4,
        **SMALL,
    )
    card = told["card"]
    assert not told["error"]
    assert card["class_names"] == ["[/]", "[red]"]
    assert (card["data"]["num_train"], card["data"]["num_validation"], card["data"]["num_test"]) == (608, 66, 64)
    # The epoch whose loss was no number is not in the history, and the best one before it is kept.
    assert [row["epoch"] for row in card["history"]] == [1, 2, 3]
    assert all(np.isfinite(row["loss"]) for row in card["history"])
    (diverged,) = [text for text in told["messages"] if "became nan" in text]
    assert "in epoch 4; the weights of epoch" in diverged
    assert "--learning-rate below 0.001" in diverged
    # Weighted accuracy is the mean of both recalls: multiples of 1/60 and 1/6.
    assert card["metrics"]["val_accuracy"] * 120 == pytest.approx(
        round(card["metrics"]["val_accuracy"] * 120), abs=1e-3
    )
    assert card["metrics"]["lowest_recall"]["recall"] >= 0.75
    (said,) = [text for text in told["messages"] if "imbalanced" in text]
    assert "from 8 images of '[/]' to 600 of '[red]'" in said
    assert "--class-weights balanced" not in said
    assert not (tmp_path / "m.run").exists()


@pytest.mark.parametrize("kind", ["no number", "shuffled"])
def test_where_nothing_was_learnt_nothing_is_written(workers, imbalanced, mnist, tmp_path, kind):
    options, words = {"data": str(imbalanced), "nan_in": 1}, ["became nan in epoch 1", "nothing was learnt"]
    if kind == "shuffled":
        images, labels = mnist.train_images[:300], np.random.default_rng(0).permutation(mnist.train_labels[:300])
        np.savez(tmp_path / "s.npz", x_train=images, y_train=labels, x_test=images[:100], y_test=labels[:100])
        options, words = (
            {"data": str(tmp_path / "s.npz")},
            ["nothing was learnt", "validation images are right", "labels"],
        )
    told = workers("jax")("fit_told", output=str(tmp_path / "m.keras"), epochs=2, **options, **SMALL)
    assert told["card"] is None
    assert all(word in told["error"] for word in words), told["error"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("m")] == []


def test_a_run_of_an_older_version_continues_where_its_data_have_moved(workers, cli, imbalanced, tmp_path):
    data, output = tmp_path / "before.npz", tmp_path / "m.keras"
    data.write_bytes(imbalanced.read_bytes())
    run = {"output": str(output), "epochs": 3, "architecture": "mlp"}
    told = workers("jax")("fit_told", data=str(data), interrupted_in=2, **run)
    assert told["error"] == "interrupted"
    state = output.with_suffix(".run") / "state.json"
    document = json.loads(state.read_text())
    # What was added since with a default is missing in a run of an older version.
    del document["settings"]["preparation"], document["settings"]["recipe"]["class_weights"]
    state.write_text(json.dumps(document))
    result = cli("fit", "--output", output, "--resume", KERAS_BACKEND="torch")
    assert b"KERAS_BACKEND=torch contradicts" in result.stderr
    assert b"unset the variable" in result.stderr
    moved = data.rename(tmp_path / "after.npz")
    assert "is not there any more; give its new place" in workers("jax")("fit_told", resume=True, **run)["error"]
    other = tmp_path / "other.npz"
    with np.load(imbalanced) as arrays:
        np.savez(other, **{**arrays, "x_test": 255 - arrays["x_test"]})
    refused = workers("jax")("fit_told", data=str(other), resume=True, **run)["error"]
    assert f"--data {other} contradicts" in refused
    assert "with other images" in refused
    told = workers("jax")("fit_told", data=str(moved), resume=True, interrupted_in=3, **run)
    assert told["error"] == "interrupted"
    document = json.loads(state.read_text())
    assert [row["epoch"] for row in document["history"]] == [1, 2]
    assert document["settings"]["data"] == str(moved)


def test_what_is_better_than_chance_is_judged_by_the_number_of_images():
    few, many = np.arange(20) % 10, np.arange(1000) % 10
    require_learning(np.where(np.arange(20) < 3, few, 99), few, 10)
    with pytest.raises(TrainingError, match=r"10\.00% of 1,000 .* by chance 10\.00%"):
        require_learning(np.zeros(1000, int), many, 10)
    doubtful = np.where(np.arange(1000) < 115, many, 99)
    require_learning(doubtful, many, 10)
    assert "may be chance" in describe_doubt(doubtful, many, 10)[0]
    assert describe_doubt(many, many, 10) == []
    # Where one class is nearly all, always naming it is no better than chance, but its accuracy alone does not tell.
    require_learning(np.zeros(100, int), np.array([0] * 99 + [1]), 2)


def test_a_class_that_is_hardly_recognised_is_said(mnist):
    metrics = {"test_accuracy": 0.99, "lowest_recall": {"label": "rare", "recall": 0.0, "num_samples": 2}}
    (text,) = describe_weak_classes(np.array([600, 8]), metrics, ("common", "rare"), "none")
    for words in ("imbalanced", "8 images of 'rare'", "0.00% (test images: 2)", "99.00%", "--class-weights balanced"):
        assert words in text
    (text,) = describe_weak_classes(np.array([600, 500]), metrics, ("common", "rare"), "none")
    assert text.startswith("the lowest recall is that of 'rare'")
    metrics["lowest_recall"]["recall"] = 0.9
    assert describe_weak_classes(np.array([600, 500]), metrics, ("common", "rare"), "none") == []


class Always:
    """An engine that sees the same class in every image."""

    name = "constant"

    def probabilities(self, images):
        return np.tile(np.eye(10)[1], (len(images), 1))


def test_the_card_has_the_lowest_recall(mnist):
    card = Card("m", "mlp", (28, 28, 1), mnist.class_names, "mnist")
    scored = score_test_set(card, Always(), mnist)
    assert scored.metrics["lowest_recall"] == {"label": "5", "recall": 0.0, "num_samples": 892}


def test_the_command_repeats_preparation_and_class_weights():
    run = prepare_run("two.npz", keywords={"preparation": "resize", "class_weights": "balanced"})
    assert "--preparation resize" in run.command
    assert "--class-weights balanced" in run.command


def test_recipes_are_made_of_what_older_versions_wrote():
    assert Recipe.from_dict({"epochs": 7}) == Recipe(epochs=7)
    with pytest.raises(TypeError, match="colour"):
        Recipe.from_dict({"colour": 1})
