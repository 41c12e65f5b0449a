"""Other pens on a written glyph: a broad brush, a hairline, dashes and dots."""

import cv2
import numpy as np

from kerascnn.images.components import count_components

_INK = 128  # intensity from which a pixel belongs to a stroke
_BOX = 20 / 28  # share of the image's shorter side that the glyph's box takes
_FINER = 2  # Midlines are found on a grid this much finer.
_SQUARE = np.ones((3, 3), np.uint8)


def draw_broadly(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Broaden the strokes to 0.2 to 0.3 of the glyph's height, in the same box, unless that would close a loop."""
    height, width = image.shape
    box, share = _BOX * min(height, width), generator.uniform(0.2, 0.3)
    mask = (image >= _INK).astype(np.uint8)
    # On average, a pixel of a stroke is a quarter of the stroke's width from its edge, half a pixel from its neighbour.
    stroke = 4 * cv2.mean(cv2.distanceTransform(mask, cv2.DIST_L2, 3), mask)[0] - 2
    radius = round((share * box - stroke) / (2 - 2 * share))
    if radius < 1:
        return image
    broad = cv2.dilate(image, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    # The box has grown by the radius on each side.
    scale = box / (box + 2 * radius)
    moved = [[scale, 0, (1 - scale) * (width - 1) / 2], [0, scale, (1 - scale) * (height - 1) / 2]]
    broad = np.asarray(cv2.warpAffine(broad, np.array(moved), (width, height)))
    return broad if _count_regions(broad) == _count_regions(image) else image


def draw_finely(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a line of one to two pixels along the middle of the strokes."""
    return _draw_along(_find_midline(image), generator.uniform(0.5, 1), image.shape)


def draw_dots(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw dots along the middle of the strokes."""
    dots = _scatter(_find_midline(image), generator.uniform(1.2, 2), generator)
    return _draw_along(dots, generator.uniform(0.8, 1.3), image.shape)


def draw_dashes(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw dashes along the middle of the strokes."""
    midline, radius = _find_midline(image), generator.uniform(0.7, 1.2)
    gaps = _scatter(midline, generator.uniform(3.5, 5), generator)
    # The ends of the dashes are round: they reach into a gap by the pen's radius.
    dashes = midline & (_measure_distance(gaps) > (radius + generator.uniform(0.4, 0.9)) * _FINER)
    return _draw_along(dashes, radius, image.shape)


def _count_regions(image: np.ndarray) -> int:
    """Count the regions of background: one more than there are loops."""
    return count_components(image < _INK, connectivity=4)


def _find_midline(image: np.ndarray) -> np.ndarray:
    """Find the pixels along the middle of the strokes, on a finer grid."""
    large = cv2.resize(image, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    depth = cv2.distanceTransform((large >= _INK).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray((depth >= cv2.dilate(depth, _SQUARE) - 0.4) & (depth > 0))


def _scatter(midline: np.ndarray, spacing: float, generator: np.random.Generator) -> np.ndarray:
    """Choose points of a midline, at random and at least a spacing (in the image's pixels) apart."""
    size = 2 * round(spacing * _FINER) + 1
    kernel = np.ones((size, size), np.uint8)
    order = generator.random(midline.shape, np.float32) * midline
    points = np.zeros_like(midline)
    # The second choice fills gaps that the first one leaves.
    for _ in range(2):
        chosen = (order >= cv2.dilate(order, kernel)) & (order > 0)
        points |= chosen
        order *= cv2.dilate(chosen.view(np.uint8), kernel) == 0
    return points


def _measure_distance(mask: np.ndarray) -> np.ndarray:
    """Measure the distance of each pixel from a mask."""
    return np.asarray(cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 3))


def _draw_along(mask: np.ndarray, radius: float, size: tuple[int, ...]) -> np.ndarray:
    """Draw with a round pen, whose radius is in the image's pixels, along a mask on the finer grid."""
    coverage = np.clip(radius * _FINER + 0.5 - _measure_distance(mask), 0, 1)
    small = cv2.resize(coverage, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(small, alpha=255))
