"""Results as text, JSON Lines and CSV on stdout, without any import that `predict` would have to wait for."""

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Prediction


def print_predictions(
    results: Iterable[tuple[str, "Prediction"]], class_names: Sequence[str], top_k: int, format: str, *, single: bool
) -> None:
    """Print each prediction as it comes.

    Args:
        results: name of the picture and prediction.
        class_names: of the model.
        top_k: how many classes a JSON object lists.
        format: `text`, `json` (one object a line) or `csv`.
        single: whether there is one picture only, whose name need not be said.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if format == "csv":
        writer.writerow(["image", "label", "confidence"])
    for name, prediction in results:
        if format == "csv":
            writer.writerow([name, prediction.label, f"{prediction.confidence:.6f}"])
        elif format == "json":
            print(json.dumps(_as_json(name, prediction, class_names, top_k), ensure_ascii=False))
        else:
            answer = prediction.reason or f"{prediction.label}  {prediction.confidence * 100:.1f} %"
            print(answer if single else f"{name}: {answer}")


def _as_json(name: str, prediction: "Prediction", class_names: Sequence[str], top_k: int) -> dict:
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


def print_csv(rows: Iterable[dict], columns: Sequence[str]) -> None:
    """Print rows as CSV with a header."""
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
