"""Add the ONNX network to the files of a model that is about to be saved."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kerascnn.inference.engines import OnnxEngine, measure_latency
from kerascnn.saving.card import Card
from kerascnn.saving.onnx_files import export_onnx
from kerascnn.utils.errors import ModelError


def add_onnx(staged: dict[str, Path], card: Card, path: Path, on_note: Callable[[str], None]) -> Card:
    """Convert a staged model to ONNX; where that is not possible, the model is saved without, and Keras runs it.

    Args:
        staged: Finished and planned files by suffix; `.onnx` is left out if there will be none.
        card: Card of the model.
        path: Where the model will be, for messages.
        on_note: Called with a sentence if there will be no ONNX network.

    Returns:
        The card with the milliseconds that ONNX Runtime takes for a picture.
    """
    try:
        export_onnx(staged[".keras"], staged[".onnx"])
        engine = OnnxEngine(staged[".onnx"].read_bytes(), path, card)
        milliseconds = measure_latency(engine, card.input_shape[:2])
    except ModelError as error:
        del staged[".onnx"]
        on_note(f"{error} The model is saved without it, and Keras runs it.")
        return card
    return replace(card, metrics={**card.metrics, "milliseconds_per_picture": milliseconds})
