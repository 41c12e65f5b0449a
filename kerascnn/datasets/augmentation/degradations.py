"""Degradations by pens, scanners and cameras, each applied to its share of the images."""

import cv2
import numpy as np

from kerascnn.datasets.augmentation.pens import draw_broadly, draw_dashes, draw_dots, draw_finely


def degrade(images: np.ndarray, magnitude: float, generator: np.random.Generator) -> np.ndarray:
    """Degrade some images in place, and return them.

    Args:
        images: uint8, `(n, height, width)`, 0 is background and 255 is ink.
        magnitude: Factor on the share of images that get each degradation, 1 for the usual shares.
        generator: Source of all randomness.
    """
    # The neighbours are copied here, before any image is changed.
    others = images[generator.permutation(len(images))]
    for share, change in _NEIGHBOURS:
        for index in np.flatnonzero(generator.uniform(size=len(images)) < magnitude * share):
            images[index] = change(images[index], others[index], generator)
    shares = np.array([share for share, _ in _DEGRADATIONS])
    chosen = generator.uniform(size=(len(images), len(shares))) < magnitude * shares
    for image, number in np.argwhere(chosen).tolist():
        images[image] = _DEGRADATIONS[number][1](images[image], generator)
    return images


def _cut_from_neighbour(image: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Cut a glyph from one that it touched: a little of it is missing, a little of the other remains."""
    if generator.uniform() < 0.5:  # the neighbour stood on the left
        return _cut_on_the_right(image[:, ::-1], other[:, ::-1], generator)[:, ::-1]
    return _cut_on_the_right(image, other, generator)


def _cut_on_the_right(image: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    columns, beside = np.flatnonzero((image >= _INK).any(axis=0)), np.flatnonzero((other >= _INK).any(axis=0))
    if not len(columns) or not len(beside):
        return image
    height, width = image.shape
    start = max(0, int(columns[-1]) + 1 - int(generator.integers(0, 4)))
    room = max(0, width - start)
    both = image.copy()
    stroke = other[:, beside[0] : beside[0] + room]
    both[:, start : start + stroke.shape[1]] = np.maximum(both[:, start : start + stroke.shape[1]], stroke)
    ends = columns[-1] + 1 + generator.uniform(-2, 1.5, 2)
    cut = ends[0] + (ends[1] - ends[0]) / height * np.arange(height)[:, None]
    return np.asarray(both * (np.arange(width)[None, :] < cut))


def _add_neighbour_piece(image: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Let the edge of another glyph show on one side, as in a picture cut out of a line of writing."""
    if generator.uniform() < 0.3:  # above or below
        return _add_piece_beside(image.T, other.T, generator).T
    return _add_piece_beside(image, other, generator)


def _add_piece_beside(image: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    step = -1 if generator.uniform() < 0.5 else 1  # before or after it
    image, other = image[:, ::step], other[:, ::step]
    columns, beside = np.flatnonzero((image >= _INK).any(axis=0)), np.flatnonzero((other >= _INK).any(axis=0))
    if not len(columns) or not len(beside):
        return image
    (height, width), first = image.shape, int(beside[0])
    # Less than half of the neighbour shows; a whole 1 would be a second digit.
    depth = min(int(generator.integers(2, 6)), -(-len(beside) // 3))
    start = int(columns[-1]) + int(generator.integers(1, 5))
    canvas = np.zeros((height, 2 * width), np.uint8)
    canvas[:, :width] = image
    piece, offset = other[:, first : first + depth], int(generator.integers(-5, 6))
    inside = canvas[max(offset, 0) : height + offset, start : start + piece.shape[1]]
    piece = piece[max(-offset, 0) : height - offset]
    np.maximum(inside, piece, out=inside)
    # The box of both is centred, in MNIST's proportion, if it is larger than that.
    middle, extent = (columns[0] + start + depth - 1) / 2, start + depth - columns[0]
    scale = min(1.0, _BOX * width / extent)
    moved = [[scale, 0, (width - 1) / 2 - scale * middle], [0, scale, (1 - scale) * (height - 1) / 2]]
    return cv2.warpAffine(canvas, np.array(moved), (width, height))[:, ::step]


def _reduce_resolution(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Reduce the resolution to one to two thirds."""
    height, width = image.shape
    share = generator.uniform(0.35, 0.65)
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _blur(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (5, 5), generator.uniform(0.5, 1.1))


def _break_stroke(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw one thin straight gap, as a dry pen or a removed ruled line leaves it."""
    share, tilt, is_upright = generator.uniform(0.25, 0.75), generator.uniform(-3, 3), generator.uniform() >= 0.5
    shown = image.T if is_upright else image
    height, width = shown.shape
    mask = np.full((height, width), 255, np.uint8)
    ends = (0, round(share * height - tilt)), (width, round(share * height + tilt))
    cv2.line(mask, *ends, 0, 1, cv2.LINE_AA)
    broken = cv2.min(shown, mask)
    return broken.T if is_upright else broken


def _add_line_remains(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a thin faint piece of a ruled line beside or through the glyph, as line removal may leave it."""
    place, start, length = generator.uniform(0.1, 0.95), generator.uniform(0, 0.7), generator.uniform(0.15, 0.6)
    intensity, is_upright = int(generator.uniform(60, 220)), generator.uniform() < 0.3
    shown = image.T if is_upright else image
    height, width = shown.shape
    line, y, left = np.zeros((height, width), np.uint8), round(place * height), round(start * width)
    cv2.line(line, (left, y), (left + round(length * width), y), intensity, 1, cv2.LINE_AA)
    marked = cv2.max(shown, line)
    return marked.T if is_upright else marked


def _roughen_ink(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Vary the coverage of the ink, as a pencil, an old pen or rough paper does."""
    cover = 1 - generator.uniform(0.2, 0.7) * generator.uniform(size=image.shape) ** 2
    return (image * cover).astype(np.uint8)


def _fade(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return cv2.convertScaleAbs(image, alpha=generator.uniform(0.6, 1.0))


_INK = 128  # intensity from which a pixel belongs to a stroke
_BOX = 20 / 28  # share of the image's side that the glyph's box takes
_NEIGHBOURS = ((0.06, _cut_from_neighbour), (0.04, _add_neighbour_piece))
_DEGRADATIONS = (
    (0.04, draw_broadly),
    (0.02, draw_finely),
    (0.008, draw_dots),
    (0.008, draw_dashes),
    (0.10, _reduce_resolution),
    (0.10, _blur),
    (0.06, _break_stroke),
    (0.06, _add_line_remains),
    (0.10, _roughen_ink),
    (0.20, _fade),
)
