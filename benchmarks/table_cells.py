"""What several tables say in the same way."""

import statistics
from collections.abc import Iterable

_FEW_CORES = 0.1


def mean_and_deviation(rows: list[dict], key: str) -> str:
    """Of a share, in percent; without a deviation where there is one run only."""
    values = [100 * row[key] for row in rows]
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f} %{deviation}"


def disturbance(groups: Iterable[list[dict]]) -> list[str]:
    """A sentence if other programs ran during the measurements: then they are no figures of this machine."""
    cores = [run["cores_of_others"] for runs in groups for run in runs if run["cores_of_others"] is not None]
    if not cores or statistics.median(cores) <= _FEW_CORES:
        return []
    return ["", f"Other programs took {statistics.median(cores):.1f} cores meanwhile, which slows PyTorch the most."]
