"""Results that replace nothing but the results of an earlier run.

The hidden file `.kerascnn.json` in a directory of results lists what kerascnn wrote there, with digests by which a file
that the user has changed since is told. It is written before the files that it lists, so that a killed run can be
repeated.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypedDict

from kerascnn.utils.errors import OutputError
from kerascnn.utils.files import compute_sha256, place, require_directory, write_bytes, write_together
from kerascnn.utils.locks import reserve_output
from kerascnn.utils.png import is_own_png
from kerascnn.utils.staging import remove_abandoned, staging_directory

MANIFEST = ".kerascnn.json"
DRAWINGS, EXPLANATION, REPORT = "drawings", "explanation", "report"
"""Kinds of results whose pictures show how something was read, and are nothing to read themselves."""

_FORMAT = 2
_MAX_MANIFEST_BYTES = 64 * 2**20  # half a million names; a larger file is none of ours

Digests = dict[str, list[str]]
"""SHA-256 of each file by its name: what it was before the last run and what it is now; none while a run draws it."""


class _Manifest(TypedDict):
    """The files by the kind of result, and the input that the results are about, if it matters."""

    format: int
    source: str
    files: dict[str, Digests]


class OutputDirectory:
    """A directory of results, checked before any work and written after it; a context manager.

    A file may be written if its name is free, or if an earlier run wrote a result of the same kind by that name and it
    is still as it was written. Files that the results are made from are never replaced. Inside the block, no other
    process writes to the directory.

    Args:
        path: The directory. It is made together with the first file.
        kind: Kind of the results, for example `"drawings"`.
        names: Names of the files that will be written, relative to the directory, as far as they are known.
        inputs: Files that the results are made from.
        source: The one input that the results are about; empty if there are several.

    Raises:
        OutputError: If a file of that name is there which kerascnn did not make, or which is one of the inputs, or if
            another process is writing to the directory.
    """

    def __init__(
        self, path: Path, kind: str, names: Iterable[str], inputs: Iterable[str | Path] = (), source: str = ""
    ) -> None:
        require_directory(path)
        self.path, self._kind, self._source = path, kind, source
        self._names = list(dict.fromkeys(names))
        self._written: Digests = {}
        self._staging: Path | None = None
        with contextlib.ExitStack() as stack:
            stack.enter_context(reserve_output(path))
            remove_abandoned(path)
            self._own = _read_manifest(path)["files"].get(kind, {})
            self._require_no_input(inputs)
            for name in self._names:
                self._require_free(name)
            self._held = stack.pop_all()

    def __enter__(self) -> "OutputDirectory":
        return self

    def __exit__(self, *exception: object) -> None:
        with self._held:
            if self._written:
                kept = {name: self._own[name] for name in self._names if name in self._own}
                write_bytes(self.path / MANIFEST, self._manifest({**kept, **self._written}))

    def write(self, name: str, content: bytes) -> Path:
        """Write one file, by one of the names that the directory was made for, atomically.

        Raises:
            OutputError: If it cannot be written, or something else has taken its place in the meantime.
        """
        self._require_free(name)
        if self._staging is None:
            self._staging = self._held.enter_context(staging_directory(self.path / MANIFEST))
            # The pictures are known by their marks until the digests of all are written, once, at the end.
            write_bytes(self.path / MANIFEST, self._manifest({one: [] for one in self._names if one.endswith(".png")}))
        digest = hashlib.sha256(content).hexdigest()
        if not name.endswith(".png"):
            write_bytes(self.path / MANIFEST, self._manifest({name: [*self._own.get(name, [])[-1:], digest]}))
        staged = self._staging / "content"
        staged.write_bytes(content)
        place(staged, self.path / name)
        self._own[name] = self._written[name] = [digest]
        return self.path / name

    def write_all(self, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
        """Write all files of a result in order: a new directory appears in one step, in an old one each file does.

        Raises:
            OutputError: If they cannot be written, or something that kerascnn did not make is in the way.
        """
        for name in contents:
            self._require_free(name)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        # The digests from before stay, since a killed run replaces some of the files only.
        both = {name: [*self._own.get(name, [])[-1:], digest] for name, digest in digests.items()}
        paths = write_together(self.path, {MANIFEST: self._manifest(both), **contents})
        self._own.update(both)
        return paths[1:]

    def _require_no_input(self, inputs: Iterable[str | Path]) -> None:
        occupied = [name for name in self._names if os.path.lexists(self.path / name)]
        identities = {_identity(Path(file)) for file in inputs} - {None} if occupied else set()
        for name in occupied:
            if _identity(self.path / name) in identities:
                raise OutputError(
                    f"{self.path / name} is an input of this command and would be replaced; give another directory."
                )

    def _require_free(self, name: str) -> None:
        target = self.path / name
        for parent in list(target.relative_to(self.path).parents)[:-1]:
            require_directory(self.path / parent)
            if (self.path / parent).is_symlink():
                raise OutputError(f"{self.path / parent} is a link to another place; give another directory.")
        if os.path.lexists(target) and not (name in self._own and _is_as_written(target, self._own[name])):
            raise OutputError(
                f"{target} exists already and was not made by this command, or has been changed since; "
                "give another place, or move the file away."
            )

    def _manifest(self, digests: Digests) -> bytes:
        manifest = _read_manifest(self.path)
        manifest["source"] = self._source or manifest["source"]
        manifest["files"][self._kind] = dict(sorted({**manifest["files"].get(self._kind, {}), **digests}.items()))
        return (json.dumps(manifest, indent=1) + "\n").encode()


def read_source(directory: Path) -> str | None:
    """Find the input that the results in a directory are about; None if it holds no results of kerascnn."""
    if not os.path.lexists(directory / MANIFEST):
        return None
    return _read_manifest(directory)["source"]


def find_drawn(directory: Path) -> set[Path]:
    """Find the pictures that kerascnn drew below a directory to show results, as far as they are as it drew them."""
    try:
        files = _read_manifest(directory)["files"]
    except OutputError:  # that something else has the name of the list is of no concern to somebody who reads pictures
        return set()
    return {
        directory / name
        for kind in (DRAWINGS, EXPLANATION, REPORT)
        for name, digests in files.get(kind, {}).items()
        if name.endswith(".png") and _is_as_written(directory / name, digests)
    }


def require_own_png(path: Path, title: str) -> None:
    """Raise OutputError if a picture is to be written where there is anything but an earlier one of the same title."""
    if os.path.lexists(path) and (path.is_symlink() or not is_own_png(path, title)):
        raise OutputError(
            f"{path} exists already and was not drawn by this command; give another file, or move it away."
        )


def _is_as_written(path: Path, digests: list[str]) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        is_listed = not digests or compute_sha256(path) in digests
        return is_listed and (is_own_png(path) if path.suffix == ".png" else bool(digests))
    except OSError:
        return False


def _read_manifest(directory: Path) -> _Manifest:
    path = directory / MANIFEST
    if not os.path.lexists(path):
        return {"format": _FORMAT, "source": "", "files": {}}
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ValueError("it is a link, no file, or too large")
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        files = {str(kind): _check_digests(digests) for kind, digests in document["files"].items()}
        return {"format": _FORMAT, "source": str(document["source"]), "files": files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OutputError(
            f"{path} does not list the results of kerascnn ({error}); remove it, or choose another directory."
        ) from error


def _check_digests(digests: Mapping[str, Iterable[str]]) -> Digests:
    for name in digests:
        if not name or ".." in PurePosixPath(name).parts or PureWindowsPath(name).drive or name[0] in "/\\":
            raise ValueError(f"{name!r} is no file below it")
    return {str(name): [str(digest) for digest in values] for name, values in digests.items()}


def _identity(path: Path) -> tuple[int, int] | None:
    """Find the device and the number of a file, which are the same by whatever name or link it is reached."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
