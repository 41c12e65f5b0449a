"""Where models are: the files of one model beside each other, and the models that ship with the package."""

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path

from kerascnn.saving.card import Card, read_card
from kerascnn.utils.errors import ModelError, OutputError, UsageError
from kerascnn.utils.files import place, sha256_of, staging_directory, write_to_disk

REFERENCE, LECTURE, SEGMENTER = "reference", "lecture", "segmenter"


SHIPPED = (REFERENCE, LECTURE, SEGMENTER)
"""The models that are part of the package: the most accurate one, the lecture's `cnn` to look into, and a U-Net."""


DEFAULT_MODEL = Path("saved_models/mnist_cnn.keras")


def resolve_model_path(model: str | Path | None) -> Path:
    """Which model a command uses.

    Args:
        model: a path, `"reference"`, `"lecture"` or `"segmenter"` for a model that ships with the package, or None for
            `saved_models/mnist_cnn.keras` below the working directory if it is there, else the reference.

    Returns:
        The path of the `.keras` file.

    Raises:
        ModelError: if the file does not exist.
    """
    if model is None:
        return DEFAULT_MODEL if DEFAULT_MODEL.is_file() else reference_path()
    if str(model) in SHIPPED:
        return package_model(str(model))
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir():
        raise ModelError(f"{path} is a directory; give a .keras file, or 'reference'.")
    raise ModelError(
        f"there is no model {path}; train one with 'kerascnn fit --output {path}', or use '--model reference'."
    )


def keras_file(output: str | Path) -> Path:
    """Where a new model is written.

    Args:
        output: the user's wish; its ending is `.keras` or nothing.

    Returns:
        The `.keras` file.

    Raises:
        OutputError: if it is a directory.
        UsageError: if the ending is another.
    """
    path = Path(output)
    if path.is_dir():
        raise OutputError(f"--output {path} is a directory; give a file, such as {path / 'model.keras'}.")
    if path.suffix == "":
        return path.with_name(path.name + ".keras")
    if path.suffix != ".keras":
        raise UsageError(f"--output {path} ends in {path.suffix!r}; models are written as .keras files.")
    return path


def reference_path() -> Path:
    """The `.keras` file of the model that ships with the package."""
    return package_model(REFERENCE)


def package_model(name: str) -> Path:
    """The `.keras` file of a model that ships with the package, by a name of `SHIPPED`."""
    return Path(str(resources.files("kerascnn") / "reference" / f"{name}.keras"))


def is_current(path: Path, card: Card) -> bool:
    """Whether a file is the one that the card was written for."""
    return path.is_file() and card.files.get(path.name) == sha256_of(path)


def require_replaceable(model_path: Path, suffixes: Iterable[str], inputs: Iterable[Path] = ()) -> None:
    """Refuse to replace what is not a model of kerascnn, before any work.

    Args:
        model_path: The `.keras` file to be.
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
    """Place the finished files of a model beside each other, the card last.

    Args:
        model_path: the `.keras` file to be.
        staged_files: finished files on the same file system, by suffix (`.keras`, `.onnx`, `.csv`, `.png`).
        card: without the files' digests.

    Returns:
        The card with them, as written.

    Raises:
        OutputError: if the disk is full or not writable.
    """
    require_replaceable(model_path, staged_files)  # again: something may have been put there in the meantime
    earlier = read_card(model_path)
    targets = {suffix: model_path.with_suffix(suffix) for suffix in staged_files}
    digests = {targets[suffix].name: sha256_of(staged) for suffix, staged in staged_files.items()}
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
