"""Arguments and options that several commands have, and the model that they name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import typer

from kerascnn.cli.printing import print_message, print_note
from kerascnn.models import ARCHITECTURES

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Predictor

Item = TypeVar("Item")
Function = TypeVar("Function", bound=Callable[..., None])


class Format(StrEnum):
    """How results that are a table are printed."""

    text = "text"
    json = "json"
    csv = "csv"


class PredictionFormat(StrEnum):
    """How predictions are printed."""

    text = "text"
    json = "json"
    csv = "csv"
    kaggle = "kaggle"


class TextOrJson(StrEnum):
    """How results that are no table are printed."""

    text = "text"
    json = "json"


ARCHITECTURE_NAMES = ", ".join(ARCHITECTURES)

ImagesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE",
        help="Pictures, PDFs, directories of these, tables of pixels (.csv, .npy, .npz), or - for standard input. "
        "scan.pdf#3 is the third page of a PDF or TIFF.",
    ),
]
PagesOption = Annotated[
    str | None,
    typer.Option(
        "--pages", metavar="RANGES", help="Pages that are wanted of each document, such as 1-3,7.  [default: all]"
    ),
]
_OWN_MODEL = "Models of your own"
_DEFAULT_MODEL = "  [default: saved_models/mnist_cnn.keras if it exists, else reference]"
ClassifierOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A .keras file, or a model that ships with kerascnn: 'reference', the most accurate one, or 'lecture', "
        f"the classic cnn.{_DEFAULT_MODEL}",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A .keras file, or a model that ships with kerascnn: 'reference', the most accurate one, 'lecture', "
        f"the classic cnn, or 'segmenter', which finds the digits of a page.{_DEFAULT_MODEL}",
    ),
]
PredictionBackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        help="The framework that Keras runs on: tensorflow, jax or torch.  "
        "[default: KERAS_BACKEND, else ONNX Runtime instead of Keras]",
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        help="The framework that Keras runs on: tensorflow, jax or torch.  "
        "[default: KERAS_BACKEND, else keras.json, else the first one installed]",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="The data set: 'mnist', a directory of IDX files, an .npz file, a .csv file of pixels, "
        "or a directory with one sub-directory of pictures for each class.  [default: mnist]",
        rich_help_panel="Data",
    ),
]


ScaleOption = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="RANGE",
        help="Pixels that a model of your own was trained on: 255 (as they are), 1 (0 to 1), -1..1, or mean,deviation "
        "such as 0.1307,0.3081.  [default: as its card says, else measured]",
        rich_help_panel=_OWN_MODEL,
    ),
]
PreparationOption = Annotated[
    str | None,
    typer.Option(
        "--preparation",
        metavar="NAME",
        help="How pictures become images for a model of your own: mnist (handwriting) or resize (anything else).  "
        "[default: as its card says, else mnist if it knows digits]",
        rich_help_panel=_OWN_MODEL,
    ),
]
FEEDING: dict[str, Any] = {"scale": ScaleOption, "preparation": PreparationOption}
"""Options of the commands that run a model which may have no card."""


def take_options(options: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Make the decorator of a command that passes options on as `**options`.

    Args:
        options: Annotations for typer by the name of the keyword; `--help` shows them before the command's last option.
    """

    def declare(command: Function) -> Function:
        *own, last = (one for one in signature(command).parameters.values() if one.kind is not Parameter.VAR_KEYWORD)
        made = [*own, *(_make_parameter(name, annotation) for name, annotation in options.items()), last]
        vars(command)["__signature__"] = signature(command).replace(parameters=made)
        command.__annotations__ = {one.name: one.annotation for one in made}
        return command

    return declare


def _make_parameter(name: str, annotation: Any) -> Parameter:
    default = False if get_args(annotation)[0] is bool else None
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)


def load_model(
    model: str | None, backend: str | None, scale: str | None = None, preparation: str | None = None
) -> "Predictor":
    """Load a model, and print on stderr what is not as expected."""
    from kerascnn.inference.predictor import load

    return load(model, backend=backend, scale=scale, preparation=preparation, on_note=print_note)


def print_default_model(predictor: "Predictor") -> None:
    """Name on stderr the model that was chosen where the user named none."""
    from kerascnn.saving.model_files import find_shipped_model

    is_reference = predictor.path == find_shipped_model()
    name = "reference (ships with kerascnn)" if is_reference else predictor.path
    print_message(f"model: {name}, on {predictor.engine.name}")


def name_model_first(results: Iterable[Item], model: str | None, predictor: "Predictor") -> Iterator[Item]:
    """Pass results on, and name the model before the first one where the user named none."""
    for number, result in enumerate(results):
        if model is None and number == 0:
            print_default_model(predictor)
        yield result
