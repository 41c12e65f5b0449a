"""Gradients on whatever backend Keras runs: the only place that knows how each framework differentiates."""

from collections.abc import Callable

import numpy as np

Differentiated = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def differentiated(function: Callable) -> Differentiated:
    """Make a function of Keras operations give its gradient, too.

    Args:
        function: from a float32 tensor of the running backend to a tensor of scores: a scalar, or one score a sample,
            where each depends on its own sample only.

    Returns:
        A function from an array to two arrays, all float32: the scores, and the gradient of their sum, of the shape of
        its argument; with one score a sample, that is each sample's own gradient.

    Example:
        >>> differentiated(lambda x: keras.ops.sum(x**2))(np.array([1.0, 3.0]))[1]
        array([2., 6.], dtype=float32)
    """
    import keras

    run = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.config.backend()](function)

    def scores_and_gradient(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, slope = run(np.asarray(values, np.float32))
        return np.asarray(scores, np.float32), np.asarray(slope, np.float32)

    return scores_and_gradient


def _on_tensorflow(function: Callable) -> Differentiated:
    import tensorflow as tf

    def run(values: np.ndarray):
        tensor = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            scores = function(tensor)
        slope = tape.gradient(scores, tensor, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return scores.numpy(), slope.numpy()

    return run


def _on_jax(function: Callable) -> Differentiated:
    import jax

    def run(values):
        scores, pull_back = jax.vjp(function, values)
        return scores, pull_back(jax.numpy.ones_like(scores))[0]

    # Compiled once, however often it is called: without that JAX takes three times as long.
    return jax.jit(run)


def _on_torch(function: Callable) -> Differentiated:
    import keras
    import torch

    def run(values: np.ndarray):
        tensor = keras.ops.convert_to_tensor(values).detach().requires_grad_()
        with torch.enable_grad():
            scores = function(tensor)
            (slope,) = torch.autograd.grad(scores.sum(), tensor, allow_unused=True)
        slope = torch.zeros_like(tensor) if slope is None else slope
        return scores.detach().cpu().numpy(), slope.cpu().numpy()

    return run
