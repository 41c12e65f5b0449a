"""Files of NumPy arrays, `.npy` and `.npz`, that may be damaged or made to fill the memory."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.utils.errors import DataError

_MAGIC = b"\x93NUMPY"
_LARGE = 512 * 2**20  # bytes, from which the compression of an array is looked at
MOST_COMPRESSED = 100
"""Times by which a large file may be compressed: images reach 10 to 20, what is made to fill a memory 1,000."""


def read_array_file(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    """Read an `.npy` file, or all arrays of an `.npz` file by their names.

    Pickled objects, which run code when they are read, are refused.

    Raises:
        DataError: If it cannot be read, for whatever reason.
    """
    try:
        # What is odd about a header is told by an error, or does not matter.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not zipfile.is_zipfile(path):
                _require_magic(path)
                return np.asarray(np.load(path, allow_pickle=False))
            _refuse_bombs(path)
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except (DataError, FileNotFoundError):
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory; store fewer images, or as bytes.") from error
    # A damaged, encrypted or unusually compressed archive raises almost anything.
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")[:200]
        raise DataError(f"{path} cannot be read as an {path.suffix.lower()} file: {reason}.") from error


def _require_magic(path: Path) -> None:
    """Refuse what begins like no array; NumPy would take it for pickled objects and say so."""
    with path.open("rb") as stream:
        if not stream.read(len(_MAGIC)).startswith((_MAGIC, b"PK")):
            raise DataError(f"{path} is no file of NumPy arrays; give one that np.save or np.savez wrote.")


def _refuse_bombs(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
        present = sum(member.compress_size for member in archive.infolist())
    if size > max(_LARGE, MOST_COMPRESSED * min(present, path.stat().st_size)):
        raise DataError(
            f"{path} would take {size:,} bytes, more than {MOST_COMPRESSED} times what it has; "
            "images do not compress like that. Get it again from its source."
        )


def describe_arrays(arrays: dict[str, Any]) -> str:
    """Name the arrays of a file, the first ones if there are many."""
    names = [name[:40] for name in list(arrays)[:12]]
    return ", ".join([*names, "..."] if len(arrays) > len(names) else names) or "(none)"
