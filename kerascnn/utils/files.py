"""Write files so that a killed process leaves the old one or the new one, never half of one."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from kerascnn.utils.directories import translate_os_errors
from kerascnn.utils.errors import OutputError
from kerascnn.utils.staging import staging_directory


def place(staged: Path, target: Path) -> None:
    """Move a finished file to its place in one step, its bytes on the disk before its name."""
    with translate_os_errors(target):
        write_to_disk(staged)
        # A temporary file is private; a result gets the permissions that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        staged.chmod(0o666 & ~mask)
        staged.replace(target)


def write_to_disk(path: Path) -> None:
    """Return once the content of a file is on the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file atomically, and make missing parent directories.

    Raises:
        OutputError: If it cannot be written.
    """
    with staging_directory(target) as directory:
        staged = directory / target.name
        staged.write_bytes(content)
        place(staged, target)


def write_together(directory: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write the files of a result: a new directory appears in one step; in an old one each file does, in their order.

    Args:
        directory: Directory of the result; missing parent directories are made.
        contents: Content by file name, which may begin with a sub-directory.

    Returns:
        Paths of the files.
    """
    with staging_directory(directory) as staging:
        finished = staging / "finished"
        for name, content in contents.items():
            (finished / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / "content").write_bytes(content)
            place(staging / "content", finished / name)
        if directory.exists():
            for name in contents:
                (directory / name).parent.mkdir(exist_ok=True)
                place(finished / name, directory / name)
        else:
            finished.rename(directory)
    return tuple(directory / name for name in contents)


def require_directory(path: Path) -> None:
    """Raise OutputError if there is something that is no directory where one is to be written."""
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; give a directory with --output.")


def compute_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
