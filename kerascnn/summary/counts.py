"""Parameters and multiply-adds of the architectures.

Keras needs many seconds to build all networks, so the counts of those of this package are kept in `counts.json`. After
a change, `python -m kerascnn.summary.counts` computes them anew; a test holds the file equal to the networks.
"""

import json
from pathlib import Path
from typing import NamedTuple

from kerascnn.models import ARCHITECTURES
from kerascnn.summary.model_summary import summarize

_PATH = Path(__file__).with_suffix(".json")


class Counts(NamedTuple):
    """The size of a network: its weights and biases, and its multiply-adds for one picture."""

    num_parameters: int
    num_multiply_adds: int


def find_counts(architecture: str) -> Counts:
    """Count the parameters and multiply-adds of an architecture, as it is made for its data set.

    They are read from the file that is part of the package, or computed with Keras if the network is not in it.
    """
    kept = json.loads(_PATH.read_text(encoding="utf-8")).get(architecture)
    return Counts(*kept) if kept else compute_counts(architecture)


def compute_counts(architecture: str) -> Counts:
    """Count the parameters and multiply-adds of an architecture from its layers."""
    summary = summarize(architecture)
    return Counts(summary.num_parameters, summary.num_multiply_adds)


if __name__ == "__main__":
    lines = [f' "{name}": {json.dumps(compute_counts(name))}' for name in ARCHITECTURES]
    _PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
