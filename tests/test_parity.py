"""The same model gives the same answer on every backend and on ONNX Runtime."""

import numpy as np
import pytest

import kerascnn
from kerascnn.utils.backend import BACKENDS


@pytest.mark.parametrize("made_on", BACKENDS)
def test_all_engines_agree_on_10000_images(workers, trained, tmp_path, mnist, made_on):
    model = trained(made_on)
    answers = {"onnxruntime": kerascnn.load(model).engine.probabilities(mnist.test_images)}
    for backend in BACKENDS:
        workers(backend)("probabilities", model=str(model), output=str(tmp_path / f"{backend}.npy"))
        answers[backend] = np.load(tmp_path / f"{backend}.npy")
    first = answers["onnxruntime"]
    assert first.shape == (10000, 10)
    top = np.sort(first, axis=1)
    clear = top[:, -1] - top[:, -2] > 2e-5
    assert clear.mean() > 0.99
    for name, probabilities in answers.items():
        assert np.abs(probabilities - first).max() <= 1e-5, name
        assert np.array_equal(probabilities.argmax(axis=1)[clear], first.argmax(axis=1)[clear]), name


def test_the_reference_model_reads_a_picture_on_every_backend(worker, tmp_path, photo):
    pictures = []
    for digit in (0, 1, 2, 9):
        pictures.append(str(tmp_path / f"{digit}.png"))
        photo(digit).save(pictures[-1])
    assert worker("predict", model="reference", pictures=pictures) == [0, 1, 2, 9]
