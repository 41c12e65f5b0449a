"""All hyper-parameters of a training run in one place."""

from dataclasses import asdict, dataclass, replace
from math import cos, pi
from typing import Any

from kerascnn.models import Architecture, resolve_dropout_rates
from kerascnn.training.option_fields import Limits, check_values, document_fields, option
from kerascnn.utils.errors import UsageError

_COUNT, _SHARE, _MAGNITUDE = Limits(minimum=1), Limits(minimum=0, maximum=1), Limits(minimum=0, maximum=2)
_PROPER_SHARE = Limits(minimum=0, below=1)


@document_fields
@dataclass(frozen=True)
class Recipe:
    """The hyper-parameters with which a network is trained.

    `muon` is Muon with five times the learning rate for the kernels of dense layers and convolutions, and Adam for the
    rest. The final augmentation makes the small last steps on images as people write them (Z. He et al., "Data
    augmentation revisited", 2019). Averaged weights are those of B. Polyak and A. Juditsky, "Acceleration of stochastic
    approximation by averaging", 1992.
    """

    epochs: int = option(3, "Number of passes over the training images.", _COUNT)
    batch_size: int = option(128, "Number of images in one training step.", _COUNT)
    optimizer: str = option(
        "muon", "Method that changes the weights after each step.", ("adam", "muon"), metavar="NAME"
    )
    learning_rate: float = option(2e-3, "Learning rate at the peak of the schedule.", Limits(above=0, below=10))
    schedule: str = option(
        "cosine", "Learning rate after the warm-up: falling to 0 or constant.", ("cosine", "constant"), metavar="NAME"
    )
    warmup: float = option(0.1, "Share of all steps in which the learning rate rises from 0 to its peak.", _SHARE)
    dropout_rates: tuple[float, ...] | None = option(
        None, "Rates of the network's dropout layers, with commas between them.", _PROPER_SHARE, metavar="RATES"
    )
    augmentation: float = option(
        0.5, "Augmentation magnitude: 0 changes nothing, 1 changes images as much as writers differ.", _MAGNITUDE
    )
    final_augmentation: float | None = option(
        None, "Augmentation magnitude in the last epoch, approached along half a cosine.", _MAGNITUDE
    )
    label_smoothing: float = option(0.1, "Share of each target that is spread over all classes.", _PROPER_SHARE)
    weight_averaging: float = option(
        0.0, "Momentum of an exponential moving average of the weights, kept in their place.", _PROPER_SHARE
    )
    outliers: float = option(
        0.0625,
        "Number of pictures without a digit that are added to each batch of the ten digits, as a share of its size.",
        _SHARE,
    )
    final_outliers: float | None = option(
        None,
        "The same in the last epoch, approached along half a cosine; what is added to `outliers` replaces digits.",
        _PROPER_SHARE,
    )
    class_weights: str = option(
        "none",
        "Weights of the classes in loss and accuracy: balanced lets a rare class count as much as a common one.",
        ("none", "balanced"),
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        if isinstance(self.dropout_rates, list):
            object.__setattr__(self, "dropout_rates", tuple(self.dropout_rates))
        check_values(self)

    def augmentation_in(self, epoch: int) -> float:
        """Compute the augmentation magnitude in an epoch, counted from 0."""
        return self._approach(self.augmentation, self.final_augmentation, epoch)

    def outliers_in(self, epoch: int) -> float:
        """Compute the share of outliers in an epoch, counted from 0."""
        return self._approach(self.outliers, self.final_outliers, epoch)

    def _approach(self, first: float, last: float | None, epoch: int) -> float:
        if last is None or self.epochs == 1:
            return first
        share = (1 + cos(pi * epoch / (self.epochs - 1))) / 2
        return share * first + (1 - share) * last

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain data, for the card and for resuming."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Make a recipe from what `to_dict` gave, perhaps that of a version with fewer values.

        Raises TypeError if a value is unknown.
        """
        return cls(**data)


RECIPES = {
    # A few minutes on a laptop.
    "quick": Recipe(),
    # For people's own pictures: many epochs on images that are changed as pens and writers differ, less at the end.
    "best": Recipe(epochs=18, augmentation=1.0, final_augmentation=0.3, outliers=0.1),
}

_PAGES: dict[str, Any] = {
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 4e-3,
    "augmentation": 1.0,
    "final_augmentation": None,
    "label_smoothing": 0.0,
    "outliers": 0.0,
}
# How a recipe differs for one architecture. Labels are smoothed where that was tried.
_DIFFERENCES: dict[tuple[str, str], dict[str, Any]] = {
    # On augmented images `cnn` does not overfit in so few epochs; dropout would only slow it down. Many outliers at the
    # end, when digits are known, teach it to tell them from letters.
    ("quick", "cnn"): {"dropout_rates": (0.0, 0.0), "final_outliers": 0.25},
    # With weaker augmentation at the end, both fitted nearly all images and had nothing left to learn.
    ("best", "cnn"): {"epochs": 24, "warmup": 0.05, "dropout_rates": (0.1, 0.3), "final_augmentation": 0.5},
    # Muon is quick for matrices with a short side; these are square, 512x512.
    ("best", "mlp"): {
        "epochs": 40,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "label_smoothing": 0.0,
        "outliers": 0.0,
    },
    # So few weights have no capacity for strong augmentation, nor for outliers.
    ("best", "cnn_tiny"): {
        "epochs": 30,
        "optimizer": "adam",
        "learning_rate": 1e-2,
        "augmentation": 0.4,
        "label_smoothing": 0.0,
        "outliers": 0.0,
    },
    ("best", "resnet"): {"final_augmentation": 0.5},
    ("best", "vit"): {
        "epochs": 36,
        "learning_rate": 3e-3,
        "augmentation": 0.8,
        "final_augmentation": 0.5,
        "outliers": 0.0,
    },
    # A sample is a crop of a page, with many digits and far more pixels; there are no outliers.
    ("quick", "unet"): _PAGES | {"epochs": 3},
    ("best", "unet"): _PAGES | {"epochs": 9, "warmup": 0.05},
}


def choose_recipe(recipe: "str | Recipe", architecture: str | Architecture, **changes: Any) -> Recipe:
    """Choose a recipe and change single values of it.

    Args:
        recipe: `quick`, `best`, or a recipe of one's own.
        architecture: Network that it is for, or its name in `kerascnn.models.ARCHITECTURES`.
        **changes: Values of fields of `Recipe`; None leaves the recipe's own value.

    Returns:
        The recipe, with the dropout rates of the network.

    Raises:
        UsageError: If a name is unknown, a value impossible, or the number of dropout rates is not that of the
            network's dropout layers.
    """
    wishes = {key: value for key, value in changes.items() if value is not None}
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise UsageError(f"there is no recipe {recipe!r}; choose one of {', '.join(RECIPES)}.")
        name = architecture.name if isinstance(architecture, Architecture) else architecture
        differences = dict(_DIFFERENCES.get((recipe, name), {}))
        if "outliers" in wishes:  # A share that is asked for holds to the end.
            differences.pop("final_outliers", None)
        wishes = {**differences, **wishes}
        recipe = RECIPES[recipe]
    made = replace(recipe, **wishes)
    return replace(made, dropout_rates=resolve_dropout_rates(architecture, made.dropout_rates))
