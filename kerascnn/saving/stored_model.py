"""A model as it is stored, opened once: its network, its card and its ONNX network are of one generation.

A `.keras` file that kerascnn wrote carries the card and the ONNX network; the `.json` and `.onnx` beside it are copies
for people and other programs, which nothing here reads. A model of Keras alone, or of an earlier version of kerascnn,
may have a card beside it, which names the file by its SHA-256.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kerascnn.saving.card import Card, tell_copy
from kerascnn.saving.model_archive import CARD, MAX_ARCHIVE_BYTES, ONNX, ModelArchive
from kerascnn.saving.onnx_files import MAX_ONNX_BYTES
from kerascnn.utils.errors import ModelError, OutputError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAX_CARD_BYTES = 16 * 2**20
_MOST_CARDS = 1000  # beside a model whose own card is missing
_MOST_LOOKS = 5  # at a model that is replaced while it is looked at


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model file, as it was when it was opened.

    Args:
        path: Where it was read.
        content: The whole file.
        archive: Its members; None for an `.h5` file.
        card: Its card, or the card beside it; None if there is none.
        card_path: The card beside it that was taken; None if the file carries its own, or there is none.
    """

    path: Path
    content: bytes
    archive: ModelArchive | None
    card: Card | None = None
    card_path: Path | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def carries_card(self) -> bool:
        """Whether the card is in the file itself."""
        return self.card is not None and self.card_path is None

    def read_onnx(self, on_note: Callable[[str], None]) -> bytes | None:
        """Read the ONNX network: the one in the file, or the one beside it that the card names.

        Args:
            on_note: Called with a sentence if there is none.

        Raises:
            ModelError: If the file carries another one than its card names.
        """
        if self.card is None:
            return None
        digests = self.card.digests(".onnx")
        if self.archive is not None and self.carries_card:
            if ONNX not in self.archive.names:
                on_note(f"{self.path} carries no ONNX network; using Keras, which starts more slowly.")
                return None
            content = self.archive.read(ONNX)
            if hashlib.sha256(content).hexdigest() not in digests:
                raise ModelError(f"{self.path} is damaged: its ONNX network is not the one that its card names.")
            return content
        named = [] if self.card_path is None else [self.card_path.with_suffix(".onnx")]
        candidates = list(dict.fromkeys((self.path.with_suffix(".onnx"), *named)))
        for path in candidates:
            with contextlib.suppress(OSError):
                if path.stat().st_size <= MAX_ONNX_BYTES:
                    content = path.read_bytes()
                    if hashlib.sha256(content).hexdigest() in digests:
                        return content
        state = "is not the one that the card names" if candidates[0].is_file() else "is missing"
        on_note(f"{candidates[0]} {state}; using Keras, which starts more slowly.")
        return None


def open_model(path: Path, on_note: Callable[[str], None] | None = None, *, replaces_card: bool = False) -> StoredModel:
    """Open a model file and find its card; nothing of its network is checked or built yet.

    Args:
        path: Path of a `.keras` or `.h5` file.
        on_note: Called with a sentence when something is not as expected.
        replaces_card: Whether its card is about to be written: one of an earlier file of that name, which nobody
            changed since kerascnn wrote it, is none then.

    Raises:
        ModelError: If the file is missing, damaged or too large, or if its card is malformed or that of another file.
    """
    content = _read_content(path)
    for _ in range(_MOST_LOOKS):
        archive = None if content.startswith(HDF5_MAGIC) else ModelArchive(content, path)
        if archive is not None and CARD in archive.names:
            return StoredModel(path, content, archive, _read_own_card(archive, path, on_note))
        stored = StoredModel(path, content, archive)
        found = _find_card_beside(stored)
        if found is not None:
            return StoredModel(path, content, archive, *found)
        beside = path.with_suffix(".json")
        if not beside.is_file() or (replaces_card and tell_copy(_read_card_text(beside) or b"") == "as written"):
            return stored
        # A model that carries its card may have replaced this one, and its card the one beside this one.
        again = _read_content(path)
        if again == content:
            break
        content = again
    raise ModelError(
        f"{path.with_suffix('.json')} is the card of another file than {path} as it is now; remove the card if it does "
        f"not belong to the model ('kerascnn card {path}' then writes one), or bring back the model that it is of."
    )


def read_card(path: Path) -> Card | None:
    """Read the card of a model; None if it has none.

    Raises:
        ModelError: If the model cannot be opened, or its card is malformed or that of another file.
    """
    return open_model(path).card


def read_card_file(path: Path) -> Card | None:
    """Read the card in a `.json` file; None if there is no such file.

    Raises:
        ModelError: If it is no card.
    """
    text = _read_card_text(path)
    return None if text is None else Card.from_json(text, str(path))


def require_unchanged_card(path: Path) -> None:
    """Refuse to replace a card beside a model that somebody changed since kerascnn wrote it.

    Args:
        path: The `.json` file, which may be missing.

    Raises:
        OutputError: If it was changed.
    """
    if tell_copy(_read_card_text(path) or b"") == "changed":
        raise OutputError(f"{path} was changed since kerascnn wrote it; move it away to have the card written anew.")


def require_unchanged_copy(path: Path, name: str, on_note: Callable[[str], None] | None = None) -> None:
    """Refuse a copy of a card beside a model with its own card if somebody changed it, who would be ignored otherwise.

    Args:
        path: The `.json` file beside the model.
        name: The model, for the message.
        on_note: Called with a sentence if the copy is of an earlier version of kerascnn.

    Raises:
        ModelError: If the copy was changed.
    """
    try:
        state = tell_copy(path.read_bytes()) if path.stat().st_size <= _MAX_CARD_BYTES else "no card"
    except OSError:
        return
    if state == "changed":
        raise ModelError(
            f"{path} was changed, but {name} carries its own card, which counts; remove {path}, and change the card in "
            "Python: load the model, give its card another value with dataclasses.replace, and save it."
        )
    if state == "unsealed" and on_note is not None:
        on_note(f"{path} is the card of another file; {name} carries its own card, which counts.")


def _read_content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ModelError(_describe_directory(path))
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise ModelError(f"{path} is refused: it is larger than {MAX_ARCHIVE_BYTES // 2**20} MiB.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"there is no model {path}.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error


def _describe_directory(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return (
            f"{path} is a TensorFlow SavedModel, which may run any code; save the model with "
            "model.save('model.keras') in Keras and give that file."
        )
    return f"{path} is a directory; give a .keras file, or 'reference'."


def _read_own_card(archive: ModelArchive, path: Path, on_note: Callable[[str], None] | None) -> Card:
    card = Card.from_json(archive.read(CARD), f"the card in {path}")
    if card.network != archive.network_digest:
        raise ModelError(
            f"{path} carries the card of another network than its own; save the network anew with Keras, which leaves "
            "the card out, or get another copy."
        )
    require_unchanged_copy(path.with_suffix(".json"), str(path), on_note)
    return card


def _find_card_beside(stored: StoredModel) -> tuple[Card, Path] | None:
    """Find the card beside a model: the one of its name, or one of another name, that names the model's content."""
    own = stored.path.with_suffix(".json")
    card = read_card_file(own)
    if card is not None and stored.digest in card.digests(stored.path.suffix):
        return card, own
    for path in sorted(stored.path.parent.glob("*.json"))[:_MOST_CARDS]:
        with contextlib.suppress(ModelError, OSError):
            other = read_card_file(path) if stored.digest.encode() in (_read_card_text(path) or b"") else None
            if other is not None and stored.digest in other.digests(stored.path.suffix):
                return other, path
    return None


def _read_card_text(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ModelError(f"{path} is not the card of a model: it is larger than {_MAX_CARD_BYTES // 2**20} MiB.")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error
