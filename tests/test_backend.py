"""Which backend is used, and why; no framework is needed to decide."""

import json
import sys
from subprocess import run

import pytest
from conftest import assert_clear_failure, clean_environment

from kerascnn.utils.backend import BACKENDS

CHOOSE = """
import json, sys
from kerascnn.utils.backend import choose_backend
from kerascnn.utils.errors import BackendError
try:
    choice = choose_backend(*sys.argv[1:])
    answer = {"name": choice.name, "reason": choice.reason, "note": choice.note}
except BackendError as error:
    answer = {"error": str(error)}
print(json.dumps({**answer, "imported": [name for name in ("keras", "tensorflow", "jax", "torch") if name in
sys.modules]}))
"""

# A backend that is not installed: Python's own search for it finds nothing.
HIDE = """
import importlib.util
_find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {hidden!r} else _find(name, *rest)
"""


@pytest.fixture
def choose(tmp_path):
    def choose(*arguments, config: dict | None = None, hidden: tuple[str, ...] = (), **environment):
        home = tmp_path / "keras-home"
        home.mkdir(exist_ok=True)
        if config is not None:
            (home / "keras.json").write_text(json.dumps(config))
        code = HIDE.format(hidden=hidden) + CHOOSE
        result = run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=clean_environment(KERAS_HOME=str(home), **environment),
        )
        answer = json.loads(result.stdout)
        assert answer.pop("imported") == []
        return answer

    return choose


def test_order_of_wishes(choose):
    config = {"backend": "jax"}
    assert choose("torch", config=config, KERAS_BACKEND="jax")["name"] == "torch"
    assert choose(config=config, KERAS_BACKEND="torch") == {
        "name": "torch",
        "reason": "KERAS_BACKEND is set",
        "note": "",
    }
    assert choose(config=config)["name"] == "jax"
    assert choose(config={})["name"] == "tensorflow"
    assert choose(config={}, hidden=("tensorflow",))["name"] == "jax"


def test_keras_json_that_names_a_missing_backend_is_passed_over_with_a_note(choose):
    answer = choose(config={"backend": "tensorflow"}, hidden=("tensorflow",))
    assert answer["name"] == "jax"
    assert "'tensorflow', which is not installed" in answer["note"]


def test_missing_backend_says_what_to_install(choose):
    assert "pip install 'kerascnn[jax]'" in choose("jax", hidden=("jax",))["error"]
    assert "KERAS_BACKEND" in choose(hidden=("torch",), KERAS_BACKEND="torch")["error"]


def test_unknown_backend_names_the_known_ones(cli):
    assert_clear_failure(cli("predict", "x.png", "--backend", "theano"), "theano", "tensorflow, jax, torch", code=2)
    assert_clear_failure(cli("fit", KERAS_BACKEND="numpy"), "KERAS_BACKEND", "tensorflow, jax, torch", code=2)


def test_each_backend_runs_when_it_is_named(worker):
    assert worker("backend") == worker.backend


def test_a_second_backend_in_one_process_is_refused(tmp_path):
    code = (
        "import os; os.environ['KERAS_BACKEND'] = 'jax'\n"
        "import keras, kerascnn\n"
        "try:\n    kerascnn.load('reference', backend='torch')\n"
        "except kerascnn.KerasCNNError as error:\n    print(error)"
    )
    result = run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean_environment())
    assert "Keras already runs on 'jax'" in result.stdout


def test_backends_command(cli):
    result = cli("backends", "--format", "json")
    document = json.loads(result.stdout)
    assert [status["name"] for status in document["backends"]] == list(BACKENDS)
    assert all(status["version"] and status["devices"] for status in document["backends"])
    assert document["used"]["name"] in BACKENDS
    assert document["used"]["reason"]
