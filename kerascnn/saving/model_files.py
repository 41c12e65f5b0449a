"""Find and place the files of a model, also of those that ship with the package."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from kerascnn.saving.card import Card, read_card
from kerascnn.utils.errors import ModelError, OutputError, UsageError
from kerascnn.utils.files import compute_sha256, place, write_to_disk
from kerascnn.utils.quiet import silent_stderr
from kerascnn.utils.staging import staging_directory
from kerascnn.utils.suggestions import suggest

REFERENCE, LECTURE, SEGMENTER = "reference", "lecture", "segmenter"
SHIPPED = (REFERENCE, LECTURE, SEGMENTER)
"""Names of the models that ship with the package: the most accurate one, the classic `cnn`, and a U-Net for pages."""

_MOST_CARDS = 1000  # beside a model whose own card is missing
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


def is_current(path: Path, card: Card) -> bool:
    """Tell whether a file is one that the card was written for, whatever its name is now."""
    if not path.is_file():
        return False
    digests = {digest for name, digest in card.files.items() if Path(name).suffix == path.suffix}
    return bool(digests) and compute_sha256(path) in digests


class FoundCard(NamedTuple):
    """The card of a model, and the path of a model with the card's name, beside which its other files lie."""

    card: Card
    model_path: Path


def find_card(model_path: Path) -> FoundCard | None:
    """Find the card of a model: the one of its name, or the one beside it that names its content.

    Args:
        model_path: Path of the `.keras` or `.h5` file.

    Returns:
        The card; None if there is none for the file as it is.

    Raises:
        ModelError: If there is a card of its name but it cannot be understood.
    """
    card = read_card(model_path)
    if card is not None and is_current(model_path, card):
        return FoundCard(card, model_path)
    if not model_path.is_file():
        return None
    digest = compute_sha256(model_path)
    for path in sorted(model_path.parent.glob("*.json"))[:_MOST_CARDS]:
        with contextlib.suppress(ModelError, OSError):
            other = read_card(path) if digest in path.read_text(encoding="utf-8", errors="replace") else None
            if other is not None and is_current(model_path, other):
                return FoundCard(other, path.with_suffix(model_path.suffix))
    return None


def require_replaceable(model_path: Path, suffixes: Iterable[str], inputs: Iterable[Path] = ()) -> None:
    """Refuse to replace what is not a model of kerascnn, before any work.

    Args:
        model_path: Path of the `.keras` file to be written.
        suffixes: Endings of the files that will be written beside the card.
        inputs: Models that the new one is made from.

    Raises:
        OutputError: If a file is there that the card beside it does not name with its present content, if that card is
            no card, or if the file is one of the inputs.
    """
    if any(path.exists() and model_path.exists() and path.samefile(model_path) for path in inputs):
        raise OutputError(f"--output {model_path} is one of the models to read; give another file.")
    try:
        card = read_card(model_path)
    except ModelError as error:
        raise OutputError(f"{error} Or give another file with --output.") from error
    for path in (model_path.with_suffix(suffix) for suffix in suffixes):
        if os.path.lexists(path) and (card is None or not is_current(path, card)):
            raise OutputError(
                f"{path} exists already and no card beside it says that kerascnn made it as it is; "
                "give another file with --output, or move it away."
            )


def save(model_path: Path, staged_files: dict[str, Path], card: Card) -> Card:
    """Move the finished files of a model to their places, the card last.

    Args:
        model_path: Path of the `.keras` file to be written.
        staged_files: Finished files on the same file system, by suffix (`.keras`, `.onnx`, `.csv`, `.png`).
        card: Card of the model, still without the digests of its files.

    Returns:
        The card as it was written, with the digests.

    Raises:
        OutputError: If a file of the user's is in the way, or the disk is full or not writable.
    """
    require_replaceable(model_path, staged_files)  # again: something may have been put there in the meantime
    earlier = read_card(model_path)
    targets = {suffix: model_path.with_suffix(suffix) for suffix in staged_files}
    digests = {targets[suffix].name: compute_sha256(staged) for suffix, staged in staged_files.items()}
    complete = replace(card, files=digests)
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(complete.to_json(), encoding="utf-8")
        for staged in (*staged_files.values(), staged_card):
            write_to_disk(staged)  # all of it first, so that the files change their names at once
        for suffix, staged in staged_files.items():
            place(staged, targets[suffix])
        place(staged_card, model_path.with_suffix(".json"))
    for path in (model_path.with_suffix(suffix) for suffix in (".onnx", ".csv", ".png") if suffix not in staged_files):
        if earlier is not None and is_current(path, earlier):
            path.unlink()  # what the replaced model had besides
    return complete


def save_beside(model_path: Path, staged_files: dict[str, Path], card: Card) -> Card:
    """Move files that were made for somebody's model to their places beside it, the card last.

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
    digests = {model_path.name: compute_sha256(model_path)}
    digests |= {model_path.with_suffix(suffix).name: compute_sha256(staged) for suffix, staged in staged_files.items()}
    complete = replace(card, files=digests)
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(complete.to_json(), encoding="utf-8")
        for suffix, staged in {**staged_files, ".json": staged_card}.items():
            write_to_disk(staged)
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
