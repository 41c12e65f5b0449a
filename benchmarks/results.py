"""Records of measurements, with the machine and versions that they were made on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kerascnn.benchmarking.processor import machine

RESULTS = Path(__file__).parent / "results"


def write(name: str, figures: dict) -> Path:
    """Write one finished measurement to `benchmarks/results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"date": datetime.now(UTC).date().isoformat(), **machine(), **figures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def read(pattern: str) -> list[dict]:
    """Read all finished measurements whose file name matches, in order of name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob(pattern))]


def load_or_run(name: str, measure: Callable[[], dict]) -> dict:
    """Read the figures of a finished measurement, or measure them now and write them."""
    if not read(f"{name}.json"):
        write(name, measure())
    (figures,) = read(f"{name}.json")
    return figures
