"""Choose the Keras backend, before Keras is imported.

Keras reads its backend once, when it is first imported, so one process has one backend. The order of wishes: the
argument (`--backend`), the variable `KERAS_BACKEND`, Keras's own `keras.json`, then the first one installed. Keras
writes "tensorflow" into `keras.json` by itself, so that file is a weak wish: a backend that it names and that is
missing is passed over with a note.
"""

import contextlib
import importlib.util
import json
import os
import platform
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from kerascnn.utils.errors import BackendError, UsageError
from kerascnn.utils.processes import Child
from kerascnn.utils.quiet import environment_variable, silent_stderr
from kerascnn.utils.version import __version__

BACKENDS = ("tensorflow", "jax", "torch")

_import_lock = threading.Lock()

_EXTRAS = {"tensorflow": "kerascnn", "jax": "'kerascnn[jax]'", "torch": "'kerascnn[torch]'"}

_DEVICE_PROBES = {
    "tensorflow": "import tensorflow as tf; print(*[d.name.removeprefix('/physical_device:') "
    "for d in tf.config.list_physical_devices()], sep='\\n')",
    "jax": "import jax; print(*jax.devices(), sep='\\n')",
    "torch": "import torch; n = torch.cuda.device_count(); "
    "print(*['cpu'] + [f'cuda:{i} {torch.cuda.get_device_name(i)}' for i in range(n)], sep='\\n')",
}


@dataclass(frozen=True)
class BackendChoice:
    """Which backend is used, why, and what was passed over on the way (empty when nothing was)."""

    name: str
    reason: str
    note: str = ""


@dataclass(frozen=True)
class BackendStatus:
    """One backend on this machine: its version (None when it is not installed) and its devices."""

    name: str
    version: str | None
    devices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for JSON."""
        return asdict(self)


def find_installed_version(name: str) -> str | None:
    """Find the version of an installed backend, without importing it.

    Args:
        name: Name of a backend, one of `BACKENDS`.

    Returns:
        The version, `"unknown"` for a package without metadata, None when it is not installed.
    """
    if importlib.util.find_spec(name) is None:
        return None
    return _first_version(name, f"{name}-cpu", f"{name}_cpu") or "unknown"


def explicit_wish(requested: str | None = None) -> str | None:
    """Return the backend that the user named for this process, by argument or by `KERAS_BACKEND`; None if neither."""
    return requested or os.environ.get("KERAS_BACKEND") or None


def choose_backend(requested: str | None = None) -> BackendChoice:
    """Decide which backend this process uses, without importing Keras.

    Args:
        requested: Backend that the user named, one of `BACKENDS`; None for no wish.

    Returns:
        The choice with its reason.

    Raises:
        BackendError: If the wish is not installed, if Keras already runs on another backend, or if no
            backend is installed.
        UsageError: If the wish is unknown.
    """
    if "keras" in sys.modules:
        return _running_backend(requested)
    if requested:
        return BackendChoice(_check_name(requested, "--backend"), "it was asked for (--backend)")
    variable = os.environ.get("KERAS_BACKEND")
    if variable:
        return BackendChoice(_check_name(variable, "KERAS_BACKEND"), "KERAS_BACKEND is set")
    return _unforced_choice()


def activate(requested: str | None = None) -> BackendChoice:
    """Choose the backend and import Keras on it.

    Args:
        requested: Backend that the user named, one of `BACKENDS`; None for no wish.

    Returns:
        The choice with its reason.

    Raises:
        BackendError: As by `choose_backend`.
    """
    choice = choose_backend(requested)
    # Keras reads the variable once. It must not stay: for `load` it would be a wish of the user.
    with _import_lock, environment_variable("KERAS_BACKEND", choice.name), silent_stderr():
        import keras  # noqa: F401 -- imported for its effect: from here on the backend is settled
    return choice


@contextlib.contextmanager
def float32_by_default() -> Iterator[None]:
    """Let new layers, losses and metrics compute in float32 inside the block, whatever the user's `keras.json` says.

    Keras must have been imported.
    """
    import keras

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def probe_devices(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Ask each framework for its devices, each in a process of its own, all at once.

    Args:
        names: Names of installed backends.

    Returns:
        The device names by backend; empty for a framework that fails to start.
    """
    code = "from kerascnn.utils.processes import end_with_parent; end_with_parent(); {}"
    with contextlib.ExitStack() as stack:
        processes = {
            name: stack.enter_context(Child("-c", code.format(_DEVICE_PROBES[name]), TF_CPP_MIN_LOG_LEVEL="3"))
            for name in names
        }
        outputs = {name: process.finish().stdout for name, process in processes.items()}
    return {name: tuple(line.strip() for line in text.splitlines()) for name, text in outputs.items()}


def list_backends() -> list[BackendStatus]:
    """List every backend that kerascnn knows, with version and devices of those that are installed."""
    versions = {name: find_installed_version(name) for name in BACKENDS}
    devices = probe_devices(tuple(name for name, version in versions.items() if version))
    return [BackendStatus(name, version, devices.get(name, ())) for name, version in versions.items()]


def describe_software(backend: str) -> dict[str, str | None]:
    """List what a model's card tells of the programs that made it: versions, backend and machine."""
    return {
        "kerascnn": __version__,
        "backend": backend,
        backend: find_installed_version(backend),
        **{name: metadata.version(name) for name in ("keras", "numpy")},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def list_installed_software() -> dict[str, str]:
    """List what a bug report needs: the versions of kerascnn, Python, the platform and the packages in use."""
    found = {
        "keras": _first_version("keras"),
        **{name: find_installed_version(name) for name in BACKENDS},
        "onnxruntime": _first_version("onnxruntime", "onnxruntime-gpu"),
        "numpy": _first_version("numpy"),
        "opencv": _first_version("opencv-python-headless", "opencv-python"),
    }
    return {
        "kerascnn": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version or "not installed" for name, version in found.items()},
    }


def _first_version(*distributions: str) -> str | None:
    """Find the version of the first of these distributions that is installed."""
    for distribution in distributions:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(distribution)
    return None


def _running_backend(requested: str | None) -> BackendChoice:
    import keras

    running = keras.config.backend()
    if requested and requested != running:
        raise BackendError(
            f"backend {requested!r} was asked for, but Keras already runs on {running!r} in this process; "
            f"start a new process, or set KERAS_BACKEND={requested} before Keras is imported."
        )
    return BackendChoice(running, "Keras already runs on it in this process")


def _check_name(name: str, origin: str) -> str:
    if name not in BACKENDS:
        raise UsageError(f"{origin} names the backend {name!r}; kerascnn runs on {', '.join(BACKENDS)}.")
    if find_installed_version(name) is None:
        raise BackendError(
            f"{origin} names the backend {name!r}, which is not installed; pip install {_EXTRAS[name]} adds it."
        )
    return name


def _unforced_choice() -> BackendChoice:
    available = [name for name in BACKENDS if find_installed_version(name)]
    if not available:
        raise BackendError("no backend is installed; pip install tensorflow (or jax, or torch) adds one.")
    path, wish = _keras_json_wish()
    if wish in available:
        return BackendChoice(wish, f"{path} names it")
    first = BackendChoice(available[0], f"it is the first one installed of {', '.join(BACKENDS)}")
    if wish is None:
        return first
    return BackendChoice(first.name, first.reason, f"{path} names {wish!r}, which is not installed: passed over.")


def _keras_json_wish() -> tuple[Path, str | None]:
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path("~/.keras").expanduser()) / "keras.json"
    try:
        wish = json.loads(path.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        wish = None
    return path, wish if isinstance(wish, str) else None
