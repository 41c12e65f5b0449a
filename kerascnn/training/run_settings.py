"""What a run does: settled before Keras is imported, written beside the run, read again by `--resume`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kerascnn.datasets import Dataset, DataSource
from kerascnn.datasets.arrays import ARRAYS
from kerascnn.models import ARCHITECTURES, Architecture
from kerascnn.models.lookup import Network, find_architecture
from kerascnn.saving.model_files import DEFAULT_MODEL, complete_model_path
from kerascnn.training.initial_model import InitialModel
from kerascnn.training.option_fields import as_text, list_options, make_flags
from kerascnn.training.recipe import RECIPES, Recipe, choose_recipe
from kerascnn.training.run_directory import RunDirectory
from kerascnn.training.run_options import RunOptions, divide_keywords
from kerascnn.utils import backend
from kerascnn.utils.errors import TrainingError
from kerascnn.utils.names import derive_name

DEFAULT_DATA, DEFAULT_ARCHITECTURE, DEFAULT_RECIPE = "mnist", "cnn", "quick"
SYNTHETIC = "synthetic"
"""The data of networks that segment pages: pages that are made for the run."""

_OWN_RECIPE = "own"
_IN_MEMORY = "(in memory)"


@dataclass(frozen=True)
class RunSettings:
    """The resolved settings of a run, with nothing left open.

    Args:
        data: Name or path of the data set; `(in memory)` if it was given as an object.
        architecture: Name of the network, or the file and the function that build it.
        recipe_name: Name of the recipe; `own` if it was given as an object.
        recipe: Hyper-parameters.
        validation_split: Share of the training part that is held out for validation, above 0 and below 1.
        seed: Random seed for weights, shuffling and augmentation.
        split_seed: Random seed for the train/validation split.
        patience: Number of epochs without improvement that end the run; None for never.
        backend: Backend of Keras.
        initial_model: Name or path of the model that the run starts from; None for random weights.
        preparation: Preparation of the pictures that was asked for; None to choose it by the classes.
    """

    data: str
    architecture: str
    recipe_name: str
    recipe: Recipe
    validation_split: float
    seed: int
    split_seed: int
    patience: int | None
    backend: str
    initial_model: str | None = None
    preparation: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RunSettings":
        """Make settings from what `to_dict` gave, perhaps that of a version with fewer fields.

        Raises TrainingError if a field without a default is missing, or one is unknown.
        """
        try:
            return cls(**{**data, "recipe": Recipe.from_dict(data["recipe"])})
        except (KeyError, TypeError) as error:
            raise TrainingError(
                f"the saved run is of another version of kerascnn ({error}); start a new one."
            ) from error


@dataclass(frozen=True)
class Run:
    """One call of `fit`, resolved.

    Args:
        settings: What the run does; enough to do the same again, unless something was given as an object.
        options: What the user asked for apart from the recipe.
        data: Data set, or what it is loaded from.
        network: Network to train.
        initial_model: Trained model that the run starts from, if any.
        path: The `.keras` file to write.
    """

    settings: RunSettings
    options: RunOptions
    data: DataSource
    network: Architecture
    initial_model: InitialModel | None
    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Where the state of the run is saved after each epoch."""
        return RunDirectory(self.path)

    @property
    def command(self) -> str:
        """The command that makes the same model again; a sentence that says why there is none."""
        settings = self.settings
        objects = {
            "data": settings.data == _IN_MEMORY,
            "a network": not _is_found_again(settings.architecture, self.network),
            "callbacks": bool(self.options.callbacks),
        }
        if any(objects.values()):
            given = " and ".join(name for name, is_object in objects.items() if is_object)
            return f"none: {given} were given to kerascnn.fit as Python objects"
        recipe = settings.recipe_name if settings.recipe_name in RECIPES else DEFAULT_RECIPE
        words = [f"kerascnn fit --data {settings.data} --architecture {settings.architecture} --recipe {recipe}"]
        if settings.initial_model is not None:
            words.append(f"--from {settings.initial_model}")
        usual = choose_recipe(recipe, self.network)
        for field, made in list_options(Recipe):
            value = getattr(settings.recipe, field.name)
            if value != getattr(usual, field.name):
                words.append(f"{make_flags(field.name, made)[0]} {as_text(value)}")
        words += [f"--validation-split {settings.validation_split:g}", f"--seed {settings.seed}"]
        if settings.split_seed != settings.seed:
            words.append(f"--split-seed {settings.split_seed}")
        if settings.preparation is not None:
            words.append(f"--preparation {settings.preparation}")
        if settings.patience is not None:
            words.append(f"--patience {settings.patience}")
        return " ".join([*words, f"--backend {settings.backend}", f"--output {self.path}"])


def prepare_run(
    data: DataSource | None = None,
    architecture: Network | None = None,
    recipe: str | Recipe | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> Run:
    """Fill in the defaults, or read them from the interrupted run, and choose the backend.

    The arguments are those of `fit`, which also lists the errors; `keywords` has all that have no argument here.
    """
    changes, said = divide_keywords(keywords or {})
    options = RunOptions(**said)
    initial = None if options.initial_model is None else InitialModel.find(options.initial_model)
    if architecture is not None:
        network = find_architecture(architecture)
        name = architecture if isinstance(architecture, str) else network.name
    elif initial:
        network = initial.architecture(options.backend)
        name = network.name if network.name in ARCHITECTURES else initial.source
    else:
        network, name = ARCHITECTURES[DEFAULT_ARCHITECTURE], DEFAULT_ARCHITECTURE
    start = initial.source if initial else None
    wish = _Wish(data, None if architecture is None else name, recipe, start, changes, said)
    if options.resume and not options.dry_run:
        return _resume_run(wish, options, network)
    source = _default_data(network) if data is None else data
    settings = RunSettings(
        data=str(source) if isinstance(source, str | Path) else _IN_MEMORY,
        architecture=name,
        recipe_name=_OWN_RECIPE if isinstance(recipe, Recipe) else recipe or DEFAULT_RECIPE,
        recipe=choose_recipe(recipe or DEFAULT_RECIPE, network, **changes),
        validation_split=options.validation_split,
        seed=options.seed,
        split_seed=options.seed if options.split_seed is None else options.split_seed,
        patience=options.patience,
        backend=backend.choose_backend(options.backend).name,
        initial_model=start,
        preparation=options.preparation,
    )
    return Run(settings, options, source, network, initial, _output_path(options.output, source, network.name))


@dataclass(frozen=True)
class _Wish:
    """What a user asked for; None and a missing name are "not said"."""

    data: DataSource | None
    architecture: str | None
    recipe: str | Recipe | None
    initial_model: str | None
    changes: dict[str, Any]
    said: dict[str, Any]


def _resume_run(wish: _Wish, options: RunOptions, network: Architecture) -> Run:
    """Prepare the interrupted run, after checking that the user asks for nothing else."""
    path = _output_path(options.output, _default_data(network) if wish.data is None else wish.data, network.name)
    directory = RunDirectory(path)
    settings = RunSettings.from_dict(directory.read().settings)
    if wish.data is None and settings.data == _IN_MEMORY:
        raise TrainingError(f"the interrupted run at {directory.path} learns from data in memory; give the same again.")
    initial = None if settings.initial_model is None else InitialModel.find(settings.initial_model)
    if wish.architecture is None:
        network = _network_of(settings, initial, directory)
    _refuse_contradictions(wish, settings, network, directory)
    data: DataSource = settings.data if wish.data is None else wish.data
    if isinstance(data, str | Path):
        if wish.data is None and _is_path(settings.data) and not Path(data).exists():
            raise TrainingError(
                f"the interrupted run at {directory.path} learns from {data}, which is not there any more; give its "
                "new place with --data."
            )
        # Data that moved are the same by their digest, which is compared when they are loaded.
        settings = replace(settings, data=str(data))
    return Run(settings, options, data, network, initial, path)


def _is_path(data: str) -> bool:
    """Tell data of the user's own from those that the package has by name."""
    return data.partition(":")[0] not in (DEFAULT_DATA, SYNTHETIC)


def _network_of(settings: RunSettings, initial: InitialModel | None, directory: RunDirectory) -> Architecture:
    if initial and settings.architecture == settings.initial_model:
        return initial.architecture(settings.backend)
    if settings.architecture not in ARCHITECTURES and ".py" not in settings.architecture:
        raise TrainingError(
            f"the interrupted run at {directory.path} trains {settings.architecture!r}, which was given as a Python "
            "object; give the same again."
        )
    return find_architecture(settings.architecture)


def _refuse_contradictions(wish: _Wish, settings: RunSettings, network: Architecture, directory: RunDirectory) -> None:
    recorded = {**settings.to_dict(), **settings.recipe.to_dict(), "recipe": settings.recipe_name}
    wishes = {name: value for name, value in wish.said.items() if name in recorded} | wish.changes
    variable = backend.explicit_wish()
    if wishes.get("backend") is None and variable not in (None, settings.backend):
        raise TrainingError(
            f"KERAS_BACKEND={variable} contradicts the interrupted run at {directory.path}, which has "
            f"{settings.backend}; unset the variable, or start a new run without --resume."
        )
    wishes |= {"architecture": wish.architecture, "initial_model": wish.initial_model}
    if isinstance(wish.recipe, Recipe):
        if choose_recipe(wish.recipe, network, **wish.changes) != settings.recipe:
            raise TrainingError(f"the recipe contradicts the interrupted run at {directory.path}; give the same again.")
    else:
        wishes["recipe"] = wish.recipe
    flags = {
        field.name: make_flags(field.name, made)[0]
        for kind in (Recipe, RunOptions)
        for field, made in list_options(kind)
    }
    for name, value in wishes.items():
        if value is not None and value != recorded[name]:
            raise TrainingError(
                f"{flags.get(name, f'--{name}')} {as_text(value)} contradicts the interrupted run at "
                f"{directory.path}, which has {as_text(recorded[name])}; leave the option out, or start a new run "
                "without --resume."
            )


def _default_data(network: Architecture) -> DataSource:
    return SYNTHETIC if network.segments else DEFAULT_DATA


def _output_path(output: str | Path | None, source: DataSource, network: str) -> Path:
    """Choose where a run writes its model: `output`, or `saved_models/DATA_ARCHITECTURE.keras`."""
    if output is not None:
        return complete_model_path(output)
    if isinstance(source, str | Path):
        data = Path(source).resolve()
        name = data.stem if data.is_file() else data.name
    else:
        name = source.name if isinstance(source, Dataset) else ARRAYS
    return DEFAULT_MODEL.with_name(f"{derive_name(name, 'data')}_{network}.keras")


def _is_found_again(architecture: str, network: Architecture) -> bool:
    """Tell whether a new process finds the network by what the settings record: in this package, a file or a model."""
    is_ours = network is ARCHITECTURES.get(architecture) and network.function.__module__.startswith("kerascnn.models.")
    return is_ours or architecture != network.name
