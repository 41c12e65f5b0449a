"""Keep what other programs print off the terminal."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_STDERR = 2


_lock = threading.Lock()
_num_users = 0
_shared = contextlib.ExitStack()


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep TensorFlow's start-up chatter off the terminal while Keras is imported, loads or saves.

    It comes from C++, before any logging is set up, and so from beneath `sys.stderr`: CPU features, missing GPUs. Keras
    imports TensorFlow, where it is installed, under every backend, when it first (de)serialises a model. TensorFlow
    reads its log level once, when it is imported.

    All threads share the file descriptor; the last one that leaves such a block puts it back.
    """
    global _num_users
    with _lock:
        if _num_users == 0:
            _shared.enter_context(_redirect_stderr())
            _shared.enter_context(environment_variable(_LOG_LEVEL, os.environ.get(_LOG_LEVEL, "3")))
        _num_users += 1
    try:
        yield
    finally:
        with _lock:
            _num_users -= 1
            if _num_users == 0:
                _shared.close()


@contextlib.contextmanager
def silent_library() -> Iterator[None]:
    """Keep off the terminal what a C library prints, such as libtiff about a damaged picture.

    Only in a command, whose own messages have another descriptor than stderr; elsewhere those of other threads would be
    lost.
    """
    with silent_stderr() if _has_own_descriptor() else contextlib.nullcontext():
        yield


def _has_own_descriptor() -> bool:
    try:
        return sys.stderr.fileno() != _STDERR
    except (OSError, ValueError, AttributeError):  # it is closed, or no file
        return False


@contextlib.contextmanager
def _redirect_stderr() -> Iterator[None]:
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        kept = os.dup(_STDERR)
    except (OSError, ValueError):  # it is closed, so that there is nothing to silence
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123 -- os.devnull is a name, not a path
            os.dup2(nothing.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


@contextlib.contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    """Set an environment variable inside the block, and leave it as it was."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
