"""Segment evidence: what speaks for each digit, and for none, in one segment of a glyph.

The recogniser sees the segment alone; the network that segments pages sees it among its neighbours. How much either
counts depends on the segment's form, by weights that are fitted (`kerascnn.training.segment_fitting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.images.evidence import Perceptron
from kerascnn.images.glyphs import Glyph
from kerascnn.images.over_segmentation import Segment
from kerascnn.images.page_segmentation import BACKGROUND, BOUNDARY, FIRST_DIGIT

WEIGHTS = "segments.npz"
"""File with the fitted weights, beside the models that ship (`kerascnn.reference`)."""

WITH_MAP, WITHOUT_MAP = "with_map", "without_map"
"""The networks in this file, for pages with and without the map of a segmentation network."""

NUM_DIGITS, NO_DIGIT = 10, 10
"""Number of digits, and the label that follows them: the segment shows no digit, or not exactly one."""

FEATURES = (
    "ink left",  # in stroke widths, that the cut goes through
    "ink right",
    "lowness",  # what is missing to the height of a complete digit, in digit heights
    "aspect",  # width against height
    "excess width",  # over the width of the digit that it looks like, in standard deviations
    "log odds",  # of the recogniser's answer
    "second",  # probability of the next digit
    "entropy",
    "prominence",  # of the recogniser's answer over the mean of all digits, in log-probability
    "map's best",  # log-likelihood of the digit that the segmentation network sees
    "map's agreement",  # log-likelihood of the recogniser's answer
    "map's entropy",
    "map's background",  # mean probability
    "map's boundary",
    "height",  # logarithm, in digit heights
    "fill",  # share of its box
    "cut",  # 1 for a segment of a glyph that may be cut
    "leftmost",
    "rightmost",
    "whole",
    "one",  # 1 where the recogniser sees a 1, as in many a stroke that is cut off
)
"""Names of the figures that describe a segment."""

_COMPLETE = 0.85  # digit heights; a lower segment may be a part of a digit
# Width against height of MNIST's training digits, 0 to 9: mean and standard deviation.
_ASPECTS = np.array([0.91, 0.42, 0.95, 0.80, 0.79, 0.96, 0.73, 0.77, 0.76, 0.67])
_DEVIATIONS = np.array([0.19, 0.20, 0.23, 0.17, 0.17, 0.27, 0.16, 0.18, 0.18, 0.14])
_LEAST_PROBABILITY = 1e-4  # of the recogniser
_LEAST_SHARE = 0.01  # of the map: a few pixels of another class must not outvote all others
_MAX_SAMPLES = 600  # pixels of a segment at which the map is looked up


@dataclass(frozen=True, eq=False)
class ClassMap:
    """What a segmentation network sees on a page.

    Args:
        probabilities: float32, `(height, width, num_classes)`, in the order of `CLASS_NAMES`, on any grid.
        shape: Height and width of the page that it covers.
    """

    probabilities: np.ndarray
    shape: tuple[int, int]

    def sample(self, glyph: Glyph) -> np.ndarray:
        """Return the probabilities on the ink of a glyph: float32, `(n, num_classes)`."""
        rows, columns = np.nonzero(glyph.mask)
        step = max(1, len(rows) // _MAX_SAMPLES)
        height, width = self.probabilities.shape[:2]
        y = ((rows[::step] + glyph.top + 0.5) * height / self.shape[0]).astype(int)
        x = ((columns[::step] + glyph.left + 0.5) * width / self.shape[1]).astype(int)
        return np.asarray(self.probabilities[np.minimum(y, height - 1), np.minimum(x, width - 1)])


@dataclass(frozen=True, eq=False)
class SegmentEvidence:
    """The evidence for each of the segments of one glyph.

    Args:
        features: float32, `(n, len(FEATURES))`.
        by_recogniser: float32, `(n, 10)`, the recogniser's log-probabilities.
        by_map: float32, `(n, 10)`, the log-likelihoods of a segmentation network; zeros without one.
    """

    features: np.ndarray
    by_recogniser: np.ndarray
    by_map: np.ndarray

    def score(self, weights: Perceptron) -> np.ndarray:
        """Compute the score of every digit and of `NO_DIGIT`, float64 `(n, 11)`.

        The fitted network gives four figures for each segment: what a unit of either log-likelihood counts, and what
        every digit, and no digit, has in advance.
        """
        recogniser, seen, digit, none = np.split(weights(self.features).astype(np.float64), 4, axis=1)
        digits = recogniser * self.by_recogniser + seen * self.by_map + digit
        return np.concatenate([digits, none], axis=1)


def measure_segments(
    segments: Sequence[Segment], probabilities: np.ndarray, class_map: ClassMap | None, digit_height: float
) -> SegmentEvidence:
    """Measure the evidence for the segments of one glyph.

    Args:
        segments: All segments of the glyph.
        probabilities: What the recogniser says of each, `(n, 10)`.
        class_map: What a segmentation network sees on the page; None without one.
        digit_height: Median digit height of the page in pixels.
    """
    seen = [_look_up(class_map, segment.glyph) for segment in segments]
    by_map = np.array([likelihoods for _, likelihoods in seen], np.float32)
    end, is_cut = max(segment.last for segment in segments), len(segments) > 1
    forms = [_measure_form(segment, end, digit_height) | {"cut": float(is_cut)} for segment in segments]
    features = [
        _join(form, values, likelihoods, classes)
        for form, values, (classes, likelihoods) in zip(forms, probabilities, seen, strict=True)
    ]
    logs = np.log(np.clip(probabilities, _LEAST_PROBABILITY, 1))
    return SegmentEvidence(np.array(features, np.float32), logs.astype(np.float32), by_map)


def _look_up(class_map: ClassMap | None, glyph: Glyph) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean probability of each class on a glyph's ink, and the mean log-likelihood of each digit."""
    if class_map is None:
        return np.zeros(BOUNDARY + 1), np.zeros(NUM_DIGITS)
    samples = class_map.sample(glyph)
    digits = samples[:, FIRST_DIGIT : FIRST_DIGIT + NUM_DIGITS] + 1e-4
    shares = digits / digits.sum(axis=1, keepdims=True)
    inside = 1 - samples[:, BACKGROUND] - samples[:, BOUNDARY] + 1e-3
    return samples.mean(axis=0), inside @ np.log(np.clip(shares, _LEAST_SHARE, 1)) / inside.sum()


def _measure_form(segment: Segment, end: int, digit_height: float) -> dict[str, float]:
    glyph = segment.glyph
    return {
        "ink left": segment.ink_left,
        "ink right": segment.ink_right,
        "lowness": max(0.0, _COMPLETE - glyph.height / digit_height),
        "aspect": glyph.width / max(glyph.height, _COMPLETE * digit_height),
        "height": float(np.log(glyph.height / digit_height)),
        "fill": float(glyph.mask.mean()),
        "leftmost": float(segment.first == 0),
        "rightmost": float(segment.last == end),
        "whole": float(segment.first == 0 and segment.last == end),
    }


def _join(form: dict[str, float], probabilities: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> list[float]:
    """Join a segment's form with what both networks say of it, in the order of `FEATURES`."""
    digit = int(probabilities.argmax())
    second, top = np.sort(probabilities)[-2:]
    top = np.clip(top, 1e-6, 1 - 1e-5)
    logs = np.log(np.clip(probabilities, 1e-9, 1))
    likely = np.exp(seen - seen.max())
    likely /= likely.sum()
    said = {
        "excess width": max(0.0, form["aspect"] - _ASPECTS[digit]) / _DEVIATIONS[digit],
        "log odds": np.log(top / (1 - top)),
        "second": second,
        "entropy": -(probabilities * logs).sum(),
        "prominence": np.log(top) - logs.mean(),
        "map's best": seen.max(),
        "map's agreement": seen[digit],
        "map's entropy": -(likely * np.log(likely)).sum(),
        "map's background": classes[BACKGROUND],
        "map's boundary": classes[BOUNDARY],
        "one": digit == 1,
    }
    described = {**form, **said}
    return [float(described[name]) for name in FEATURES]
