"""Fit the weights by which symbols are told from digits and from other marks, on synthetic pages. Imports Keras."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import keras
import numpy as np

from kerascnn.datasets.synthetic.pages import SyntheticPage
from kerascnn.images.binarization import BinarizedPage, binarize_page
from kerascnn.images.symbol_candidates import SYMBOLS, Candidate
from kerascnn.inference.glyph_recognition import judge_solutions, recognize_page
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segmenters import Segmenter
from kerascnn.inference.symbol_reading import CLASSES, FEATURES, NETWORK, describe_page

_HIDDEN = 48
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _WEIGHT_DECAY = 40, 256, 1e-2, 0.2
_LEAST_SCALE = 1e-2
_MATCH = 0.7  # harmonic mean of precision and recall from which a candidate is what its ink was written as
_WRITTEN = 0.15  # of the ink of a candidate that was written; the soft edges of a hairline are most of it


class SymbolExamples(NamedTuple):
    """Candidates for symbols: what describes them, float32 `(n, len(FEATURES))`, and their places in `CLASSES`."""

    features: np.ndarray
    labels: np.ndarray


def collect_symbols(pages: Iterable[SyntheticPage], predictor: Predictor, segmenter: Segmenter) -> SymbolExamples:
    """Read pages, and describe and label all that may be a symbol on them."""
    features, labels = [np.zeros((0, len(FEATURES)), np.float32)], []
    for made in pages:
        page = binarize_page(made.picture)
        masks = segmenter(page)
        solutions = recognize_page(page, masks, predictor, "a synthetic page")
        candidates, described = describe_page(page, masks, judge_solutions(solutions))
        features.append(described)
        labels += _label(candidates, made, page)
    return SymbolExamples(np.concatenate(features), np.array(labels, np.int64))


def fit_symbols(examples: SymbolExamples, seed: int = 0) -> dict[str, np.ndarray]:
    """Fit the weights; the result is what the file `symbols.npz` holds."""
    keras.utils.set_random_seed(seed)
    mean, scale = examples.features.mean(axis=0), examples.features.std(axis=0) + _LEAST_SCALE
    inputs = keras.Input((len(FEATURES),))
    hidden = keras.layers.Dense(_HIDDEN, "tanh")(inputs)
    network = keras.Model(inputs, keras.layers.Dense(len(CLASSES))(hidden))
    steps = _EPOCHS * -(-len(examples.labels) // _BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY), loss)
    standardized = np.clip((examples.features - mean) / scale, -4, 4)
    network.fit(standardized, examples.labels, batch_size=_BATCH_SIZE, epochs=_EPOCHS, verbose=0)
    parts = dict(zip(("w1", "b1", "w2", "b2"), network.get_weights(), strict=True))
    weights = {"mean": mean, "scale": scale, **parts}
    return {f"{NETWORK}_{part}": np.asarray(values, np.float32) for part, values in weights.items()}


def _label(candidates: list[Candidate], made: SyntheticPage, page: BinarizedPage) -> list[int]:
    """Label candidates by the glyphs whose ink they are."""
    shown = [character for line in made.lines for character in line if character != " "]
    size = page.mask.shape[1], page.mask.shape[0]
    owners = cv2.resize(made.instances, size, interpolation=cv2.INTER_NEAREST) * page.mask
    areas = np.bincount(owners.ravel(), minlength=len(shown) + 1)
    labels = []
    for candidate in candidates:
        inside = owners[candidate.glyph.window()][candidate.glyph.mask]
        counts = np.bincount(inside, minlength=len(shown) + 1)
        best = int(counts[1:].argmax()) + 1
        match = 2 * counts[best] / max(1, areas[best] + counts[1:].sum())
        is_shown = counts[1:].sum() >= _WRITTEN * len(inside) and match >= _MATCH
        labels.append(CLASSES.index(_name_class(shown[best - 1], candidate) if is_shown else "none"))
    return labels


def _name_class(character: str, candidate: Candidate) -> str:
    """Name the class of what a candidate shows; one point of a colon is none, though it be the larger."""
    if character.isdigit():
        return "digit"
    is_whole = character != ":" or len(candidate.pieces) > 1
    return character if character in SYMBOLS and is_whole else "none"
