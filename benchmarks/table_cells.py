"""Cells that several tables have in common."""

import statistics
from collections.abc import Iterable

_FEW_CORES = 0.1


def mean_and_deviation(rows: list[dict], key: str) -> str:
    """Write mean and deviation of a share in percent; a single run has no deviation."""
    values = [100 * row[key] for row in rows]
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f} %{deviation}"


def disturbance(groups: Iterable[list[dict]]) -> list[str]:
    """Write a sentence if other programs disturbed the measurements."""
    cores = [run["cores_of_others"] for runs in groups for run in runs if run["cores_of_others"] is not None]
    if not cores or statistics.median(cores) <= _FEW_CORES:
        return []
    return ["", f"Other programs took {statistics.median(cores):.1f} cores meanwhile, which slows PyTorch the most."]
