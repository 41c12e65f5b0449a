"""Hidden directories in which results are finished before they are moved to their places.

One that a killed process has left is removed by the next process that works beside it. That its owner is dead is told
by the lock in it, which the operating system has given back.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.utils.directories import made_parents, translate_os_errors
from kerascnn.utils.errors import OutputError
from kerascnn.utils.locks import PREFIX, remove_abandoned_locks, take_lock

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK = "lock"
_MARK = "kerascnn\n"
_NUM_TRIES = 10  # one is nearly always enough: another process must look at the very moment at which it is made


@contextlib.contextmanager
def staging_directory(beside: Path) -> Iterator[Path]:
    """Make a temporary directory on the same file system as a target, and remove it afterwards.

    The target's missing parent directories are made; those that are still empty at the end are removed. An OutputError
    says what the operating system refuses.
    """
    with translate_os_errors(beside), made_parents(beside):
        remove_abandoned(beside.parent)
        with _stage(beside.parent) as directory:
            yield directory


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """Make a temporary directory where the system keeps such, and remove it afterwards."""
    with staging_directory(Path(tempfile.gettempdir()) / "kerascnn") as directory:
        yield directory


def remove_abandoned(directory: Path) -> None:
    """Remove what killed processes of this user have left in a directory while they worked."""
    with contextlib.suppress(OSError):
        for path in directory.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink() and _is_mine(path):
                    _remove_if_abandoned(path)
        remove_abandoned_locks(directory)


@contextlib.contextmanager
def _stage(parent: Path) -> Iterator[Path]:
    directory, lock = _make_locked(parent)
    try:
        inside = directory / "files"
        inside.mkdir()
        yield inside
    finally:
        _remove(directory, lock)


def _make_locked(parent: Path) -> tuple[Path, "BaseFileLock"]:
    for _ in range(_NUM_TRIES):
        # Another process may find the directory before its lock is taken, and remove it as abandoned.
        with contextlib.suppress(FileNotFoundError):
            directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            (directory / _LOCK).write_text(_MARK, encoding="ascii")
            lock = take_lock(directory / _LOCK)
            if lock is not None:
                return directory, lock
        if not parent.is_dir():
            break
    raise OutputError(f"no temporary directory could be made in {parent}; choose another place.")


def _remove_if_abandoned(directory: Path) -> None:
    path = directory / _LOCK
    if not path.is_file():
        directory.rmdir()  # its owner died at once; refused where there is something in it
    elif path.read_text(encoding="ascii", errors="replace") in ("", _MARK):
        lock = take_lock(path)
        if lock is not None:
            _remove(directory, lock)


def _remove(directory: Path, lock: "BaseFileLock") -> None:
    if os.name == "nt":  # Windows removes no open file
        lock.release()
    # The lock goes last, so that what a further kill leaves is still known as abandoned.
    for path in directory.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    lock.release()


def _is_mine(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()
