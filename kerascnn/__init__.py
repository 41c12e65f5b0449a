"""Reads handwritten digits: convolutional networks trained and run with Keras 3.

The names below are loaded at their first use, so that `import kerascnn` costs nothing and the backend can still be
chosen.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kerascnn.utils.version import __version__

__all__ = ["KerasCNNError", "__version__", "ensemble", "evaluate", "explain", "fit", "load", "read"]

if TYPE_CHECKING:
    from kerascnn.evaluation import evaluate
    from kerascnn.explaining import explain
    from kerascnn.inference import load
    from kerascnn.inference.page_reader import read
    from kerascnn.training import fit
    from kerascnn.training.ensembling import ensemble
    from kerascnn.utils.errors import KerasCNNError

_HOMES = {
    "KerasCNNError": "kerascnn.utils.errors",
    "ensemble": "kerascnn.training.ensembling",
    "evaluate": "kerascnn.evaluation",
    "explain": "kerascnn.explaining",
    "fit": "kerascnn.training",
    "load": "kerascnn.inference",
    "read": "kerascnn.inference.page_reader",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
