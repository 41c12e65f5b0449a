"""The sections that each model has: mistakes, confusions, classes, confidence, activations, training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerascnn.evaluation.calibration import reliability
from kerascnn.evaluation.projection import principal_components
from kerascnn.evaluation.report_figures import (
    MAX_GALLERY,
    draw_confusion_matrix,
    draw_coverage,
    draw_map,
    draw_reliability,
)
from kerascnn.evaluation.report_page import Page, Subject, Tile, how_many, probability_of, short
from kerascnn.evaluation.scoring import Answers
from kerascnn.inference.predictor import Predictor
from kerascnn.saving.model_files import is_current

_COVERAGE_ROWS = 1000


def add_mistakes(page: Page, subjects: Sequence[Subject]) -> None:
    """The wrong answers, the most confident first."""
    page.html.section("The most confident mistakes")
    for subject in subjects:
        one = subject.answers
        page.html.paragraph(subject.lead + how_many(len(one.mistakes), "mistake", "the most confident first"))
        page.table(
            f"{subject.directory}mistakes",
            ["index", "true", "answer", *(f"probability of {name}" for name in one.class_names)],
            [
                (index, one.true_names[index], one.answered_names[index], *one.probabilities[index].tolist())
                for index in one.mistakes.tolist()
            ],
        )
        tiles = [_mistake(one, index) for index in one.mistakes[:MAX_GALLERY].tolist()]
        if tiles:
            page.gallery(f"{subject.directory}mistakes", tiles)


def add_confusion(page: Page, subjects: Sequence[Subject]) -> None:
    """The confusion matrix."""
    page.html.section("What is taken for what")
    for subject in subjects:
        names, matrix = subject.answers.class_names, np.array(subject.answers.evaluation.confusion_matrix)
        page.figure(
            f"{subject.directory}confusion_matrix",
            draw_confusion_matrix(matrix, names),
            f"confusion matrix of {subject.name}",
            f"{subject.lead}One row a true class, one column an answer. Right answers stand on the diagonal, in grey; "
            "mistakes are coloured, the more the stronger.",
        )
        rows = [(name, *row) for name, row in zip(names, matrix.tolist(), strict=True)]
        page.table(f"{subject.directory}confusion_matrix", ["true", *names], rows)


def add_classes(page: Page, subjects: Sequence[Subject]) -> None:
    """The table of the classes."""
    page.html.section(
        "Class by class",
        "Precision: of the images answered so, the share that is of the class. Recall: of the images of the class, the "
        "share that is answered so. F1: their harmonic mean.",
    )
    for subject in subjects:
        if subject.lead:
            page.html.paragraph(subject.lead.rstrip())
        rows = subject.answers.evaluation.per_class
        page.html.table(
            ["class", "images", "precision", "recall", "F1", "mistaken mostly for"],
            [
                (row.label, f"{row.support:,}", f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}",
                 _mistaken_mostly_for(subject.answers, index))
                for index, row in enumerate(rows)
            ],
        )  # fmt: skip
        page.table(f"{subject.directory}per_class", list(vars(rows[0])), [tuple(vars(row).values()) for row in rows])


def add_confidence(page: Page, subjects: Sequence[Subject]) -> None:
    """The reliability diagram, and accuracy against coverage."""
    page.html.section("Does the confidence mean what it says?")
    for subject in subjects:
        bins = reliability(subject.answers.probabilities, subject.answers.labels)
        page.figure(
            f"{subject.directory}reliability",
            draw_reliability(bins),
            f"reliability diagram of {subject.name}",
            f"{subject.lead}Of the answers with 80 % confidence, 80 % should be right: then the points lie on the "
            "dashed line. Above it the network is too modest, below it too sure. Where there are few answers (below), "
            "the intervals are long: there chance has much to say.",
        )
        page.table(f"{subject.directory}reliability", list(bins[0]), [tuple(row.values()) for row in bins])
    page.html.section("What withholding answers gains")
    page.figure(
        "coverage",
        draw_coverage([_curve(subject) for subject in subjects]),
        "accuracy against the share of answers given",
        "When the least confident answers are withheld, the others are right more often. A dot marks where the model "
        "itself stops to answer.",
    )
    for subject in subjects:
        rows = _coverage_rows(subject.answers.confidences, subject.answers.right)
        page.table(f"{subject.directory}coverage", ["coverage", "threshold", "accuracy"], rows)


def add_activations(page: Page, subjects: Sequence[Subject]) -> None:
    """A map of what the last layer is given."""
    page.html.section("The images as the last layer sees them")
    for subject in subjects:
        one = subject.answers
        if one.features is None:
            page.html.paragraph(f"{subject.lead}The model does not end in a fully connected layer, so there is no map.")
            continue
        points, shares = principal_components(one.features)
        page.figure(
            f"{subject.directory}activations",
            draw_map(
                points,
                one.labels,
                one.class_names,
                one.right,
                (f"first direction ({shares[0]:.0%} of the variance)", f"second direction ({shares[1]:.0%})"),
            ),
            f"map of the activations of {subject.name}",
            f"{subject.lead}Each point is an image. The last layer is given {one.features.shape[1]} values of it; here "
            "they are shown along the two directions in which they vary most (principal components, after the values "
            "of each image were scaled to length 1). Classes that overlap here may be apart in the other directions.",
        )
        page.table(
            f"{subject.directory}activations",
            ["index", "true", "answer", "first", "second"],
            [
                (index, one.true_names[index], one.answered_names[index], *point)
                for index, point in enumerate(points.tolist())
            ],
        )


def add_learning_curves(page: Page, subjects: Sequence[Subject]) -> None:
    """The learning curves that `fit` drew, where they are beside the model."""
    curves = [(subject, _curves_path(subject.answers.predictor)) for subject in subjects]
    if not any(path for _, path in curves):
        return
    page.html.section("How it was trained")
    for subject, path in curves:
        if path is None:
            continue
        card = subject.answers.predictor.card
        command = f", trained by: {card.command}" if card.command else ""
        page.html.figure(
            path.read_bytes(),
            f"learning curves of {subject.name}",
            f"{subject.lead}Loss and accuracy of {len(card.history)} epochs{command}. Those of training are means over "
            "an epoch in which the weights still changed, with dropout at work and perhaps on altered images; so they "
            "can look worse than those of validation.",
        )


def _mistake(one: Answers, index: int) -> Tile:
    label, answer = one.true_names[index], one.answered_names[index]
    return Tile(
        one.images[index],
        f"image {index}, a {label}",
        f"{short(label)} taken for {short(answer)}",
        (
            probability_of(answer, one.confidences[index]),
            probability_of(label, one.probabilities[index, one.labels[index]]),
        ),
    )


def _mistaken_mostly_for(one: Answers, index: int) -> str:
    row = np.array(one.evaluation.confusion_matrix[index])
    row[index] = 0
    most = int(row.argmax())
    times = {0: "", 1: ", once", 2: ", twice"}.get(int(row[most]), f", {row[most]} times")
    return f"{one.class_names[most]}{times}" if times else ""


def _curve(subject: Subject) -> tuple[str, np.ndarray, np.ndarray, float | None]:
    one = subject.answers
    return subject.name, one.confidences, one.right, one.predictor.card.rejection_threshold


def _coverage_rows(confidences: np.ndarray, right: np.ndarray) -> list[tuple[float, float, float]]:
    """Coverage, confidence of the last answer given, and accuracy: evenly spaced, everything answered last."""
    order = np.argsort(-confidences, kind="stable")
    numbers = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(right[order]) / numbers
    rows = np.stack([numbers / len(order), confidences[order], accuracy], axis=1)
    step = max(1, len(rows) // _COVERAGE_ROWS)
    return [tuple(row) for row in rows[::-1][::step][::-1].tolist()]


def _curves_path(predictor: Predictor) -> Path | None:
    path = predictor.path.with_suffix(".png") if predictor.path else None
    return path if path and is_current(path, predictor.card) else None
