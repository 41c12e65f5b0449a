"""The twin that is trained gives what the plain network would: probabilities, gradients, weights, a whole fit."""

import itertools
import subprocess
import sys

import pytest
from conftest import clean_environment

from kerascnn.utils.backend import BACKENDS

FAST_BACKENDS = ("jax", "torch")


@pytest.mark.parametrize(
    ("network", "backend"),
    [
        *itertools.product(["cnn", "stacked"], BACKENDS),
        *itertools.product(["varied"], FAST_BACKENDS),  # on TensorFlow it is trained itself
    ],
)
def test_the_twin_gives_the_same_results(workers, network, backend):
    differences = workers(backend)("compare_with_fast_clone", network=network)
    assert differences.pop("loss fell by") > 0.001
    assert differences.pop("weights of the plain network before") == 0
    assert max(differences.values()) <= 1e-5, differences


@pytest.mark.parametrize("backend", FAST_BACKENDS)
def test_only_layers_that_are_known_are_replaced(workers, backend):
    # PyTorch's own convolution does them all, but for a stride with "same" padding.
    others = {"point", "dilated", "grouped"} if backend == "torch" else set()
    expected = {"cnn": {"conv1", "conv2", "pool"}, "varied": {"same", "valid", "pool"} | others, "unknown": set()}
    for network, names in expected.items():
        layers = workers(backend)("layers_of_fast_clone", network=network)
        ours = {name for name, (kind, ours) in layers.items() if ours and kind in ("Conv2D", "MaxPooling2D")}
        assert ours == names


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("backend", FAST_BACKENDS)
def test_the_twin_drops_the_share_that_it_should(workers, backend, rate):
    dropped = workers(backend)("dropped_by_fast_clone", rate=rate)
    assert dropped["values"] == pytest.approx([0, 1 / (1 - rate)])
    assert dropped["without training"] == [1]
    # 196,608 values: the standard deviation of the share is 0.0011 at most.
    assert dropped["dropped"] == pytest.approx(rate, abs=0.006)
    assert dropped["dropped twice"] == pytest.approx(rate**2, abs=0.006)
    assert dropped["neighbours dropped"] == pytest.approx(rate**2, abs=0.006)


def test_on_tensorflow_layers_are_keras_own(workers):
    for network in ("cnn", "varied", "stacked"):
        layers = workers("tensorflow")("layers_of_fast_clone", network=network)
        assert not [kind for kind, ours in layers.values() if ours and kind != "Layer"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_bias_and_relu_stand_behind_the_pooling_where_that_gives_the_same(workers, backend):
    expected = {"cnn": ["conv2"], "varied": [], "stacked": ["biased", "unbiased"], "unknown": []}
    for network, names in expected.items():
        layers = workers(backend)("layers_of_fast_clone", network=network)
        assert [name for name in layers if "rectified" in name] == [f"{name}_rectified" for name in names]


_COMPILE_SOMETHING = """
from kerascnn.training.acceleration.accelerated_model import compilation_cache
import jax
with compilation_cache():
    assert float(jax.jit(lambda value: value * 3)(2.0)) == 6
"""


def _compile_on_jax(caches) -> str:
    """What a process says that compiles a program for JAX."""
    changes = {"XDG_CACHE_HOME": str(caches), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    result = subprocess.run(
        [sys.executable, "-c", _COMPILE_SOMETHING],
        env=clean_environment(KERAS_BACKEND="jax", **changes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stderr


def test_jax_keeps_compiled_programs_where_the_user_keeps_caches(tmp_path):
    _compile_on_jax(tmp_path)
    assert list((tmp_path / "kerascnn" / "jax").iterdir())


def test_jax_compiles_where_no_cache_can_be_written(tmp_path):
    no_directory = tmp_path / "file"
    no_directory.write_text("")
    assert "compilation cache" not in _compile_on_jax(no_directory)
