"""The state of a running training on disk, so that it can be continued after any interruption.

`NAME.run/` holds `epoch-0001.npz` (weights, best weights, optimizer) and `state.json` (recipe, history, the callbacks'
values), which names the .npz that belongs to it. `state.json` is replaced in one step after the .npz is complete: a
process killed at any moment leaves the state of one finished epoch or the next, never a mixture.
"""

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.training.history import BestEpoch, EpochRow, history_csv
from kerascnn.utils.directories import translate_os_errors
from kerascnn.utils.errors import OutputError, TrainingError
from kerascnn.utils.files import compute_sha256, place, write_bytes
from kerascnn.utils.locks import PREFIX
from kerascnn.utils.staging import staging_directory

Array = np.ndarray[Any, Any]


@dataclass
class RunState:
    """The state of a run after an epoch.

    Args:
        settings: Settings of the run, as plain data.
        data_digest: Digest of the data set.
        history: One row for each epoch.
        best: Best epoch so far.
        arrays: Lists of arrays: `weights`, `best_weights` and `optimizer`.
    """

    settings: dict[str, Any]
    data_digest: str
    history: list[EpochRow]
    best: BestEpoch
    arrays: dict[str, list[Array]] = field(default_factory=dict)


class RunDirectory:
    """The directory `NAME.run` beside a model `NAME.keras`.

    Args:
        model_path: The `.keras` file of the finished model.
    """

    def __init__(self, model_path: Path) -> None:
        self.path = model_path.with_suffix(".run")
        self._state_path = self.path / "state.json"

    def exists(self) -> bool:
        """Tell whether there is a run to continue."""
        return self._state_path.is_file()

    def require_own(self) -> None:
        """Raise OutputError if something is in the place of the directory that no run left there."""
        if os.path.lexists(self.path) and not (
            self.exists() or (self.path.is_dir() and all(map(_is_own, self.path.iterdir())))
        ):
            raise OutputError(
                f"{self.path} exists already and was not left by a run of kerascnn; "
                "give another file with --output, or move it away."
            )

    def save(self, state: RunState) -> None:
        """Replace the saved state; raises OutputError, and keeps the earlier state, if the disk is not writable."""
        arrays_path = self.path / f"epoch-{len(state.history):04d}.npz"
        named = {
            f"{group}/{index}": array for group, arrays in state.arrays.items() for index, array in enumerate(arrays)
        }
        with staging_directory(arrays_path) as directory:
            staged = directory / arrays_path.name
            np.savez(staged, allow_pickle=False, **named)
            digest = compute_sha256(staged)
            place(staged, arrays_path)
        document = {
            "settings": state.settings,
            "data_digest": state.data_digest,
            "history": state.history,
            "best": state.best,
            "arrays": {"file": arrays_path.name, "sha256": digest},
        }
        write_bytes(self._state_path, json.dumps(document, indent=1).encode())
        write_bytes(self.path / "log.csv", history_csv(state.history))
        for path in self.path.glob("epoch-*.npz"):
            if path != arrays_path:
                path.unlink(missing_ok=True)

    def read(self) -> RunState:
        """Read the saved state without its large arrays; raises TrainingError if there is none, or it is damaged."""
        return self._state(self._document())

    def load(self) -> RunState:
        """Read the saved state with its arrays; raises TrainingError if there is none, or it is damaged."""
        document = self._document()
        path = self.path / document["arrays"]["file"]
        groups: dict[str, dict[int, Array]] = {"weights": {}, "best_weights": {}, "optimizer": {}}
        try:
            if compute_sha256(path) != document["arrays"]["sha256"]:
                raise ValueError("its contents have changed")
            with np.load(path, allow_pickle=False) as archive:
                for name in archive.files:
                    group, index = name.split("/")
                    groups[group][int(index)] = archive[name]
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(f"{path} cannot be read ({error}); start a new run without --resume.") from error
        arrays = {group: [by_index[index] for index in sorted(by_index)] for group, by_index in groups.items()}
        return self._state(document, arrays)

    def remove(self) -> None:
        """Remove the directory; the run is finished."""
        with translate_os_errors(self.path):
            # The state goes first, so that what a kill leaves cannot be resumed.
            self._state_path.unlink(missing_ok=True)
            for path in filter(_is_own, self.path.glob("*")):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # what somebody else put there stays
                self.path.rmdir()

    @staticmethod
    def _state(document: dict[str, Any], arrays: dict[str, list[Array]] | None = None) -> RunState:
        values = {name: document[name] for name in ("settings", "data_digest", "history", "best")}
        return RunState(**values, arrays=arrays or {})

    def _document(self) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(self._state_path.read_text(encoding="utf-8"))
            if not {"settings", "data_digest", "history", "best", "arrays"} <= document.keys():
                raise ValueError("it is incomplete")
        except FileNotFoundError as error:
            raise TrainingError(f"there is no interrupted run at {self.path}; start one without --resume.") from error
        except (OSError, ValueError, AttributeError) as error:
            raise TrainingError(
                f"{self._state_path} cannot be read ({error}); start a new run without --resume."
            ) from error
        return document


def _is_own(path: Path) -> bool:
    """Tell whether a file of the directory is one that a run writes, or what a killed one left of it."""
    return re.fullmatch(rf"state\.json|log\.csv|epoch-\d+\.npz|{re.escape(PREFIX)}.*", path.name) is not None
