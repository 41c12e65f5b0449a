"""Locks of the operating system, which it gives back when their owner dies, however it dies."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.utils.directories import made_parents, translate_os_errors
from kerascnn.utils.errors import OutputError
from kerascnn.utils.interrupts import delay_stops

if TYPE_CHECKING:
    from filelock import BaseFileLock

PREFIX = ".kerascnn-"
"""What the names of hidden files and directories begin with that kerascnn makes while it works."""

_SUFFIX = ".lock"


def take_lock(path: Path) -> "BaseFileLock | None":
    """Take the lock of a file, which is made if it is missing.

    Returns:
        The lock, to be given back by `give_back`; None if another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def give_back(lock: "BaseFileLock") -> None:
    """Give a lock back, and remove its file."""
    # While it is held, so that nobody locks a file that is about to go; Windows removes no open file.
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
    if os.name == "nt":
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink()


@contextlib.contextmanager
def reserve_output(target: Path) -> Iterator[None]:
    """Let no other process write to the same place inside the block.

    The lock is a hidden file beside the target, or in it if it is a directory in one that is not writable. It is
    removed at the end; the one of a process that was killed is as good as none.

    Args:
        target: File or directory that will be written; its missing parent directories are made, and removed if they are
            still empty at the end.

    Raises:
        OutputError: If another process is writing there, or nobody can.
    """
    place = target.resolve()
    with made_parents(place):
        path = _lock_path(place)
        with translate_os_errors(target):
            lock = take_lock(path)
        if lock is None:
            raise OutputError(
                f"another command (process {_read_owner(path)}) is writing {target}; wait until it has ended, "
                "or give another place with --output."
            )
        try:
            path.write_text(f"{os.getpid()}\n", encoding="ascii")
            yield
        finally:
            with delay_stops():
                give_back(lock)


def remove_abandoned_locks(directory: Path) -> None:
    """Remove the files of locks in a directory whose owners have died."""
    for path in directory.glob(f"{PREFIX}*{_SUFFIX}"):
        lock = take_lock(path) if path.is_file() and not path.is_symlink() else None
        if lock is not None:
            give_back(lock)


def _lock_path(place: Path) -> Path:
    beside = place.parent if os.access(place.parent, os.W_OK) or not place.is_dir() else place
    return beside / f"{PREFIX}{hashlib.sha256(os.fsencode(place.name)).hexdigest()[:16]}{_SUFFIX}"


def _read_owner(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return str(int(path.read_text(encoding="ascii")))
    return "unknown"  # it is just beginning, or on Windows, where nobody else reads a locked file
