"""Results that replace nothing but the results of an earlier run.

The hidden file `.kerascnn.json` in a directory of results lists what kerascnn wrote there. It is written before the
files that it lists, so that a killed run can be repeated.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from kerascnn.utils.errors import OutputError
from kerascnn.utils.files import require_directory, write_bytes, write_together
from kerascnn.utils.png import is_own_png

MANIFEST = ".kerascnn.json"
_FORMAT = 1


class _Manifest(TypedDict):
    """Names of the files by the kind of result, and the input that the results are about, if it matters."""

    format: int
    source: str
    files: dict[str, list[str]]


class OutputDirectory:
    """A directory of results, checked before any work and written after it.

    A file may be written if its name is free, or if an earlier run wrote a result of the same kind by that name. Files
    that the results are made from are never replaced.

    Args:
        path: The directory. It is made together with the first file.
        kind: Kind of the results, for example `"drawings"`.
        names: Names of the files that will be written, relative to the directory, as far as they are known.
        inputs: Files that the results are made from.
        source: The one input that the results are about; empty if there are several.

    Raises:
        OutputError: If a file of that name is there which kerascnn did not make, or which is one of the inputs.
    """

    def __init__(
        self, path: Path, kind: str, names: Iterable[str], inputs: Iterable[str | Path] = (), source: str = ""
    ) -> None:
        require_directory(path)
        self.path, self._kind, self._source = path, kind, source
        self._names = list(dict.fromkeys(names))
        self._own = set(_read_manifest(path)["files"].get(kind, []))
        occupied = [name for name in self._names if os.path.lexists(path / name)]
        if occupied:
            identities = {_identity(Path(file)) for file in inputs} - {None}
            for name in occupied:
                if _identity(path / name) in identities:
                    raise OutputError(
                        f"{path / name} is an input of this command and would be replaced; give another directory."
                    )
        for name in self._names:
            self._require_free(name)
        self._listed = False

    def write(self, name: str, content: bytes) -> Path:
        """Write one file, by one of the names that the directory was made for, atomically.

        Raises:
            OutputError: If it cannot be written, or something else has taken its place in the meantime.
        """
        self._require_free(name)
        if not self._listed:
            write_bytes(self.path / MANIFEST, self._manifest(self._names))
            self._listed = True
        write_bytes(self.path / name, content)
        self._own.add(name)
        return self.path / name

    def write_all(self, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
        """Write all files of a result in order: a new directory appears in one step, in an old one each file does.

        Raises:
            OutputError: If they cannot be written, or something that kerascnn did not make is in the way.
        """
        for name in contents:
            self._require_free(name)
        paths = write_together(self.path, {MANIFEST: self._manifest(contents), **contents})
        self._own.update(contents)
        return paths[1:]

    def _require_free(self, name: str) -> None:
        target = self.path / name
        for parent in list(target.relative_to(self.path).parents)[:-1]:
            require_directory(self.path / parent)
        if os.path.lexists(target) and not self._is_own(name, target):
            raise OutputError(
                f"{target} exists already and was not made by this command; give another directory, "
                "or move the file away."
            )

    def _is_own(self, name: str, target: Path) -> bool:
        # A picture that took the place of a result is told by its missing mark.
        return name in self._own and target.is_file() and (target.suffix != ".png" or is_own_png(target))

    def _manifest(self, names: Iterable[str]) -> bytes:
        manifest = _read_manifest(self.path)  # read again: another process may write to the same directory
        manifest["source"] = self._source or manifest["source"]
        manifest["files"][self._kind] = sorted({*manifest["files"].get(self._kind, []), *names})
        return (json.dumps(manifest, indent=1) + "\n").encode()


def read_source(directory: Path) -> str | None:
    """Find the input that the results in a directory are about; None if it holds no results of kerascnn."""
    if not os.path.lexists(directory / MANIFEST):
        return None
    return _read_manifest(directory)["source"]


def list_written(directory: Path, kind: str) -> set[str]:
    """List the names of the files of one kind that kerascnn wrote to a directory."""
    return set(_read_manifest(directory)["files"].get(kind, []))


def require_own_png(path: Path) -> None:
    """Raise OutputError if a picture is to be written where something is that kerascnn did not draw."""
    if os.path.lexists(path) and not is_own_png(path):
        raise OutputError(f"{path} exists already and was not drawn by kerascnn; give another file, or move it away.")


def _read_manifest(directory: Path) -> _Manifest:
    path = directory / MANIFEST
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        files = {str(kind): [str(name) for name in names] for kind, names in document["files"].items()}
        return {"format": _FORMAT, "source": str(document["source"]), "files": files}
    except (FileNotFoundError, NotADirectoryError):
        return {"format": _FORMAT, "source": "", "files": {}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OutputError(
            f"{path} does not list the results of kerascnn ({error}); remove it, or choose another directory."
        ) from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Find the device and the number of a file, which are the same by whatever name or link it is reached."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
