"""`kerascnn benchmark`: what it measures, and what it says of what it cannot measure."""

import json
import subprocess
import sys

import pytest
from conftest import assert_clear_failure, clean_environment

from kerascnn.benchmarking.training_speed import Meter, NoMoreBlocks

# TensorFlow and torch are not installed: Python's own search finds nothing.
WITHOUT_OTHERS = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("tensorflow", "torch") else find(name, *rest)
from kerascnn.cli import main
sys.argv = ["kerascnn", *sys.argv[1:]]
main()
"""


def test_json_has_every_figure_and_names_what_is_not_installed(tmp_path):
    command = [sys.executable, "-c", WITHOUT_OTHERS, "benchmark", "--dry-run", "--format", "json"]
    # The user's wish for another backend does not change what is measured.
    environment = clean_environment(KERAS_BACKEND="torch")
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    document = json.loads(result.stdout)
    assert round(document["training_multiply_adds"] / 1e6) == 36
    assert round(document["predicting_multiply_adds"] / 1e6) == 12
    assert document["machine"]["cores"] == document["matrix_product"]["threads"] >= 1
    gflops = document["matrix_product"]["gflops"]
    for task, names in (("training", ["tensorflow", "jax", "torch"]), ("predicting", ["onnxruntime", "jax"])):
        rows = {row["name"]: row for row in document[task]}
        assert set(names) <= set(rows)
        assert {name: row["problem"] for name, row in rows.items() if row["problem"]} == {
            "tensorflow": "not installed",
            "torch": "not installed",
        }
        operations = 2 * document[f"{task}_multiply_adds"]
        for name in {"onnxruntime", "jax"} & set(rows):
            (rate,) = rows[name]["runs"]
            assert rate == rows[name]["images_per_second"] > 0
            assert rows[name]["share_of_peak"] == pytest.approx(operations * rate / (gflops * 1e9), abs=1e-4)
            assert rows[name]["first_step_seconds"] > 0
    assert "training: jax, 1/1: " in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_measured_is_told(cli):
    assert_clear_failure(cli("benchmark", "--backend", "theano"), "'theano'", "tensorflow, jax, torch", code=2)
    assert_clear_failure(cli("benchmark", "--rounds", "0"), "--rounds", code=2)


class Clock:
    """A clock that goes on only when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_only_steps_count_neither_pauses_nor_validation():
    clock, sent = Clock(), []

    def blocks():
        for pause in (0.0, 300.0):  # while others have their turn
            clock.seconds += pause
            yield 2.0

    def train():
        meter = Meter(blocks(), sent.append, clock)
        clock.seconds += 9.0
        meter.run_started(None)
        for epoch in range(1000):
            meter.epoch_started(epoch)
            for step in range(1, 18):
                clock.seconds += 0.1
                meter.step_finished(step)
            clock.seconds += 50.0  # validation

    with pytest.raises(NoMoreBlocks):
        train()
    assert sent[0] == {"seconds_to_start": 9.0, "first_step_seconds": 0.1}
    assert len(sent) == 3
    for block in sent[1:]:
        assert block["seconds"] >= 2.0
        assert block["seconds"] / (block["images"] / 128) == pytest.approx(0.1)
