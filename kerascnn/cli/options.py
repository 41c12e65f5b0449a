"""Options that several commands have, and the model that they name."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kerascnn.models import ARCHITECTURES

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Predictor


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"
    csv = "csv"


class TextOrJson(StrEnum):
    """How results that are no table are printed."""

    text = "text"
    json = "json"


ARCHITECTURE_NAMES = ", ".join(ARCHITECTURES)

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH",
        help="A .keras file, or a model that ships with kerascnn: 'reference', the most accurate one, or 'lecture', "
        "the classic cnn. "
        "Default: saved_models/mnist_cnn.keras if it is there, else the reference.",
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option("--backend", metavar="NAME", help="tensorflow, jax or torch; else KERAS_BACKEND decides."),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="'mnist' (the default), a directory of IDX files, an .npz file in Keras's layout, "
        "or a directory with one sub-directory of pictures a class.",
    ),
]


def load_model(model: str | None, backend: str | None) -> "Predictor":
    """Load a model, and name it on stderr where the user did not."""
    from kerascnn.inference.predictor import load
    from kerascnn.saving.model_files import reference_path

    predictor = load(model, backend=backend, on_note=lambda text: print(f"note: {text}", file=sys.stderr))
    if model is None:
        is_reference = predictor.path == reference_path()
        name = "reference (ships with kerascnn)" if is_reference else predictor.path
        print(f"model: {name}, on {predictor.engine.name}", file=sys.stderr)
    return predictor
