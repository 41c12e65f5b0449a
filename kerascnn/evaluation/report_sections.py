"""Sections about each model: mistakes, confusion matrix, classes, confidence, activations, training."""

from collections.abc import Sequence

import numpy as np

from kerascnn.evaluation.calibration import accuracy_by_coverage, reliability_bins
from kerascnn.evaluation.learning_curves import draw_learning_curves
from kerascnn.evaluation.projection import principal_components
from kerascnn.evaluation.report_figures import (
    MAX_GALLERY,
    draw_confusion_matrix,
    draw_coverage,
    draw_projection,
    draw_reliability,
    marks_threshold,
    shorten,
)
from kerascnn.evaluation.report_page import Page, Subject, Tile, describe_count, format_probability
from kerascnn.evaluation.scoring import ScoredPredictions
from kerascnn.saving.card import Card
from kerascnn.utils.figure_style import DARK, LIGHT

_COVERAGE_ROWS = 1000


def add_mistakes(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the misclassified images, the most confident first."""
    page.html.section("The most confident mistakes")
    for subject in subjects:
        one = subject.predictions
        true, predicted = one.true_names, one.predicted_names
        page.html.paragraph(subject.lead + describe_count(len(one.mistakes), "mistake", "the most confident first"))
        page.add_table(
            f"{subject.directory}mistakes",
            ["index", "true", "answer", *(f"probability of {name}" for name in one.class_names)],
            [(index, true[index], predicted[index], *one.probabilities[index].tolist()) for index in one.mistakes],
        )
        tiles = [_mistake(one, index) for index in one.mistakes[:MAX_GALLERY]]
        if tiles:
            page.add_gallery(f"{subject.directory}mistakes", tiles)


def add_confusion(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the confusion matrix."""
    page.html.section("What is taken for what")
    for subject in subjects:
        names, matrix = subject.predictions.class_names, np.array(subject.predictions.evaluation.confusion_matrix)
        page.add_figure(
            f"{subject.directory}confusion_matrix",
            draw_confusion_matrix(matrix, names),
            f"confusion matrix of {subject.name}",
            f"{subject.lead}One row a true class, one column an answer. Right answers stand on the diagonal, in grey; "
            "mistakes are coloured, the more the stronger.",
        )
        rows = [(name, *row) for name, row in zip(names, matrix.tolist(), strict=True)]
        page.add_table(f"{subject.directory}confusion_matrix", ["true", *names], rows)


def add_classes(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the scores of each class."""
    page.html.section(
        "Class by class",
        "Precision: of the images answered so, the share that is of the class. Recall: of the images of the class, the "
        "share that is answered so. F1: their harmonic mean.",
    )
    for subject in subjects:
        if subject.lead:
            page.html.paragraph(subject.lead.rstrip())
        rows = subject.predictions.evaluation.per_class
        page.html.table(
            ["class", "images", "precision", "recall", "F1", "mistaken mostly for"],
            [
                (row.label, f"{row.support:,}", f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}",
                 _mistaken_mostly_for(subject.predictions, index))
                for index, row in enumerate(rows)
            ],
        )  # fmt: skip
        page.add_records(f"{subject.directory}per_class", rows)


def add_confidence(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the reliability diagram, and accuracy against coverage."""
    page.html.section("Does the confidence mean what it says?")
    for subject in subjects:
        bins = reliability_bins(subject.predictions.probabilities, subject.predictions.labels)
        page.add_figure(
            f"{subject.directory}reliability",
            draw_reliability(bins),
            f"reliability diagram of {subject.name}",
            f"{subject.lead}Of the answers with 80 % confidence, 80 % should be right: then the points lie on the "
            "dashed line. Above it the network is too modest, below it too sure. Where there are few answers (below), "
            "the intervals are long: there chance has much to say.",
        )
        page.add_records(f"{subject.directory}reliability", bins)
    page.html.section("What withholding answers gains")
    has_dot = any(marks_threshold(subject.predictions) for subject in subjects)
    marked = " A dot marks where the model itself stops to answer." if has_dot else ""
    page.add_figure(
        "coverage",
        draw_coverage({subject.name: subject.predictions for subject in subjects}),
        "accuracy against the share of answers given",
        f"When the least confident answers are withheld, the others are right more often.{marked}",
    )
    for subject in subjects:
        curve = accuracy_by_coverage(subject.predictions.confidences, subject.predictions.right)
        rows = curve[::-1][:: max(1, len(curve) // _COVERAGE_ROWS)][::-1]  # full coverage is always among them
        page.add_table(f"{subject.directory}coverage", ["coverage", "threshold", "accuracy"], rows.tolist())


def add_activations(page: Page, subjects: Sequence[Subject]) -> None:
    """Add a map of the inputs of the last layer."""
    page.html.section("The images as the last layer sees them")
    for subject in subjects:
        one = subject.predictions
        if one.features is None:
            page.html.paragraph(f"{subject.lead}The model does not end in a fully connected layer, so there is no map.")
            continue
        points, shares = principal_components(one.features)
        page.add_figure(
            f"{subject.directory}activations",
            draw_projection(
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
        page.add_table(
            f"{subject.directory}activations",
            ["index", "true", "answer", "first", "second"],
            [
                (index, true, predicted, *point)
                for index, (true, predicted, point) in enumerate(
                    zip(one.true_names, one.predicted_names, points.tolist(), strict=True)
                )
            ],
        )


def add_learning_curves(page: Page, subjects: Sequence[Subject]) -> None:
    """Add the learning curves of the models whose cards have a history."""
    trained = [subject for subject in subjects if subject.predictions.predictor.card.history]
    if not trained:
        return
    page.html.section("How it was trained")
    for subject in trained:
        card = subject.predictions.predictor.card
        drawing = draw_learning_curves(card.history)
        page.html.figure(
            drawing.png(LIGHT),
            f"learning curves of {subject.name}",
            f"{subject.lead}{_describe_training(card)}",
            dark_png=drawing.png(DARK),
        )


def _describe_training(card: Card) -> str:
    """Say what the curves are of, and what of this training makes those of training look worse."""
    command = f", trained by: {card.command}" if card.command else ""
    epochs = "1 epoch" if len(card.history) == 1 else f"{len(card.history)} epochs"
    conditions = [
        *(["with dropout at work"] if any(card.recipe.get("dropout_rates") or ()) else []),
        *(["on altered images"] if card.recipe.get("augmentation") else []),
    ]
    return (
        f"Loss and accuracy of {epochs}{command}. Those of training are means over an epoch in which the weights still "
        f"changed{''.join(f', {condition}' for condition in conditions)}; so they can look worse than those of "
        "validation."
    )


def _mistake(one: ScoredPredictions, index: int) -> Tile:
    probabilities, true = one.probabilities[index], int(one.labels[index])
    label, answer = one.class_names[true], one.class_names[int(probabilities.argmax())]
    return Tile(
        one.images[index],
        f"image {index}, a {label}",
        f"{shorten(label)} taken for {shorten(answer)}",
        (format_probability(answer, probabilities.max()), format_probability(label, probabilities[true])),
    )


def _mistaken_mostly_for(one: ScoredPredictions, index: int) -> str:
    row = np.array(one.evaluation.confusion_matrix[index])
    row[index] = 0
    most = int(row.argmax())
    times = {0: "", 1: ", once", 2: ", twice"}.get(int(row[most]), f", {row[most]} times")
    return f"{one.class_names[most]}{times}" if times else ""
