"""Results on stdout as text, JSON Lines or CSV, and messages on stderr, without any slow import."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Prediction


def print_message(text: str) -> None:
    """Print a sentence on stderr, at once."""
    print(text, file=sys.stderr, flush=True)


def print_note(text: str) -> None:
    """Print something worth knowing on stderr, marked as a note."""
    print_message(f"note: {text}")


def print_json(document: Any) -> None:
    """Print a JSON document as one line, with escapes where the encoding of stdout lacks a character."""
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document)
    print(text)


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
            print(text if single else f"{name}: {text}")


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
