"""Training: `fit` is the only door."""

from kerascnn.training.fit import fit
from kerascnn.training.recipe import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe", "fit"]
