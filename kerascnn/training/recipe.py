"""All hyper-parameters of a training run in one place."""

from dataclasses import asdict, dataclass, fields, replace

from kerascnn.errors import TrainingError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Args:
        epochs: passes over the training part.
        batch_size: samples a step.
        learning_rate: the peak, reached after the warm-up; from there it falls to zero along half a cosine.
        warmup: the share of all steps in which the learning rate rises from zero.
        dropout_rates: of the network's dropout layers, in order.
        augmentation: the strength of the random changes to training images: 0 for none, 1 for the usual.
        outliers: pictures that are no digits, added to each batch as a share of its size, for the network to learn to
            be undecided about; only for data sets of the ten digits.
    """

    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup: float = 0.1
    dropout_rates: tuple[float, float] = (0.25, 0.5)
    augmentation: float = 0.0
    outliers: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}; expected at least 1.")
        if not 0 < self.learning_rate < 10:
            raise TrainingError(f"learning_rate is {self.learning_rate:g}; expected a number above 0 and below 10.")

    def to_dict(self) -> dict:
        """The same as plain data, for the card and for resuming."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "Recipe":
        """The inverse of `to_dict`; unknown names are a TypeError."""
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**values, "dropout_rates": tuple(values["dropout_rates"])})


RECIPES = {
    # A few minutes on a laptop.
    "quick": Recipe(),
    # For people's own pictures: many epochs on images that are changed as pens and hands would change them.
    "best": Recipe(
        epochs=36, learning_rate=1.5e-3, warmup=0.05, dropout_rates=(0.1, 0.3), augmentation=1.0, outliers=0.2
    ),
}


def choose_recipe(name: str, **changes) -> Recipe:
    """A recipe by name, with single values changed.

    Args:
        name: `quick` or `best`.
        **changes: fields of `Recipe`; None leaves the recipe's own value.

    Returns:
        The recipe.

    Raises:
        TrainingError: if the name is unknown or a value impossible.

    Example:
        >>> choose_recipe("quick", epochs=1).epochs
        1
    """
    if name not in RECIPES:
        raise TrainingError(f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    return replace(RECIPES[name], **{key: value for key, value in changes.items() if value is not None})
