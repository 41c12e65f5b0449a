"""Keep freed memory in the process while a network trains.

The arrays of a training step are larger than what the C library's allocator keeps: it returns them to the system after
each step and asks for them again in the next, and the system hands out zeroed pages one by one. On JAX that is a fifth
of a step. GNU's allocator can be told to keep them; others are left alone, and so are a user's own settings.
"""

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator

# From malloc.h. Parameter: value while training, value afterwards (the library's defaults).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_SETTINGS = {
    # An arena of a thread cannot hold more than 64 MB, so that all threads have to share the main one.
    _ARENA_MAX: (1, 0),
    _MMAP_MAX: (0, 65536),
    _TRIM_THRESHOLD: (2**31 - 1, 128 * 1024),
    _TOP_PAD: (64 * 1024**2, 128 * 1024),
}


@contextlib.contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Keep freed memory inside the block; what is not in use after it goes back to the system.

    It is for processes of our own, not for a library's caller: GNU's allocator never again adapts its thresholds by
    itself. Enter it before a framework starts its threads. Does nothing where the C library is not GNU's, or where the
    environment sets its allocator.
    """
    library = _gnu_c_library()
    if library is None or _user_has_set_the_allocator():
        yield
        return
    for parameter, (value, _) in _SETTINGS.items():
        library.mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, (_, value) in _SETTINGS.items():
            library.mallopt(parameter, value)
    # Not after an interrupt, when all of it is about to go: with a framework it is a second of work, which at a low
    # priority takes a minute.
    gc.collect()  # a trained model refers to itself
    library.malloc_trim(0)


def _gnu_c_library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def _user_has_set_the_allocator() -> bool:
    names = [name for name in os.environ if name.startswith("MALLOC_")]
    return bool(names) or "malloc" in os.environ.get("GLIBC_TUNABLES", "") or "LD_PRELOAD" in os.environ
