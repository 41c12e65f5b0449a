"""Make an accelerated training model: it computes what a network computes, and trains faster on this backend.

It has the same weights in the same order, so that `get_weights` of one fits `set_weights` of the other, and gives the
same results to within 1e-5. The network itself stays as it is.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import keras

from kerascnn.training.acceleration.rectified_pooling import rectify_after_pooling
from kerascnn.utils.quiet import silent_stderr


def accelerate(model: keras.Model) -> keras.Model:
    """Make the accelerated model of a network. It is for training only: `model` is saved, with its weights.

    Args:
        model: Sequential or functional model, built; it is not changed.

    Returns:
        The accelerated model, not compiled, with the weights of `model`; `model` itself where there is nothing to gain.

    Example:
        >>> clone = accelerate(model)
        >>> clone.fit(images, labels)
        >>> model.set_weights(clone.get_weights())
    """
    if not _on_cpu(model):
        return model
    with silent_stderr():  # Keras imports TensorFlow, which is not silent, for any layer's configuration
        clone = _with_fast_layers(rectify_after_pooling(model))
    if clone is not model:
        clone.set_weights(model.get_weights())
    return clone


def _on_cpu(model: keras.Model) -> bool:
    """Tell whether all weights are in the memory of the CPU, which every framework names in the device."""
    return all("cpu" in str(weight.value.device).lower() for weight in model.weights)


def _with_fast_layers(model: keras.Model) -> keras.Model:
    """Replace layers by those that are written for this backend; return the model itself if there are none."""
    if keras.config.backend() == "jax":
        from kerascnn.training.acceleration.jax_layers import fast_class
    elif keras.config.backend() == "torch":
        from kerascnn.training.acceleration.torch_layers import fast_class
    else:
        return model  # for TensorFlow, no layers were found that are faster than those of Keras
    if all(fast_class(layer) is type(layer) for layer in model.layers):
        return model
    return keras.models.clone_model(
        model, clone_function=lambda layer: fast_class(layer).from_config(layer.get_config())
    )


@contextlib.contextmanager
def compilation_cache() -> Iterator[None]:
    """Let JAX keep what it compiles inside the block in the user's cache directory.

    Nothing happens if the user has chosen a directory or none, or on another backend.
    """
    directory = _cache_directory() if keras.config.backend() == "jax" else None
    if directory is None:
        yield
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache as cache

    jax.config.update("jax_compilation_cache_dir", str(directory))
    cache.reset_cache()  # JAX decides once whether it uses a cache
    try:
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", None)
        cache.reset_cache()


def _cache_directory() -> Path | None:
    import jax

    if jax.config.jax_compilation_cache_dir is not None or "JAX_ENABLE_COMPILATION_CACHE" in os.environ:
        return None
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        directory = caches / "kerascnn" / "jax"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # there may be no home
        return None  # without a cache, only the time to compile is lost
    return directory if os.access(directory, os.W_OK) else None
