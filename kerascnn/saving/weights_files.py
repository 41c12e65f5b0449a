"""Weights in HDF5: they must lie in the file itself, and be no larger than any digit model needs."""

import io
from pathlib import Path
from typing import Any

from kerascnn.utils.errors import ModelError


def require_own_weights(content: bytes, path: Path, most_bytes: int) -> None:
    """Refuse HDF5 that refers to other files, or declares more values than are allowed.

    Args:
        content: The HDF5 file.
        path: The model that it belongs to, for the message.
        most_bytes: Size of all values together that is allowed.

    Raises:
        ModelError: If it is refused or damaged.
    """
    import h5py

    total = 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            for dataset in _list_datasets(file, path):
                total += dataset.size * dataset.dtype.itemsize
    # h5py raises almost anything on a damaged file.
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, RecursionError) as error:
        first_line = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise ModelError(f"{path} is damaged and cannot be loaded ({first_line}).") from error
    if total > most_bytes:
        raise ModelError(
            f"{path} is refused: its weights would take {total / 2**20:,.0f} MiB, "
            f"more than the {most_bytes // 2**20} MiB allowed."
        )


def _list_datasets(group: Any, path: Path) -> list[Any]:
    import h5py

    found = []
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ModelError(f"{path} is refused: its weights {name!r} lie in another place or file.")
        member = group[name]
        if isinstance(member, h5py.Group):
            found += _list_datasets(member, path)
        elif isinstance(member, h5py.Dataset):
            if member.external or member.is_virtual:
                raise ModelError(f"{path} is refused: its weights {name!r} lie in another file.")
            found.append(member)
    return found
