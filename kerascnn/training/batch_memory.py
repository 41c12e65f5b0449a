"""How much memory a batch needs in training, before the first step, which may take minutes, is begun."""

import os
from collections.abc import Iterable
from math import prod

from kerascnn.utils.errors import TrainingError

_BYTES = 4  # of a float32
_GIB = 2**30
_LARGE = 4 * _GIB
"""Size of a batch from which it is worth a sentence."""
_CANNOT_BE = 2
"""Size in units of the machine's memory from which a batch is refused; compilers merge layers and need less."""


def count_batch_bytes(shapes: Iterable[tuple[int | None, ...]], batch_size: int) -> int:
    """Estimate the memory of a batch: every layer's output, which the backward pass needs, in float32.

    Args:
        shapes: Shapes of the layers' outputs, the first dimension of each being that of the batch.
        batch_size: Number of images in a batch.
    """
    return batch_size * _BYTES * sum(prod(size or 1 for size in shape[1:]) for shape in shapes)


def find_memory() -> int | None:
    """Find how much memory this machine has, in bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf.
        return None


def describe_batch(num_bytes: int, batch_size: int, memory: int | None) -> str | None:
    """Say what a large batch needs; None for one of a usual size.

    Raises:
        TrainingError: If the machine has not nearly as much memory.
    """
    if num_bytes < _LARGE:
        return None
    needs = f"a batch of {batch_size:,} images needs about {num_bytes / _GIB:,.0f} GiB of memory"
    has = "" if memory is None else f", and this machine has {memory / _GIB:,.0f} GiB"
    if memory is not None and num_bytes > _CANNOT_BE * memory:
        raise TrainingError(f"{needs}{has}; give a smaller --batch-size.")
    return f"{needs}{has}; a step may take minutes, in which nothing is shown. A smaller --batch-size learns faster."
