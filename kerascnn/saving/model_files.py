"""Where models are: the files of one model beside each other, and the models that ship with the package."""

from dataclasses import replace
from importlib import resources
from pathlib import Path

from kerascnn.saving.card import Card
from kerascnn.utils.errors import ModelError, OutputError, UsageError
from kerascnn.utils.files import place, sha256_of, staging_directory

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
    targets = {suffix: model_path.with_suffix(suffix) for suffix in staged_files}
    digests = {targets[suffix].name: sha256_of(staged) for suffix, staged in staged_files.items()}
    complete = replace(card, files=digests)
    with staging_directory(model_path) as directory:
        staged_card = directory / "card.json"
        staged_card.write_text(complete.to_json(), encoding="utf-8")
        for suffix, staged in staged_files.items():
            place(staged, targets[suffix])
        place(staged_card, model_path.with_suffix(".json"))
    return complete
