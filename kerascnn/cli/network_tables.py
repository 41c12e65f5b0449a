"""What `models` prints for people."""

from collections.abc import Callable, Sequence

from kerascnn.cli.printing import print_line
from kerascnn.cli.tables import new_table, stdout_console
from kerascnn.evaluation.model_overview import ArchitectureOverview, Runs


def print_models(rows: Sequence[ArchitectureOverview]) -> None:
    """Print size and cost of each architecture, and the scores of the trained models of each."""
    console = stdout_console()
    table = new_table("architecture", "parameters", "multiply-adds", "what it is", wrapped=3)
    for row in rows:
        if row.num_parameters is not None:
            table.add_row(row.name, f"{row.num_parameters:,}", f"{row.num_multiply_adds:,}", row.description)
    table.print(console)
    print_line("for a picture of 28x28 pixels and ten classes; unet: 128x128 pixels of a page")
    print_line()
    columns: dict[str, Callable[[Runs], str]] = {
        "test accuracy": _accuracy,
        "seeds": lambda runs: str(len(runs.seeds)),
        "recipe": lambda runs: runs.recipe,
        "epochs": lambda runs: "" if runs.epochs is None else str(runs.epochs),
        "seconds": lambda runs: "" if runs.seconds is None else f"{runs.seconds:,.0f}",
        "ms": lambda runs: "" if runs.milliseconds_per_picture is None else f"{runs.milliseconds_per_picture:.2f}",
        "backend": lambda runs: runs.backend,
    }
    trained = new_table("trained", *columns)
    for row in rows:
        for runs in row.runs:
            trained.add_row(row.name, *(text(runs) for text in columns.values()))
    trained.print(console)
    for row in rows:
        for runs in row.runs:
            print_line(f"{row.name}, {runs.recipe}: {', '.join(runs.models)}")
    print_line("seconds of training; milliseconds (ms) for one picture on one core")
    # A column of the data is one too many for a narrow terminal, and nearly always says mnist.
    for name, data in sorted({(row.name, runs.data) for row in rows if row.name != "unet" for runs in row.runs}):
        if data != "mnist":
            print_line(f"{name}: trained on {data}")
    if any(row.name == "unet" and row.runs for row in rows):
        print_line("unet: accuracy of the pixels with ink, milliseconds for 128x128 pixels")
    missing = [row.name for row in rows if not row.runs]
    if missing:
        print_line(f"not trained yet: {', '.join(missing)} (kerascnn fit --architecture {missing[0]})")


def _accuracy(runs: Runs) -> str:
    spread = "" if runs.accuracy_deviation is None else f" ± {runs.accuracy_deviation:.2%}"
    return f"{runs.accuracy:.2%}{spread}"
