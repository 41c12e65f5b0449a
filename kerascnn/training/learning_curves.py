"""The learning curves of a run as a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Okabe and Ito's colours, which colour-blind people can tell apart.
_BLUE, _ORANGE = "#0072B2", "#D55E00"


def draw_learning_curves(history: Sequence[Mapping[str, Any]], title: str, path: Path) -> None:
    """Draw loss and accuracy by epoch, on training and validation data.

    Args:
        history: One row for each epoch: `epoch`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        title: Title of the figure.
        path: The `.png` file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    epochs = [row["epoch"] for row in history]
    for axes, key, label in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("loss", "accuracy in %"), strict=True):
        factor = 100 if key == "accuracy" else 1
        for name, column, colour, marker in (("training", key, _ORANGE, "o"), ("validation", f"val_{key}", _BLUE, "s")):
            values = [row[column] * factor for row in history]
            axes.plot(epochs, values, color=colour, marker=marker, markersize=4, label=name)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=150, format="png", metadata={"Software": None})
