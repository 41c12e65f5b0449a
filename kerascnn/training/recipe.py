"""All hyper-parameters of a training run in one place."""

from dataclasses import asdict, dataclass, fields, replace
from math import cos, pi

from kerascnn.models import dropout_rates_of
from kerascnn.utils.errors import TrainingError

OPTIMIZERS, SCHEDULES = ("adam", "muon"), ("cosine", "constant")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Args:
        epochs: passes over the training part.
        batch_size: samples a step.
        optimizer: `adam`, or `muon`: Muon with five times the learning rate for the kernels of dense layers and
            convolutions, Adam for the rest.
        learning_rate: the peak, reached after the warm-up.
        schedule: of the learning rate after the warm-up: `cosine` falls to zero along half a cosine, `constant` stays.
        warmup: the share of all steps in which the learning rate rises from zero.
        dropout_rates: of the network's dropout layers, in order; None for the network's own.
        augmentation: the strength of the random changes to training images: 0 for none, 1 for the usual.
        final_augmentation: the strength in the last epoch, approached along half a cosine, so that the small last steps
            are made for images as people write them (Z. He et al., "Data augmentation revisited", 2019); None for no
            change.
        label_smoothing: the share of each target that is spread over all classes.
        weight_averaging: the momentum of an exponential moving average of the weights, which is validated and kept in
            place of the weights themselves (B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by
            averaging", 1992); 0 for none.
        outliers: pictures that are no digits, added to each batch as a share of its size, for the network to learn to
            be undecided about; only for data sets of the ten digits.
    """

    epochs: int = 3
    batch_size: int = 128
    optimizer: str = "muon"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    warmup: float = 0.1
    dropout_rates: tuple[float, ...] | None = None
    augmentation: float = 0.5
    final_augmentation: float | None = None
    label_smoothing: float = 0.1
    weight_averaging: float = 0.0
    outliers: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}; expected at least 1.")
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise TrainingError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}.")
        if not 0 < self.learning_rate < 10:
            raise TrainingError(f"learning_rate is {self.learning_rate:g}; expected a number above 0 and below 10.")
        shares = (("warmup", 1.0), ("augmentation", 2.0), ("final_augmentation", 2.0), ("outliers", 1.0))
        for name, highest in shares:
            if getattr(self, name) is not None and not 0 <= getattr(self, name) <= highest:
                raise TrainingError(f"{name} is {getattr(self, name):g}; expected 0 to {highest:g}.")
        for name in ("label_smoothing", "weight_averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name):g}; expected at least 0 and less than 1.")
        if not all(0 <= rate < 1 for rate in self.dropout_rates or ()):
            raise TrainingError("a dropout rate is the share of units that is left out: at least 0 and below 1.")

    def augmentation_in(self, epoch: int) -> float:
        """The strength of the random changes in an epoch, counted from 0."""
        if self.final_augmentation is None or self.epochs == 1:
            return self.augmentation
        share = (1 + cos(pi * epoch / (self.epochs - 1))) / 2
        return share * self.augmentation + (1 - share) * self.final_augmentation

    def to_dict(self) -> dict:
        """The same as plain data, for the card and for resuming."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "Recipe":
        """The inverse of `to_dict`; unknown names are a TypeError."""
        values = {field.name: data[field.name] for field in fields(cls)}
        rates = values["dropout_rates"]
        return cls(**{**values, "dropout_rates": None if rates is None else tuple(rates)})


RECIPES = {
    # A few minutes on a laptop.
    "quick": Recipe(),
    # For people's own pictures: many epochs on images that are changed as pens and hands would change them, in the end
    # less and less.
    "best": Recipe(epochs=18, augmentation=1.0, final_augmentation=0.3, outliers=0.1),
}

_PAGES = {
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 4e-3,
    "augmentation": 1.0,
    "final_augmentation": None,
    "label_smoothing": 0.0,
    "outliers": 0.0,
}
# What a recipe does otherwise for one architecture. Labels are smoothed where that was tried.
_DIFFERENCES = {
    # On changed images `cnn` does not overfit in so few epochs: what is dropped is only learnt later.
    ("quick", "cnn"): {"dropout_rates": (0.0, 0.0)},
    # Where the changes of the images had become weak, both knew nearly all of them and had nothing left to learn.
    ("best", "cnn"): {"epochs": 24, "warmup": 0.05, "dropout_rates": (0.1, 0.3), "final_augmentation": 0.5},
    # Square matrices of 512 have no short side, over which Muon would be quick.
    ("best", "mlp"): {
        "epochs": 40,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "label_smoothing": 0.0,
        "outliers": 0.0,
    },
    # So few weights have no room for all the forms of the changed images, nor for what is no digit.
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
    # A sample is a part of a page, with many digits and far more pixels; there are no pictures of no digit.
    ("quick", "unet"): _PAGES | {"epochs": 3},
    ("best", "unet"): _PAGES | {"epochs": 9, "warmup": 0.05},
}


def choose_recipe(name: str, architecture: str, **changes) -> Recipe:
    """A recipe by name, with single values changed.

    Args:
        name: `quick` or `best`.
        architecture: the network that it is for, a name of `kerascnn.models.ARCHITECTURES`.
        **changes: fields of `Recipe`; None leaves the recipe's own value.

    Returns:
        The recipe, with the dropout rates of the network.

    Raises:
        TrainingError: if the name is unknown or a value impossible.
        ModelError: if the architecture is unknown, or the number of dropout rates is not that of its dropout layers.

    Example:
        >>> choose_recipe("quick", "cnn", epochs=1).dropout_rates
        (0.0, 0.0)
    """
    if name not in RECIPES:
        raise TrainingError(f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    wishes = {key: value for key, value in changes.items() if value is not None}
    recipe = replace(RECIPES[name], **{**_DIFFERENCES.get((name, architecture), {}), **wishes})
    return replace(recipe, dropout_rates=dropout_rates_of(architecture, recipe.dropout_rates))
