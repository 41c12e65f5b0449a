"""What decides a figure beside the program: processor, cores, versions, and how many threads were asked for."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from kerascnn.utils.cores import count_cores

_PACKAGES = ("kerascnn", "keras", "tensorflow", "jax", "torch", "numpy", "onnxruntime", "opencv-python-headless")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "XLA_FLAGS",
)


def machine() -> dict[str, Any]:
    """Describe processor, cores and versions, as far as they decide a figure.

    Returns:
        `processor`, `cores` (those that this process may use), `thread_variables` (those that are set; without any, the
        frameworks use all cores), `python` and `versions`.
    """
    return {
        "processor": _processor(),
        "cores": count_cores(),
        "thread_variables": {name: os.environ[name] for name in _THREAD_VARIABLES if os.environ.get(name)},
        "python": platform.python_version(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
