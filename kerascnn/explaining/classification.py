"""Explain the answer of a classifier. Imports Keras."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets import Dataset, load_dataset
from kerascnn.explaining.anatomy import Anatomy
from kerascnn.explaining.findings import Findings, choose_training_images, compute_findings
from kerascnn.explaining.illustrations import illustrate
from kerascnn.explaining.results import Explanation, ExplanationOptions, raise_no_ink
from kerascnn.inference.predictor import Prediction, Predictor
from kerascnn.saving.model_files import SHIPPED, find_shipped_model
from kerascnn.utils.errors import DataError, ModelError
from kerascnn.utils.illustration import write_report
from kerascnn.utils.interrupts import remember_interrupts
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.version import __version__

_MNIST_SIZE = (28, 28)
_MAX_NAMED = 6  # largest number of layers that the report's introduction lists


def explain_classification(
    picture: tuple[str, np.ndarray],
    model: tuple[Predictor, Any],
    directory: OutputDirectory,
    progress: Callable[[str], None],
    options: ExplanationOptions,
) -> Explanation:
    """Explain the answer of a classifier.

    Args:
        picture: Name and pixels of the picture, uint8 `(height, width)` or `(height, width, 3)`.
        model: Predictor on Keras, and its Keras model.
        directory: Directory to write to.
        progress: Function that is called with a sentence before each step.
        options: Options as of `explain`.

    Raises:
        ImageError: If nothing is written in the picture.
    """
    (name, array), (predictor, network) = picture, model
    card, layer, seed = predictor.card, options.get("layer"), options.get("seed", 0)
    with remember_interrupts() as raise_if_interrupted:
        anatomy = Anatomy(network)
        if layer is not None:
            anatomy.step(layer)
        prepared, prediction = predictor.prepare_and_predict(array)
        if not prepared.has_ink or not np.ptp(prepared.pixels):
            raise_no_ink(name)
        seen = prepared.pixels
        classes = _choose_classes(card.class_names, prediction, options.get("label"))
        dataset = _load_dataset(predictor, options.get("data"))
        training_images = choose_training_images(anatomy, dataset) if dataset else None
        findings = compute_findings(anatomy, seen, classes, layer, training_images, seed, progress)
        progress("drawing ...")
        contents = write_report(
            f"How the network reads {'standard input' if name == '-' else Path(name).name}",
            _introduce(anatomy, card.name, findings),
            illustrate(array, prediction, card.class_names, findings),
            _list_sources(predictor, findings, seed, dataset),
        )
        raise_if_interrupted()
    files = directory.write_all(contents)
    weighed = findings.convolutional.decisive.name if findings.convolutional else None
    return Explanation(name, prediction, tuple(card.class_names[index] for index in classes), weighed, files)


def _choose_classes(names: tuple[str, ...], prediction: Prediction, label: str | None) -> list[int]:
    """Choose the explained class, and the most probable other one."""
    if label is not None and label not in names:
        raise ModelError(f"the model has no class {label!r}; its classes are {', '.join(names)}.")
    order: list[int] = np.argsort(-np.array(prediction.probabilities), kind="stable").tolist()
    explained = order[0] if label is None else names.index(label)
    return [explained, *[index for index in order if index != explained][:1]]


def _load_dataset(predictor: Predictor, data: str | Path | None) -> Dataset | None:
    card = predictor.card
    size = tuple(card.input_shape[:2])
    if data is None:
        return load_dataset("mnist") if card.recognises_digits and size == _MNIST_SIZE else None
    dataset = load_dataset(data, seed=card.split_seed, preparation=card.preparation)
    if dataset.image_size != size:
        raise DataError(
            f"the images of {dataset.name!r} have {dataset.image_size[0]}x{dataset.image_size[1]} pixels; "
            f"the model {card.name!r} takes {size[0]}x{size[1]}."
        )
    return dataset


def _introduce(anatomy: Anatomy, name: str, findings: Findings) -> str:
    if findings.attention is not None:
        return (
            f"The model {name} is a transformer: the image is cut into patches, these look at each other in "
            f"{len(anatomy.attentions)} layers of attention, then the decision is made."
        )
    kinds = [f"{step.name} ({step.kind})" for step in anatomy.steps if step.kind]
    if not kinds:
        return f"The model {name} is a network of {len(anatomy.steps)} layers, none of which is a convolution."
    if len(kinds) > _MAX_NAMED:
        return f"The model {name} is a convolutional network of {len(anatomy.steps)} layers."
    listed = f"{', '.join(kinds[:-1])} and {kinds[-1]}" if len(kinds) > 1 else kinds[0]
    return f"The model {name} is a convolutional network: the image passes through {listed}, then the decision is made."


def _list_sources(
    predictor: Predictor, findings: Findings, seed: int, dataset: Dataset | None
) -> list[tuple[str, str]]:
    """List name and value of what the explanation was made from."""
    ships = predictor.path in [find_shipped_model(name) for name in SHIPPED]
    name = f"{predictor.card.name} (ships with kerascnn)" if ships else str(predictor.path or predictor.card.name)
    sources = [
        ("model", name),
        ("software", f"kerascnn {__version__}, Keras {metadata.version('keras')} on {predictor.engine.name}"),
    ]
    if findings.convolutional is None:
        return sources
    study = findings.convolutional.filter_study
    sources.append(("class activation maps", f"of the layer {findings.convolutional.decisive.name}"))
    sources.append(("maximised filters", f"of the layer {study.step.name}, from noise with the seed {seed}"))
    if dataset is not None and study.exemplars is not None:
        sources.append(("training images", f"the first {study.exemplars.num_images:,} of {dataset.name}"))
    return sources
