"""Find and place the files of a model, also of those that ship with the package."""

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from kerascnn.saving.card import Card
from kerascnn.saving.model_archive import CARD, ModelArchive, pack_model
from kerascnn.saving.stored_model import HDF5_MAGIC, open_model, read_card_file, require_unchanged_card
from kerascnn.utils.errors import ModelError, OutputError, UsageError
from kerascnn.utils.files import compute_sha256, place, write_bytes, write_to_disk
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.staging import staging_directory
from kerascnn.utils.suggestions import suggest

REFERENCE, LECTURE, SEGMENTER = "reference", "lecture", "segmenter"
SHIPPED = (REFERENCE, LECTURE, SEGMENTER)
"""Names of the models that ship with the package: the most accurate one, the classic `cnn`, and a U-Net for pages."""

_COPIES = (".onnx", ".csv", ".png")
"""Endings of the files beside a model that belong to it, apart from the card."""

DEFAULT_MODEL = Path("saved_models/mnist_cnn.keras")


def resolve_model_path(model: str | Path | None) -> Path:
    """Find the model that a user names.

    Args:
        model: Path of a `.keras` or `.h5` file, or a name of `SHIPPED`; None for `saved_models/mnist_cnn.keras` below
            the working directory if it exists, else `"reference"`.

    Returns:
        The path of the file.

    Raises:
        ModelError: If the file does not exist.
    """
    if model is None:
        return DEFAULT_MODEL if DEFAULT_MODEL.is_file() else find_shipped_model()
    if str(model) in SHIPPED:
        return find_shipped_model(str(model))
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir():
        return path  # what kind of directory it is, and what to do, says the one who opens it
    raise ModelError(
        f"there is no model {path}{suggest(str(model), SHIPPED) or ';'} give the path of a .keras or .h5 file, "
        f"or the name of a model that ships: {', '.join(map(repr, SHIPPED))}."
    )


def complete_model_path(output: str | Path) -> Path:
    """Complete the path of a model to be written.

    Args:
        output: Path as the user gave it, with the ending `.keras` or none.

    Returns:
        The path with its ending.

    Raises:
        OutputError: If it is a directory.
        UsageError: If it has another ending.
    """
    path = Path(output)
    if path.is_dir():
        raise OutputError(f"--output {path} is a directory; give a file, such as {path / 'model.keras'}.")
    if path.suffix not in ("", ".keras"):
        raise UsageError(f"--output {path} ends in {path.suffix!r}; models are written as .keras files.")
    return path.with_name(path.name + ".keras") if path.suffix == "" else path


def find_shipped_model(name: str = REFERENCE) -> Path:
    """Find the `.keras` file of a model that ships with the package, by its name of `SHIPPED`."""
    return Path(str(resources.files("kerascnn") / "reference" / f"{name}.keras"))


def require_replaceable(model_path: Path, suffixes: Iterable[str], inputs: Iterable[Path] = ()) -> None:
    """Refuse to replace what is not a model of kerascnn, before any work.

    Args:
        model_path: Path of the `.keras` file to be written.
        suffixes: Endings of the files that will be written beside the card.
        inputs: Models that the new one is made from.

    Raises:
        OutputError: If a file is there that neither the model's card nor the one beside it names with its present
            content, if that is no card or somebody changed it, or if the file is one of the inputs.
    """
    if any(path.exists() and model_path.exists() and path.samefile(model_path) for path in inputs):
        raise OutputError(f"--output {model_path} is one of the models to read; give another file.")
    named = _list_own_digests(model_path)
    for path in (model_path.with_suffix(suffix) for suffix in suffixes):
        if os.path.lexists(path) and not (path.is_file() and compute_sha256(path) in named):
            raise OutputError(
                f"{path} exists already and no card says that kerascnn made it as it is; "
                "give another file with --output, or move it away."
            )


def _list_own_digests(model_path: Path) -> set[str]:
    """List the SHA-256 of the files that kerascnn wrote by a model's name.

    A run that was killed may have left the files of two generations: the one that the model's file carries, and the one
    of the card beside it, which is written last.
    """
    own: set[str] = set()
    try:
        if _carries_card(model_path):
            stored = open_model(model_path)
            assert stored.card is not None
            own |= {stored.digest, *stored.card.files.values()}
        beside = read_card_file(model_path.with_suffix(".json"))
    except ModelError as error:
        raise OutputError(f"{error} Or give another file with --output.") from error
    return own if beside is None else own | set(beside.files.values())


def save(model_path: Path, staged_files: dict[str, Path], card: Card) -> Card:
    """Move the finished files of a model to their places.

    The `.keras` file, which is given the card and the ONNX network, is the model: it is replaced in one step. The other
    files are copies and follow it, the card last.

    Args:
        model_path: Path of the `.keras` file to be written.
        staged_files: Finished files on the same file system, by suffix: `.keras` as Keras saved it, and what there is
            of `.onnx`, `.csv` and `.png`.
        card: Card of the model, still without digests.

    Returns:
        The card as it was written beside the model.

    Raises:
        OutputError: If a file of the user's is in the way, or the disk is full or not writable.
    """
    require_replaceable(model_path, staged_files)  # again: something may have been put there in the meantime
    _finish_earlier(model_path)
    earlier = _list_own_digests(model_path)
    targets = {suffix: model_path.with_suffix(suffix) for suffix in staged_files}
    keras_path, copies = staged_files[".keras"], {k: v for k, v in staged_files.items() if k != ".keras"}
    network = ModelArchive(keras_path.read_bytes(), keras_path).network_digest
    files = {targets[suffix].name: compute_sha256(staged) for suffix, staged in copies.items()}
    card = replace(card, files=files, network=network)
    pack_model(keras_path, card.to_json(), staged_files.get(".onnx"))
    card = replace(card, files={model_path.name: compute_sha256(keras_path), **files})
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(card.to_sealed_json(), encoding="utf-8")
        for staged in (*staged_files.values(), staged_card):
            write_to_disk(staged)  # all of it first, so that the files change their names at once
        place(keras_path, model_path)
        for suffix, staged in copies.items():
            place(staged, targets[suffix])
        for path in (model_path.with_suffix(suffix) for suffix in _COPIES if suffix not in staged_files):
            if path.is_file() and compute_sha256(path) in earlier:
                path.unlink()  # what the replaced model had besides, while the card beside it still names it
        place(staged_card, model_path.with_suffix(".json"))
    return card


def _finish_earlier(model_path: Path) -> None:
    """Do what a run that was killed could not do any more, so that the files are those of one generation again."""
    card_path = model_path.with_suffix(".json")
    beside = read_card_file(card_path)
    if beside is None or not _carries_card(model_path):
        return
    stored = open_model(model_path)
    assert stored.card is not None
    if stored.digest in beside.files.values():
        return
    of_earlier = set(beside.files.values()) - set(stored.card.files.values())
    for path in map(model_path.with_suffix, _COPIES):
        if path.is_file() and compute_sha256(path) in of_earlier:
            path.unlink()
    card = replace(stored.card, files={model_path.name: stored.digest, **stored.card.files})
    write_bytes(card_path, card.to_sealed_json().encode())


def _carries_card(model_path: Path) -> bool:
    """Tell whether a file is a model with its own card; what is no model at all carries none."""
    try:
        content = model_path.read_bytes()
        return not content.startswith(HDF5_MAGIC) and CARD in ModelArchive(content, model_path).names
    except (OSError, ModelError):
        return False


def save_beside(model_path: Path, staged_files: dict[str, Path], card: Card) -> Card:
    """Move a card and the files that were made for somebody's model to their places beside it.

    Args:
        model_path: Path of the model's file, which stays as it is.
        staged_files: Finished files on the same file system, by suffix.
        card: Card of the model, still without the digests of its files.

    Returns:
        The card as it was written, with the digests.

    Raises:
        OutputError: If a file of the user's is in the way, or the disk is full or not writable.
    """
    require_replaceable(model_path, [".onnx"])
    card_path = model_path.with_suffix(".json")
    require_unchanged_card(card_path)
    digests = {model_path.name: compute_sha256(model_path)}
    digests |= {model_path.with_suffix(suffix).name: compute_sha256(staged) for suffix, staged in staged_files.items()}
    complete = replace(card, files=digests)
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(complete.to_sealed_json(), encoding="utf-8")
        for staged in (*staged_files.values(), staged_card):
            write_to_disk(staged)
        # At every moment the card that is there names what is there, or more.
        model_path.with_suffix(".onnx").unlink(missing_ok=True)
        place(staged_card, card_path)
        for suffix, staged in staged_files.items():
            place(staged, model_path.with_suffix(suffix))
    return complete


def save_without_optimizer(model: Any, path: Path) -> None:
    """Save a copy of a Keras model that was never compiled: a third of the size of a file with the optimizer's state.

    Args:
        model: The model, of class `keras.Model`.
        path: The `.keras` file to write.
    """
    with silent_stderr():
        copy = type(model).from_config(model.get_config())
        copy.set_weights(model.get_weights())
        copy.save(path)
