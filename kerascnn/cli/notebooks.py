"""Commands in the cells of a notebook, which get the notebook's environment."""

import importlib.util
import os

_MODULE = "module://"


def runs_in_notebook() -> bool:
    """Tell whether this is a command in a cell of a notebook.

    Jupyter gives it a terminal and keeps every movement of a bar as an output of its own; there, lines are enough.
    """
    return "JPY_PARENT_PID" in os.environ or "matplotlib_inline" in os.environ.get("MPLBACKEND", "")


def drop_missing_figure_backend() -> None:
    """Forget the module that draws a notebook's figures where it is not installed beside kerascnn.

    matplotlib, which Keras imports, refuses to start with one that is missing; kerascnn draws files only.
    """
    backend = os.environ.get("MPLBACKEND", "")
    module = backend.removeprefix(_MODULE).partition(".")[0]
    if backend.startswith(_MODULE) and module and importlib.util.find_spec(module) is None:
        del os.environ["MPLBACKEND"]
