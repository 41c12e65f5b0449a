"""All that depends on names of Keras that it does not document.

Both classes are subclasses of Keras's own whose private or undocumented members they replace or set. So pyproject.toml
bounds the version of Keras from above: each new one is tried first, `tests/test_training.py` says whether it fits.
"""

from math import prod, sqrt

import keras
from keras import ops


class UseAverages(keras.callbacks.SwapEMAWeights):
    """Validate, keep and save the averaged weights instead of those that training continues with.

    It comes before the callbacks that read the weights at the end of an epoch.

    Args:
        resumed: Whether the weights are those of a saved run, which are the averages already.
    """

    def __init__(self, resumed: bool) -> None:
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = resumed


class KernelMuon(keras.optimizers.Muon):
    """Keras's Muon, applied to the kernels of convolutions as well, and quicker for oblong matrices.

    Muon replaces the update of a matrix by the nearest orthogonal one, by a Newton-Schulz iteration. The kernel of a
    convolution is a matrix as well, from its inputs to its outputs: one of `(3, 3, 32, 64)` has 288 rows and 64
    columns. Keras leaves these to Adam.

    Each step of the iteration multiplies the matrix from its short side, so that these factors can be multiplied with
    each other first: of ten products with the whole matrix two are left. For the 9216x128 weights of `cnn` that takes a
    seventh of the time, with the same result to within 1e-5.

    Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        # Biases, including those of attention, which have two axes, and embeddings are no linear maps. Kernels of
        # attention have three axes; `vit` learns more slowly when Muon has them.
        is_map = variable.path.endswith("kernel") and "embedding" not in variable.path
        return not (is_map and len(variable.shape) in (2, 4))

    def zeropower_via_newtonschulz5(self, x: keras.KerasTensor, steps: int) -> keras.KerasTensor:
        """Compute the nearly orthogonal matrix close to `x`, the update of a kernel, `(..., channels)`.

        The result has the same shape; as a matrix with as many columns as channels it has singular values around 1.
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
        """Scale `x`, the update of a kernel, to the size that Adam's would have, whatever the shape of the matrix."""
        return x * sqrt(max(_as_matrix(x.shape))) * self.rms_rate


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return prod(shape[:-1]), shape[-1]
