"""Arguments and options that several commands have, and the model that they name."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kerascnn.cli.printing import print_message, print_note
from kerascnn.models import ARCHITECTURES

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Predictor


class Format(StrEnum):
    """How results that are a table are printed."""

    text = "text"
    json = "json"
    csv = "csv"


class TextOrJson(StrEnum):
    """How results that are no table are printed."""

    text = "text"
    json = "json"


ARCHITECTURE_NAMES = ", ".join(ARCHITECTURES)

ImagesArgument = Annotated[
    list[str], typer.Argument(metavar="IMAGE", help="Pictures, directories of pictures, or - for standard input.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A .keras file, or a model that ships with kerascnn: 'reference', the most accurate one, 'lecture', "
        "the classic cnn, or 'segmenter', which finds the digits of a page.  "
        "[default: saved_models/mnist_cnn.keras if it exists, else reference]",
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        help="The framework that Keras runs on: tensorflow, jax or torch.  "
        "[default: KERAS_BACKEND, else the first one installed to train, ONNX Runtime to predict]",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="The data set: 'mnist', a directory of IDX files, an .npz file in Keras's layout, "
        "or a directory with one sub-directory of pictures for each class.  [default: mnist]",
        rich_help_panel="Data",
    ),
]


def load_model(model: str | None, backend: str | None) -> "Predictor":
    """Load a model, and name it on stderr where the user did not."""
    from kerascnn.inference.predictor import load
    from kerascnn.saving.model_files import find_shipped_model

    predictor = load(model, backend=backend, on_note=print_note)
    if model is None:
        is_reference = predictor.path == find_shipped_model()
        name = "reference (ships with kerascnn)" if is_reference else predictor.path
        print_message(f"model: {name}, on {predictor.engine.name}")
    return predictor
