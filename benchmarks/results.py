"""What every measurement records beside its figures, and where."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    "kerascnn",
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
)


def machine() -> dict:
    """Processor, cores and versions, as far as they decide a figure."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def write(name: str, figures: dict) -> Path:
    """Write one finished measurement to `benchmarks/results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"date": datetime.now(UTC).date().isoformat(), **machine(), **figures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def read(pattern: str) -> list[dict]:
    """All finished measurements whose file name matches, in order of name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob(pattern))]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
