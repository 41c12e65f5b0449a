"""Reads handwritten digits: convolutional networks trained and run with Keras 3.

The names below are loaded at their first use, so that `import kerascnn` costs nothing and the backend can still be
chosen.
"""

from importlib import import_module

from kerascnn.utils.version import __version__

TYPE_CHECKING = False  # as type checkers know it; to import `typing` takes longer than all else here
if TYPE_CHECKING:
    from kerascnn.datasets import Dataset, load_dataset
    from kerascnn.evaluation import ClassResult, Evaluation, evaluate
    from kerascnn.explaining import Explanation, PageExplanation, explain
    from kerascnn.inference import Prediction, Predictor, load
    from kerascnn.inference.number_rules import make_rule
    from kerascnn.inference.page_reader import read
    from kerascnn.inference.page_text import Digit, Line, Number, Page, Symbol
    from kerascnn.models import register
    from kerascnn.saving.card import Card
    from kerascnn.summary import Summary, summarize
    from kerascnn.training import RECIPES, Recipe, fit
    from kerascnn.training.ensembling import ensemble
    from kerascnn.utils.errors import (
        BackendError,
        DataError,
        ImageError,
        KerasCNNError,
        ModelError,
        OutputError,
        TrainingError,
        UsageError,
    )

__all__ = [
    "RECIPES",
    "BackendError",
    "Card",
    "ClassResult",
    "DataError",
    "Dataset",
    "Digit",
    "Evaluation",
    "Explanation",
    "ImageError",
    "KerasCNNError",
    "Line",
    "ModelError",
    "Number",
    "OutputError",
    "Page",
    "PageExplanation",
    "Prediction",
    "Predictor",
    "Recipe",
    "Summary",
    "Symbol",
    "TrainingError",
    "UsageError",
    "__version__",
    "ensemble",
    "evaluate",
    "explain",
    "fit",
    "load",
    "load_dataset",
    "make_rule",
    "read",
    "register",
    "summarize",
]

_HOMES = {
    "kerascnn.datasets": ("Dataset", "load_dataset"),
    "kerascnn.evaluation": ("ClassResult", "Evaluation", "evaluate"),
    "kerascnn.explaining": ("Explanation", "PageExplanation", "explain"),
    "kerascnn.inference": ("Prediction", "Predictor", "load"),
    "kerascnn.inference.number_rules": ("make_rule",),
    "kerascnn.inference.page_reader": ("read",),
    "kerascnn.inference.page_text": ("Digit", "Line", "Number", "Page", "Symbol"),
    "kerascnn.models": ("register",),
    "kerascnn.saving.card": ("Card",),
    "kerascnn.summary": ("Summary", "summarize"),
    "kerascnn.training": ("RECIPES", "Recipe", "fit"),
    "kerascnn.training.ensembling": ("ensemble",),
    "kerascnn.utils.errors": (
        "BackendError",
        "DataError",
        "ImageError",
        "KerasCNNError",
        "ModelError",
        "OutputError",
        "TrainingError",
        "UsageError",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
