"""Prepare a picture for the network: the step that decides whether real pictures are read.

A glyph is normalized as MNIST's digits were, by the procedure that QMNIST reconstructed: the bounding box of the ink,
aspect kept, area-averaged into 20x20, scaled to the maximum intensity, and placed in 28x28 so that the centre of mass
falls on the centre.

Source: C. Yadav and L. Bottou, "Cold case: the lost MNIST digits", NeurIPS 2019.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.images.candidates import Candidate, resample
from kerascnn.images.components import count_components, measure_stroke_width
from kerascnn.images.evidence import choose_by_ink
from kerascnn.images.glyphs import Glyph

NO_INK = "no ink found"
"""Why an image without ink gets no answer."""

_BOX_SHARE = 20 / 28  # of MNIST's 28 pixels, the digit's box takes 20
# Stroke width against the longer side of the box: the range that is left alone; MNIST's median is 0.14.
_MIN_STROKE, _MAX_STROKE = 0.095, 0.20
_BROADEST_STROKE = 0.38  # broader components are not pen strokes; thinning would turn them into false strokes
_BLACK = 8  # the brightest grey level that still is black
_LONGEST = 320  # pixels, longer than any single picture has; the work on strokes grows by the fourth power


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image as the network reads it, with what is known of it.

    Args:
        pixels: uint8, `(height, width)`; for digits 0 is background and 255 is full ink.
        found_by: How the image was made: `"as it is"` (the picture was such an image already), the contrast map on
            which the ink was found (a name in `kerascnn.images.candidates.MAPS`), `"glyph"` of a page, or `"resized"`.
        has_ink: False if nothing was found to be read.
        glyph: The ink that the image was made of; None if none was looked for.
        grid: Height and width of the grid, covering the picture, on which the glyph lies.
    """

    pixels: np.ndarray
    found_by: str
    has_ink: bool = True
    glyph: Glyph | None = None
    grid: tuple[int, int] = (0, 0)

    @property
    def reason(self) -> str | None:
        """Why the image cannot be answered; None if it can."""
        return None if self.has_ink else NO_INK


def prepare_image(picture: np.ndarray, preparation: str, size: tuple[int, int]) -> PreparedImage:
    """Prepare a decoded picture for a network whose input has a height and a width in pixels.

    The preparation is `"mnist"` for digits, on paper or light on black, or `"resize"` for pictures of anything.
    """
    return PREPARATIONS[preparation](picture, size)


def prepare_like_mnist(picture: np.ndarray, size: tuple[int, int] = (28, 28)) -> PreparedImage:
    """Turn a picture of one glyph into an image as MNIST has them.

    The picture is uint8, `(height, width)` or `(height, width, 3)`, dark on light or light on dark. One that is such
    an image already (of that size, without colour, light on black) passes unchanged; one without ink gives zeros.
    Nothing is recognised here: what is ink is chosen by the evidence of the ink alone.

    Example:
        >>> prepare_like_mnist(np.full((100, 80), 255, np.uint8)).reason
        'no ink found'
    """
    if is_prepared(picture, size):
        return prepare_as_it_is(picture)
    candidate = choose_by_ink(resample(picture))
    return normalize_candidate(candidate, size) if candidate else prepare_nothing(size)


def prepare_as_it_is(picture: np.ndarray) -> PreparedImage:
    """Take a picture that is an image of the network's form already."""
    pixels = picture if picture.ndim == 2 else picture[..., 0]
    return PreparedImage(pixels, "as it is", has_ink=bool(np.count_nonzero(pixels)))


def prepare_nothing(size: tuple[int, int]) -> PreparedImage:
    """Make the image of a picture without ink."""
    return PreparedImage(np.zeros(size, np.uint8), "level", has_ink=False)


def normalize_candidate(candidate: Candidate, size: tuple[int, int]) -> PreparedImage:
    """Turn a candidate of a picture's ink into an image as MNIST has them."""
    height, width = candidate.source.mask.shape
    pixels = normalize_glyph(candidate.glyph, size)
    return PreparedImage(pixels, candidate.source.name, glyph=candidate.glyph, grid=(height, width))


def prepare_by_resizing(picture: np.ndarray, size: tuple[int, int] = (28, 28)) -> PreparedImage:
    """Turn a picture of anything, uint8 `(height, width)` or `(height, width, 3)`, into a grey image of a fixed size.

    It is padded to the proportions of `size` with the median of the picture's border, and area-averaged. A grey
    picture of that size passes unchanged.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.shape == tuple(size):
        return PreparedImage(np.asarray(grey), "as it is")
    height, width = grey.shape
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    resized = _resize(grey, min(size[0] / height, size[1] / width))
    pixels = np.full(size, round(float(np.median(border))), np.uint8)
    top, left = (size[0] - resized.shape[0]) // 2, (size[1] - resized.shape[1]) // 2
    pixels[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
    return PreparedImage(pixels, "resized")


PREPARATIONS: dict[str, Callable[[np.ndarray, tuple[int, int]], PreparedImage]] = {
    "mnist": prepare_like_mnist,
    "resize": prepare_by_resizing,
}
"""How a picture becomes an image for the network, by the name that a model card has."""


def normalize_glyph(glyph: Glyph, size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """Scale a glyph into its box and centre it by its mass: uint8, `size`, 0 is background and 255 is full ink."""
    intensity = _normalize_stroke_width(_limit_size(glyph))
    small = _resize(intensity, round(min(size) * _BOX_SHARE) / max(intensity.shape))
    small = np.clip(small / max(float(small.max()), 1e-6), 0, 1)
    return _centre_by_mass(small, size)


def is_prepared(picture: np.ndarray, size: tuple[int, int]) -> bool:
    """Tell whether a picture is an MNIST-like image already: of that size, without colour, light ink on black."""
    if picture.shape[:2] != tuple(size):
        return False
    if picture.ndim == 3:
        if np.ptp(picture, axis=2).max() > 0:
            return False
        picture = picture[..., 0]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return _is_mostly_black(border) and _is_mostly_black(picture)


def _is_mostly_black(values: np.ndarray) -> bool:
    # Counting takes a tenth of the time of a median, which matters to those who give ten thousand images.
    return bool(2 * np.count_nonzero(values <= _BLACK) > values.size)


def _resize(values: np.ndarray, scale: float) -> np.ndarray:
    size = max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def _limit_size(glyph: Glyph) -> Glyph:
    """Shrink a glyph that is very long; the result has no place on the page."""
    scale = _LONGEST / max(glyph.mask.shape)
    if scale >= 1:
        return glyph
    # Whatever has some of a stroke belongs to it, so that hairlines are not lost.
    mask = _resize(glyph.mask.astype(np.float32), scale) > 0
    return Glyph(0, 0, _resize(glyph.intensity, scale), mask)


def _normalize_stroke_width(glyph: Glyph) -> np.ndarray:
    """Thicken hairlines (which adds a margin) and thin markers, so that strokes are as wide as in MNIST; keep blots."""
    intensity, longest = glyph.intensity, max(glyph.height, glyph.width)
    share = measure_stroke_width(glyph.mask) / longest
    if _MIN_STROKE <= share <= _MAX_STROKE or share > _BROADEST_STROKE:
        return intensity
    change = (_MIN_STROKE if share < _MIN_STROKE else _MAX_STROKE) * longest - share * longest
    radius = round(abs(change) / 2)
    if radius == 0:
        return intensity
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if change > 0:
        return np.asarray(cv2.dilate(np.pad(intensity, radius), kernel))
    thinned = np.asarray(cv2.erode(intensity, kernel))
    # Erosion may break a stroke that is thinner than the rest: then the glyph stays as it is.
    return thinned if count_components(thinned > 0.3) == count_components(glyph.mask) else intensity


def _centre_by_mass(small: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = small.shape
    total = float(small.sum()) or 1.0
    centre_y = float((small.sum(axis=1) * np.arange(height)).sum()) / total
    centre_x = float((small.sum(axis=0) * np.arange(width)).sum()) / total
    top = int(np.clip(round((size[0] - 1) / 2 - centre_y), 0, size[0] - height))
    left = int(np.clip(round((size[1] - 1) / 2 - centre_x), 0, size[1] - width))
    result = np.zeros(size, np.uint8)
    result[top : top + height, left : left + width] = np.round(small * 255)
    return result
