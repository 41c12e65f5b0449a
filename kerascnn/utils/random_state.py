"""Random numbers of our own that take nothing from the caller's."""

import contextlib
import random
from collections.abc import Iterator


@contextlib.contextmanager
def preserve_random_state() -> Iterator[None]:
    """Leave Python's random generator as it was: Keras draws seeds from it for every layer that it makes."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
