"""What `fit` and `ensemble` print for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascnn.cli.printing import print_line
from kerascnn.cli.tables import new_table, stdout_console
from kerascnn.saving.card import Card


def print_fit(card: Card, paths: Sequence[Path]) -> None:
    """Print the history of a training as a table, the score on the test set and the files written."""
    table = new_table("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    for row in card.history:
        table.add_row(
            str(row["epoch"]),
            f"{row['loss']:.4f}",
            f"{row['accuracy']:.2%}",
            f"{row['val_loss']:.4f}",
            f"{row['val_accuracy']:.2%}",
            f"{row['seconds']:.1f}",
        )
    console = stdout_console()
    table.print(console)
    metrics = card.metrics
    if card.segments_pages:
        result = f"IoU {metrics['test_iou']:.2%}, accuracy of the pixels with ink {metrics['test_accuracy']:.2%}"
        samples = "pages"
    else:
        result = f"test accuracy {metrics['test_accuracy']:.2%}, loss {metrics['test_loss']:.4f}"
        samples = "images"
    print_line(f"{result} ({metrics['num_samples']:,} {samples}, weights of epoch {metrics['best_epoch']})")
    for path in paths:
        print_line(f"wrote {path}")


def print_ensemble(card: Card, paths: Sequence[Path]) -> None:
    """Print the validation accuracy of each member and of their average, the test score and the files written."""
    console = stdout_console()
    table = new_table("member", "architecture", "recipe", "seed", "validation")
    table.left = (0, 1, 2)
    for member in card.members:
        names = (member[key] for key in ("name", "architecture", "recipe"))
        table.add_row(*names, str(member["seed"]), _validation_accuracy(member))
    table.add_row("average", "", "", "", _validation_accuracy(card.metrics))
    table.print(console)
    print_line(
        f"test accuracy {card.metrics['test_accuracy']:.2%}, loss {card.metrics['test_loss']:.4f} "
        f"({card.metrics['num_samples']:,} images)"
    )
    for path in paths:
        print_line(f"wrote {path}")


def _validation_accuracy(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['val_accuracy']:.2%}" if "val_accuracy" in metrics else "-"
