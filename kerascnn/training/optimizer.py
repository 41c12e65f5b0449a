"""The optimizer of a recipe, with its learning rate schedule."""

import keras

from kerascnn.training.keras_internals import KernelMuon
from kerascnn.training.recipe import Recipe

_MUON_FACTOR = 5.0  # Muon's learning rate relative to that of Adam, which has biases, normalization and attention.


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer that a recipe names, with its learning rate schedule over all `steps` of the run."""
    warmup = round(recipe.warmup * steps)
    rest = max(1, steps - warmup)
    factor = _MUON_FACTOR if recipe.optimizer == "muon" else 1.0
    peak = factor * recipe.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
        decay_steps=rest,
        alpha=1.0 if recipe.schedule == "constant" else 0.0,  # Share of the peak that is left at the end.
    )
    averaging = {"use_ema": recipe.weight_averaging > 0, "ema_momentum": recipe.weight_averaging}
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(schedule, **averaging)
    return KernelMuon(schedule, adam_lr_ratio=1 / factor, weight_decay=None, adam_weight_decay=None, **averaging)
