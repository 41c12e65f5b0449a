"""Pictures in, predictions out."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.images.decoding import Page, Picture
from kerascnn.images.evidence import load_fitted_network
from kerascnn.images.normalization import PreparedImage, prepare_image
from kerascnn.inference.arrays import split_pictures
from kerascnn.inference.engines import Engine, KerasEngine, OnnxEngine
from kerascnn.inference.keras_models import BATCH_SIZE
from kerascnn.inference.model_loading import load_checked_model
from kerascnn.inference.recognition import ConsideredPicture, RecognisedPicture, consider_picture, recognise_pictures
from kerascnn.inference.sources import OnError, each_page, open_picture
from kerascnn.saving.card import Card, require_same
from kerascnn.saving.feeding import adapt_model
from kerascnn.saving.model_files import complete_model_path, resolve_model_path, save, save_without_optimizer
from kerascnn.saving.onnx_checks import OtherOperatorError
from kerascnn.saving.stored_model import StoredModel, open_model
from kerascnn.utils.backend import activate, explicit_wish
from kerascnn.utils.errors import ImageError, ModelError
from kerascnn.utils.files import compute_sha256
from kerascnn.utils.locks import reserve_output
from kerascnn.utils.staging import staging_directory, temporary_directory

if TYPE_CHECKING:
    from kerascnn.summary.model_summary import Summary

_DECODING_THREADS = 2
_EVEN = 0.5  # where evidence was weighed, an answer from here on is more likely right than wrong
_FEWEST_WEIGHED = 5  # classes; the evidence is weighed by how far one of ten stands out, and of two one always does
MANY_GLYPHS = "looks like a page; use 'kerascnn read'"
"""Why a picture of several glyphs gets no answer."""


@dataclass(frozen=True)
class Prediction:
    """What the network says of one picture.

    Args:
        label: Name of the class; None if there is no answer.
        digit: The same as a number, for models of the ten digits.
        confidence: Probability of the most probable class, 0 to 1.
        probabilities: Probability of every class, in the order of the model card's `class_names`; what is missing to 1
            is the probability that the picture shows none of them.
        reason: Why there is no answer; None if there is one.
    """

    label: str | None
    digit: int | None
    confidence: float
    probabilities: tuple[float, ...]
    reason: str | None = None


class Predictor:
    """A trained model that reads pictures.

    Args:
        engine: Computes the probabilities.
        card: The model card.
        path: The model's `.keras` file; None for a model that was not saved.
        stored: The file as it was when the model was loaded.
    """

    def __init__(self, engine: Engine, card: Card, path: Path | None = None, stored: StoredModel | None = None) -> None:
        self.engine, self.card, self.path = engine, card, path
        self._stored = stored

    def __repr__(self) -> str:
        names = self.card.class_names
        classes = ", ".join(names if len(names) <= 12 else [*names[:10], "..."])
        return f"<Predictor {self.card.name!r}: {len(names)} classes ({classes}), {self.engine.name}, {self.path}>"

    @property
    def files(self) -> list[Path]:
        """The files of a saved model, the card last; none for a model that was not saved."""
        if self.path is None:
            return []
        # A model that was renamed may have a card with its former names.
        suffixes = dict.fromkeys((self.path.suffix, *(Path(name).suffix for name in self.card.files)))
        files = [self.path.with_suffix(suffix) for suffix in (*suffixes, ".json")]
        return [file for file in files if file.is_file()]

    def predict(self, images: Picture | Sequence[Picture]) -> list[Prediction]:
        """Read pictures.

        Args:
            images: A path, `-` for standard input, encoded bytes, a binary file, a PIL image, or an array, tensor or
                nested list: `(height, width)`, `(height, width, 3)`, `(n, height, width)`, or `(n, height * width)` of
                the model's size; or a list of these.

        Returns:
            One prediction for each picture, and so several for a document of several, such as a multi-page TIFF.

        Raises:
            ImageError: If a picture cannot be read.

        Example:
            >>> kerascnn.load("reference").predict("seven.png")[0].label
            '7'
        """
        considered = [self._consider(page) for page in each_page(split_pictures(images, self.card.input_shape[:2]))]
        return [prediction for _, prediction in self._recognise(considered, map)]

    def prepare(self, picture: Picture) -> PreparedImage:
        """Turn one picture, as for `predict`, into the image that explains it best, and tell how its ink was found.

        Raises:
            ImageError: If the picture cannot be read.
            ModelError: If the model segments pages.
        """
        return self.prepare_and_predict(picture)[0]

    def prepare_and_predict(self, picture: Picture) -> tuple[PreparedImage, Prediction]:
        """Read one picture, as `predict` does, and return the image that the answer is based on as well.

        Raises:
            ImageError: If the picture cannot be read.
            ModelError: If the model segments pages.
        """
        return self._recognise([self._consider(picture)], map)[0]

    def _consider(self, picture: Picture) -> ConsideredPicture:
        if self.card.segments_pages:
            raise ModelError(
                f"the model {self.card.name!r} segments pages and knows no single pictures; "
                f"give it to 'kerascnn read --segmenter', and here another one."
            )
        array, size = open_picture(picture), self.card.input_shape[:2]
        if len(self.card.class_names) < _FEWEST_WEIGHED:
            return ConsideredPicture((prepare_image(array, self.card.preparation, size),))
        return consider_picture(array, self.card.preparation, size)

    def _recognise(
        self, pictures: Sequence[ConsideredPicture], map_pictures: Callable[..., Iterable[ConsideredPicture]]
    ) -> list[tuple[PreparedImage, Prediction]]:
        results = recognise_pictures(pictures, self.engine, map_pictures)
        return [(result.image, self._decide_weighed(result)) for result in results]

    def predict_prepared(self, images: Sequence[PreparedImage]) -> list[Prediction]:
        """Predict images of the model's input size that are prepared already, with `prepare`."""
        if not images:
            return []
        probabilities = self.engine.probabilities(np.stack([image.pixels for image in images]))
        threshold = self.card.rejection_threshold
        return [self._decide(row, image.reason, threshold) for row, image in zip(probabilities, images, strict=True)]

    def predict_files(self, sources: Iterable[Picture], on_error: OnError) -> Iterator[tuple[str, Prediction]]:
        """Read any number of pictures in bounded memory.

        Args:
            sources: Pictures, each as for `predict`.
            on_error: Called with the name of a picture that cannot be read, and the reason; the others go on.

        Yields:
            Name (the path as given, `-` for standard input and bytes) and prediction, in the order of the sources.
        """
        with ThreadPoolExecutor(_DECODING_THREADS) as threads:
            pages = each_page(sources)
            pending = self._submit(threads, pages)
            while pending:
                following = self._submit(threads, pages)
                names, images = [], []
                for name, future in pending:
                    try:
                        images.append(future.result())
                        names.append(name)
                    except ImageError as error:
                        on_error(name, error)
                predictions = [prediction for _, prediction in self._recognise(images, threads.map)]
                yield from zip(names, predictions, strict=True)
                pending = following

    def summary(self) -> "Summary":
        """Work out every layer of the network, with the arithmetic behind its shapes and counts.

        Raises:
            ModelError: If the model's file is missing.
        """
        from kerascnn.summary import summarize

        if self.path is not None:
            return summarize(model=self.path)
        with temporary_directory() as directory:
            path = directory / f"{self.card.name}.keras"
            self._write_keras(path)
            return summarize(model=path)

    def explain(self, picture: Picture, **options: Any) -> Any:
        """Show why the model gives its answer, in pictures and on one page, `report.html`.

        Args:
            picture: Picture that `predict` takes.
            **options: Options of `kerascnn.explain`, such as `output` or `layer`.

        Returns:
            The explanation that `kerascnn.explain` returns.
        """
        # The room `explaining` is above this one and imports it, so that only the package itself can be asked for it.
        package = import_module(__name__.partition(".")[0])
        return package.explain(picture, self, **options)

    def save(self, path: str | Path) -> Path:
        """Write the model: its `.keras` file, and beside it the `.onnx` file, the model card and what else there is.

        A model that was loaded or trained is copied; one that is in memory alone is converted to ONNX, which takes
        some seconds.

        Args:
            path: The `.keras` file to write; the ending may be left out.

        Returns:
            The `.keras` file.

        Raises:
            ModelError: If the conversion to ONNX fails, or the model is neither in a file nor in Keras.
            UsageError: If it has another ending.
            OutputError: If its directory is missing, or the files cannot be written.

        Example:
            >>> kerascnn.load("reference").save("mine")
            PosixPath('mine.keras')
        """
        target = complete_model_path(path)
        with reserve_output(target), staging_directory(target) as directory:
            staged = {".keras": directory / "model.keras"}
            self._write_keras(staged[".keras"])
            for file in self.files:
                if file.suffix in (".csv", ".png") and compute_sha256(file) in self.card.digests(file.suffix):
                    staged[file.suffix] = Path(shutil.copyfile(file, directory / f"model{file.suffix}"))
            staged[".onnx"] = directory / "model.onnx"
            stored = self._reopen()
            onnx = None if stored is None else stored.read_onnx(lambda note: None)
            if onnx is not None:
                staged[".onnx"].write_bytes(onnx)
            else:
                from kerascnn.saving.onnx_files import export_onnx

                feeding = self.card.feeding if self.path is not None else None
                export_onnx(staged[".keras"], staged[".onnx"], feeding, self.card.input_shape[:2])
            save(target, staged, replace(self.card, name=target.stem))
        return target

    def _reopen(self) -> StoredModel | None:
        """Return the model's file as it was loaded; None for a model in memory."""
        if self._stored is None and self.path is not None:
            self._stored = open_model(self.path)
        return self._stored

    def _write_keras(self, path: Path) -> None:
        stored = self._reopen()
        if stored is not None and stored.archive is not None:
            stored.archive.write_network(path)
        elif stored is not None:  # an .h5 file
            activate()
            save_without_optimizer(load_checked_model(stored), path)
        elif isinstance(self.engine, KerasEngine):
            save_without_optimizer(self.engine.model, path)
        else:
            raise ModelError(
                f"the model {self.card.name!r} has no .keras file and is not in Keras; load it by its path."
            )

    def _submit(
        self, threads: ThreadPoolExecutor, pages: Iterator[Page]
    ) -> list[tuple[str, Future[ConsideredPicture]]]:
        """Begin to prepare the next batch of pictures; standard input is read here, where it can be interrupted."""
        return [(page.name, threads.submit(self._consider, page)) for page in islice(pages, BATCH_SIZE)]

    def _decide_weighed(self, result: RecognisedPicture) -> Prediction:
        if not result.weighed:
            return self._decide(result.probabilities, result.image.reason, self.card.rejection_threshold)
        reason = MANY_GLYPHS if result.many > max(result.none, float(result.probabilities.max())) else None
        return self._decide(result.probabilities, reason, self._weighed_threshold)

    @cached_property
    def _weighed_threshold(self) -> float:
        """Confidence from which an answer holds where evidence was weighed.

        The evidence knows how far to trust the network that it was fitted with. Another one may be surer of what is no
        digit; its answers must be as sure as those to the images that it was validated on.
        """
        own = self.card.rejection_threshold
        return _EVEN if own is None or self.card.network == load_fitted_network() else max(own, _EVEN)

    def _decide(self, probabilities: np.ndarray, reason: str | None, threshold: float | None) -> Prediction:
        index = int(probabilities.argmax())
        confidence = float(probabilities[index])
        if reason is None and threshold is not None and confidence < threshold:
            reason = "not a digit" if self.card.recognises_digits else "none of the classes"
        return Prediction(
            label=None if reason else self.card.class_names[index],
            digit=index if self.card.recognises_digits and not reason else None,
            confidence=confidence,
            probabilities=tuple(probabilities.tolist()),
            reason=reason,
        )


def load(
    model: str | Path | None = None,
    *,
    backend: str | None = None,
    scale: str | None = None,
    preparation: str | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Predictor:
    """Load a model for reading pictures.

    ONNX Runtime runs it, which starts at once, unless a backend is named here or by `KERAS_BACKEND`.

    Args:
        model: A path, `"reference"` for the model that ships with the package, or None for
            `saved_models/mnist_cnn.keras` if it is there, else the reference.
        backend: Backend of Keras to run it on; by default ONNX Runtime runs it.
        scale: Range of pixels that a model without a card was trained in: `"255"`, `"1"`, `"-1..1"`, or mean and
            standard deviation such as `"0.1307,0.3081"`; by default it is measured on MNIST's training images.
        preparation: Preparation of pictures for a model without a card, `mnist` for handwriting or `resize`; by default
            `mnist` if it knows MNIST's digits.
        on_note: Called with a sentence when something is not as expected, such as a stale `.onnx` file.

    Returns:
        The model.

    Raises:
        ModelError: If the file is missing, damaged or unsafe.
        BackendError: If the backend is unknown or not installed.

    Example:
        >>> kerascnn.load("reference").card.class_names
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    note = on_note or (lambda text: None)
    path = resolve_model_path(model)
    stored = open_model(path, note)
    if stored.card is None:
        return _load_own(stored, backend, scale, preparation, note)
    require_same(stored.card, path, scale, preparation)
    if explicit_wish(backend) is None:
        content = stored.read_onnx(note)
        if content is not None:
            try:
                return Predictor(OnnxEngine(content, path, stored.card), stored.card, path, stored)
            except OtherOperatorError as error:
                note(f"{error} Using Keras, which starts more slowly.")
    return _load_on_keras(stored, stored.card, backend)


def _load_on_keras(stored: StoredModel, card: Card, backend: str | None) -> Predictor:
    activate(backend)
    model = load_checked_model(stored)
    _require_its_feeding(model, card, stored)
    engine = KerasEngine(_adapt(model, card))
    _require_its_card(engine.model, card, stored)
    return Predictor(engine, card, stored.path, stored)


def _require_its_card(model: Any, card: Card, stored: StoredModel) -> None:
    """Refuse a card that says something else than the network does."""
    output, own_size, size = model.output_shape, tuple(model.input_shape[1:3]), card.input_shape[:2]
    says = None
    if len(card.class_names) != output[-1]:
        says = f"gives {output[-1]} classes, its card names {len(card.class_names)}"
    elif any(own not in (None, side) for own, side in zip(own_size, size, strict=True)):
        says = f"takes images of {own_size[0]}x{own_size[1]}, its card names {size[0]}x{size[1]}"
    elif card.segments_pages != (len(output) == 4):
        says = f"{'classifies pictures' if len(output) == 2 else 'segments pages'}, its card says otherwise"
    if says is not None:
        raise _not_its_card(says, stored)


def _require_its_feeding(model: Any, card: Card, stored: StoredModel) -> None:
    """Refuse a card by which the network takes another input than it does."""
    own = tuple(model.inputs[0].shape[1:])
    if card.feeding is not None and tuple(card.feeding.shape) != own:
        raise _not_its_card(f"takes {own} for an image, its card names {str(tuple(card.feeding.shape))[:60]}", stored)


def _not_its_card(says: str, stored: StoredModel) -> ModelError:
    way_out = "save the network anew in Keras, which leaves the card out" if stored.carries_card else "remove the card"
    return ModelError(f"{stored.path} {says}; {way_out}, or train the model again.")


def _load_own(
    stored: StoredModel, backend: str | None, scale: str | None, preparation: str | None, note: Callable[[str], None]
) -> Predictor:
    """Load a model that has no card."""
    from kerascnn.inference.own_models import describe_own_model  # with the data sets, which other models don't need

    activate(backend)
    model = load_checked_model(stored)
    card = describe_own_model(stored.path, model, scale=scale, preparation=preparation, on_note=note)
    return Predictor(KerasEngine(_adapt(model, card)), card, stored.path, stored)


def _adapt(model: Any, card: Card) -> Any:
    return model if card.feeding is None else adapt_model(model, card.feeding, card.input_shape[:2])
