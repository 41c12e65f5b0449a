"""Read an HDF5 file of weights and write what Keras needs of it into a new one, in a process of its own.

python -m kerascnn.saving.weights_copy weights.h5 copy.h5 MOST_BYTES SECONDS

A damaged HDF5 file can end the process that reads it, or keep it busy for ever. What is written is a file that HDF5
made itself a moment ago, of groups, arrays of numbers and small attributes.
"""

import contextlib
import json
import sys
from math import prod
from typing import Any

import h5py
import numpy as np

from kerascnn.utils.processes import end_with_parent

_MOST_OBJECTS = 10_000  # a model of 800 layers has about 6,000
_MOST_LEVELS = 60
_MOST_CONFIG_BYTES = 8 * 2**20
_MOST_ATTRIBUTE_BYTES = 2**20
_MEMORY_BYTES = 3 * 2**30
_NUMBERS = "fiub"
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_MOST_COMPRESSION = 1100  # what gzip reaches with zeros
_TRAINING = {"optimizer", "optimizer_weights"}  # at the top of the file; a model that is not trained on needs none
_CONFIG, _TRAINING_CONFIG = "model_config", "training_config"


class _Refused(Exception):  # noqa: N818 -- a result, which the process prints
    """Why the weights are refused, as the part of a sentence."""


class _Copy:
    """Copies a file; first all is listed and measured, then it is read.

    Args:
        most_bytes: Size of all values together that is allowed.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._groups: list[tuple[str, Any]] = []
        self._datasets: list[tuple[str, Any]] = []
        self._num_bytes = 0
        self.num_values = 0

    def list(self, group: Any, prefix: str = "", level: int = 0) -> None:
        """List the members of a group."""
        if level > _MOST_LEVELS:
            raise _Refused(f"its weights lie more than {_MOST_LEVELS} groups deep")
        for name in group:
            if level == 0 and name in _TRAINING:
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _Refused(f"its weights {name[:100]!r} lie in another place or file")
            if len(self._groups) + len(self._datasets) >= _MOST_OBJECTS:
                raise _Refused(f"its weights are more than {_MOST_OBJECTS:,} arrays and groups")
            member, path = group[name], f"{prefix}/{name}"
            if isinstance(member, h5py.Group):
                self._groups.append((path, member))
                self.list(member, path, level + 1)
            elif isinstance(member, h5py.Dataset):
                self._measure(member, name[:100])
                self._datasets.append((path, member))

    def write(self, source: Any, target: Any) -> None:
        """Write what was listed."""
        _copy_attributes(source, target)
        for path, group in self._groups:
            _copy_attributes(group, target.create_group(path))
        for path, dataset in self._datasets:
            _copy_attributes(dataset, target.create_dataset(path, data=dataset[()]))

    def _measure(self, dataset: Any, name: str) -> None:
        if dataset.external or dataset.is_virtual:
            raise _Refused(f"its weights {name!r} lie in another file")
        if dataset.dtype.kind not in _NUMBERS or dataset.shape is None:
            raise _Refused(f"its weights {name!r} are no numbers")
        num_bytes, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
        self._num_bytes += num_bytes
        self.num_values += dataset.size
        reserved = max(self._num_bytes, prod(dataset.chunks or ()) * dataset.dtype.itemsize)
        if reserved > self._most_bytes:
            raise _Refused(
                f"its weights would take {reserved / 2**20:,.0f} MiB, more than the {self._most_bytes // 2**20} MiB "
                "allowed"
            )
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
        if set(filters) - set(_FILTERS):
            raise _Refused(f"its weights {name!r} are compressed in a way that Keras does not write")
        if num_bytes > stored * (_MOST_COMPRESSION if filters else 1):
            raise _Refused(f"its weights {name!r} have {num_bytes:,} bytes, of which the file holds {stored:,}")


def _copy_attributes(source: Any, target: Any) -> None:
    for name in source.attrs:
        if name in (_CONFIG, _TRAINING_CONFIG):
            continue
        stored = source.attrs.get_id(name)
        if stored.shape is None or prod(stored.shape) * stored.dtype.itemsize > _MOST_ATTRIBUTE_BYTES:
            raise _Refused(f"its attribute {name[:100]!r} is larger than {_MOST_ATTRIBUTE_BYTES:,} bytes")
        if h5py.check_string_dtype(stored.dtype) is not None or stored.dtype.kind in _NUMBERS:
            value = source.attrs[name]
            target.attrs.create(name, value, dtype=stored.dtype if isinstance(value, np.ndarray) else None)


def _read_config(file: Any) -> str | None:
    if _CONFIG not in file.attrs:
        return None
    stored = file.attrs.get_id(_CONFIG)
    if stored.shape != () or h5py.check_string_dtype(stored.dtype) is None:
        raise _Refused("its configuration is no text")
    config = file.attrs[_CONFIG]
    if len(config) > _MOST_CONFIG_BYTES:
        raise _Refused(f"its configuration is larger than {_MOST_CONFIG_BYTES // 2**20} MiB")
    return config.decode(errors="replace") if isinstance(config, bytes) else str(config)


def _copy(source: str, target: str, most_bytes: int) -> dict[str, Any]:
    with h5py.File(source, "r") as file:
        config, copy = _read_config(file), _Copy(most_bytes)
        copy.list(file)
        with h5py.File(target, "w") as new:
            copy.write(file, new)
    return {"config": config, "num_values": copy.num_values}


def _limit(seconds: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        for what, most in ((resource.RLIMIT_DATA, _MEMORY_BYTES), (resource.RLIMIT_CPU, seconds)):
            resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def main() -> None:
    """Copy, and print as JSON what was found: configuration and number of values, or why it is refused."""
    source, target, most_bytes, seconds = sys.argv[1:]
    end_with_parent()
    _limit(int(seconds))
    try:
        result = _copy(source, target, int(most_bytes))
    except _Refused as refused:
        result = {"refused": str(refused)}
    # h5py raises almost anything on a damaged file.
    except Exception as error:
        result = {"damaged": (str(error) or type(error).__name__).splitlines()[0][:200]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
