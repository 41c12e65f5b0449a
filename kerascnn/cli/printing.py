"""Results on stdout as text, JSON Lines or CSV, and messages on stderr, without any slow import.

All that commands print passes through here. Text is for people: what they could not see is shown as an escape, so that
no name of a file or a class can erase or forge a line. JSON and CSV are for programs, and exact.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerascnn.utils.names import show_hidden

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Prediction
    from kerascnn.saving.card import Card


def print_line(text: str = "") -> None:
    """Print a line of text on stdout."""
    print(show_hidden(text))


def print_lines(lines: Iterable[object]) -> None:
    """Print lines of text on stdout, such as paths."""
    for line in lines:
        print_line(str(line))


def print_text(text: str) -> None:
    """Print text on stdout that is for programs, such as CSV, exactly."""
    print(text, end="")


def print_message(text: str) -> None:
    """Print a sentence on stderr, at once."""
    print(show_hidden(text), file=sys.stderr, flush=True)


def print_note(text: str) -> None:
    """Print something worth knowing on stderr, marked as a note."""
    print_message(f"note: {text}")


def print_json(document: Any, indent: int | None = None) -> None:
    """Print a JSON document, as one line unless it is indented.

    It has escapes where a character cannot be seen, or the encoding of stdout lacks one.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
        is_visible = all(show_hidden(line) == line for line in text.split("\n"))
    except UnicodeEncodeError:
        is_visible = False
    print(text if is_visible else json.dumps(document, indent=indent))


def print_card(card: "Card") -> None:
    """Print a model card as its file has it."""
    print_json(json.loads(card.to_json()), indent=1)


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as CSV with a header."""
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def print_predictions(
    results: Iterable[tuple[str, "Prediction"]], class_names: Sequence[str], top_k: int, format: str, *, single: bool
) -> None:
    """Print each prediction as it comes.

    Args:
        results: Pairs of a picture's name and its prediction.
        class_names: Names of the model's classes, in the order of the probabilities.
        top_k: Number of classes that a JSON object lists, at least 1.
        format: `"text"`, `"json"` (one object a line) or `"csv"`.
        single: Whether there is only one picture, so that text leaves its name out.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if format == "csv":
        writer.writerow(["image", "label", "confidence"])
    for name, prediction in results:
        if format == "csv":
            writer.writerow([name, prediction.label, f"{prediction.confidence:.6f}"])
        elif format == "json":
            print_json(_prediction_document(name, prediction, class_names, top_k))
        else:
            text = prediction.reason or f"{prediction.label}  {prediction.confidence * 100:.1f} %"
            print_line(text if single else f"{name}: {text}")


def print_submission(
    results: Iterable[tuple[str, "Prediction"]], names: Sequence[str], class_names: Sequence[str]
) -> None:
    """Print predictions as Kaggle's digit recogniser takes them: the number of each picture, from 1, and its label.

    Every picture that could be read has a label, the most probable one, sure or not.

    Args:
        results: Pairs of a picture's name and its prediction, in the order of `names`.
        names: Names of all pictures, of which some may be missing from `results`.
        class_names: Names of the model's classes, in the order of the probabilities.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["ImageId", "Label"])
    numbers = iter(enumerate(names, start=1))
    for name, prediction in results:
        number = next(number for number, one in numbers if one == name)
        probabilities = prediction.probabilities
        writer.writerow([number, class_names[max(range(len(class_names)), key=probabilities.__getitem__)]])


def _prediction_document(name: str, prediction: "Prediction", class_names: Sequence[str], top_k: int) -> dict[str, Any]:
    order = sorted(range(len(class_names)), key=lambda index: -prediction.probabilities[index])[:top_k]
    digit = {"digit": prediction.digit} if tuple(class_names) == tuple("0123456789") else {}
    reason = {"reason": prediction.reason} if prediction.reason else {}
    return {
        "image": name,
        "label": prediction.label,
        **digit,
        **reason,
        "confidence": round(prediction.confidence, 6),
        "top": [
            {"label": class_names[index], "probability": round(prediction.probabilities[index], 6)} for index in order
        ],
    }
