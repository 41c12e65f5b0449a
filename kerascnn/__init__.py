"""Reads handwritten digits: convolutional networks trained and run with Keras 3.

The names below are loaded at their first use, so that `import kerascnn` costs nothing and the backend can still be
chosen.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["KerasCNNError", "__version__", "ensemble", "evaluate", "explain", "fit", "load", "read"]

if TYPE_CHECKING:
    from kerascnn.ensembling import ensemble
    from kerascnn.errors import KerasCNNError
    from kerascnn.evaluation import evaluate
    from kerascnn.explaining import explain
    from kerascnn.inference import load
    from kerascnn.reading import read
    from kerascnn.training import fit

_HOMES = {
    "KerasCNNError": "kerascnn.errors",
    "ensemble": "kerascnn.ensembling",
    "evaluate": "kerascnn.evaluation",
    "explain": "kerascnn.explaining",
    "fit": "kerascnn.training",
    "load": "kerascnn.inference",
    "read": "kerascnn.reading",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
