"""Recognition: all candidates of a picture's ink go through the network, and the evidence chooses among them.

The probability of a class is the mean over the candidates, each weighted by a score and by how likely it shows a glyph
at all. Score and likelihood come from a small network that is fitted on synthetic pictures
(`kerascnn.training.evidence_fitting`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kerascnn.images.candidates import MAPS, STAGES, resample
from kerascnn.images.evidence import FEATURES, Perceptron, load_perceptron, load_sure_level, measure_evidence
from kerascnn.images.normalization import (
    PreparedImage,
    is_prepared,
    normalize_candidate,
    prepare_as_it_is,
    prepare_by_resizing,
    prepare_nothing,
)
from kerascnn.inference.engines import Engine

RECOGNISED = ("top", "second", "entropy", "prominence", "mean support", "mean support of maps", "support of a map")
"""Features of what the network says of a candidate, beside those of its ink: the first four, and the agreement."""

_FIRST_MAP = FEATURES.index(MAPS[0])


@dataclass(frozen=True, eq=False)
class ConsideredPicture:
    """A picture whose ink is looked for.

    Args:
        images: The image that each candidate became.
        evidence: float32, `(num_candidates, len(FEATURES))`; None for a picture that is the only candidate itself.
        picture: uint8, the picture from which candidates are made; None for one that is the only candidate itself.
        stage: Number of the stages of `kerascnn.images.candidates.STAGES` that have been gone through.
    """

    images: tuple[PreparedImage, ...]
    evidence: np.ndarray | None = None
    picture: np.ndarray | None = None
    stage: int = 0


class RecognisedPicture(NamedTuple):
    """What a picture shows.

    Args:
        image: The image that explains the picture best.
        probabilities: Probability of each class, `(num_classes,)`.
        none: Probability that it shows none of them.
        many: Probability that it shows several glyphs.
        weighed: Whether evidence was weighed, or the network's word is all there is.
    """

    image: PreparedImage
    probabilities: np.ndarray
    none: float = 0.0
    many: float = 0.0
    weighed: bool = False


def consider_picture(picture: np.ndarray, preparation: str, size: tuple[int, int]) -> ConsideredPicture:
    """Make the first candidates of a decoded picture for a network that takes images of a height and a width."""
    if preparation != "mnist":
        return ConsideredPicture((prepare_by_resizing(picture, size),))
    if is_prepared(picture, size):
        return ConsideredPicture((prepare_as_it_is(picture),))
    return _extend(ConsideredPicture((), picture=resample(picture)), size)


def recognise_pictures(
    pictures: Sequence[ConsideredPicture],
    engine: Engine,
    map_pictures: Callable[..., Iterable[ConsideredPicture]] = map,
) -> list[RecognisedPicture]:
    """Recognise pictures; where the first candidates leave a doubt, more are made.

    Args:
        pictures: Pictures, for a network of one input size.
        engine: Runs the network.
        map_pictures: Maps a function over pictures, perhaps in threads.
    """
    considered, answers = list(pictures), _run([picture.images for picture in pictures], engine)
    results = [_choose(picture, answer) for picture, answer in zip(considered, answers, strict=True)]
    for _ in STAGES[1:]:
        doubtful = [index for index, picture in enumerate(considered) if _is_doubtful(picture, results[index])]
        before = [considered[index] for index in doubtful]
        extended = list(map_pictures(_extend, before))
        new = _run([now.images[len(then.images) :] for now, then in zip(extended, before, strict=True)], engine)
        for index, picture, answer in zip(doubtful, extended, new, strict=True):
            considered[index] = picture
            if len(answer):
                answers[index] = np.concatenate([answers[index], answer])
                results[index] = _choose(picture, answers[index])
    return results


def describe_recognition(evidence: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Join the evidence of the ink and what the network says into the features of each candidate.

    Args:
        evidence: float32, `(n, len(FEATURES))`.
        probabilities: `(n, num_classes)`.

    Returns:
        float32, `(n, len(FEATURES) + len(RECOGNISED))`.
    """
    ordered = np.sort(probabilities, axis=1)
    top = np.clip(ordered[:, -1], 1e-6, 1 - 1e-5)
    entropy = -(probabilities * np.log(np.clip(probabilities, 1e-9, 1))).sum(axis=1)
    # Row i: what every candidate thinks of the answer of candidate i.
    support = probabilities[:, probabilities.argmax(axis=1)].T
    maps = evidence[:, _FIRST_MAP : _FIRST_MAP + len(MAPS)] > 0
    by_map = np.stack([np.where(chosen, support, -1).max(axis=1) for chosen in maps.T], axis=1)
    others = (by_map >= 0) & ~maps
    count = others.sum(axis=1)
    mean = np.where(count > 0, np.where(others, by_map, 0).sum(axis=1) / np.maximum(count, 1), 0.5)
    best = np.where(count > 0, np.where(others, by_map, 0).max(axis=1), 0.5)
    # Of what is no digit several classes are likely; of a digit even the second is far from the first.
    prominence = np.log(top) - np.log(np.clip(probabilities, 1e-9, 1)).mean(axis=1)
    own = [np.log(top / (1 - top)), ordered[:, -2], entropy, prominence]
    said = np.stack([*own, support.mean(axis=1), mean, best], axis=1)
    return np.concatenate([evidence, said], axis=1, dtype=np.float32)


def weigh_candidates(evidence: np.ndarray, probabilities: np.ndarray, choice: Perceptron) -> np.ndarray:
    """Compute each candidate's part in the probability of each class, of none and of many, `(n, num_classes + 2)`.

    Args:
        evidence: float32, `(n, len(FEATURES))`.
        probabilities: What the network says of each, `(n, num_classes)`.
        choice: The fitted network, which gives a score, and the logits of "shows one", "none" and "many", for each.
    """
    outputs = choice(describe_recognition(evidence, probabilities)).astype(np.float64)
    weights, shown = _softmax(outputs[:, 0], axis=0), _softmax(outputs[:, 1:], axis=1)
    return np.asarray(weights[:, None] * np.concatenate([shown[:, :1] * probabilities, shown[:, 1:]], axis=1))


def _softmax(values: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _extend(considered: ConsideredPicture, size: tuple[int, int] | None = None) -> ConsideredPicture:
    """Add the candidates of the next stage; the size of the images is that of those that are there already."""
    size = size or (considered.images[0].pixels.shape[0], considered.images[0].pixels.shape[1])
    candidates = [] if considered.picture is None else STAGES[considered.stage](considered.picture)
    considered = replace(considered, stage=considered.stage + 1)
    if not candidates:
        # Where not even one level parts the pixels, all of them are alike.
        return considered if considered.images else ConsideredPicture((prepare_nothing(size),))
    images = tuple(normalize_candidate(candidate, size) for candidate in candidates)
    evidence = np.stack([measure_evidence(candidate) for candidate in candidates])
    if considered.evidence is not None:
        evidence = np.concatenate([considered.evidence, evidence])
    return replace(considered, images=considered.images + images, evidence=evidence)


def _run(images: Sequence[Sequence[PreparedImage]], engine: Engine) -> list[np.ndarray]:
    """Run the network on the images of all pictures in one batch; return what it says of those of each picture."""
    pixels = [image.pixels for of_picture in images for image in of_picture]
    if not pixels:
        return [np.zeros((0, 0)) for _ in images]
    return np.split(engine.probabilities(np.stack(pixels)), np.cumsum([len(each) for each in images])[:-1])


def _choose(picture: ConsideredPicture, probabilities: np.ndarray) -> RecognisedPicture:
    if picture.evidence is None:
        return RecognisedPicture(picture.images[0], probabilities[0])
    parts = weigh_candidates(picture.evidence, probabilities, load_perceptron("choice"))
    *classes, none, many = parts.sum(axis=0).tolist()
    best = int(parts[:, int(np.argmax(classes))].argmax())
    return RecognisedPicture(picture.images[best], np.array(classes), none, many, weighed=True)


def _is_doubtful(considered: ConsideredPicture, result: RecognisedPicture) -> bool:
    more = considered.picture is not None and considered.stage < len(STAGES)
    return more and max(float(result.probabilities.max()), result.none, result.many) < load_sure_level("choice")
