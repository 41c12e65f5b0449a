"""Fit the weights of the evidence for segments on synthetic sheets, for the model and the segmenter that read them.

The probability of all right paths through a glyph's lattice is maximised: in writing, those whose segments show one
digit each and are labelled with it; in anything else, those that are labelled as no digit throughout. Imports Keras.

Source: Lafferty, McCallum, Pereira, "Conditional random fields", ICML 2001.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from kerascnn.datasets.synthetic.writing import Writing
from kerascnn.images.binarization import binarize_page
from kerascnn.images.glyphs import Glyph, find_glyphs, median_digit_height
from kerascnn.images.normalization import PreparedImage, normalize_glyph
from kerascnn.images.over_segmentation import Segment, divide_pieces, propose_segments
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.segment_evidence import NO_DIGIT, NUM_DIGITS, ClassMap, SegmentEvidence, measure_segments
from kerascnn.inference.segmenters import Segmenter
from kerascnn.training.sheet_truth import SheetTruth, find_truth

_HIDDEN = 24
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _WEIGHT_DECAY = 40, 64, 1e-2, 1e-2
_LEAST_SCALE = 1e-3
_IMPOSSIBLE = -1e4
_FIRST_WEIGHTS = (0.5, 0.3, 0.0, 0.0)  # of the recogniser, of the map, of every digit, of none
_MATCH = 0.8  # harmonic mean of precision and recall from which a segment shows a digit
_IN_PART = 0.25  # of a glyph's pixels that belong to what it is found in
_MOST_NODES = 40


class Example(NamedTuple):
    """The lattice of one glyph.

    Args:
        edges: The nodes of each segment.
        evidence: The evidence for each segment.
        labels: The digit that each segment shows, or `NO_DIGIT`, integers `(n,)`.
        is_writing: Whether the glyph holds digits.
    """

    edges: list[tuple[int, int]]
    evidence: SegmentEvidence
    labels: np.ndarray
    is_writing: bool


def collect_examples(sheets: Iterable[Writing], predictor: Predictor, segmenter: Segmenter) -> list[Example]:
    """Segment sheets and describe the lattice of every glyph, except where no path shows its digits."""
    return [example for sheet in sheets for example in _describe_sheet(sheet, predictor, segmenter)]


def fit_segments(examples: Sequence[Example], name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Fit the weights; the result is what the file `segments.npz` holds of the network with a name."""
    keras.utils.set_random_seed(seed)
    features = np.concatenate([example.evidence.features for example in examples])
    mean, scale = features.mean(axis=0), features.std(axis=0) + _LEAST_SCALE
    arrays = _pad(examples, mean, scale)
    network = _build(arrays)
    steps = _EPOCHS * -(-len(examples) // _BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    network.compile(keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY), _take_as_loss)
    network.fit(arrays, np.zeros(len(examples)), batch_size=_BATCH_SIZE, epochs=_EPOCHS, verbose=0)
    parts = dict(zip(("w1", "b1", "w2", "b2"), network.get_weights(), strict=True))
    weights = {"mean": mean, "scale": scale, **parts}
    return {f"{name}_{part}": np.asarray(values, np.float32) for part, values in weights.items()}


def _describe_sheet(sheet: Writing, predictor: Predictor, segmenter: Segmenter) -> list[Example]:
    page = binarize_page(sheet.picture)
    masks = segmenter(page)
    shape = page.mask.shape[0], page.mask.shape[1]
    glyphs, _ = find_glyphs(page.contrast, masks.digits)
    if not glyphs:
        return []
    pieces = [] if masks.separated is None else find_glyphs(page.contrast, masks.separated)[0]
    height = median_digit_height(glyphs)
    divided = divide_pieces(glyphs, pieces)
    proposals = [propose_segments(glyph, height, own) for glyph, own in zip(glyphs, divided, strict=True)]
    size = predictor.card.input_shape[:2]
    images = [PreparedImage(normalize_glyph(item.glyph, size), "glyph") for segments in proposals for item in segments]
    predictions = iter(predictor.predict_prepared(images))
    truth = find_truth(sheet, page)
    class_map = None if masks.classes is None else ClassMap(masks.classes, shape)
    examples = []
    for glyph, segments in zip(glyphs, proposals, strict=True):
        probabilities = np.array([next(predictions).probabilities for _ in segments])
        evidence = measure_segments(segments, probabilities, class_map, height)
        examples.append(_label(glyph, segments, evidence, truth))
    return [example for example in examples if not example.is_writing or _has_path(example)]


def _label(glyph: Glyph, segments: Sequence[Segment], evidence: SegmentEvidence, truth: SheetTruth) -> Example:
    """Label segments by the glyphs whose ink they hold."""
    counts = truth.count_pixels(glyph)
    inside = np.flatnonzero(counts > np.maximum(_IN_PART * truth.areas[1:], 1))
    is_writing = bool((truth.shown[inside] >= 0).any())
    labels = []
    for segment in segments:
        counts = truth.count_pixels(segment.glyph)
        best = int(counts.argmax())
        match = 2 * counts[best] / max(1, truth.areas[best + 1] + counts.sum())
        is_ink = counts.sum() >= 0.4 * segment.glyph.mask.sum()
        labels.append(truth.shown[best] if is_ink and match >= _MATCH and truth.shown[best] >= 0 else NO_DIGIT)
    edges = [(segment.first, segment.last) for segment in segments]
    return Example(edges, evidence, np.array(labels), is_writing)


def _has_path(example: Example) -> bool:
    """Tell whether some path has a digit in each of its segments, in a lattice of usual size."""
    end = max(last for _, last in example.edges)
    reached = {0}
    for index in sorted(range(len(example.edges)), key=lambda index: example.edges[index]):
        first, last = example.edges[index]
        if first in reached and example.labels[index] != NO_DIGIT:
            reached.add(last)
    return end in reached and end < _MOST_NODES


def _pad(examples: Sequence[Example], mean: np.ndarray, scale: np.ndarray) -> dict[str, np.ndarray]:
    """Put lattices of all sizes into arrays of one size; `slots` has the number of the segment of each edge, or -1."""
    most = max(len(example.edges) for example in examples)
    nodes = 1 + max(last for example in examples for _, last in example.edges)
    count, num_features = len(examples), examples[0].evidence.features.shape[1]
    arrays = {
        "features": np.zeros((count, most, num_features), np.float32),
        "logs": np.zeros((count, most, 2 * NUM_DIGITS), np.float32),
        "right": np.zeros((count, most, NUM_DIGITS + 1), np.float32),
        "slots": np.full((count, nodes, nodes), most, np.int32),
        "end": np.zeros((count, nodes), np.float32),
    }
    for number, (edges, evidence, labels, is_writing) in enumerate(examples):
        size = len(edges)
        arrays["features"][number, :size] = np.clip((evidence.features - mean) / scale, -4, 4)
        arrays["logs"][number, :size] = np.concatenate([evidence.by_recogniser, evidence.by_map], axis=1)
        arrays["right"][number, np.arange(size), labels] = (labels != NO_DIGIT) if is_writing else (labels == NO_DIGIT)
        if not is_writing:
            arrays["right"][number, :size] = np.eye(NUM_DIGITS + 1)[NO_DIGIT]
        for index, (first, last) in enumerate(edges):
            arrays["slots"][number, first, last] = index
        arrays["end"][number, max(last for _, last in edges)] = 1
    return arrays


def _build(arrays: dict[str, np.ndarray]) -> keras.Model:
    """Build the network with its loss as the output: minus the log-probability of all right paths."""
    inputs = {
        name: keras.Input(values.shape[1:], dtype=str(values.dtype), name=name) for name, values in arrays.items()
    }
    hidden = keras.layers.Dense(_HIDDEN, "tanh")(inputs["features"])
    start = keras.initializers.Constant(np.array(_FIRST_WEIGHTS, np.float32))
    small = keras.initializers.RandomNormal(stddev=0.02)
    outputs = keras.layers.Dense(4, kernel_initializer=small, bias_initializer=start)(hidden)
    loss = _PathLoss()(outputs, *(inputs[name] for name in ("logs", "right", "slots", "end")))
    return keras.Model(inputs, loss)


class _PathLoss(keras.layers.Layer):
    """Minus the log-probability of the right paths of each lattice."""

    def call(self, outputs: Any, logs: Any, right: Any, slots: Any, end: Any) -> Any:
        """Compute `(batch, 1)`."""
        ops = keras.ops
        recogniser, seen, digit, none = (outputs[..., index : index + 1] for index in range(4))
        digits = recogniser * logs[..., :NUM_DIGITS] + seen * logs[..., NUM_DIGITS:] + digit
        scores = ops.concatenate([digits, none], axis=-1)
        every = ops.logsumexp(scores, axis=-1)
        correct = ops.logsumexp(scores + _IMPOSSIBLE * (1 - right), axis=-1)
        return self._sum_paths(every, slots, end) - self._sum_paths(correct, slots, end)

    def _sum_paths(self, scores: Any, slots: Any, end: Any) -> Any:
        ops, nodes = keras.ops, slots.shape[-1]
        padded = ops.concatenate([scores, _IMPOSSIBLE + 0 * scores[:, :1]], axis=1)
        flat = ops.reshape(slots, (-1, nodes * nodes))
        edges = ops.reshape(ops.take_along_axis(padded, flat, axis=1), (-1, nodes, nodes))
        sums = [0 * scores[:, :1]]
        for node in range(1, nodes):
            before = ops.concatenate(sums, axis=1)
            sums.append(ops.logsumexp(before + edges[:, :node, node], axis=1, keepdims=True))
        return ops.sum(ops.concatenate(sums, axis=1) * end, axis=1, keepdims=True)


def _take_as_loss(_: Any, loss: Any) -> Any:
    return loss
