"""Explain one picture: from the file to the finished directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from kerascnn.explaining.explanation_files import open_directory
from kerascnn.explaining.results import Explanation, ExplanationOptions, PageExplanation
from kerascnn.explaining.segmented_page import explain_page
from kerascnn.images.decoding import Picture
from kerascnn.images.documents import name_picture
from kerascnn.inference.engines import KerasEngine
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.sources import open_picture
from kerascnn.saving.model_files import resolve_model_path
from kerascnn.saving.stored_model import read_card
from kerascnn.utils.backend import choose_backend
from kerascnn.utils.errors import ModelError
from kerascnn.utils.random_state import preserve_random_state


@preserve_random_state()
def explain(
    picture: Picture,
    model: Predictor | str | Path | None = None,
    *,
    output: str | Path | None = None,
    backend: str | None = None,
    progress: Callable[[str], None] | None = None,
    **options: Unpack[ExplanationOptions],
) -> Explanation | PageExplanation:
    """Show why a model gives its answer, in figures and in an HTML report of them, `report.html`.

    Args:
        picture: Path, encoded bytes, PIL image, or array `(height, width)` or `(height, width, 3)`.
        model: Loaded model, path, or name of a model that ships; by default the same choice as that of `load`.
        output: Directory to write to; by default `explained/NAME`, after the picture's name.
        backend: Backend that computes the gradients; by default the same choice as that of `load`.
        progress: Function that is called with a sentence before each step.
        layer: Name of the layer of the class activation maps and of the maximised filters; by default the last feature
            maps of the network, and its last convolution.
        label: Class to explain; by default the most probable one.
        data: Data set whose training images are searched for those that excite filters, as for `load_dataset`; by
            default MNIST for a model that reads digits of 28x28 pixels, else none.
        scale: Range of pixels that a model without a card was trained in, as for `load`.
        preparation: Preparation of pictures for a model without a card, as for `load`.
        seed: Random seed of the noise that activation maximisation starts from, 0 by default.

    Returns:
        The explanation; a `PageExplanation` if the model segments pages.

    Raises:
        ImageError: If the picture cannot be read, or nothing is written in it.
        ModelError: If the model cannot be loaded, or has no such layer or class.
        DataError: If the data cannot be read, or their images have another size.
        OutputError: If the files cannot be written.

    Example:
        >>> kerascnn.explain("seven.png", "reference").report
        PosixPath('explained/seven/report.html')
    """
    unknown = options.keys() - ExplanationOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"explain() has no option {', '.join(sorted(unknown))}")
    report_progress = progress or (lambda text: None)
    name = name_picture(picture)
    with open_directory(output, name) as directory:
        array = open_picture(picture)
        if _segments_pages(model):
            if any(options.get(key) is not None for key in ("layer", "label", "data")):
                raise ModelError(
                    "the model segments pages; leave out --layer, --class and --data, which need a classifier."
                )
            segmenter = model if isinstance(model, Predictor) else load(model, backend=backend)
            return explain_page(array, name, segmenter, directory, report_progress)
        feeding = {"scale": options.get("scale"), "preparation": options.get("preparation")}
        predictor, engine = _load_on_keras(model, backend, feeding, report_progress)
        # This imports Keras, which must not happen before the backend is chosen.
        from kerascnn.explaining.classification import explain_classification

        return explain_classification((name, array), (predictor, engine.model), directory, report_progress, options)


def _segments_pages(model: Predictor | str | Path | None) -> bool:
    if isinstance(model, Predictor):
        return model.card.segments_pages
    card = read_card(resolve_model_path(model))
    return card is not None and card.segments_pages


def _load_on_keras(
    model: Predictor | str | Path | None,
    backend: str | None,
    feeding: dict[str, str | None],
    report_progress: Callable[[str], None],
) -> tuple[Predictor, KerasEngine]:
    """Load the model on Keras: ONNX Runtime gives no gradients."""
    if isinstance(model, Predictor):
        if isinstance(model.engine, KerasEngine):
            return model, model.engine
        model = model.path
    choice = choose_backend(backend)
    if choice.note:
        report_progress(f"note: {choice.note}")
    predictor = load(model, backend=choice.name, on_note=lambda text: report_progress(f"note: {text}"), **feeding)
    if not isinstance(predictor.engine, KerasEngine):
        raise ModelError(f"the model {predictor.card.name!r} does not run on Keras, which computes the gradients.")
    report_progress(f"model: {predictor.card.name}, on {predictor.engine.name}")
    return predictor, predictor.engine
