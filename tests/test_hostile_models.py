"""Models and cards that are broken, absurd or made to do harm: one sentence, bounded memory and time, and no answer."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from limits import MIB, LimitedWorker

pytestmark = pytest.mark.hostile


@pytest.fixture(scope="module")
def limited() -> Iterator[LimitedWorker]:
    """One process for all models: 4 GB and 20 s of the processor for each."""
    worker = LimitedWorker(4000 * MIB, 20)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def six(tmp_path_factory, photo) -> Path:
    """The path of a picture of a six."""
    path = tmp_path_factory.mktemp("picture") / "six.png"
    photo(6).save(path)
    return path


def layer(class_name: str, name: str | None = None, **config) -> dict:
    """The configuration of a layer, as Keras writes it."""
    name = name or class_name.lower()
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
    }


def dense(units: int = 10, name: str = "dense", **config) -> dict:
    return layer("Dense", name, **{"units": units, "activation": "softmax", "use_bias": True, **config})


def sequential(*layers: dict, shape=(28, 28, 1)) -> dict:
    """The configuration of a model that scales its pixels itself."""
    first = layer("InputLayer", "input", batch_shape=[None, *shape], dtype="float32")
    scaling = layer("Rescaling", scale=1 / 255, offset=0.0)
    config = {"name": "sequential", "layers": [first, scaling, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def plain() -> dict:
    return sequential(layer("Flatten"), dense())


def plain_weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {"layers/dense/vars/0": generator.normal(0, 0.1, (784, 10)), "layers/dense/vars/1": np.zeros(10)}


def to_hdf5(weights: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, values in weights.items():
            file.create_dataset(name, data=np.asarray(values, np.float32))
    return content.getvalue()


def write(path: Path, config: dict | str | None = None, weights: dict[str, np.ndarray] | bytes | None = None) -> Path:
    """Write a `.keras` file: by default one that is a model."""
    weights = plain_weights() if weights is None else weights
    config = plain() if config is None else config
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0", "date_saved": ""}))
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", weights if isinstance(weights, bytes) else to_hdf5(weights))
    return path


def assert_one_sentence(result, words: str) -> None:
    """Assert that a command failed with one sentence and without an answer."""
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 1, result
    assert not result.stdout, result
    assert [line[:10] for line in lines] == ["kerascnn: "], lines
    assert words in lines[0]
    assert len(lines[0]) < 600, lines


def test_a_model_as_it_should_be_is_run(limited, six, tmp_path):
    result = limited.run_cli("predict", six, "--model", write(tmp_path / "plain.keras"))
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "gives no numbers (NaN or infinity)"), (np.inf, "gives no numbers (NaN or infinity)")],
    ids=["nan", "infinity"],
)
def test_a_model_that_gives_no_numbers_gives_no_answer(limited, six, tmp_path, value, words):
    weights = plain_weights()
    weights["layers/dense/vars/0"][400] = value
    path = write(tmp_path / "broken.keras", weights=weights)
    assert_one_sentence(limited.run_cli("predict", six, "--model", path), words)
    assert_one_sentence(limited.run_cli("predict", six, "--model", path, "--scale", "255"), words)
