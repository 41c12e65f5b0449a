"""Training: `fit`, and the recipes by which it trains."""

from typing import TYPE_CHECKING

from kerascnn.training.recipe import RECIPES, Recipe

if TYPE_CHECKING:
    from kerascnn.training.trainer import fit

__all__ = ["RECIPES", "Recipe", "fit"]


def __getattr__(name: str) -> object:
    # Only here are numpy and OpenCV needed; the options of the command line are made without them.
    if name != "fit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kerascnn.training.trainer import fit

    return fit
