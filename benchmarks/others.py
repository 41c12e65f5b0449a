"""Processor time of other programs during a measurement."""

import os
import resource
import time
from pathlib import Path

_STATISTICS = Path("/proc/stat")


class OtherPrograms:
    """Measures from its creation on; on Linux only."""

    def __init__(self) -> None:
        self._begun, self._busy, self._own = time.perf_counter(), _busy_seconds(), _own_seconds()

    def cores(self) -> float | None:
        """Mean number of cores that other programs used; finished children count as this process."""
        if self._busy is None:
            return None
        others = _busy_seconds() - self._busy - (_own_seconds() - self._own)
        return round(max(0.0, others / (time.perf_counter() - self._begun)), 2)


def _busy_seconds() -> float | None:
    try:
        user, nice, system = _STATISTICS.read_text(encoding="ascii").split()[1:4]
    except OSError:
        return None
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
