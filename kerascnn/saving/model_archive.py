"""The `.keras` file as an archive: what Keras writes, and what kerascnn adds, so that one file is a whole model.

Keras reads the members that it knows and leaves the others alone, so that `keras.models.load_model` opens the file.
"""

import hashlib
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from kerascnn.utils.errors import ModelError

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
CARD, ONNX = "kerascnn/card.json", "kerascnn/model.onnx"

MAX_ARCHIVE_BYTES = 1 * 2**30
_OF_KERAS = (METADATA, CONFIG, WEIGHTS)
_MEMBERS = {*_OF_KERAS, CARD, ONNX}
_MEMBER_START, _DIRECTORY_END = b"PK\x03\x04", b"PK\x05\x06"
_DIRECTORY_END_BYTES = 22
_MAX_TEXT_BYTES = {CONFIG: 8 * 2**20, METADATA: 2**20, CARD: 16 * 2**20}
_DATE = (1980, 1, 1, 0, 0, 0)  # what Keras gives its own members; a copy has the same bytes as the original

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,  # an encrypted member, or a compression that `zipfile` does not know
)
"""What `zipfile` raises for an archive that is damaged, or of a kind that it does not read."""

_NO_MODEL = "{path} is {kind}; kerascnn opens what model.save('model.keras') writes in Keras, and .h5 files."
_OTHER_FORMATS = {b"\x80": "a pickle, which may run code", b"\x08": "an ONNX file", b"TFL3": "a TensorFlow Lite file"}
"""Kinds of files that are given for models, by how they begin (TensorFlow Lite after four bytes)."""


class ModelArchive:
    """The members of a `.keras` file, checked.

    The archive fills the file from the first byte to the last, and each of its members has a name of its own, so that
    every program that opens it sees the same.

    Args:
        content: The whole file.
        path: Where it was read, for messages.

    Raises:
        ModelError: If it is damaged, no model, or has members that do not belong to a model.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except UNREADABLE as error:
            raise ModelError(_describe_content(content, path)) from error
        members = self._archive.infolist()
        self.names = {member.filename for member in members}
        if CONFIG not in self.names:
            raise ModelError(_NO_MODEL.format(path=path, kind="an archive of something else (PyTorch, NumPy ...)"))
        for member in members:
            self._check_member(member)
        begins = content.startswith(_MEMBER_START) and min(member.header_offset for member in members) == 0
        if not begins or content[-_DIRECTORY_END_BYTES:][:4] != _DIRECTORY_END or len(self.names) < len(members):
            raise ModelError(
                f"{path} is refused: it is not one archive from its first byte to its last, so that other programs may "
                "see another model in it; save the model anew."
            )
        total = sum(member.file_size for member in members)
        if total > MAX_ARCHIVE_BYTES:
            raise ModelError(
                f"{path} is refused: unpacked it would take {total / 2**20:,.0f} MiB, "
                f"more than the {MAX_ARCHIVE_BYTES // 2**20} MiB allowed."
            )

    def read(self, name: str) -> bytes:
        """Unpack a member; raises ModelError if it is missing or damaged."""
        try:
            return self._archive.read(name)
        except UNREADABLE as error:
            raise ModelError(f"{self._path} is damaged: {name} cannot be unpacked ({error}).") from error

    @cached_property
    def network_digest(self) -> str:
        """SHA-256 of the network, that is of its configuration followed by its weights, hexadecimal."""
        return hashlib.sha256(self.read(CONFIG) + self.read(WEIGHTS)).hexdigest()

    def write_network(self, path: Path, others: Mapping[str, bytes] | None = None) -> None:
        """Write the members of Keras alone as a `.keras` file, with other contents where some are given."""
        with zipfile.ZipFile(path, "w") as archive:
            for name in _OF_KERAS:
                if name in self.names:
                    content = others[name] if others and name in others else self.read(name)
                    archive.writestr(zipfile.ZipInfo(name, _DATE), content)

    def _check_member(self, member: zipfile.ZipInfo) -> None:
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename:
            raise ModelError(f"{self._path} is refused: its member {member.filename!r} would be written outside.")
        if member.filename not in _MEMBERS or stat.S_ISLNK(member.external_attr >> 16):
            raise ModelError(f"{self._path} is refused: it has the unexpected member {member.filename!r}.")
        most = _MAX_TEXT_BYTES.get(member.filename, MAX_ARCHIVE_BYTES)
        if member.filename in _MAX_TEXT_BYTES and member.file_size > most:
            raise ModelError(f"{self._path} is refused: {member.filename} is larger than {most // 2**20} MiB.")


def pack_model(keras_path: Path, card: str, onnx_path: Path | None) -> None:
    """Add the card, and the ONNX network if there is one, to a `.keras` file of Keras."""
    with zipfile.ZipFile(keras_path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(CARD, _DATE), card)
        if onnx_path is not None:
            archive.writestr(zipfile.ZipInfo(ONNX, _DATE), onnx_path.read_bytes())


def _describe_content(content: bytes, path: Path) -> str:
    kind = next((kind for magic, kind in _OTHER_FORMATS.items() if content.startswith(magic)), None)
    kind = _OTHER_FORMATS[b"TFL3"] if content[4:8] == b"TFL3" else kind
    if kind is not None:
        return _NO_MODEL.format(path=path, kind=kind)
    return (
        f"{path} is not a complete {path.suffix or '.keras'} file; it is damaged or something else: get another copy, "
        "or train it again."
    )
