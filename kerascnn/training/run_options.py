"""The keywords of `fit`: the hyper-parameters of `Recipe` and, here, everything else that a run can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from kerascnn.training.option_fields import Limits, check_values, document_fields, option
from kerascnn.training.progress import NoProgress, Progress
from kerascnn.training.recipe import Recipe
from kerascnn.utils.suggestions import suggest

if TYPE_CHECKING:
    import keras

    from kerascnn.inference.predictor import Predictor

_SEEDS = Limits(minimum=0, maximum=2**32 - 1)


@document_fields
@dataclass(frozen=True)
class RunOptions:
    """How a network is trained, apart from its recipe: split, seeds, start, and where the result goes."""

    validation_split: float = option(
        0.2, "Share of the training part that is held out for validation.", Limits(above=0, below=1), panel="Data"
    )
    split_seed: int | None = option(
        None, "Random seed for the train/validation split alone; that of --seed by default.", _SEEDS, panel="Data"
    )
    preparation: str | None = option(
        None,
        "How pictures become images: mnist for digits, resize for other things; by the classes' names by default.",
        ("mnist", "resize"),
        panel="Data",
        metavar="NAME",
    )
    initial_model: "str | Path | Predictor | None" = option(
        None,
        "Trained model to start from: a .keras file or 'reference'. Its last layer is new where the classes differ.",
        panel="Network",
        metavar="MODEL",
        flag="--from",
    )
    seed: int = option(0, "Random seed for weights, split, shuffling and augmentation.", _SEEDS, panel="Run")
    patience: int | None = option(
        None, "Number of epochs without improvement in validation that end the run.", Limits(minimum=1), panel="Run"
    )
    backend: str | None = option(
        None,
        "The framework that Keras runs on: tensorflow, jax or torch; KERAS_BACKEND decides by default.",
        panel="Run",
        metavar="NAME",
    )
    resume: bool = option(False, "Continue the interrupted run of the same output.", panel="Run")
    dry_run: bool = option(False, "Run a few batches of everything in a temporary directory.", panel="Run")
    output: str | Path | None = option(
        None,
        "The .keras file to write; saved_models/DATA_ARCHITECTURE.keras by default.",
        panel="Output",
        metavar="PATH",
        short_flag="-o",
    )
    tensorboard: str | Path | None = option(
        None, "Directory for TensorBoard's logs; needs the extra 'tensorboard'.", panel="Output", metavar="DIR"
    )
    progress: Progress = option(NoProgress(), "Object that is told the progress of the run.", panel=None)
    callbacks: "Sequence[keras.callbacks.Callback]" = option(
        (), "Callbacks of Keras, called after those of the run.", panel=None
    )

    def __post_init__(self) -> None:
        check_values(self)


class RecipeKeywords(TypedDict, total=False):
    """The types of the keywords of `Recipe`, for editors and type checkers; a test holds them equal to its fields."""

    epochs: int | None
    batch_size: int | None
    optimizer: str | None
    learning_rate: float | None
    schedule: str | None
    warmup: float | None
    dropout_rates: Sequence[float] | None
    augmentation: float | None
    final_augmentation: float | None
    label_smoothing: float | None
    weight_averaging: float | None
    outliers: float | None
    final_outliers: float | None
    class_weights: str | None


class FitKeywords(RecipeKeywords, total=False):
    """The types of all keywords of `fit`; a test holds them equal to the fields of `Recipe` and `RunOptions`."""

    validation_split: float | None
    split_seed: int | None
    preparation: str | None
    initial_model: "str | Path | Predictor | None"
    seed: int | None
    patience: int | None
    backend: str | None
    resume: bool
    dry_run: bool
    output: str | Path | None
    tensorboard: str | Path | None
    progress: Progress | None
    callbacks: "Sequence[keras.callbacks.Callback]"


def divide_keywords(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide the keywords of `fit` into those of `Recipe` and those of `RunOptions`, without those that are None.

    Raises TypeError if `fit` has no such keyword, and names the nearest ones.
    """
    of_recipe, of_run = ([one.name for one in fields(kind)] for kind in (Recipe, RunOptions))
    for name in keywords:
        if name not in (*of_recipe, *of_run):
            hint = suggest(name, [*of_recipe, *of_run])
            raise TypeError(f"fit() got an unexpected keyword argument {name!r}{hint}")
    said = {name: value for name, value in keywords.items() if value is not None}
    if "dropout_rates" in said:
        said["dropout_rates"] = tuple(said["dropout_rates"])
    return (
        {name: value for name, value in said.items() if name in of_recipe},
        {name: value for name, value in said.items() if name in of_run},
    )
