"""Keep what other programs print off the terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep TensorFlow's start-up chatter off the terminal while Keras is imported, loads or saves.

    It comes from C++, before any logging is set up, and so from beneath `sys.stderr`: CPU features, missing GPUs. Keras
    imports TensorFlow, where it is installed, under every backend, when it first (de)serialises a model.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123 -- os.devnull is a name, not a path
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
