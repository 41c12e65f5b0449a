"""The figures of each model in a column, and what tells two models apart."""

from collections.abc import Sequence

import numpy as np

from kerascnn.evaluation.comparison import Comparison
from kerascnn.evaluation.report_figures import MAX_GALLERY
from kerascnn.evaluation.report_page import NO_BREAK, Page, Subject, Tile, how_many, percent, short
from kerascnn.evaluation.scoring import Evaluation
from kerascnn.evaluation.significance import wilson_interval


def add_results(page: Page, subjects: Sequence[Subject]) -> None:
    """The figures of one model, or of two with their differences."""
    page.html.section("Result")
    columns = [_figures(subject.answers.evaluation) for subject in subjects]
    differences = [_differences(subjects)] if len(subjects) == 2 else []
    rows = [
        (label, *(column[label] for column in columns), *(difference.get(label, "") for difference in differences))
        for label in columns[0]
    ]
    header = ["", *(subject.name for subject in subjects), *["difference" for _ in differences]]
    page.html.table(header, rows)


def add_comparison(page: Page, comparison: Comparison, images: np.ndarray) -> None:
    """Whether the difference of two models may be chance, and the images on which they disagree."""
    first, second = comparison.names
    page.html.section("Is the difference more than chance?", verdict(comparison))
    page.html.table(
        ["", f"{second} right", f"{second} wrong"],
        [
            (f"{first} right", f"{comparison.both_right:,}", f"{comparison.only_first_right:,}"),
            (f"{first} wrong", f"{comparison.only_second_right:,}", f"{comparison.both_wrong:,}"),
        ],
        "Only the images that one model gets right and the other wrong tell them apart.",
    )
    differ = comparison.disagreements
    page.html.section("Where they disagree", how_many(len(differ), "disagreement", "first those where both are sure"))
    page.table(
        "disagreements",
        ["index", "true", *(f"{name} {what}" for name in comparison.names for what in ("answer", "confidence"))],
        [
            (one.index, one.label, one.answers[0], one.confidences[0], one.answers[1], one.confidences[1])
            for one in differ
        ],
    )
    tiles = [
        Tile(
            images[one.index],
            f"image {one.index}, a {one.label}",
            f"true: {short(one.label)}",
            tuple(
                f"{short(name)}: {short(answer)} ({percent(confidence)})"
                for name, answer, confidence in zip(comparison.names, one.answers, one.confidences, strict=True)
            ),
        )
        for one in differ[:MAX_GALLERY]
    ]
    if tiles:
        page.gallery("disagreements", tiles)


def verdict(comparison: Comparison) -> str:
    """What the exact McNemar test says, in words."""
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


def _figures(evaluation: Evaluation) -> dict[str, str]:
    right = round(evaluation.accuracy * evaluation.num_samples)
    low, high = wilson_interval(right, evaluation.num_samples)
    rejection = evaluation.rejection
    withheld = {
        "confidence below which it does not answer": f"{rejection['threshold']:.2f}",
        "answers given": f"{rejection['coverage']:.2%}",
        "accuracy of the answers given": f"{rejection['accuracy']:.2%}",
    } if rejection else dict.fromkeys(
        ("confidence below which it does not answer", "answers given", "accuracy of the answers given"), "-"
    )  # fmt: skip
    return {
        "accuracy": f"{evaluation.accuracy:.2%}",
        "95 % interval of the accuracy": f"{low:.2%} to {high:.2%}",
        "mistakes": f"{evaluation.num_samples - right:,}",
        "loss (cross-entropy, nats)": f"{evaluation.loss:.4f}",
        "expected calibration error": f"{evaluation.calibration_error:.2%}",
        **withheld,
        "computed by": evaluation.engine,
    }


def _differences(subjects: Sequence[Subject]) -> dict[str, str]:
    """The second model's figures less the first's."""
    first, second = (subject.answers.evaluation for subject in subjects)
    mistakes = [int((~subject.answers.right).sum()) for subject in subjects]
    return {
        "accuracy": _points(second.accuracy - first.accuracy),
        "mistakes": f"{mistakes[1] - mistakes[0]:+,}",
        "loss (cross-entropy, nats)": f"{second.loss - first.loss:+.4f}",
        "expected calibration error": _points(second.calibration_error - first.calibration_error),
    }


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}{NO_BREAK}points"
