"""A twin of a network that trains faster on this backend and device; the network itself stays as it is.

The twin has the same layers with the same weights in the same order, so that `get_weights` of one fits `set_weights` of
the other, and gives the same results to within 1e-5.
"""

import os
from pathlib import Path

import keras


def fast_clone(model: keras.Model) -> keras.Model:
    """Make the twin to train.

    Args:
        model: built; it is not changed.

    Returns:
        The twin, not compiled, with the weights of `model`; `model` itself where there is nothing to gain.

    Example:
        >>> clone = fast_clone(model)
        >>> clone.fit(images, labels)
        >>> model.set_weights(clone.get_weights())
    """
    if keras.config.backend() != "jax":
        return model
    from kerascnn.training.jax_layers import fast_layer, on_cpu

    if not on_cpu():
        return model
    _keep_compiled_programs()
    clone = keras.models.clone_model(model, clone_function=fast_layer)
    clone.set_weights(model.get_weights())
    return clone


def _keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the user's cache directory, unless the user has chosen a place or none."""
    import jax

    if jax.config.jax_compilation_cache_dir is not None or "JAX_ENABLE_COMPILATION_CACHE" in os.environ:
        return
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = caches / "kerascnn" / "jax"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return  # without a cache, only the time to compile is lost
    jax.config.update("jax_compilation_cache_dir", str(directory))
