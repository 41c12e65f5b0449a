"""What `evaluate` prints for people."""

from kerascnn.cli.printing import print_line
from kerascnn.cli.tables import new_table, shorten, stdout_console
from kerascnn.evaluation.comparison import Comparison
from kerascnn.evaluation.report_comparison import describe_significance
from kerascnn.evaluation.scoring import Evaluation
from kerascnn.evaluation.segmentation_scores import SegmentationScore

_MAX_DISAGREEMENTS = 10
_MAX_CLASSES_IN_MATRIX = 20


def print_evaluation(evaluation: Evaluation) -> None:
    """Print accuracy, per-class results and the confusion matrix."""
    console = stdout_console()
    print_line(
        f"accuracy {evaluation.accuracy:.2%}  loss {evaluation.loss:.4f}  "
        f"{evaluation.num_samples:,} images of {evaluation.data}"
    )
    print_line(f"calibration error {evaluation.calibration_error:.2%}")
    if evaluation.rejection:
        print_line(
            f"answering {evaluation.rejection['coverage']:.2%} of them (confidence at least "
            f"{evaluation.rejection['threshold']:.2f}): accuracy {evaluation.rejection['accuracy']:.2%}"
        )
    table = new_table("class", "precision", "recall", "F1", "images")
    for row in evaluation.per_class:
        table.add_row(row.label, f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}", f"{row.support:,}")
    table.print(console)
    labels = [row.label for row in evaluation.per_class]
    if len(labels) > _MAX_CLASSES_IN_MATRIX:
        print_line(f"The confusion matrix of more than {_MAX_CLASSES_IN_MATRIX} classes is in --format json only.")
        return
    names = [shorten(label) for label in labels]
    matrix = new_table("true \\ predicted", *names)
    for label, counts in zip(labels, evaluation.confusion_matrix, strict=True):
        matrix.add_row(label, *(str(count) if count else "·" for count in counts))
    matrix.print(console)


def print_segmentation(score: SegmentationScore) -> None:
    """Print the scores of a segmentation of pages, overall and for each class of pixels."""
    console = stdout_console()
    print_line(
        f"IoU {score.iou:.2%}  mean IoU of the classes {score.mean_iou:.2%}  "
        f"accuracy {score.accuracy:.2%}  {score.num_samples} synthetic pages"
    )
    table = new_table("pixels that show", "IoU")
    for name, value in score.per_class.items():
        table.add_row(name, f"{value:.2%}")
    table.print(console)


def print_comparison(comparison: Comparison) -> None:
    """Print the scores of two models side by side, whether they differ by more than chance, and where they disagree."""
    console = stdout_console()
    first, second = comparison.evaluations
    print_line(f"{first.num_samples:,} images of {first.data}")
    table = new_table("", *(shorten(name, 24) for name in comparison.names), "difference")
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
    table.print(console)
    print_line(
        f"both right {comparison.both_right:,}, only {comparison.names[0]} {comparison.only_first_right:,}, "
        f"only {comparison.names[1]} {comparison.only_second_right:,}, both wrong {comparison.both_wrong:,}"
    )
    print_line(describe_significance(comparison))
    shown = comparison.disagreements[:_MAX_DISAGREEMENTS]
    if not shown:
        return
    table = new_table("image", "true", *(shorten(name, 24) for name in comparison.names))
    for disagreement in shown:
        predictions = zip(disagreement.answers, disagreement.confidences, strict=True)
        table.add_row(
            str(disagreement.index),
            disagreement.label,
            *(f"{label}  {confidence:.1%}" for label, confidence in predictions),
        )
    table.print(console)
    left_out = len(comparison.disagreements) - len(shown)
    if left_out:
        print_line(f"and {left_out:,} more disagreements: --output or --format json gives them all.")
