"""What a run is made from: settled before Keras is imported, written beside the run, read again by `--resume`."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from kerascnn.models import ARCHITECTURES, check_architecture
from kerascnn.saving.model_files import complete_model_path
from kerascnn.training.recipe import Recipe, choose_recipe
from kerascnn.training.run_directory import RunDirectory
from kerascnn.utils import backend
from kerascnn.utils.errors import TrainingError, UsageError

DEFAULT_DATA, DEFAULT_ARCHITECTURE, DEFAULT_RECIPE = "mnist", "cnn", "quick"
SYNTHETIC = "synthetic"
"""The data of networks that segment pages: pages that are made for the run."""

DEFAULT_VALIDATION_SPLIT, DEFAULT_SEED = 0.2, 0


@dataclass(frozen=True)
class RunRequest:
    """What a user asked for; None is "not said".

    Args:
        data: name or path of the data set.
        architecture: name of the network.
        recipe: name of the recipe.
        changes: fields of `Recipe` that override the recipe's own values, where they are not None.
        validation_split: share of the training part that is validated on.
        seed: of everything random.
        split_seed: of the division into parts to train and to validate on.
        patience: epochs without improvement after which training stops.
        backend: of Keras.
    """

    data: str | None = None
    architecture: str | None = None
    recipe: str | None = None
    changes: dict = field(default_factory=dict)
    validation_split: float | None = None
    seed: int | None = None
    split_seed: int | None = None
    patience: int | None = None
    backend: str | None = None


@dataclass(frozen=True)
class RunSettings:
    """What a run does; the fields are as in `RunRequest`, with nothing left open."""

    data: str
    architecture: str
    recipe_name: str
    recipe: Recipe
    validation_split: float
    seed: int
    split_seed: int
    patience: int | None
    backend: str

    def to_dict(self) -> dict:
        """The same as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "RunSettings":
        """The inverse of `to_dict`; raises TrainingError if a field is missing or unknown."""
        try:
            return cls(**{**data, "recipe": Recipe.from_dict(data["recipe"])})
        except (KeyError, TypeError) as error:
            raise TrainingError(
                f"the saved run is of another version of kerascnn ({error}); start a new one."
            ) from error

    def command(self, output: Path) -> str:
        """The command that makes the same model again."""
        usual = choose_recipe(self.recipe_name, self.architecture)
        words = [
            "kerascnn fit",
            f"--data {self.data}",
            f"--architecture {self.architecture}",
            f"--recipe {self.recipe_name}",
        ]
        for name, value in self.recipe.to_dict().items():
            if value != getattr(usual, name):
                words.append(f"--{name.replace('_', '-')} {_as_option(value)}")
        words += [f"--validation-split {self.validation_split:g}", f"--seed {self.seed}"]
        if self.split_seed != self.seed:
            words.append(f"--split-seed {self.split_seed}")
        if self.patience is not None:
            words.append(f"--patience {self.patience}")
        return " ".join([*words, f"--backend {self.backend}", f"--output {output}"])


def new_settings(request: RunRequest) -> RunSettings:
    """Fill in the defaults and choose the backend.

    Args:
        request: what the user asked for.

    Returns:
        The settings of a new run.

    Raises:
        UsageError: If a value is impossible.
        ModelError: if there is no such architecture, or the dropout rates do not fit it.
        BackendError: if the backend is unknown or not installed.
    """
    recipe_name = request.recipe or DEFAULT_RECIPE
    architecture = check_architecture(request.architecture or DEFAULT_ARCHITECTURE)
    recipe = choose_recipe(recipe_name, architecture, **request.changes)
    split = DEFAULT_VALIDATION_SPLIT if request.validation_split is None else request.validation_split
    if not 0 < split < 1:
        raise UsageError(f"validation_split is {split:g}; expected a share above 0 and below 1.")
    seed = _seed("seed", request.seed, DEFAULT_SEED)
    if request.patience is not None and request.patience < 1:
        raise UsageError(f"patience is {request.patience}; expected at least 1 epoch.")
    return RunSettings(
        data=request.data or _default_data(architecture),
        architecture=architecture,
        recipe_name=recipe_name,
        recipe=recipe,
        validation_split=split,
        seed=seed,
        split_seed=_seed("split_seed", request.split_seed, seed),
        patience=request.patience,
        backend=backend.choose_backend(request.backend).name,
    )


def resumed_settings(request: RunRequest, directory: RunDirectory) -> RunSettings:
    """The settings of an interrupted run, after checking that the user asks for nothing else.

    Args:
        request: what the user asked for.
        directory: of the run.

    Returns:
        The settings that the run was started with.

    Raises:
        TrainingError: if there is no run, or the request contradicts it.
    """
    settings = RunSettings.from_dict(directory.read().settings)
    recorded = {**settings.to_dict(), **settings.recipe.to_dict(), "recipe": settings.recipe_name}
    wishes = {**asdict(replace(request, backend=None)), "backend": backend.explicit_wish(request.backend)}
    wishes |= wishes.pop("changes")
    for name, wish in wishes.items():
        if wish is not None and wish != recorded[name]:
            raise TrainingError(
                f"--{name.replace('_', '-')} {_as_option(wish)} contradicts the interrupted run at {directory.path}, "
                f"which has {_as_option(recorded[name])}; leave the option out, or start a new run without --resume."
            )
    return settings


def output_path(request: RunRequest, output: str | Path | None) -> Path:
    """Where a run writes its model.

    Args:
        request: names data set and network.
        output: the user's wish; its ending is `.keras` or nothing.

    Returns:
        `output`, or `saved_models/DATA_ARCHITECTURE.keras`.

    Raises:
        OutputError: if the file's ending is another.
    """
    if output is None:
        data = Path(request.data or _default_data(request.architecture)).resolve()
        name = data.stem if data.suffix == ".npz" else data.name
        return Path("saved_models") / f"{name}_{request.architecture or DEFAULT_ARCHITECTURE}.keras"
    return complete_model_path(output)


def _default_data(architecture: str | None) -> str:
    facts = ARCHITECTURES.get(architecture or DEFAULT_ARCHITECTURE)
    return SYNTHETIC if facts and facts.segments else DEFAULT_DATA


def _seed(name: str, wish: int | None, default: int) -> int:
    seed = default if wish is None else wish
    if not 0 <= seed < 2**32:
        raise UsageError(f"{name} is {seed}; expected 0 to {2**32 - 1}.")
    return seed


def _as_option(value) -> str:
    """A value as it is written on the command line."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
