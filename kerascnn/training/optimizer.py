"""The optimizer of a recipe, with its schedule; and Muon for the kernels of convolutions, too."""

from math import prod, sqrt

import keras
from keras import ops

from kerascnn.training.recipe import Recipe

_MUON_FACTOR = 5.0  # Muon's learning rate against Adam's, which stays for biases, normalisation, attention


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer that a recipe names, with its learning rate over the whole run.

    Args:
        recipe: the hyper-parameters.
        steps: batches of the whole run.

    Returns:
        The optimizer, not built.
    """
    warmup = round(recipe.warmup * steps)
    rest = max(1, steps - warmup)
    factor = _MUON_FACTOR if recipe.optimizer == "muon" else 1.0
    peak = factor * recipe.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
        decay_steps=rest,
        alpha=1.0 if recipe.schedule == "constant" else 0.0,  # what is left of the peak at the end
    )
    averaging = {"use_ema": recipe.weight_averaging > 0, "ema_momentum": recipe.weight_averaging}
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(schedule, **averaging)
    return KernelMuon(schedule, adam_lr_ratio=1 / factor, weight_decay=None, adam_weight_decay=None, **averaging)


class KernelMuon(keras.optimizers.Muon):
    """Keras's Muon, for the kernels of convolutions, too, and quicker for oblong matrices.

    Muon replaces the update of a matrix by the nearest orthogonal one, by a Newton-Schulz iteration. The kernel of a
    convolution is a matrix as well, from what goes in to what comes out: one of `(3, 3, 32, 64)` has 288 rows and 64
    columns. Keras leaves these to Adam.

    Each step of the iteration multiplies the matrix from its short side, so that these factors can be multiplied with
    each other first: of ten products with the whole matrix two are left. For the 9216x128 weights of `cnn` that is a
    seventh of the time, with the same result to within 1e-5.

    Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        # Biases, those of attention with two axes, too, and embeddings are no maps from one space to another. Kernels
        # of attention have three axes; `vit` learns more slowly when Muon has them.
        is_map = variable.path.endswith("kernel") and "embedding" not in variable.path
        return not (is_map and len(variable.shape) in (2, 4))

    def zeropower_via_newtonschulz5(self, x: keras.KerasTensor, steps: int) -> keras.KerasTensor:
        """The nearly orthogonal matrix next to `x`.

        Args:
            x: a kernel, `(..., channels)`.
            steps: of the iteration.

        Returns:
            The same shape; as a matrix of so many columns as channels its singular values are around 1.
        """
        shape = x.shape
        x = ops.reshape(x, _as_matrix(shape))
        tall = x.shape[0] > x.shape[1]
        x = x / (ops.norm(x) + 1e-7)
        gram = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        identity = ops.eye(gram.shape[0], dtype=gram.dtype)
        factors = identity
        for _ in range(steps):
            factor = self.muon_a * identity + self.muon_b * gram + self.muon_c * ops.matmul(gram, gram)
            factors = ops.matmul(factor, factors)
            gram = ops.matmul(factor, ops.matmul(gram, factor))
        return ops.reshape(ops.matmul(x, factors) if tall else ops.matmul(factors, x), shape)

    def lr_adjust(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """An update with the size that Adam's would have, whatever the form of the matrix.

        Args:
            x: the update of a kernel, `(..., channels)`.

        Returns:
            The same shape.
        """
        return x * sqrt(max(_as_matrix(x.shape))) * self.rms_rate


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return prod(shape[:-1]), shape[-1]
