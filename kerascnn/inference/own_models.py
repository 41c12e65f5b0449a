"""Models that were not made by kerascnn: what is known of one without a card, and the writing of a card."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets.labels import name_digits
from kerascnn.inference.engines import KerasEngine, OnnxEngine, measure_latency
from kerascnn.inference.feeding_measurement import MeasuredFeeding, measure_feeding
from kerascnn.inference.model_loading import load_checked_model
from kerascnn.saving.card import Card, require_preparation
from kerascnn.saving.feeding import adapt_model
from kerascnn.saving.model_files import resolve_model_path, save_beside
from kerascnn.saving.onnx_files import export_onnx
from kerascnn.saving.stored_model import open_model, require_unchanged_card
from kerascnn.utils.backend import activate, describe_software
from kerascnn.utils.errors import ModelError, UsageError
from kerascnn.utils.locks import reserve_output
from kerascnn.utils.staging import staging_directory

OWN = "own"
"""Architecture that the card of a model names that was not made by kerascnn."""

_NUM_VERIFIED = 16  # images
_LARGEST_DIFFERENCE = 5e-3  # of probabilities; half precision has three digits

Note = Callable[[str], None]


def describe_own_model(
    path: Path,
    model: Any,
    *,
    scale: str | None = None,
    preparation: str | None = None,
    classes: Sequence[str] | None = None,
    on_note: Note,
) -> Card:
    """Make a card for a model that has none.

    Args:
        path: The model's file.
        model: The `keras.Model`.
        scale: Range of pixels that it takes, as for `kerascnn.load`; by default it is measured.
        preparation: `mnist` or `resize`; by default `mnist` for a model that knows digits.
        classes: Names of its classes; by default what it was found to know, else their numbers.
        on_note: Called with a sentence that says what was found.

    Raises:
        ModelError: If it is no classifier of images, its scale is not clear, or the number of classes is another.
        UsageError: If the preparation is unknown.
    """
    require_preparation(preparation)
    found = measure_feeding(model, path, scale)
    names = found.class_names if classes is None else tuple(classes)
    if len(names) != len(found.class_names):
        raise ModelError(
            f"{path} tells {len(found.class_names)} classes apart, but {len(names)} are named: {', '.join(names)}."
        )
    if preparation is None:
        are_digits = found.knows_digits if classes is None else name_digits(names) is not None or found.knows_digits
        preparation = "mnist" if are_digits else "resize"
    card = Card(path.stem, OWN, (*found.image_size, 1), names, preparation, feeding=found.feeding)
    on_note(f"{path} has no card: {_describe(card, found)}. 'kerascnn card {path}' writes one.")
    return card


def _describe(card: Card, found: MeasuredFeeding) -> str:
    classes = ", ".join(card.class_names[:12]) + (", ..." if len(card.class_names) > 12 else "")
    prepared = "prepared like MNIST's" if card.preparation == "mnist" else "grey and resized (--preparation resize)"
    return (
        f"it is given pixels with --scale {found.feeding.scale} ({found.reason}), pictures are {prepared}, its outputs "
        f"are {found.feeding.outputs}, its classes {classes}"
    )


def read_class_names(names: str) -> list[str]:
    """Read the names of classes: with commas between them, or one a line of a `.txt` file.

    Raises:
        UsageError: If two are equal or there are fewer than two.
    """
    if names.endswith(".txt"):
        try:
            found = Path(names).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{names} cannot be read; give a text file with the name of a class a line.") from error
    else:
        found = names.split(",")
    found = [name.strip() for name in found if name.strip()]
    if len(found) < 2 or len(set(found)) < len(found):
        raise UsageError(f"the classes {', '.join(found)} are not two or more different names.")
    return found


def write_card(
    model: str | Path,
    *,
    scale: str | None = None,
    classes: Sequence[str] | None = None,
    preparation: str | None = None,
    backend: str | None = None,
    on_note: Note | None = None,
) -> Card:
    """Write a card and an `.onnx` file beside somebody's model, so that it is a model like ours from then on.

    Args:
        model: Path of a `.keras` or `.h5` file that Keras saved.
        scale: Range of pixels that it was trained in: `"255"`, `"1"`, `"-1..1"` or `"MEAN,DEVIATION"`; by default it is
            measured on MNIST's training images.
        classes: Names of the classes, in the order of the outputs; by default digits if it knows them, else numbers.
        preparation: `mnist` for pictures of handwriting, `resize` for others; by default by what it knows.
        backend: Backend of Keras to open it with.
        on_note: Called with a sentence for each thing that is worth knowing.

    Returns:
        The card.

    Raises:
        ModelError: If the model is none of somebody's own, cannot be opened, or its scale is not clear.
        OutputError: If a file beside it is in the way, or its card was changed since kerascnn wrote it.

    Example:
        >>> write_card("theirs.keras", scale="1").feeding.scale
        '1'
    """
    note = on_note or (lambda text: None)
    path = resolve_model_path(model)
    require_unchanged_card(path.with_suffix(".json"))
    stored = open_model(path, replaces_card=True)
    if stored.carries_card or (stored.card is not None and stored.card.feeding is None):
        raise ModelError(f"{model} has the card that it was trained with; it needs no other.")
    backend = activate(backend).name
    model_of_keras = load_checked_model(stored)
    described = describe_own_model(
        path,
        model_of_keras,
        scale=scale,
        preparation=preparation,
        classes=classes,
        on_note=lambda text: note(text.partition(" 'kerascnn card")[0].replace("has no card: ", "is described: ")),
    )
    card = replace(described, software=describe_software(backend))
    with reserve_output(path), staging_directory(path) as directory:
        staged: dict[str, Path] = {}
        onnx_path = directory / "model.onnx"
        try:
            note("converting to ONNX ...")
            _convert(path, onnx_path, card, model_of_keras)
            milliseconds = measure_latency(OnnxEngine(onnx_path.read_bytes(), path, card), card.input_shape[:2])
            card = replace(card, metrics={"milliseconds_per_picture": milliseconds})
            staged[".onnx"] = onnx_path
        except ModelError as error:
            note(f"{error} The card is written without it, and Keras runs the model.")
        return save_beside(path, staged, card)


def _convert(path: Path, onnx_path: Path, card: Card, model: Any) -> None:
    """Convert a model to ONNX, and verify that it gives the same probabilities as Keras."""
    assert card.feeding is not None
    size = card.input_shape[:2]
    export_onnx(path, onnx_path, card.feeding, size)
    images = np.random.default_rng(0).integers(0, 256, (_NUM_VERIFIED, *size), dtype=np.uint8)
    expected = KerasEngine(adapt_model(model, card.feeding, size)).probabilities(images)
    try:
        difference = float(
            np.abs(OnnxEngine(onnx_path.read_bytes(), path, card).probabilities(images) - expected).max()
        )
    # ONNX Runtime raises exceptions of its own.
    except Exception as error:
        reason = str(error).splitlines()[0][:200]
        raise ModelError(f"{path} could not be converted to ONNX ({reason}).") from error
    if not difference <= _LARGEST_DIFFERENCE:
        raise ModelError(f"{path} gives other probabilities as ONNX (by {difference:.2g}).")
