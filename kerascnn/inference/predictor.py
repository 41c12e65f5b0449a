"""Pictures in, predictions out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.images.decoding import as_array, decode
from kerascnn.images.preparations import PREPARATIONS
from kerascnn.inference.engines import BATCH_SIZE, Engine, KerasEngine, OnnxEngine
from kerascnn.saving.card import Card, read_card
from kerascnn.saving.model_files import is_current, resolve_model_path
from kerascnn.utils.backend import activate, explicit_wish
from kerascnn.utils.errors import ImageError, ModelError

Picture = str | Path | np.ndarray | Image.Image

_DECODING_THREADS = 2


@dataclass(frozen=True)
class Prediction:
    """What the network says of one picture.

    Args:
        label: the class's name; None if there is no answer.
        digit: the same as a number, for models of the ten digits.
        confidence: the probability of that class, 0 to 1.
        probabilities: of every class, in the order of the card's `class_names`.
        reason: why there is no answer, else None.
    """

    label: str | None
    digit: int | None
    confidence: float
    probabilities: tuple[float, ...]
    reason: str | None = None


class Predictor:
    """A trained model that reads pictures.

    Args:
        engine: computes the probabilities.
        card: what is known of the model.
        path: its `.keras` file, None for a model that was not saved.
    """

    def __init__(self, engine: Engine, card: Card, path: Path | None = None) -> None:
        self.engine, self.card, self.path = engine, card, path

    @property
    def files(self) -> list[Path]:
        """The files of a saved model, the card last."""
        return [*(self.path.with_name(name) for name in self.card.files), self.path.with_suffix(".json")]

    def predict(self, images: Picture | Sequence[Picture]) -> list[Prediction]:
        """Read pictures.

        Args:
            images: a path, a PIL image, an array `(height, width)`, `(height, width, 3)` or `(n, height, width)`, or a
                list of these.

        Returns:
            One prediction a picture.

        Raises:
            ImageError: if a picture cannot be read.

        Example:
            >>> kerascnn.load("reference").predict("seven.png")[0].label
            '7'
        """
        pictures = list(_each_picture(images))
        if not pictures:
            return []
        return self.predict_prepared(np.stack([self.prepare(picture) for picture in pictures]))

    def prepare(self, picture: Picture) -> np.ndarray:
        """Turn one picture into what the network reads: uint8 `(height, width)` of the model's input."""
        return self._prepared(decode(picture) if isinstance(picture, str | Path) else as_array(picture))

    def predict_prepared(self, images: np.ndarray) -> list[Prediction]:
        """Predict images that are prepared already.

        Args:
            images: uint8, `(n, height, width)` of the model's input size.

        Returns:
            One prediction an image.
        """
        # An image prepared like MNIST's has ink, up to full strength, or it is empty.
        inked = images.any(axis=(1, 2)) | (self.card.preparation != "mnist")
        probabilities = self.engine.probabilities(images)
        indices = probabilities.argmax(axis=1).tolist()
        return [
            self._prediction(row, index, has_ink)
            for row, index, has_ink in zip(probabilities.tolist(), indices, inked.tolist(), strict=True)
        ]

    def predict_files(
        self, sources: Iterable[str | Path | bytes], on_error: Callable[[str, ImageError], None]
    ) -> Iterator[tuple[str, Prediction]]:
        """Read any number of pictures in bounded memory.

        Args:
            sources: paths, or the encoded bytes of a picture.
            on_error: called with the name of a picture that cannot be read, and why; the others go on.

        Yields:
            Name (the path as given, `-` for bytes) and prediction, in the order of the sources.
        """
        with ThreadPoolExecutor(_DECODING_THREADS) as threads:
            iterator = iter(sources)
            pending = _submit(threads, self._prepare_source, iterator)
            while pending:
                following = _submit(threads, self._prepare_source, iterator)
                names, images = [], []
                for name, future in pending:
                    try:
                        images.append(future.result())
                        names.append(name)
                    except ImageError as error:
                        on_error(name, error)
                if images:
                    yield from zip(names, self.predict_prepared(np.stack(images)), strict=True)
                pending = following

    def _prepare_source(self, source: str | Path | bytes) -> np.ndarray:
        return self._prepared(decode(source, "standard input" if isinstance(source, bytes) else str(source)))

    def _prepared(self, picture: np.ndarray) -> np.ndarray:
        if self.card.segments_pages:
            raise ModelError(
                f"the model {self.card.name!r} segments pages and knows no single pictures; "
                f"give it to 'kerascnn read --segmenter', and here another one."
            )
        return PREPARATIONS[self.card.preparation](picture, self.card.input_shape[:2])

    def _prediction(self, probabilities: list[float], index: int, has_ink: bool) -> Prediction:
        confidence = probabilities[index]
        threshold = self.card.rejection_threshold
        if not has_ink:
            reason = "no ink found"
        elif threshold is not None and confidence < threshold:
            reason = "not a digit" if self.card.recognises_digits else "none of the classes"
        else:
            reason = None
        return Prediction(
            label=None if reason else self.card.class_names[index],
            digit=index if self.card.recognises_digits and not reason else None,
            confidence=confidence,
            probabilities=tuple(probabilities),
            reason=reason,
        )


def load(
    model: str | Path | None = None,
    *,
    backend: str | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Predictor:
    """Load a model for reading pictures.

    ONNX Runtime runs it, which starts at once, unless a backend is named here or by `KERAS_BACKEND`.

    Args:
        model: a path, `"reference"` for the model that ships with the package, or None for
            `saved_models/mnist_cnn.keras` if it is there, else the reference.
        backend: run it with Keras on this backend.
        on_note: called with a sentence when something is not as expected, such as a stale `.onnx` file.

    Returns:
        The model.

    Raises:
        ModelError: if the file is missing, damaged or unsafe.
        BackendError: if the backend is unknown or not installed.

    Example:
        >>> kerascnn.load("reference").card.class_names
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    note = on_note or (lambda text: None)
    path = resolve_model_path(model)
    card = _current_card(path, note)
    if explicit_wish(backend) is None and card is not None:
        onnx_path = path.with_suffix(".onnx")
        if is_current(onnx_path, card):
            return Predictor(OnnxEngine(onnx_path), card, path)
        state = "is not the one that the card names" if onnx_path.is_file() else "is missing"
        note(f"{onnx_path} {state}; using Keras, which starts more slowly.")
    return _load_on_keras(path, card, backend)


def _load_on_keras(path: Path, card: Card | None, backend: str | None) -> Predictor:
    activate(backend)
    from kerascnn.saving.safe_loading import load_keras_model

    engine = KerasEngine(load_keras_model(path))
    card = card or _guessed_card(path, engine.model)
    if len(card.class_names) != engine.model.output_shape[-1]:
        raise ModelError(
            f"{path} gives {engine.model.output_shape[-1]} classes, its card names {len(card.class_names)}; "
            "remove the card, or train the model again."
        )
    return Predictor(engine, card, path)


def _current_card(path: Path, note: Callable[[str], None]) -> Card | None:
    card = read_card(path)
    if card is None:
        note(f"{path} has no card; taking its classes by number and its pictures to be prepared like MNIST's.")
    elif not is_current(path, card):
        note(f"{path} was changed after its card was written; ignoring the card and the files that it names.")
        return None
    return card


def _guessed_card(path: Path, model) -> Card:
    num_classes = model.output_shape[-1]
    if len(model.output_shape) == 4:
        raise ModelError(
            f"{path} segments pages but has no card; it is of use with the card that 'kerascnn fit' wrote."
        )
    return Card(
        name=path.stem,
        architecture=model.name,
        input_shape=(*model.input_shape[1:3], 1),
        class_names=tuple(str(index) for index in range(num_classes)),
        preparation="mnist" if num_classes == 10 else "resize",
    )


def _each_picture(images: Picture | Sequence[Picture]) -> Iterator[Picture]:
    if isinstance(images, str | Path | Image.Image):
        yield images
    elif isinstance(images, np.ndarray):
        # Three axes are a stack of grey images unless the last one counts colours.
        stack = images.ndim == 4 or (images.ndim == 3 and images.shape[-1] not in (1, 3, 4))
        yield from images if stack else [images]
    else:
        for image in images:
            yield from _each_picture(image)


def _submit(threads: ThreadPoolExecutor, function: Callable, iterator: Iterator) -> list[tuple[str, object]]:
    return [
        ("-" if isinstance(source, bytes) else str(source), threads.submit(function, source))
        for source in islice(iterator, BATCH_SIZE)
    ]
