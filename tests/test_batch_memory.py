"""A batch that is too large is announced, or refused, before the first step."""

import pytest
from conftest import assert_clear_failure

from kerascnn.training.batch_memory import count_batch_bytes, describe_batch
from kerascnn.utils.errors import TrainingError

GIB = 2**30
HUGE = """
import keras


def build(input_shape, num_classes):
    inputs = keras.Input(input_shape)
    larger = keras.layers.UpSampling2D(4096)(inputs)
    outputs = keras.layers.Dense(num_classes, "softmax")(keras.layers.GlobalMaxPooling2D()(larger))
    return keras.Model(inputs, outputs)
"""


def test_a_batch_is_as_large_as_the_outputs_of_all_layers():
    assert count_batch_bytes([(None, 28, 28, 1), (None, 10)], 100) == 100 * 4 * (784 + 10)


def test_a_large_batch_is_announced_and_an_impossible_one_refused():
    assert describe_batch(GIB, 128, 8 * GIB) is None
    said = describe_batch(12 * GIB, 54000, 8 * GIB)
    assert said is not None
    assert "54,000 images needs about 12 GiB of memory, and this machine has 8 GiB" in said
    assert "needs about 12 GiB of memory; a step" in (describe_batch(12 * GIB, 54000, None) or "")
    with pytest.raises(TrainingError, match="give a smaller --batch-size"):
        describe_batch(17 * GIB, 54000, 8 * GIB)


def test_fit_refuses_a_batch_that_cannot_be(cli, tmp_path, shared_digits):
    (tmp_path / "own.py").write_text(HUGE)
    result = cli("fit", "--data", shared_digits, "--architecture", "own.py:build", "--batch-size", "100000")
    assert_clear_failure(result, "images needs about", "give a smaller --batch-size")
    assert not list(tmp_path.rglob("*.keras"))
