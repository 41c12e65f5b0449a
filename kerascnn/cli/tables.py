"""What the commands print: results for people on stdout, progress and messages on stderr."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kerascnn.benchmarking import Benchmark, Rate
from kerascnn.evaluation.comparison import Comparison
from kerascnn.evaluation.model_overview import ArchitectureOverview, Runs
from kerascnn.evaluation.report_comparison import verdict
from kerascnn.evaluation.scoring import Evaluation
from kerascnn.evaluation.segmentation_scores import SegmentationScore
from kerascnn.saving.card import Card
from kerascnn.utils.backend import BackendChoice, BackendStatus

_MAX_DISAGREEMENTS = 10
_FEW_CORES = 0.9  # of those that there are


def print_fit(card: Card, paths: Sequence[Path]) -> None:
    """Print the history as a table, the score and the files."""
    table = _table("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    for row in card.history:
        table.add_row(
            str(row["epoch"]),
            f"{row['loss']:.4f}",
            f"{row['accuracy']:.2%}",
            f"{row['val_loss']:.4f}",
            f"{row['val_accuracy']:.2%}",
            f"{row['seconds']:.1f}",
        )
    console = _stdout()
    console.print(table)
    metrics = card.metrics
    if card.segments_pages:
        result = f"IoU {metrics['test_iou']:.2%}, accuracy of the pixels with ink {metrics['test_accuracy']:.2%}"
        samples = "pages"
    else:
        result = f"test accuracy {metrics['test_accuracy']:.2%}, loss {metrics['test_loss']:.4f}"
        samples = "images"
    console.print(f"{result} ({metrics['num_samples']:,} {samples}, weights of epoch {metrics['best_epoch']})")
    for path in paths:
        console.print(f"wrote {path}", markup=False)


def print_ensemble(card: Card, paths: Sequence[Path]) -> None:
    """Print what the members and their average achieve in validation, the test score and the files."""
    console = _stdout()
    table = _table("member", "architecture", "recipe", "seed", "validation")
    for column in table.columns[1:3]:
        column.justify = "left"
    for member in card.members:
        table.add_row(*(member["name"], member["architecture"], member["recipe"], str(member["seed"]), _share(member)))
    table.add_section()
    table.add_row("average", "", "", "", _share(card.metrics))
    console.print(table)
    console.print(
        f"test accuracy {card.metrics['test_accuracy']:.2%}, loss {card.metrics['test_loss']:.4f} "
        f"({card.metrics['num_samples']:,} images)"
    )
    for path in paths:
        console.print(f"wrote {path}", markup=False)


def _share(metrics: dict) -> str:
    return f"{metrics['val_accuracy']:.2%}" if "val_accuracy" in metrics else "-"


def print_evaluation(evaluation: Evaluation) -> None:
    """Print accuracy, per-class results and the confusion matrix."""
    console = _stdout()
    console.print(
        f"accuracy {evaluation.accuracy:.2%}  loss {evaluation.loss:.4f}  "
        f"{evaluation.num_samples:,} images of {evaluation.data}"
    )
    console.print(f"calibration error {evaluation.calibration_error:.2%}")
    if evaluation.rejection:
        console.print(
            f"answering {evaluation.rejection['coverage']:.2%} of them (confidence at least "
            f"{evaluation.rejection['threshold']:.2f}): accuracy {evaluation.rejection['accuracy']:.2%}"
        )
    table = _table("class", "precision", "recall", "F1", "images")
    for row in evaluation.per_class:
        table.add_row(row.label, f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}", f"{row.support:,}")
    console.print(table)
    labels = [row.label for row in evaluation.per_class]
    if len(labels) > 20:
        console.print("The confusion matrix of more than 20 classes is printed by --format json only.")
        return
    names = [_short(label) for label in labels]
    matrix = _table("true \\ predicted", *names)
    for label, counts in zip(labels, evaluation.confusion_matrix, strict=True):
        matrix.add_row(label, *(str(count) if count else "·" for count in counts))
    console.print(matrix)


def print_segmentation(score: SegmentationScore) -> None:
    """Print how well pages were segmented, and each class."""
    console = _stdout()
    console.print(
        f"IoU {score.iou:.2%}  mean IoU of the classes {score.mean_iou:.2%}  "
        f"accuracy {score.accuracy:.2%}  {score.num_samples} synthetic pages"
    )
    table = _table("pixels that show", "IoU")
    for name, value in score.per_class.items():
        table.add_row(name, f"{value:.2%}")
    console.print(table)


def print_comparison(comparison: Comparison) -> None:
    """Print the figures of two models side by side, what their difference means, and where they disagree."""
    console = _stdout()
    first, second = comparison.evaluations
    console.print(f"{first.num_samples:,} images of {first.data}", markup=False)
    table = _table("", *(_short(name, 24) for name in comparison.names), "difference")
    for label, one, other, form in (
        ("accuracy", first.accuracy, second.accuracy, ".2%"),
        ("loss", first.loss, second.loss, ".4f"),
        ("calibration error", first.calibration_error, second.calibration_error, ".2%"),
        *(
            (f"recall of {row.label}", row.recall, other_row.recall, ".2%")
            for row, other_row in zip(first.per_class, second.per_class, strict=False)
            if row.label == other_row.label
        ),
    ):
        table.add_row(label, f"{one:{form}}", f"{other:{form}}", f"{other - one:+{form}}")
    console.print(table)
    console.print(
        f"both right {comparison.both_right:,}, only {comparison.names[0]} {comparison.only_first_right:,}, "
        f"only {comparison.names[1]} {comparison.only_second_right:,}, both wrong {comparison.both_wrong:,}",
        markup=False,
    )
    console.print(verdict(comparison), markup=False)
    shown = comparison.disagreements[:_MAX_DISAGREEMENTS]
    if not shown:
        return
    table = _table("image", "true", *(_short(name, 24) for name in comparison.names))
    for one in shown:
        answers = zip(one.answers, one.confidences, strict=True)
        table.add_row(str(one.index), one.label, *(f"{answer}  {confidence:.1%}" for answer, confidence in answers))
    console.print(table)
    left_out = len(comparison.disagreements) - len(shown)
    if left_out:
        console.print(f"and {left_out:,} more disagreements: --output or --format json gives them all.")


def print_models(rows: Sequence[ArchitectureOverview]) -> None:
    """Print size and cost of each architecture, and what trained models of each achieved."""
    console = _stdout()
    table = _table("architecture", "parameters", "multiply-adds", "what it is")
    table.columns[-1].justify = "left"
    for row in rows:
        if row.num_parameters is not None:
            table.add_row(row.name, f"{row.num_parameters:,}", f"{row.num_multiply_adds:,}", row.description)
    console.print(table)
    console.print("for a picture of 28x28 pixels and ten classes; unet: 128x128 pixels of a page\n")
    # Where all have the same data, the column tells nothing, and is one too many for a narrow terminal.
    of_pictures = [runs for row in rows if row.name != "unet" for runs in row.runs]
    columns: dict[str, Callable[[Runs], str]] = {
        "test accuracy": _accuracy,
        "seeds": lambda runs: str(len(runs.seeds)),
        "data": lambda runs: _short(runs.data, 12),
        "recipe": lambda runs: runs.recipe,
        "epochs": lambda runs: "" if runs.epochs is None else str(runs.epochs),
        "seconds": lambda runs: "" if runs.seconds is None else f"{runs.seconds:,.0f}",
        "ms": lambda runs: "" if runs.milliseconds_per_picture is None else f"{runs.milliseconds_per_picture:.2f}",
        "backend": lambda runs: runs.backend,
    }
    if len({runs.data for runs in of_pictures}) < 2:
        del columns["data"]
    trained = _table("trained", *columns)
    for row in rows:
        for runs in row.runs:
            trained.add_row(row.name, *(text(runs) for text in columns.values()))
    console.print(trained)
    console.print("seconds of training; milliseconds (ms) for one picture on one core")
    if any(row.name == "unet" and row.runs for row in rows):
        console.print("unet: accuracy of the pixels with ink, milliseconds for 128x128 pixels")
    missing = [row.name for row in rows if not row.runs]
    if missing:
        console.print(f"not trained yet: {', '.join(missing)} (kerascnn fit --architecture {missing[0]})")


def _accuracy(runs: Runs) -> str:
    spread = "" if runs.accuracy_deviation is None else f" ± {runs.accuracy_deviation:.2%}"
    return f"{runs.accuracy:.2%}{spread}"


def print_backends(statuses: Sequence[BackendStatus], choice: BackendChoice | None) -> None:
    """Print which backends there are and which one would be used."""
    table = _table("backend", "version", "devices", "", numeric=False)
    for status in statuses:
        used = "used" if choice and status.name == choice.name else ""
        table.add_row(status.name, status.version or "not installed", ", ".join(status.devices) or "-", used)
    console = _stdout()
    console.print(table)
    if choice:
        console.print(f"{choice.name} would be used: {choice.reason}.", markup=False)


def print_benchmark(benchmark: Benchmark) -> None:
    """Print the machine and its limit, then a table of training and one of predicting."""
    console = _stdout()
    machine, product = benchmark.machine, benchmark.matrix_product
    console.print(f"{machine['processor']}, {machine['cores']} cores", markup=False)
    console.print(
        f"float32 matrix product: {product.gflops:,.0f} GFLOPS "
        f"({product.size}x{product.size}, {product.threads} threads)"
    )
    console.print(
        f"at that rate, the limit: {_limit(benchmark, benchmark.training_multiply_adds)} images/s in training, "
        f"{_limit(benchmark, benchmark.predicting_multiply_adds)} in predicting"
    )
    if product.cores < _FEW_CORES * product.threads:
        console.print(
            f"Other programs were running: the matrix product had {product.cores:.1f} of {product.threads} cores.\n"
            "Close them and measure again; until then, compare the rows with each other only."
        )
    for task, rates, first in (
        ("training", benchmark.training, "first step"),
        ("predicting", benchmark.predicting, "first batch"),
    ):
        table = _table(task, "images/s", "lowest - highest", "of the limit", "start", first)
        for rate in rates:
            table.add_row(*_benchmark_row(rate))
        console.print()
        console.print(table)
        for rate in rates:
            if rate.problem:
                console.print(f"{rate.name} was not measured: {rate.problem}", markup=False)


def _limit(benchmark: Benchmark, multiply_adds: int) -> str:
    return f"{benchmark.matrix_product.gflops * 1e9 / (2 * multiply_adds):,.0f}"


def _benchmark_row(rate: Rate) -> list[str]:
    name = f"{rate.name} {rate.version.split('+')[0]}" if rate.version else rate.name
    if rate.problem:
        return [name, "-"]
    return [
        name,
        f"{rate.images_per_second:,.0f}",
        f"{min(rate.runs):,.0f} - {max(rate.runs):,.0f}",
        f"{rate.share_of_peak:.0%}",
        f"{rate.seconds_to_start:.1f} s",
        f"{rate.first_step_seconds:.1f} s",
    ]


def warn(text: str) -> None:
    """Print a sentence on stderr."""
    print(text, file=sys.stderr, flush=True)


def _stdout() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console


def _table(first: str, *others: str, numeric: bool = True) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, justify="left")
    for name in others:
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    return table


def _short(label: str, length: int = 6) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
