"""Weights in HDF5: they must lie in the file itself, and be no larger than any digit model needs."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.utils.errors import ModelError
from kerascnn.utils.processes import Child

_SECONDS = 10  # of the processor, to read a file
_BYTES_A_SECOND = 20 * 2**20  # beyond that, for a large one
_PATIENCE = 20  # how many times as long it may take on a machine that is busy


@dataclass(frozen=True, eq=False)
class CopiedWeights:
    """The weights of a model in an HDF5 file that was written anew.

    Args:
        content: The file.
        num_values: Number of all values in it.
        config: Configuration of the model, in JSON, if the original has one.
    """

    content: bytes
    num_values: int
    config: str | None


def copy_weights(content: bytes, path: Path, most_bytes: int) -> CopiedWeights:
    """Read HDF5 in a process of its own, and write anew what Keras needs of it.

    HDF5 has faults by which a damaged file ends the process that reads it, or is read for ever.

    Args:
        content: The HDF5 file.
        path: The model that it belongs to, for the message.
        most_bytes: Size of all values together that is allowed.

    Raises:
        ModelError: If it refers to other files, declares more values than are allowed or than it has, or is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="kerascnn-model-") as directory:
        source, target = Path(directory) / "weights.h5", Path(directory) / "copy.h5"
        source.write_bytes(content)
        seconds = _SECONDS + len(content) // _BYTES_A_SECOND
        arguments = ("-m", "kerascnn.saving.weights_copy", str(source), str(target), str(most_bytes), str(seconds))
        try:
            with Child(*arguments) as process:
                result = process.finish(_PATIENCE * seconds)
            found: dict[str, Any] = json.loads(result.stdout)
        except subprocess.TimeoutExpired:
            found = {"damaged": "HDF5 comes to no end with it"}
        except ValueError:
            found = {"damaged": "HDF5 cannot read it"}
        if "refused" in found:
            raise ModelError(f"{path} is refused: {found['refused']}.")
        if "damaged" in found:
            raise ModelError(f"{path} is damaged and cannot be loaded ({found['damaged']}); get another copy.")
        return CopiedWeights(target.read_bytes(), found["num_values"], found["config"])
