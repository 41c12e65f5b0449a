"""Training: `fit` is the only door."""

from kerascnn.training.recipe import RECIPES, Recipe
from kerascnn.training.trainer import fit

__all__ = ["RECIPES", "Recipe", "fit"]
