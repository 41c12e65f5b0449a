"""What users bring to `fit`: docs/extending.md runs, and each door says what it does not take."""

import json
import re
import subprocess
import sys
import typing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure, clean_environment

import kerascnn
from kerascnn.datasets import dataset_from_arrays
from kerascnn.models.lookup import find_architecture
from kerascnn.training.option_fields import list_options
from kerascnn.training.recipe import RECIPES, choose_recipe
from kerascnn.training.run_options import FitKeywords, RecipeKeywords, RunOptions
from kerascnn.training.run_settings import prepare_run

GUIDE = Path(__file__).parent.parent / "docs" / "extending.md"
PRINTED = """\
(28, 28)
strided
8 adam
none: data and a network and callbacks were given to kerascnn.fit as Python objects
resnet reference True
"""

NETWORK = """
def narrow(input_shape=(28, 28, 1), num_classes=10, dropout_rates=()):
    import keras

    return keras.Sequential([
        keras.Input(input_shape, dtype="float32"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(num_classes, activation="softmax"),
    ], name="narrow")
"""


def test_the_guide_runs_and_prints_what_it_promises(tmp_path):
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment(KERAS_BACKEND="jax"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == PRINTED


def test_a_network_in_a_file_is_trained_by_command_and_again_by_the_cards_command(cli, shared_digits, tmp_path):
    (tmp_path / "mine.py").write_text(NETWORK)
    arguments = ("--data", shared_digits, "--architecture", "mine.py:narrow", "--epochs", 1, "--backend", "jax")
    first = cli("fit", *arguments, "--output", "first", "--format", "json")
    assert first.returncode == 0, first.stderr.decode()
    card = json.loads(first.stdout)
    assert card["architecture"] == "narrow"
    assert "--architecture mine.py:narrow" in card["command"]
    assert_clear_failure(cli("fit", "--architecture", "mine.py:wide"), "mine.py has no function 'wide'")
    assert_clear_failure(cli("fit", "--architecture", "other.py:wide"), "there is no file other.py")
    (tmp_path / "broken.py").write_text("1 / 0")
    assert_clear_failure(cli("fit", "--architecture", "broken.py:wide"), "broken.py cannot be run: ZeroDivisionError")


def test_fine_tuning_keeps_what_the_reference_knows(cli, shared_digits):
    arguments = ("--data", shared_digits, "--epochs", 1, "--backend", "jax", "--format", "json")
    result = cli("fit", *arguments, "--from", "reference", "--output", "tuned")
    assert result.returncode == 0, result.stderr.decode()
    card = json.loads(result.stdout)
    assert card["metrics"]["val_accuracy"] > 0.98
    assert card["architecture"] == "resnet"
    assert card["recipe"]["initial_model"]["name"] == kerascnn.load("reference").card.name
    assert len(card["recipe"]["initial_model"]["sha256"]) == 64
    assert "--from reference" in card["command"]
    wrong = cli("fit", *arguments, "--from", "reference", "--architecture", "mlp", "--output", "wrong")
    assert_clear_failure(wrong, "start from a model of the same architecture")


def test_typed_keywords_are_the_fields():
    of_recipe, of_run = ({field.name for field in fields(kind)} for kind in (kerascnn.Recipe, RunOptions))
    assert set(RecipeKeywords.__annotations__) == of_recipe
    assert {*typing.get_type_hints(RecipeKeywords), *FitKeywords.__annotations__} == of_recipe | of_run


def test_the_help_shows_every_field_with_the_values_of_the_recipes(cli):
    text = " ".join(cli("fit", "--help", COLUMNS="200").stdout.decode().split())
    for panel in ("Data:", "Network:", "Recipe:", "Run:", "Output:"):
        assert panel in text
    quick, best = (choose_recipe(name, "cnn") for name in RECIPES)
    for field, option in list_options(kerascnn.Recipe):
        assert f"--{field.name.replace('_', '-')} " in text
        assert option.help in text
        assert option.help in kerascnn.Recipe.__doc__
    assert f"quick: {quick.epochs}; best: {best.epochs}]" in text


def test_an_unknown_keyword_names_its_neighbour():
    with pytest.raises(TypeError, match=r"'learning_rte'; did you mean 'learning_rate'\?"):
        kerascnn.fit(learning_rte=0.1)


def test_a_recipe_of_ones_own_is_completed_and_written_as_a_command():
    own = kerascnn.Recipe(epochs=7, warmup=0.2, augmentation=0.0)
    run = prepare_run(recipe=own, keywords={"batch_size": 64})
    assert (run.settings.recipe.epochs, run.settings.recipe.batch_size) == (7, 64)
    assert run.settings.recipe.dropout_rates == (0.25, 0.5)
    assert "--recipe quick --epochs 7 --batch-size 64 --warmup 0.2 --dropout-rates 0.25,0.5" in run.command


def test_each_wrong_array_is_one_sentence():
    images, labels = np.zeros((20, 28, 28)), np.arange(20) % 10
    whole = dataset_from_arrays(((images + 0.5, labels), (images[..., None], labels)))
    assert (whole.train_images.dtype, whole.train_images.max(), whole.image_size) == (np.uint8, 128, (28, 28))
    for x, y, words in (
        (images[0], labels, "expected (n, height, width)"),
        (images + 256, labels, "x_train has values from 256 to 256; expected 0 to 255"),
        (images * np.nan, labels, "x_train has values from nan to nan"),
        (images, labels / 2, "y_train has labels that are no whole numbers"),
        (images, labels[:10], "20 images but 10 labels"),
    ):
        with pytest.raises(kerascnn.DataError, match=re.escape(words)):
            kerascnn.load_dataset(((x, y), (images, labels)))


def test_a_name_is_registered_once():
    with pytest.raises(kerascnn.ModelError, match="there is an architecture 'cnn' already"):
        kerascnn.register("another one", name="cnn")(lambda input_shape, num_classes: None)
    assert find_architecture("cnn").description == "two convolutions, two dense layers"


def test_fit_leaves_pythons_generator_as_it_was(workers, shared_digits, tmp_path):
    assert workers("jax")("state_of_random_after_fit", data=str(shared_digits), output=str(tmp_path / "m.keras"))
