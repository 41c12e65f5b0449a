"""Explain one picture: from the file to the finished directory."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.datasets import Dataset, load_dataset
from kerascnn.images.decoding import as_array, decode
from kerascnn.images.preparations import PREPARATIONS
from kerascnn.inference.engines import KerasEngine
from kerascnn.inference.predictor import Picture, Prediction, Predictor, load
from kerascnn.saving.card import read_card
from kerascnn.saving.model_files import SHIPPED, package_model, resolve_model_path
from kerascnn.utils.backend import choose_backend
from kerascnn.utils.errors import DataError, ModelError
from kerascnn.utils.illustration import written
from kerascnn.utils.interrupts import noticed_interrupts
from kerascnn.utils.outputs import OutputDirectory, read_source
from kerascnn.utils.version import __version__

if TYPE_CHECKING:
    from kerascnn.explaining.anatomy import Anatomy
    from kerascnn.explaining.findings import Findings
    from kerascnn.explaining.segmented_page import PageExplanation

OUTPUT = Path("explained")
"""Below it, by default, each picture has a directory of its own name."""

FIGURES = (
    *("answer", "attention", "attention-rollout", "exciting-images", "filters", "first-weights", "grad-cam"),
    *("hires-cam", "input-gradient", "integrated-gradients", "mask", "maximised-filters", "occlusion"),
    *("probabilities", "seen"),
)
FEATURE_MAPS = "feature-maps-"
"""Names of the pictures of an explanation, checked before a model is loaded; one of feature maps ends in its layer."""

_MNIST_SIZE = (28, 28)
_MAX_NAMED = 6  # layers that the page's introduction lists


@dataclass(frozen=True)
class Explanation:
    """What was explained, and where it was written.

    Args:
        image: the picture's name.
        prediction: what the model says of it.
        classes: the explained class, then the one that it is compared with.
        layer: the one whose maps the class activation maps weigh; None for a network without feature maps.
        files: what was written, the page last.
    """

    image: str
    prediction: Prediction
    classes: tuple[str, ...]
    layer: str | None
    files: tuple[Path, ...]

    @property
    def report(self) -> Path:
        """The page."""
        return self.files[-1]

    def to_dict(self) -> dict:
        """The same in plain types, for JSON."""
        reason = {"reason": self.prediction.reason} if self.prediction.reason else {}
        return {
            "image": self.image,
            "label": self.prediction.label,
            **reason,
            "confidence": round(self.prediction.confidence, 6),
            "classes": list(self.classes),
            "layer": self.layer,
            "report": str(self.report),
            "files": [str(path) for path in self.files],
        }


def explain(
    picture: Picture | bytes,
    model: Predictor | str | Path | None = None,
    *,
    output: str | Path | None = None,
    layer: str | None = None,
    label: str | None = None,
    data: str | Path | None = None,
    backend: str | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> "Explanation | PageExplanation":
    """Show why a model gives its answer, in pictures and on one page, `report.html`.

    Args:
        picture: a path, a picture's encoded bytes, a PIL image or an array `(height, width)` or `(height, width, 3)`.
        model: a loaded model, a path, `"reference"`, or None for the same choice as `load` makes.
        output: the directory to write to; by default `explained/NAME`, after the picture's name.
        layer: whose maps are weighed and whose filters are maximised; by default the last maps of the network, and the
            last convolution.
        label: the class to explain; by default the most probable one.
        data: where the training images come from that excite filters, as for `load_dataset`; by default MNIST for a
            model that reads digits of 28x28 pixels, else none.
        backend: what computes the gradients; as for `load`.
        seed: of the noise that activation maximisation starts from.
        progress: called with a sentence from time to time.

    Returns:
        What was explained, and the files; a `PageExplanation` if the model segments pages.

    Raises:
        ImageError: if the picture cannot be read.
        ModelError: if the model cannot be loaded, has no such layer or no such class.
        DataError: if the data cannot be read, or their images have another size.
        OutputError: if the files cannot be written.

    Example:
        >>> kerascnn.explain("seven.png", "reference").report
        PosixPath('explained/seven/report.html')
    """
    tell = progress or (lambda text: None)
    name = _name(picture)
    directory = _directory(output, name)
    array = _decoded(picture)
    if _segments_pages(model):
        if (layer, label, data) != (None, None, None):
            raise ModelError(
                "the model segments pages, of which --layer, --class and --data say nothing; leave them out."
            )
        from kerascnn.explaining.segmented_page import explain_page

        segmenter = model if isinstance(model, Predictor) else load(model, backend=backend)
        return explain_page(array, name, segmenter, directory, tell)
    predictor = _on_keras(model, backend, tell)
    card = predictor.card
    # These import Keras, which must not happen before the backend is chosen.
    from kerascnn.explaining.anatomy import Anatomy
    from kerascnn.explaining.explanation_page import illustrations
    from kerascnn.explaining.findings import find, training_images_for

    with noticed_interrupts() as raise_if_interrupted:
        anatomy = Anatomy(predictor.engine.model)
        if layer is not None:
            anatomy.step(layer)
        seen = PREPARATIONS[card.preparation](array, card.input_shape[:2])
        (prediction,) = predictor.predict_prepared(seen[None])
        classes = _classes(card.class_names, prediction, label)
        dataset = _dataset(predictor, data)
        training_images = training_images_for(anatomy, dataset) if dataset and anatomy.convolutions else None
        findings = find(anatomy, seen, classes, layer, training_images, seed, tell)
        tell("drawing ...")
        contents = written(
            f"How the network reads {'standard input' if name == '-' else Path(name).name}",
            _introduction(anatomy, card.name, findings),
            illustrations(array, prediction, card.class_names, findings),
            _facts(predictor, findings, seed, dataset if training_images is not None else None),
        )
        raise_if_interrupted()
    files = directory.write_all(contents)
    return Explanation(
        name,
        prediction,
        tuple(card.class_names[index] for index in classes),
        findings.decisive.name if findings.decisive else None,
        files,
    )


def _segments_pages(model: Predictor | str | Path | None) -> bool:
    card = model.card if isinstance(model, Predictor) else read_card(resolve_model_path(model))
    return card is not None and card.segments_pages


def _name(picture: Picture | bytes) -> str:
    if isinstance(picture, bytes):
        return "-"
    return str(picture) if isinstance(picture, str | Path) else "picture"


def _decoded(picture: Picture | bytes) -> np.ndarray:
    if isinstance(picture, bytes):
        return decode(picture, "standard input")
    return decode(picture) if isinstance(picture, str | Path) else as_array(picture)


def _directory(output: str | Path | None, name: str) -> OutputDirectory:
    """The directory of the explanation, in which nothing but an earlier explanation is replaced."""
    source = str(Path(name).resolve()) if Path(name).is_file() else name
    path = _own_directory(name, source) if output is None else Path(output)
    names = [f"{figure}.png" for figure in FIGURES]
    if path.is_dir():
        names += [member.name for member in path.glob(f"{FEATURE_MAPS}*.png")]
    return OutputDirectory(path, "explanation", [*names, "report.html"], inputs=[name], source=source)


def _own_directory(name: str, source: str) -> Path:
    """A directory named like the picture, with a number where another picture of that name was explained before."""
    stem = OUTPUT / ("standard-input" if name == "-" else Path(name).stem)
    candidates = (stem if number == 1 else stem.with_name(f"{stem.name}-{number}") for number in count(1))
    return next(path for path in candidates if read_source(path) in (None, source))


def _on_keras(model: Predictor | str | Path | None, backend: str | None, tell: Callable[[str], None]) -> Predictor:
    """The model on Keras: ONNX Runtime gives no gradients."""
    if isinstance(model, Predictor):
        if isinstance(model.engine, KerasEngine):
            return model
        model = model.path
    choice = choose_backend(backend)
    if choice.note:
        tell(f"note: {choice.note}")
    predictor = load(model, backend=choice.name, on_note=lambda text: tell(f"note: {text}"))
    tell(f"model: {predictor.card.name}, on {predictor.engine.name}")
    return predictor


def _classes(names: tuple[str, ...], prediction: Prediction, label: str | None) -> list[int]:
    """The explained class, and the most probable other one."""
    if label is not None and label not in names:
        raise ModelError(f"the model has no class {label!r}; its classes are {', '.join(names)}.")
    order = np.argsort(-np.array(prediction.probabilities), kind="stable").tolist()
    explained = order[0] if label is None else names.index(label)
    return [explained, *[index for index in order if index != explained][:1]]


def _dataset(predictor: Predictor, data: str | Path | None) -> Dataset | None:
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


def _introduction(anatomy: "Anatomy", name: str, findings: "Findings") -> str:
    if findings.attention is not None:
        return (
            f"The model {name} is a transformer: the image is cut into patches, these look at each other in "
            f"{len(anatomy.attentions)} layers of attention, then the decision is made."
        )
    kinds = [
        f"{step.name} ({'convolution' if step.is_convolution else 'pooling'})"
        for step in anatomy.steps
        if step.is_convolution or step.is_pooling
    ]
    if not kinds:
        return f"The model {name} is a network of {len(anatomy.steps)} layers, none of which is a convolution."
    if len(kinds) > _MAX_NAMED:
        return f"The model {name} is a convolutional network of {len(anatomy.steps)} layers."
    listed = f"{', '.join(kinds[:-1])} and {kinds[-1]}" if len(kinds) > 1 else kinds[0]
    return f"The model {name} is a convolutional network: the image passes through {listed}, then the decision is made."


def _facts(predictor: Predictor, findings: "Findings", seed: int, dataset: Dataset | None) -> list[tuple[str, str]]:
    ships = predictor.path in map(package_model, SHIPPED)
    name = f"{predictor.card.name} (ships with kerascnn)" if ships else str(predictor.path or predictor.card.name)
    facts = [
        ("model", name),
        ("software", f"kerascnn {__version__}, Keras {metadata.version('keras')} on {predictor.engine.name}"),
    ]
    if findings.decisive is not None:
        studied = findings.excitement.step.name
        facts.append(("class activation maps", f"of the layer {findings.decisive.name}"))
        facts.append(("maximised filters", f"of the layer {studied}, from noise with the seed {seed}"))
    if dataset is not None:
        count = findings.excitement.exemplars.num_images
        facts.append(("training images", f"the first {count:,} of {dataset.name}"))
    return facts
