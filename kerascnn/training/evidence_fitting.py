"""Fit the weights of the evidence on synthetic pictures of training digits, for the model that recognises them.

Each picture counts twice: with its first candidates alone, and with all of them. Imports Keras.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from kerascnn.datasets.synthetic.pictures import make_pictures
from kerascnn.datasets.synthetic.prepared import measure_overlap
from kerascnn.images.candidates import STAGES, resample
from kerascnn.images.evidence import Perceptron, build_perceptron, measure_evidence
from kerascnn.images.normalization import normalize_glyph
from kerascnn.inference.engines import Engine
from kerascnn.inference.recognition import describe_recognition, weigh_candidates

_HIDDEN = 48
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _WEIGHT_DECAY = 60, 256, 3e-3, 1e-2
_LEAST_SCALE = 1e-3
_NOISE = 0.3  # standard deviations by which features are disturbed: synthetic pictures are not all that there is
NO_DIGIT, MANY_DIGITS = 10, 11
"""Labels of pictures that show none, or more than one."""

_TOLERATED_LOSS = 0.0005  # of the answers, by those that no further candidates are made for


class Example(NamedTuple):
    """The candidates of one picture.

    Args:
        evidence: float32, `(n, num_features)`.
        probabilities: What the network says of each, `(n, 10)`.
        overlap: How much each has in common with the digit, 0..1: the harmonic mean of precision and recall, `(n,)`.
        counts: Number of candidates after each stage.
        label: The digit, `NO_DIGIT` or `MANY_DIGITS`.
    """

    evidence: np.ndarray
    probabilities: np.ndarray
    overlap: np.ndarray
    counts: tuple[int, ...]
    label: int


def collect_examples(
    engine: Engine, digits: tuple[np.ndarray, np.ndarray], count: int, generator: np.random.Generator
) -> list[Example]:
    """Make pictures and describe all their candidates.

    Args:
        engine: Runs the model that recognises them, of input size 28x28.
        digits: Training images, uint8 `(n, 28, 28)`, and labels, integers `(n,)`.
        count: Number of pictures.
        generator: Source of all randomness.
    """
    examples = []
    for shown in make_pictures(*digits, count, generator):
        small = resample(shown.picture)
        stages = [find(small) for find in STAGES]
        candidates = [candidate for found in stages for candidate in found]
        if not candidates:
            continue
        probabilities = engine.probabilities(np.stack([normalize_glyph(candidate.glyph) for candidate in candidates]))
        overlaps = [measure_overlap(candidate, shown.cover) for candidate in candidates]
        harmonic = [2 * recall * precision / max(recall + precision, 1e-6) for recall, precision in overlaps]
        evidence = np.stack([measure_evidence(candidate) for candidate in candidates])
        label = NO_DIGIT + shown.shows_many if shown.label is None else shown.label
        counts = tuple(np.cumsum([len(found) for found in stages]).tolist())
        examples.append(Example(evidence, probabilities, np.array(harmonic, np.float32), counts, label))
    return examples


def fit_evidence(examples: Sequence[Example], seed: int = 0) -> dict[str, np.ndarray]:
    """Fit the weights of both networks; the result is what the file `evidence.npz` holds."""
    keras.utils.set_random_seed(seed)
    fitted = {"choice": _fit_choice(examples), "ink": _fit_ink(examples)}
    weights = {f"{name}_{part}": values for name, parts in fitted.items() for part, values in parts.items()}
    choice, ink = build_perceptron(weights, "choice"), build_perceptron(weights, "ink")
    weights["choice_sure"] = np.array(_find_sure_level([_judge_choice(example, choice) for example in examples]))
    of_digits = [example for example in examples if example.label < NO_DIGIT]
    weights["ink_sure"] = np.array(_find_sure_level([_judge_ink(example, ink) for example in of_digits]))
    return {name: values.astype(np.float32) for name, values in weights.items()}


class _Mixture(keras.layers.Layer):
    """The mean of the candidates' answers, as `kerascnn.inference.recognition` computes it; none and many come last."""

    def call(self, outputs: Any, probabilities: Any, exists: Any) -> Any:
        """Compute `(batch, 12)` from `(batch, n, 4)`, `(batch, n, 10)` and 1 for a candidate that exists."""
        ops = keras.ops
        weights = ops.softmax(outputs[..., 0] - 1e9 * (1 - exists), axis=1)[..., None]
        shown = ops.softmax(outputs[..., 1:], axis=2)
        parts = ops.concatenate([shown[..., :1] * probabilities, shown[..., 1:]], axis=2)
        return ops.sum(weights * parts, axis=1)


def _fit_choice(examples: Sequence[Example]) -> dict[str, np.ndarray]:
    both = [_take_first(example, count) for example in examples for count in sorted(set(example.counts) - {0})]
    features = [describe_recognition(example.evidence, example.probabilities) for example in both]
    mean, scale = _standardize(np.concatenate(features))
    most = max(len(each) for each in features)
    inputs = _pad([np.clip((each - mean) / scale, -4, 4) for each in features], most)
    probabilities = _pad([example.probabilities for example in both], most)
    exists = _pad([np.ones((len(each), 1)) for each in features], most)[..., 0]
    described = keras.Input((most, inputs.shape[2]))
    said, present = keras.Input((most, 10)), keras.Input((most,))
    hidden = keras.layers.Dense(_HIDDEN, "tanh")(keras.layers.GaussianNoise(_NOISE)(described))
    mixture = _Mixture()(keras.layers.Dense(4)(hidden), said, present)
    model = keras.Model([described, said, present], mixture)
    labels = np.array([example.label for example in both])
    _train(model, "sparse_categorical_crossentropy", [inputs, probabilities, exists], labels)
    return _collect(model, mean, scale)


def _fit_ink(examples: Sequence[Example]) -> dict[str, np.ndarray]:
    features = np.concatenate([example.evidence for example in examples])
    mean, scale = _standardize(features)
    described = keras.Input((features.shape[1],))
    model = keras.Model(described, keras.layers.Dense(1)(keras.layers.Dense(_HIDDEN, "tanh")(described)))
    overlap = np.concatenate([example.overlap for example in examples])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    _train(model, loss, np.clip((features - mean) / scale, -4, 4), overlap)
    return _collect(model, mean, scale)


def _take_first(example: Example, count: int) -> Example:
    return example._replace(
        evidence=example.evidence[:count], probabilities=example.probabilities[:count], overlap=example.overlap[:count]
    )


def _judge_choice(example: Example, choice: Perceptron) -> list[tuple[float, float]]:
    """Tell how sure the answer of each stage is, and whether it is right, 1 or 0."""
    judged = []
    for count in filter(None, example.counts):
        mixture = weigh_candidates(example.evidence[:count], example.probabilities[:count], choice).sum(axis=0)
        judged.append((float(mixture.max()), float(mixture.argmax() == example.label)))
    return judged


def _judge_ink(example: Example, ink: Perceptron) -> list[tuple[float, float]]:
    """Tell how sure the choice by the ink alone is in each stage, and how much it has in common with the digit."""
    scores = ink(example.evidence)[:, 0]
    chosen = [int(np.argmax(scores[:count])) for count in example.counts if count]
    return [(float(scores[index]), float(example.overlap[index])) for index in chosen]


def _find_sure_level(judged: Sequence[Sequence[tuple[float, float]]]) -> float:
    """Find the lowest level from which what an early stage gives is as good as what the last one does."""
    early = [(level, value - stages[-1][1]) for stages in judged for level, value in stages[:-1]]
    ordered = sorted(early, reverse=True)
    losses = -np.cumsum([gain for _, gain in ordered]) / np.arange(1, len(ordered) + 1)
    good = np.flatnonzero(losses <= _TOLERATED_LOSS)
    return ordered[int(good[-1]) if len(good) else 0][0]


def _standardize(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return features.mean(axis=0), features.std(axis=0) + _LEAST_SCALE


def _pad(rows: Sequence[np.ndarray], count: int) -> np.ndarray:
    result = np.zeros((len(rows), count, rows[0].shape[1]), np.float32)
    for index, values in enumerate(rows):
        result[index, : len(values)] = values
    return result


def _train(model: keras.Model, loss: Any, inputs: Any, targets: np.ndarray) -> None:
    steps = _EPOCHS * -(-len(targets) // _BATCH_SIZE)
    rate = keras.optimizers.schedules.PolynomialDecay(_LEARNING_RATE, steps, 0.0)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY), loss)
    model.fit(inputs, targets, batch_size=_BATCH_SIZE, epochs=_EPOCHS, verbose=0)


def _collect(model: keras.Model, mean: np.ndarray, scale: np.ndarray) -> dict[str, np.ndarray]:
    names = ("w1", "b1", "w2", "b2")
    return {"mean": mean, "scale": scale, **dict(zip(names, model.get_weights(), strict=True))}
