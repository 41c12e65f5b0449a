"""Directories to write in, and what the operating system says of them."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from kerascnn.utils.errors import OutputError

_REMEDY = "choose another place"
_FULL = "free some space, or choose another place"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "a limit of the size of files is set; raise it (ulimit -f), or choose another place",
    errno.EACCES: "you may not write there; choose another place",
    errno.EROFS: "nobody may write there; choose another place",
}


@contextlib.contextmanager
def made_parents(target: Path) -> Iterator[None]:
    """Make the missing parent directories of a target; those that are still empty at the end are removed."""
    with translate_os_errors(target):
        missing = [path for path in target.parents if not path.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


@contextlib.contextmanager
def translate_os_errors(target: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into one clear sentence."""
    try:
        yield
    except OSError as error:
        in_the_way = next((path for path in target.parents if path.is_file()), None)
        if in_the_way is None:
            reason = f"{(error.strerror or str(error)).lower()}; {_REMEDIES.get(error.errno or 0, _REMEDY)}."
        else:
            reason = f"{in_the_way} is a file, not a directory; choose another place."
        raise OutputError(f"{target} could not be written: {reason}") from error
