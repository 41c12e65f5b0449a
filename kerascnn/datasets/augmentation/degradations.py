"""The traces that pens, scanners and cameras leave on the image of a glyph, each with its share of the images."""

import cv2
import numpy as np


def leave_traces(images: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Give some images some traces.

    Args:
        images: uint8, `(n, height, width)`, light glyphs on black; changed in place.
        strength: multiplies the share of images that get each trace.
        generator: the source of all randomness.

    Returns:
        The same array.
    """
    chosen = generator.uniform(size=(len(images), len(_TRACES))) < strength * np.array([share for share, _ in _TRACES])
    # The neighbours are the images as they came: none has been cut already.
    others = images[generator.permutation(len(images))]
    for index in np.flatnonzero(generator.uniform(size=len(images)) < strength * _CUT_SHARE):
        images[index] = _cut_from_another(images[index], others[index], generator)
    for index in np.flatnonzero(chosen.any(axis=1)):
        for trace in np.flatnonzero(chosen[index]):
            images[index] = _TRACES[trace][1](images[index], generator)
    return images


def _cut_from_another(image: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A glyph that touched another and was cut off: a little of it is missing, a little of the other has stayed."""
    if generator.uniform() < 0.5:  # the other one stood on the left
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
    cut = np.linspace(ends[0], ends[1], height)[:, None]
    return both * (np.arange(width)[None, :] < cut)


def _low_resolution(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """As from a picture in which the glyph had a third to two thirds of these pixels."""
    height, width = image.shape
    share = generator.uniform(0.35, 0.65)
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _blurred(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (5, 5), generator.uniform(0.5, 1.1))


def _broken(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A dry pen or a removed ruled line: one thin straight gap."""
    height, width = image.shape
    y, tilt = generator.uniform(0.25, 0.75) * height, generator.uniform(-3, 3)
    mask = np.full_like(image, 255)
    cv2.line(mask, (0, round(y - tilt)), (width, round(y + tilt)), 0, 1, cv2.LINE_AA)
    return cv2.min(image, mask) if generator.uniform() < 0.5 else cv2.min(image.T, mask).T


def _line_remains(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What a removed ruled line leaves: a thin faint piece of it beside or through the glyph."""
    result = image.copy()
    height, width = image.shape
    y, start = round(generator.uniform(0.1, 0.95) * height), round(generator.uniform(0, 0.7) * width)
    end = start + round(generator.uniform(0.15, 0.6) * width)
    line = np.zeros_like(image)
    cv2.line(line, (start, y), (end, y), int(generator.uniform(60, 220)), 1, cv2.LINE_AA)
    if generator.uniform() < 0.3:
        line = np.ascontiguousarray(line.T)
    return cv2.max(result, line)


def _ink_texture(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Ink that did not cover everywhere: pencil, an old pen, rough paper."""
    cover = 1 - generator.uniform(0.2, 0.7) * generator.uniform(size=image.shape) ** 2
    return (image * cover).astype(np.uint8)


def _faint(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return cv2.convertScaleAbs(image, alpha=generator.uniform(0.6, 1.0))


_INK = 128  # a pixel with at least so much ink belongs to a stroke
_CUT_SHARE = 0.06
_TRACES = (
    (0.10, _low_resolution),
    (0.10, _blurred),
    (0.06, _broken),
    (0.06, _line_remains),
    (0.10, _ink_texture),
    (0.20, _faint),
)
