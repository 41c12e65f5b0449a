"""Sections with the scores of all models, and with the comparison of two."""

from collections.abc import Sequence

from kerascnn.datasets.stored_images import Images
from kerascnn.evaluation.comparison import Comparison, Disagreement
from kerascnn.evaluation.report_figures import MAX_GALLERY, shorten
from kerascnn.evaluation.report_page import NO_BREAK, Page, Subject, Tile, describe_count, format_percent
from kerascnn.evaluation.scoring import Evaluation
from kerascnn.evaluation.significance import wilson_interval


def add_results(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the scores of one model, or of two with their differences."""
    page.html.section("Result")
    columns = [_figures(subject.predictions.evaluation) for subject in subjects]
    differences = [_differences(subjects)] if len(subjects) == 2 else []
    rows = [
        (label, *(column[label] for column in columns), *(difference.get(label, "") for difference in differences))
        for label in columns[0]
    ]
    header = ["", *(subject.name for subject in subjects), *["difference" for _ in differences]]
    page.html.table(header, rows)


def add_comparison(page: Page, comparison: Comparison, images: Images) -> None:
    """Add the test of significance, and the images for which two models disagree."""
    first, second = comparison.names
    page.html.section("Is the difference more than chance?", describe_significance(comparison))
    page.html.table(
        ["", f"{second} right", f"{second} wrong"],
        [
            (f"{first} right", f"{comparison.both_right:,}", f"{comparison.only_first_right:,}"),
            (f"{first} wrong", f"{comparison.only_second_right:,}", f"{comparison.both_wrong:,}"),
        ],
        "Only the images that one model gets right and the other wrong tell them apart.",
    )
    differ = comparison.disagreements
    page.html.section(
        "Where they disagree", describe_count(len(differ), "disagreement", "first those where both are sure")
    )
    page.add_table(
        "disagreements",
        ["index", "true", *(f"{name} {what}" for name in comparison.names for what in ("answer", "confidence"))],
        [
            (one.index, one.label, one.answers[0], one.confidences[0], one.answers[1], one.confidences[1])
            for one in differ
        ],
    )
    if differ:
        page.add_gallery("disagreements", [_tile(comparison, one, images) for one in differ[:MAX_GALLERY]])


def describe_significance(comparison: Comparison) -> str:
    """Put the result of the exact McNemar test into words."""
    first, second = comparison.names
    difference, p_value = comparison.accuracy_difference, comparison.p_value
    if not comparison.only_first_right + comparison.only_second_right:
        return "Both models get the same images right; these images tell of no difference."
    chance = (
        "Were they equally good, chance alone would make them differ at least so much with a probability of "
        f"{p_value:.2g} (exact McNemar test, two-sided)."
    )
    if difference == 0:
        return f"Both have the same accuracy. {chance}"
    better, worse = (second, first) if difference > 0 else (first, second)
    meaning = (
        "At the usual limit of 0.05 this is more than chance."
        if p_value < 0.05
        else "At the usual limit of 0.05 this may be chance: these images cannot tell which one is better."
    )
    return f"{better} is {abs(difference) * 100:.2f} points more accurate than {worse}. {chance} {meaning}"


def _tile(comparison: Comparison, one: Disagreement, images: Images) -> Tile:
    first, second = (
        f"{shorten(name)}: {shorten(answer)} ({format_percent(confidence)})"
        for name, answer, confidence in zip(comparison.names, one.answers, one.confidences, strict=True)
    )
    title = f"true: {shorten(one.label)}"
    return Tile(images[one.index], f"image {one.index}, a {one.label}", title, (first, second))


def _figures(evaluation: Evaluation) -> dict[str, str]:
    right = round(evaluation.accuracy * evaluation.num_samples)
    low, high = wilson_interval(right, evaluation.num_samples)
    rejection = evaluation.rejection
    return {
        "accuracy": f"{evaluation.accuracy:.2%}",
        "95 % interval of the accuracy": f"{low:.2%} to {high:.2%}",
        "mistakes": f"{evaluation.num_samples - right:,}",
        "loss (cross-entropy, nats)": f"{evaluation.loss:.4f}",
        "expected calibration error": f"{evaluation.calibration_error:.2%}",
        "confidence below which it does not answer": f"{rejection['threshold']:.2f}" if rejection else "-",
        "answers given": f"{rejection['coverage']:.2%}" if rejection else "-",
        "accuracy of the answers given": f"{rejection['accuracy']:.2%}" if rejection else "-",
        "computed by": evaluation.engine,
    }


def _differences(subjects: Sequence[Subject]) -> dict[str, str]:
    """Subtract the first model's scores from the second's."""
    first, second = (subject.predictions.evaluation for subject in subjects)
    mistakes = [len(subject.predictions.mistakes) for subject in subjects]
    return {
        "accuracy": _points(second.accuracy - first.accuracy),
        "mistakes": f"{mistakes[1] - mistakes[0]:+,}",
        "loss (cross-entropy, nats)": f"{second.loss - first.loss:+.4f}",
        "expected calibration error": _points(second.calibration_error - first.calibration_error),
    }


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}{NO_BREAK}points"
