"""Evidence: how well a candidate of the ink explains its picture, before anything is recognised.

Every figure is a share or a ratio, so that neither the size of the picture nor its brightness makes a difference.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np

from kerascnn.images.candidates import MAPS, SELECTIONS, STAGES, Candidate, measure_mean_and_deviation
from kerascnn.images.components import measure_stroke_widths
from kerascnn.images.glyphs import Glyph

WEIGHTS = "evidence.npz"
"""File with the fitted weights, beside the models that ship (`kerascnn.reference`)."""

_REACH = 4.0  # standard deviations beyond which a feature counts no further
_MEASURED = (
    "explained",  # share of all deviation from the background that the candidate's pixels account for
    "explained in box",  # the same within the candidate's box
    "explained ink",  # share of the deviation towards the candidate's polarity
    "left out",  # share of the map's foreground that the candidate leaves out
    "left out in box",
    "border",  # share of the picture's border that the candidate covers
    "sides",  # share of the four sides that it touches
    "stroke width",  # against the longer side of the box
    "stroke evenness",  # spread of the stroke width against its mean
    "fill",  # share of its box
    "area",  # share of the picture
    "height",  # against the picture's
    "width",
    "aspect",  # logarithm of width against height
    "off centre x",
    "off centre y",
    "contrast",  # logarithm of the ink's mean contrast against the background's noise
    "contrast evenness",  # spread of the ink's contrast against its mean
    "separability",  # share of the variance that lies between ink and background, of the picture
    "separability in box",
    "components",  # logarithm of their number
    "largest component",  # its share of the ink
    "sharpness",  # mean gradient along the outline against the ink's contrast, per pixel
)
FEATURES = (*_MEASURED, *MAPS, *SELECTIONS)
"""Names of the figures; the last ones are 1 for the candidate's map and selection, 0 for the others."""


@dataclass(frozen=True, eq=False)
class Perceptron:
    """A small fitted network: features, standardized, through one hidden layer of tanh to a few outputs.

    Args:
        mean: float32, `(num_features,)`.
        scale: float32, `(num_features,)`, standard deviations.
        hidden: Kernel and bias of the hidden layer.
        output: Kernel and bias of the output.
    """

    mean: np.ndarray
    scale: np.ndarray
    hidden: tuple[np.ndarray, np.ndarray]
    output: tuple[np.ndarray, np.ndarray]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Compute float32 `(n, num_outputs)` from float32 `(n, num_features)`."""
        standardized = np.clip((features - self.mean) / self.scale, -_REACH, _REACH)
        return np.asarray(np.tanh(standardized @ self.hidden[0] + self.hidden[1]) @ self.output[0] + self.output[1])


@cache
def load_perceptron(name: str, file: str = WEIGHTS) -> Perceptron:
    """Load a fitted network from a file beside the models that ship.

    In `WEIGHTS` there are `"choice"`, and `"ink"`, which knows nothing of what was recognised.
    """
    return build_perceptron(_load_weights(file), name)


def build_perceptron(weights: dict[str, np.ndarray], name: str) -> Perceptron:
    """Build a network from weights that are named as in the file."""
    mean, scale, *layers = (weights[f"{name}_{part}"] for part in ("mean", "scale", "w1", "b1", "w2", "b2"))
    return Perceptron(mean, scale, (layers[0], layers[1]), (layers[2], layers[3]))


def load_sure_level(name: str) -> float:
    """Load the level from which further candidates change nothing: of a probability, or of the score of `"ink"`."""
    return float(_load_weights(WEIGHTS)[f"{name}_sure"])


def load_fitted_network() -> str:
    """Load the SHA-256 of the network that the weights were fitted with, as it stands in its card."""
    return str(_load_weights(WEIGHTS)["network"])


@cache
def _load_weights(file: str) -> dict[str, np.ndarray]:
    with resources.files("kerascnn.reference").joinpath(file).open("rb") as opened, np.load(opened) as weights:
        return dict(weights)


def choose_by_ink(picture: np.ndarray) -> Candidate | None:
    """Choose among the candidates of a picture by the evidence of the ink alone, where nothing can be recognised yet.

    The picture is uint8, `(height, width)` or `(height, width, 3)`, as `resample` gives it; None if it is blank.
    """
    candidates: list[Candidate] = []
    scores: list[float] = []
    for find in STAGES:
        found = find(picture)
        candidates += found
        scores += [float(load_perceptron("ink")(measure_evidence(candidate)[None])[0, 0]) for candidate in found]
        if not scores or max(scores) >= load_sure_level("ink"):
            break
    return candidates[int(np.argmax(scores))] if scores else None


def measure_evidence(candidate: Candidate) -> np.ndarray:
    """Measure the evidence for a candidate: float32, `(len(FEATURES),)`."""
    source, glyph = candidate.source, candidate.glyph
    height, width = source.mask.shape
    area, size = int(candidate.areas.sum()), height * width
    box = _grow(glyph, (height, width))
    inner = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), bool)
    inner[glyph.window(box[1].start, box[0].start)] = glyph.mask
    contrast, deviation = source.contrast[box], source.deviation[box]
    mean, spread = measure_mean_and_deviation(contrast, inner)
    explained = area * float(cv2.mean(deviation, inner.view(np.uint8))[0])
    touched = _count_border_pixels(glyph, (height, width))
    strokes = measure_stroke_widths(glyph.mask, mask_size=3)
    stroke, stroke_spread = measure_mean_and_deviation(strokes)
    whole, box_statistics = source.contrast_statistics, measure_mean_and_deviation(contrast)
    longest = max(glyph.height, glyph.width)
    return np.array(
        [
            explained / max(source.mean_deviation * size, 1e-6),
            explained / max(float(cv2.mean(deviation)[0]) * inner.size, 1e-6),
            area * mean / max(whole[0] * size, 1e-6),
            1 - area / max(source.area, 1),
            1 - area / max(int(np.count_nonzero(source.mask[box])), 1),
            sum(touched) / (2 * (height + width)),
            sum(count > 0 for count in touched) / 4,
            float(np.median(strokes)) / longest,
            stroke_spread / max(stroke, 1e-6),
            area / glyph.mask.size,
            area / size,
            glyph.height / height,
            glyph.width / width,
            float(np.log(glyph.width / glyph.height)),
            abs((glyph.left + glyph.right) / width - 1),
            abs((glyph.top + glyph.bottom) / height - 1),
            float(np.log((mean + 1e-3) / (source.noise + 1e-2 * mean + 1e-6))),
            spread / max(mean, 1e-6),
            _separate(area / size, mean, whole),
            _separate(area / inner.size, mean, box_statistics),
            float(np.log(len(candidate.areas))),
            float(candidate.areas.max()) / max(area, 1),
            _measure_sharpness(contrast, inner, mean),
            *(float(source.name == name) for name in MAPS),
            *(float(candidate.selection == name) for name in SELECTIONS),
        ],
        np.float32,
    )


def _grow(glyph: Glyph, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return a glyph's box with a margin of a tenth of its longer side, as far as the picture reaches."""
    margin = max(1, round(0.1 * max(glyph.height, glyph.width)))
    rows = slice(max(0, glyph.top - margin), min(shape[0], glyph.bottom + margin))
    return rows, slice(max(0, glyph.left - margin), min(shape[1], glyph.right + margin))


def _count_border_pixels(glyph: Glyph, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Count the pixels of a glyph on each of the four sides of the picture."""
    mask = glyph.mask
    return (
        int(mask[0].sum()) if glyph.top == 0 else 0,
        int(mask[-1].sum()) if glyph.bottom == shape[0] else 0,
        int(mask[:, 0].sum()) if glyph.left == 0 else 0,
        int(mask[:, -1].sum()) if glyph.right == shape[1] else 0,
    )


def _separate(share: float, ink: float, statistics: tuple[float, float]) -> float:
    """Compute the share of the variance that lies between ink and rest: Otsu's criterion.

    Args:
        share: Share of the pixels that are ink.
        ink: Their mean contrast.
        statistics: Mean and standard deviation of the contrast of all pixels.
    """
    if not 0 < share < 1:
        return 0.0
    mean, deviation = statistics
    return share / (1 - share) * (ink - mean) ** 2 / max(deviation**2, 1e-6)


def _measure_sharpness(contrast: np.ndarray, mask: np.ndarray, mean: float) -> float:
    kernel = np.ones((3, 3), np.uint8)
    outline = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_GRADIENT, kernel)
    return float(cv2.mean(cv2.morphologyEx(contrast, cv2.MORPH_GRADIENT, kernel), outline)[0]) / max(mean, 1e-6)
