"""Shared by all tests: the real command line, a worker process a backend, and small pieces of the real MNIST."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn.datasets import Dataset, load_dataset
from kerascnn.saving.model_files import save
from kerascnn.saving.stored_model import open_model
from kerascnn.utils.backend import BACKENDS
from kerascnn.utils.staging import staging_directory

TESTS = Path(__file__).parent
# With KERAS_BACKEND set, what runs on every backend runs on that one only.
TESTED_BACKENDS = (os.environ["KERAS_BACKEND"],) if os.environ.get("KERAS_BACKEND") else BACKENDS
# Windows has neither pseudo-terminals nor limits of memory and time for a process.
collect_ignore_glob = ["test_terminal.py", "test_hostile_*.py"] if sys.platform == "win32" else []


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without the user's wishes for a backend, and with other variables set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KERAS_") and key != "NO_COLOR"}
    return {**kept, "TF_CPP_MIN_LOG_LEVEL": "3", **changes}


class Worker:
    """A process on one backend."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(KERAS_BACKEND=backend),
        )

    def __call__(self, task: str, **arguments):
        self._process.stdin.write(json.dumps({"task": task, "arguments": arguments}, default=str) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="session")
def workers() -> Iterator[Callable[[str], Worker]]:
    """The worker of a backend, started when it is first asked for."""
    started: dict[str, Worker] = {}

    def worker(backend: str) -> Worker:
        if backend not in started:
            started[backend] = Worker(backend)
        return started[backend]

    yield worker
    for process in started.values():
        process.close()


@pytest.fixture(scope="session", params=TESTED_BACKENDS)
def worker(request, workers) -> Worker:
    """Each backend's worker in turn."""
    return workers(request.param)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command line as a user does, in an empty directory."""

    def run(*arguments, cwd: Path = tmp_path, stdin: bytes | None = None, **environment: str):
        return subprocess.run(
            [sys.executable, "-P", "-m", "kerascnn", *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            env=clean_environment(**environment),
            check=False,
        )

    return run


def assert_clear_failure(result: subprocess.CompletedProcess, *words: str, code: int = 1) -> None:
    """The exit code, one sentence on stderr that says what to know, no traceback, nothing on stdout."""
    message = result.stderr.decode()
    assert result.returncode == code, message
    assert "Traceback" not in message
    assert not result.stdout
    for word in words:
        assert word in message, message


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real thing."""
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def digit_image(mnist) -> Callable[[int], np.ndarray]:
    """A clear test image of a digit, (28, 28) uint8."""

    def image(digit: int) -> np.ndarray:
        return mnist.test_images[np.flatnonzero(mnist.test_labels == digit)[3]]

    return image


@pytest.fixture(scope="session")
def photo(digit_image) -> Callable[..., Image.Image]:
    """A large picture of a digit: dark ink on light paper with a margin, as a camera would see it."""

    def picture(digit: int, side: int = 400, ink: int = 40, paper: int = 225) -> Image.Image:
        glyph = Image.fromarray(digit_image(digit)).resize((side // 2, side // 2), Image.Resampling.BICUBIC)
        canvas = Image.new("L", (side, side + 60), paper)
        canvas.paste(ink, (side // 5, side // 4), glyph)
        return canvas

    return picture


@pytest.fixture(scope="session")
def six(tmp_path_factory, photo) -> Path:
    """The path of a picture of a six."""
    path = tmp_path_factory.mktemp("picture") / "six.png"
    photo(6).save(path)
    return path


@pytest.fixture(scope="module")
def limited(request) -> Iterator[Callable]:
    """The `LimitedWorker` for all tests of a module, with the memory and the processor time of its `LIMITS`."""
    from limits import LimitedWorker  # which Windows cannot import

    worker = LimitedWorker(*request.module.LIMITS)
    yield worker
    worker.close()


def copy_reference(target: Path) -> Path:
    """Copy the model that ships, with all that belongs to it, as if it had been trained there.

    Args:
        target: the `.keras` file.
    """
    return kerascnn.load("reference").save(target)


def repack(model: Path, onnx: bytes | None = None, **changes) -> None:
    """Save a model anew, with another ONNX network or with changes to its card."""
    stored = open_model(model)
    with staging_directory(model) as directory:
        staged = {".keras": directory / "model.keras", ".onnx": directory / "model.onnx"}
        stored.archive.write_network(staged[".keras"])
        staged[".onnx"].write_bytes(onnx or stored.read_onnx(print))
        save(model, staged, replace(stored.card, **changes))


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an IDX file of unsigned bytes."""
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_idx_directory(directory: Path, mnist: Dataset, num_train: int, num_test: int) -> Path:
    """Write the beginning of MNIST as a directory of IDX files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, images, labels in (
        ("train", mnist.train_images[:num_train], mnist.train_labels[:num_train]),
        ("t10k", mnist.test_images[:num_test], mnist.test_labels[:num_test]),
    ):
        write_idx(directory / f"{name}-images-idx3-ubyte", images)
        write_idx(directory / f"{name}-labels-idx1-ubyte", labels)
    return directory


@pytest.fixture
def small_digits(tmp_path, mnist) -> Path:
    """800 training and 200 test images of MNIST as a directory of IDX files."""
    return write_idx_directory(tmp_path / "digits", mnist, 800, 200)


SMALL_RUN = {"epochs": 4, "batch_size": 32}
"""A run that takes seconds and gets somewhere: what the tests of training have in common."""


@pytest.fixture(scope="session")
def shared_digits(tmp_path_factory, mnist) -> Path:
    """800 training and 200 test images of MNIST, for all tests that train."""
    return write_idx_directory(tmp_path_factory.mktemp("data") / "digits", mnist, 800, 200)


@pytest.fixture(scope="session")
def trained(workers, shared_digits, tmp_path_factory) -> Callable[[str], Path]:
    """A model trained by an uninterrupted `SMALL_RUN` on a backend, made when it is first asked for."""
    made: dict[str, Path] = {}

    def model(backend: str) -> Path:
        if backend not in made:
            path = tmp_path_factory.mktemp(backend) / "model.keras"
            workers(backend)("fit", data=str(shared_digits), output=str(path), **SMALL_RUN)
            made[backend] = path
        return made[backend]

    return model


def start_small_run(backend: str, data: Path, output: Path, *options: str, epochs: int) -> subprocess.Popen:
    """Start `kerascnn fit` and return at once."""
    command = [
        *(sys.executable, "-P", "-m", "kerascnn", "fit", "--data", str(data), "--output", str(output)),
        *("--batch-size", str(SMALL_RUN["batch_size"]), "--epochs", str(epochs), "--backend", backend, *options),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())


def wait_for_epochs(process: subprocess.Popen, output: Path, count: int) -> None:
    """Return as soon as so many epochs of a run are saved."""
    state = output.with_suffix(".run") / "state.json"
    while not (state.exists() and len(json.loads(state.read_text())["history"]) >= count):
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.01)
