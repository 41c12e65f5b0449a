"""The learning curves of a run as a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerascnn.utils.figure_style import ORANGE, Drawing, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_learning_curves(history: Sequence[Mapping[str, Any]], title: str = "") -> Drawing:
    """Draw loss and accuracy by epoch, on training and validation data.

    Args:
        history: One row for each epoch: `epoch`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        title: Title of the figure; none by default.
    """
    epochs = [row["epoch"] for row in history]

    def draw(figure: "Figure", theme: Theme) -> None:
        from matplotlib.ticker import MaxNLocator

        if title:
            figure.suptitle(title, fontsize=10)
        panels = zip(figure.subplots(1, 2), ("loss", "accuracy"), ("loss", "accuracy in %"), strict=True)
        for axes, key, label in panels:
            factor = 100 if key == "accuracy" else 1
            curves = (("training", key, ORANGE, "o"), ("validation", f"val_{key}", theme.bar, "s"))
            for name, column, colour, marker in curves:
                values = [row[column] * factor for row in history]
                axes.plot(epochs, values, color=colour, marker=marker, markersize=3, linewidth=1.2, label=name)
            axes.set_xlabel("epoch")
            axes.set_ylabel(label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(color=theme.quiet, alpha=0.25, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, fontsize=8.5)

    return Drawing(draw, 2.8 if title else 2.6)
