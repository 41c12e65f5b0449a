"""A journal of the pages that a command has read, so that one that was interrupted goes on where it stopped."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Generic, TypeVar

import msgspec
import numpy as np

from kerascnn.utils.directories import translate_os_errors

Result = TypeVar("Result")


class _Line(msgspec.Struct):
    picture: str
    result: msgspec.Raw


class Journal(Generic[Result]):
    """What was read of each picture, a line each, in a hidden file at the output; a context manager.

    The file is removed at the end of the block, and stays where that is left by an exception or a kill. A picture is
    known again by its pixels, whatever it is called; what was read by another model or with other options is not used.

    Args:
        output: The file or directory that the results go to.
        kind: Class of what is read of a picture, such as `Page`.
        settings: All that the results depend on besides the pictures.
        resume: Whether to take what is there already; else it is begun anew.

    Raises:
        OutputError: If the file cannot be written.
    """

    def __init__(self, output: Path, kind: type[Result], settings: Sequence[str], *, resume: bool) -> None:
        self.path, self._output = _choose_path(output), output
        self._kind, self._settings = kind, hashlib.sha256(msgspec.json.encode(settings)).hexdigest()
        self._known = self._load()
        self.num_left = len(self._known)
        if not resume:
            self._known = {}
        with translate_os_errors(self._output):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: IO[bytes] = self.path.open("ab" if resume else "wb")

    def __enter__(self) -> "Journal[Result]":
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self._stream.close()
        if kind is None:
            self.path.unlink(missing_ok=True)

    def find(self, picture: np.ndarray) -> Result | None:
        """Find what was read of a picture, uint8, `(height, width)` or `(height, width, 3)`; None if it was not."""
        return self._known.get(self._digest(picture))

    def add(self, picture: np.ndarray, result: Result) -> None:
        """Write down what was read of a picture.

        Raises:
            OutputError: If it cannot be written.
        """
        line = msgspec.json.encode(_Line(self._digest(picture), msgspec.Raw(msgspec.json.encode(result))))
        with translate_os_errors(self._output):
            self._stream.write(line + b"\n")
            self._stream.flush()

    def _digest(self, picture: np.ndarray) -> str:
        shape = "x".join(map(str, picture.shape))
        content = hashlib.sha256(f"{self._settings} {shape} ".encode())
        content.update(np.ascontiguousarray(picture).data)
        return content.hexdigest()

    def _load(self) -> dict[str, Result]:
        known: dict[str, Result] = {}
        if not self.path.is_file():
            return known
        with translate_os_errors(self.path), self.path.open("rb") as stream:
            for line in stream:
                try:
                    entry = msgspec.json.decode(line, type=_Line)
                    known[entry.picture] = msgspec.json.decode(entry.result, type=self._kind)
                except (ValueError, RecursionError):  # the last line of a run that was killed
                    continue
        return known


def _choose_path(output: Path) -> Path:
    """Choose a file in a directory that is there already, whose parent may be another's; else beside the output."""
    inside, beside = output / ".pages.jsonl", output.parent / f".{output.name}.pages.jsonl"
    return inside if output.is_dir() and not beside.is_file() else beside


def read_once(picture: np.ndarray, read: Callable[[np.ndarray], Result], journal: Journal[Result] | None) -> Result:
    """Read a picture, uint8, unless it is in the journal already, and write down what was read; None for no journal."""
    known = None if journal is None else journal.find(picture)
    if known is not None:
        return known
    result = read(picture)
    if journal is not None:
        journal.add(picture, result)
    return result
