"""Calls of the library leave the process as they found it: environment, random state, settings, descriptors."""

import json
import os
import subprocess
import sys
import threading

import pytest
from conftest import clean_environment

from kerascnn.utils.backend import BACKENDS
from kerascnn.utils.quiet import environment_variable, silent_stderr

_PROGRAM = """
import json, os, random, signal, sys, warnings
from pathlib import Path

import cv2
import numpy as np
import kerascnn

backend, digits, picture = sys.argv[1:]
if backend != "tensorflow":  # TensorFlow would import Keras, whose backend is not chosen yet
    __import__(backend)
# What TensorFlow sets while it is imported, which Keras does under every backend, is not ours.
TENSORFLOW_SETS = ("TF2_BEHAVIOR", "TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION", "TPU_SKIP_MDS_QUERY",
                   "HDF5_PLUGIN_PATH", "ENABLE_RUNTIME_UPTIME_TELEMETRY")

def state():
    np_state = np.random.get_state()
    found = {
        "environment": {name: value for name, value in os.environ.items() if name not in TENSORFLOW_SETS},
        "random": hash(random.getstate()),
        "numpy": [np_state[0], np_state[1].tolist(), *np_state[2:]],
        "OpenCV threads": cv2.getNumThreads(),
        "stderr": os.stat(2).st_ino,
        "stdout": os.stat(1).st_ino,
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)],
        "hook": sys.unraisablehook is sys.__unraisablehook__,
        "path": list(sys.path),
        "warnings": [str(entry) for entry in warnings.filters],
        "directory": os.getcwd(),
    }
    if backend == "jax":
        import jax
        found["jax"] = {name: str(value) for name, value in jax.config.values.items()}
    if backend == "torch":
        import torch
        found["torch"] = [torch.get_num_threads(), torch.is_grad_enabled(), str(torch.get_default_dtype())]
    return found

def call(name, function):
    before = state()
    result = function()
    after = state()
    # Packages add filters of their own while they are imported; none may be missing.
    after["warnings"] = [entry for entry in before["warnings"] if entry in after["warnings"]]
    changed[name] = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    return result

changed = {}
call("load on ONNX Runtime", lambda: kerascnn.load("lecture").predict(picture))
# What the frameworks themselves do while they are imported is theirs.
environment = dict(os.environ)
import_of_keras = kerascnn.load("lecture", backend=backend)
changed["import of Keras"] = {
    name: os.environ.get(name) for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    if os.environ.get(name) != environment.get(name)
}
call("load", lambda: kerascnn.load("lecture", backend=backend))
call("predict", lambda: import_of_keras.predict(picture))
call("evaluate", lambda: kerascnn.evaluate(import_of_keras, digits))
fit = dict(architecture="mlp", epochs=1, seed=3, backend=backend)
call("fit", lambda: kerascnn.fit(digits, output="m.keras", **fit))
call("explain", lambda: kerascnn.explain(picture, import_of_keras, output="explained", data=digits))
print(json.dumps({"changed": {k: v for k, v in changed.items() if v}, "again": kerascnn.load("lecture").engine.name}))
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_calls_leave_the_process_as_it_was(backend, small_digits, photo, tmp_path):
    photo(7).save(tmp_path / "seven.png")
    environment = clean_environment(XDG_CACHE_HOME=str(tmp_path / "caches"))
    del environment["TF_CPP_MIN_LOG_LEVEL"]
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM, backend, str(small_digits), str(tmp_path / "seven.png")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout.splitlines()[-1])
    assert answer["changed"] == {}
    # A Keras that an earlier call imported is no wish for Keras.
    assert answer["again"] == "onnxruntime"


def test_threads_share_the_silence():
    before, level = os.stat(2).st_ino, os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    inside, first_has_left = threading.Barrier(2), threading.Event()

    def enter_second() -> None:
        with silent_stderr():
            inside.wait()
            first_has_left.wait()

    with silent_stderr():
        second = threading.Thread(target=enter_second)
        second.start()
        inside.wait()
    still_silent = os.stat(2).st_ino != before
    first_has_left.set()
    second.join()
    assert still_silent
    assert os.stat(2).st_ino == before
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == level


def test_a_closed_standard_error_is_no_failure():
    code = (
        "import os, sys\nos.close(2)\nsys.stderr = None\n"
        "from kerascnn.utils.quiet import silent_stderr\n"
        "with silent_stderr():\n    print('done')\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "done\n"


def test_a_variable_is_put_back_as_it_was(monkeypatch):
    monkeypatch.setenv("KERASCNN_TEST", "before")
    with environment_variable("KERASCNN_TEST", "inside"):
        assert os.environ["KERASCNN_TEST"] == "inside"
    assert os.environ["KERASCNN_TEST"] == "before"
    monkeypatch.delenv("KERASCNN_TEST")
    with environment_variable("KERASCNN_TEST", "inside"):
        pass
    assert "KERASCNN_TEST" not in os.environ
