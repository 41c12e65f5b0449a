"""Gradients on the backend that Keras runs on; no other module knows how each framework differentiates."""

from collections.abc import Callable
from typing import Any

import numpy as np

Gradient = Callable[[np.ndarray], tuple[Any, Any]]
"""From an array to scores and the gradient of their sum."""


def differentiate(function: Callable[[Any], Any]) -> Gradient:
    """Make a function that computes scores and their gradient.

    Args:
        function: Function of Keras operations from a float32 tensor to a tensor of scores: a scalar, or one score for
            each sample that depends on this sample only.

    Returns:
        A function from an array to two float32 arrays: the scores, and the gradient of their sum in the shape of the
        argument. With one score a sample, that is each sample's own gradient.
    """
    import keras

    run = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.config.backend()](function)

    def scores_and_gradient(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, slope = run(np.asarray(values, np.float32))
        return np.asarray(scores, np.float32), np.asarray(slope, np.float32)

    return scores_and_gradient


def _on_tensorflow(function: Callable[[Any], Any]) -> Gradient:
    import tensorflow as tf

    def run(values: np.ndarray) -> tuple[Any, Any]:
        tensor = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            scores = function(tensor)
        return scores, tape.gradient(scores, tensor, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return run


def _on_jax(function: Callable[[Any], Any]) -> Gradient:
    import jax

    def run(values: np.ndarray) -> tuple[Any, Any]:
        scores, pull_back = jax.vjp(function, values)
        return scores, pull_back(jax.numpy.ones_like(scores))[0]

    # Compiled once for all calls: without that JAX takes three times as long.
    compiled: Gradient = jax.jit(run)
    return compiled


def _on_torch(function: Callable[[Any], Any]) -> Gradient:
    import keras
    import torch

    def run(values: np.ndarray) -> tuple[Any, Any]:
        tensor = keras.ops.convert_to_tensor(values).detach().requires_grad_()
        with torch.enable_grad():
            scores = function(tensor)
            (slope,) = torch.autograd.grad(scores.sum(), tensor, allow_unused=True)
        slope = torch.zeros_like(tensor) if slope is None else slope
        return scores.detach().cpu().numpy(), slope.cpu().numpy()

    return run
