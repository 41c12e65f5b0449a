"""Find out how somebody else's network is fed, by trying it on digits of MNIST's training part."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from kerascnn.datasets import load_dataset
from kerascnn.inference.keras_models import choose_batch_size, measure_model, running
from kerascnn.inference.outputs import find_outputs
from kerascnn.saving.feeding import (
    AS_THEY_ARE,
    LOGIT,
    LOGITS,
    PROBABILITIES,
    SCALES,
    SIGMOID,
    Feeding,
    InputShape,
    adapt_model,
    find_image_size,
    read_scale,
)
from kerascnn.utils.errors import DataError, ModelError

_NUM_IMAGES, _MANY_IMAGES = 512, 8192  # the latter where the former do not make it clear
_FEWEST_IMAGES = 64  # for each scale, of a network that is slow
_MOST_WORK = 250_000_000_000  # multiply-adds for all scales together
_BATCH_SIZE = 512
_FIRST_IMAGE = 30_000
_NUM_DIGITS = 10
_MOST_UNCERTAINTY = 0.6  # log-loss against that of a guess by the frequencies alone; more is no knowledge of digits
_STANDARD_ERRORS = 3.0  # by which the best scale has to be better than the second
_SAME = 1e-3  # mean difference of probabilities between scales that make no difference

_SCALING = {"Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply", "Subtract"}


@dataclass(frozen=True)
class MeasuredFeeding:
    """How a network is fed, and what it was found to know.

    Args:
        feeding: What it takes and gives.
        image_size: Height and width of its images.
        class_names: Names of its classes, where they are digits; else their numbers.
        knows_digits: Whether it tells the digits of MNIST apart.
        reason: Why this scale was chosen, as part of a sentence.
    """

    feeding: Feeding
    image_size: tuple[int, int]
    class_names: tuple[str, ...]
    knows_digits: bool
    reason: str


class _Digits(NamedTuple):
    """Digits of MNIST: images, uint8 `(n, height, width)`, and labels; no labels where MNIST is missing."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class _Trial:
    """What a network says of the digits at one scale."""

    scale: str
    probabilities: np.ndarray
    labels: np.ndarray

    @cached_property
    def class_of_digit(self) -> np.ndarray:
        """The class that gets most probability from each digit."""
        means = [self.probabilities[self.labels == digit].mean(axis=0) for digit in range(_NUM_DIGITS)]
        return np.asarray(np.stack(means).argmax(axis=1))

    @cached_property
    def knows_digits(self) -> bool:
        """Whether the digits get different classes, and these far more surely than by chance."""
        if not len(self.labels):
            return False
        _, counts = np.unique(self.class_of_digit, return_counts=True)
        guess = -sum(count / _NUM_DIGITS * log(count / _NUM_DIGITS) for count in counts.tolist())
        differ = len(counts) == min(self.probabilities.shape[1], _NUM_DIGITS)
        return bool(differ and self.losses(self.class_of_digit).mean() <= _MOST_UNCERTAINTY * guess)

    def losses(self, class_of_digit: np.ndarray) -> np.ndarray:
        """Compute the log-loss of each image, where classes stand for digits as is said."""
        likelihood = self.probabilities[np.arange(len(self.labels)), class_of_digit[self.labels]]
        return np.asarray(-np.log(np.clip(likelihood, 1e-7, 1)))


class _Trials:
    """Tries scales on a network.

    Args:
        model: The `keras.Model`.
        size: Height and width of its images.
    """

    def __init__(self, model: Any, size: tuple[int, int]) -> None:
        self._shape: InputShape = tuple(model.inputs[0].shape[1:])
        self._model = adapt_model(model, Feeding(self._shape), size)
        self._batch_size = choose_batch_size(self._model, _BATCH_SIZE)
        measured = measure_model(self._model)
        self._work = measured.work if measured is not None else 0
        self.image_size = size
        self.outputs = PROBABILITIES
        self.is_slow = False

    def load_digits(self, count: int, num_scales: int) -> _Digits:
        """Load digits to try scales on; fewer for a slow network, and one without a label for one that is too slow."""
        affordable = _MOST_WORK // (self._work * num_scales) if self._work else count
        self.is_slow = affordable < _FEWEST_IMAGES
        return _load_digits(self.image_size, 0 if self.is_slow else min(count, affordable))

    def run(self, scale: str, digits: _Digits) -> np.ndarray:
        """Compute the outputs as they are, `(n, num_outputs)`."""
        factor, offset = read_scale(scale)
        parts = []
        for start in range(0, len(digits.images), self._batch_size):
            batch = digits.images[start : start + self._batch_size, ..., None].astype(np.float32)
            with running(self._model):
                parts.append(np.asarray(self._model.predict_on_batch(batch * np.float32(factor) + np.float32(offset))))
        return np.concatenate(parts).astype(np.float64)

    def try_scale(self, scale: str, digits: _Digits) -> _Trial:
        """Compute the probabilities at a scale."""
        return _Trial(scale, _as_probabilities(self.run(scale, digits), self.outputs), digits.labels)

    def try_harder(self, best: _Trial, unclear: Sequence[_Trial]) -> list[_Trial]:
        """Compare trials with the best one on many more digits; return those that still may be as good."""
        if not unclear:
            return []
        digits, meaning = self.load_digits(_MANY_IMAGES, 1 + len(unclear)), best.class_of_digit
        least = self.try_scale(best.scale, digits).losses(meaning)
        again = [(trial, self.try_scale(trial.scale, digits)) for trial in unclear]
        return [trial for trial, tried in again if not _is_clear(tried.losses(meaning) - least)]


def measure_feeding(model: Any, path: Path, scale: str | None = None) -> MeasuredFeeding:
    """Find out how a network is fed.

    The scale is the one at which the log-loss on training images of MNIST is clearly the smallest. Which class stands
    for which digit is not taken for granted: each digit counts for the class that it gets most probability of, as long
    as the classes then differ.

    Args:
        model: The `keras.Model`.
        path: Its file, for messages.
        scale: Scale that the user gives; None to measure it.

    Raises:
        ModelError: If it is no classifier of images, or its scale cannot be found out.
    """
    shape = _require_classifier(model, path)
    size = find_image_size(shape)
    trials, scales = _Trials(model, size), SCALES if scale is None else (scale,)
    digits = trials.load_digits(_NUM_IMAGES, len(scales))
    raw = {one: trials.run(one, digits) for one in scales}
    # At a scale that is far from its own, a network of half precision may give what is no number.
    raw = {one: values for one, values in raw.items() if np.isfinite(values).all()}
    if not raw:
        raise ModelError(
            f"{path} gives no numbers (NaN or infinity) for digits; it is damaged, or its training failed: get another "
            "copy, or train it again with a smaller learning rate."
        )
    trials.outputs = find_outputs(model, np.concatenate(list(raw.values())))
    if trials.outputs == LOGIT and _counts_digits(list(raw.values()), digits.labels):
        raise ModelError(f"{path} gives the digit itself as a number (a regression); kerascnn runs classifiers.")
    tried = [_Trial(one, _as_probabilities(values, trials.outputs), digits.labels) for one, values in raw.items()]
    chosen, reason = (tried[0], "as was asked for") if scale is not None else _choose(tried, trials, model, path)
    feeding = Feeding(shape, chosen.scale, trials.outputs)
    return MeasuredFeeding(feeding, size, _name_classes(chosen), chosen.knows_digits, reason)


def _require_classifier(model: Any, path: Path) -> InputShape:
    """Return the shape of the input for one image."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; expected one each.")
    output_shape = tuple(model.outputs[0].shape[1:])
    if len(output_shape) == 3:
        raise ModelError(
            f"{path} segments pages but has no card; it is of use with the card that 'kerascnn fit' wrote."
        )
    if len(output_shape) != 1 or not output_shape[0]:
        raise ModelError(f"{path} gives {output_shape} values for each image; kerascnn runs classifiers of images.")
    return tuple(model.inputs[0].shape[1:])


def _load_digits(size: tuple[int, int], count: int) -> _Digits:
    """Load training images of MNIST at a size; one black image without a label for none, or where MNIST is missing."""
    nothing = _Digits(np.zeros((1, *size), np.uint8), np.zeros(0, int))
    if not count:
        return nothing
    try:
        dataset = load_dataset("mnist")
    except (DataError, OSError):
        return nothing
    part = slice(_FIRST_IMAGE, _FIRST_IMAGE + count)
    images, labels = dataset.train_images[part], dataset.train_labels[part]
    if images.shape[1:] != size:
        images = np.stack([cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA) for image in images])
    return _Digits(images, labels)


def _as_probabilities(raw: np.ndarray, outputs: str) -> np.ndarray:
    if outputs == LOGITS:
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if outputs == LOGIT:
        raw = 1 / (1 + np.exp(-raw))
    return np.concatenate([1 - raw, raw], axis=1) if outputs in (LOGIT, SIGMOID) else raw


def _choose(tried: Sequence[_Trial], trials: _Trials, model: Any, path: Path) -> tuple[_Trial, str]:
    knowing = [trial for trial in tried if trial.knows_digits]
    if knowing:
        best = min(knowing, key=lambda trial: trial.losses(trial.class_of_digit).mean())
        # What a class stands for does not change with the scale.
        meaning = best.class_of_digit
        others = [trial for trial in tried if _differ(trial, best)]
        # Where scales make no difference, the first of them stands for all.
        best = next(trial for trial in tried if trial not in others)
        unclear = [trial for trial in others if not _is_clear(trial.losses(meaning) - best.losses(meaning))]
        unclear = trials.try_harder(best, unclear)
        if not unclear:
            return best, _describe(best, others, meaning)
    if _scales_itself(model) and tried[0].scale == AS_THEY_ARE:
        return tried[0], "since it has a layer that scales them"
    raise _not_clear(tried, path, "it is too large to be tried on them" if trials.is_slow else "MNIST is missing")


def _differ(one: _Trial, other: _Trial) -> bool:
    return bool(np.abs(one.probabilities - other.probabilities).mean() > _SAME)


def _is_clear(differences: np.ndarray) -> bool:
    """Tell whether losses are larger than others by more than chance."""
    return bool(differences.mean() > _STANDARD_ERRORS * differences.std() / len(differences) ** 0.5)


def _describe(best: _Trial, others: Sequence[_Trial], meaning: np.ndarray) -> str:
    text = f"measured on training images of MNIST: log-loss {best.losses(meaning).mean():.2f}"
    rest = [(float(trial.losses(meaning).mean()), trial.scale) for trial in others]
    return f"{text}, {min(rest)[0]:.2f} at {min(rest)[1]}" if rest else text


def _not_clear(tried: Sequence[_Trial], path: Path, without: str) -> ModelError:
    losses = [
        f"{trial.losses(trial.class_of_digit).mean():.2f} at {trial.scale}" for trial in tried if len(trial.labels)
    ]
    measured = f"log-loss {', '.join(losses)}" if losses else without
    return ModelError(
        f"{path} has no card and no layer that says in which range it takes pixels, and measured on MNIST's digits it "
        f"is not clear ({measured}); say it with --scale 255, 1, -1..1, 1..0 for black on white, or "
        f"MEAN,DEVIATION (scale= in Python), or once for all with 'kerascnn card {path} --scale ...'."
    )


def _counts_digits(raw: Sequence[np.ndarray], labels: np.ndarray) -> bool:
    """Tell whether a single output is the digit itself."""
    return bool(len(labels)) and any(np.mean(np.round(values[:, 0]) == labels) > 0.4 for values in raw)


def _scales_itself(model: Any) -> bool:
    """Tell whether a network scales its input before its first layer with weights."""
    for operation in _list_operations(model):
        if type(operation).__name__ in _SCALING:
            return True
        if getattr(operation, "weights", None):
            return False
    return False


def _list_operations(model: Any) -> list[Any]:
    found: list[Any] = []
    for operation in getattr(model, "operations", None) or model.layers:
        found += _list_operations(operation) if hasattr(operation, "layers") else [operation]
    return found


def _name_classes(trial: _Trial) -> tuple[str, ...]:
    """Name each class by the digits that it stands for, or by its number where the network knows no digits."""
    num_classes = trial.probabilities.shape[1]
    numbers = tuple(map(str, range(num_classes)))
    if not trial.knows_digits:
        return numbers
    digits = [np.flatnonzero(trial.class_of_digit == index).tolist() for index in range(num_classes)]
    if num_classes >= _NUM_DIGITS:
        return tuple(str(one[0]) if one else f"class {index}" for index, one in enumerate(digits))
    single = next((str(one[0]) for one in digits if len(one) == 1), None)
    if num_classes == 2 and single is not None:
        return tuple(single if len(one) == 1 else f"not {single}" for one in digits)
    return tuple(" or ".join(map(str, one)) for one in digits)
