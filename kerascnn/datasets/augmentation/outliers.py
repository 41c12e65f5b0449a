"""Outliers for outlier exposure: letters, scribbles, shapes, textures and spoilt digits.

A network that has seen digits only is confident about everything. Trained to give outliers equal probabilities, it
also has low confidence on other things that it has never seen.

Source: D. Hendrycks, M. Mazeika and T. Dietterich, "Deep anomaly detection with outlier exposure", ICLR 2019.
"""

import string
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kerascnn.images.components import bounding_box, find_components, measure_stroke_width
from kerascnn.images.glyphs import crop_glyph
from kerascnn.images.normalization import normalize_glyph

LOOK_LIKE_DIGITS = frozenset("OoDQIiLlSsZzBbGgqJ")
"""Letters that cannot be told from digits without context."""

_LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LOOK_LIKE_DIGITS)
_SYMBOLS = "?@#$%&*+=<>{}~^€§äöüßÄÖÜñçλπΣΩΨΔфжш"
_FONT_SIZE = 56


def make_outliers(count: int, digits: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Make images that show no digit, uint8 `(count, height, width)`.

    Args:
        count: Number of images.
        digits: Digits to spoil, uint8 `(n, height, width)`, 0 is background and 255 is ink.
        labels: Their labels, integers `(n,)`.
        generator: Source of all randomness.
    """
    size = (digits.shape[1], digits.shape[2])
    makers: tuple[tuple[float, Callable[[], np.ndarray]], ...] = (
        (0.32, lambda: print_letter(generator, size)),
        (0.07, lambda: _draw_scribble(generator, size)),
        (0.04, lambda: _draw_smear(generator, size)),
        (0.05, lambda: _draw_lines(generator, size)),
        (0.07, lambda: _draw_filled_shape(generator, size)),
        (0.10, lambda: _draw_object(generator, size)),
        (0.03, lambda: _draw_blot(generator, size)),
        (0.05, lambda: _draw_grain(generator, size)),
        (0.07, lambda: _draw_texture(generator, size)),
        (0.20, lambda: _spoil_digit(digits, labels, generator)),
    )
    kinds = generator.choice(len(makers), count, p=[share for share, _ in makers])
    return np.array([makers[kind][1]() for kind in kinds], np.uint8).reshape(count, *size)


@cache
def _load_fonts(pattern: str) -> list[ImageFont.FreeTypeFont]:
    """Load the fonts that come with matplotlib."""
    import matplotlib

    paths = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob(pattern))
    # The "display" variant has mathematical signs only.
    return [ImageFont.truetype(str(path), _FONT_SIZE) for path in paths if "Display" not in path.name]


def print_letter(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Print one letter, rarely a symbol or two letters: upright or slanted, narrow or wide, with a pen's stroke."""
    draw = generator.uniform()
    alphabet = _LETTERS if draw < 0.9 else _SYMBOLS
    family = generator.choice(["DejaVu*", "STIXGeneral*", "cm[bmrst]*"] if alphabet is _LETTERS else ["DejaVu*"])
    fonts = _load_fonts(f"{family}.ttf")
    text = "".join(generator.choice(list(alphabet), 2 if draw < 0.06 else 1))
    canvas = Image.new("L", (200, 120), 0)
    pen = int(generator.choice([0, 0, 0, 1, 2]))
    font = fonts[generator.integers(len(fonts))]
    ImageDraw.Draw(canvas).text((40, 20), text, fill=255, font=font, stroke_width=pen)
    stretch, slant = generator.uniform(0.7, 1.3), generator.uniform(-0.25, 0.25)
    matrix = np.array([[stretch, slant, 100 - 100 * stretch - 60 * slant], [0, 1, 0]])
    return _normalize(cv2.warpAffine(np.asarray(canvas), matrix, canvas.size), size)


def _draw_scribble(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw smooth curves through random points, crossing each other."""
    canvas = np.zeros((112, 112), np.uint8)
    thickness = int(generator.integers(4, 14))
    for _ in range(generator.integers(2, 5)):
        corners = generator.uniform(12, 100, (generator.integers(4, 8), 2))
        time = np.linspace(0, len(corners) - 1, 80)
        curve = np.stack([np.interp(time, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)], axis=1)
        smooth = cv2.GaussianBlur(curve.astype(np.float32), (1, 15), 0, sigmaY=4)
        cv2.polylines(canvas, [np.round(smooth).astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    return _normalize(canvas, size)


def _draw_smear(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a broad, soft, streaky stroke, such as ink that a hand has wiped."""
    canvas = np.zeros((112, 112), np.float32)
    corners = np.cumsum(generator.normal(0, 18, (generator.integers(2, 5), 2)), axis=0)
    corners += 56 - corners.mean(axis=0)
    cv2.polylines(
        canvas, [np.round(corners).astype(np.int32)], False, 255, int(generator.integers(18, 40)), cv2.LINE_AA
    )
    soft = cv2.GaussianBlur(canvas, (0, 0), generator.uniform(2, 7))
    if measure_stroke_width(soft > 100) < 0.4 * max(canvas[bounding_box(soft > 100)].shape):  # may look like a 1
        return _draw_smear(generator, size)
    streaks = np.linspace(0.5, 1, 112)[generator.permutation(112)] if generator.uniform() < 0.5 else 1.0
    return _normalize(soft * streaks, size)


def _draw_lines(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw printed lines: a rule, several, a cross, an empty frame or the cells of a form."""
    canvas = np.zeros((112, 112), np.uint8)
    height, width = np.sort(generator.integers(30, 100, 2))
    pen = int(generator.integers(3, 12))
    is_cross, is_frame = generator.permutation([True, False, False])[:2]
    across = [height / 2] if is_cross else np.linspace(0, height, generator.integers(1, 4))
    along = [width / 2] if is_cross else np.linspace(0, width, generator.integers(2, 4)) if is_frame else []
    for y in across:
        cv2.line(canvas, (6, round(6 + y)), (round(6 + width), round(6 + y)), 255, pen)
    for x in along:
        cv2.line(canvas, (round(6 + x), 6), (round(6 + x), round(6 + height)), 255, pen)
    return _normalize(canvas, size)


def _draw_filled_shape(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a large shaded blob, such as clothing, a face or a smudge: filled where a digit has strokes."""
    height, width = size
    canvas = np.zeros((112, 112), np.uint8)
    angles = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(4, 12)))
    radii = generator.uniform(18, 54, len(angles))
    points = 56 + np.stack([radii * np.cos(angles), radii * np.sin(angles) * generator.uniform(0.4, 1.2)], axis=1)
    cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 255, cv2.LINE_AA)
    if generator.uniform() < 0.4:
        x, y = generator.integers(20, 92, 2)
        cv2.rectangle(canvas, (int(x) - 20, int(y) - 30), (int(x) + 20, int(y) + 30), 255, -1)
    if canvas.mean() < 0.15 * 255:  # a sliver may look like a 1
        return _draw_filled_shape(generator, size)
    shape = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    grey = _smooth_noise(generator, size, generator.choice([3, 6, 12]))
    shade = generator.uniform(0.3, 1.0) + generator.uniform(0, 0.7) * grey
    return np.clip(shape * shade * 255, 0, 255).astype(np.uint8)


def _draw_object(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw an object of several shaded shapes, with a thin appendage or a hole, such as a bag, a shoe or a lamp."""
    canvas = np.zeros((112, 112), np.float32)
    for _ in range(generator.integers(2, 6)):
        centre = (int(generator.integers(25, 88)), int(generator.integers(25, 88)))
        axes = (int(generator.integers(6, 48)), int(generator.integers(6, 48)))
        shade = 0.0 if generator.uniform() < 0.15 else generator.uniform(0.25, 1.0)
        if generator.uniform() < 0.5:
            cv2.ellipse(canvas, centre, axes, float(generator.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
        else:
            box = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), float(generator.choice([0, 0, 90, 20, -35]))))
            cv2.fillPoly(canvas, [np.round(box).astype(np.int32)], shade, cv2.LINE_AA)
    if generator.uniform() < 0.4:
        ends = generator.integers(10, 102, (3, 2)).astype(np.int32)
        cv2.polylines(canvas, [ends], False, generator.uniform(0.4, 1.0), int(generator.integers(3, 9)), cv2.LINE_AA)
    if np.mean(canvas > 0.2) < 0.22:
        return _draw_object(generator, size)
    cut = canvas[bounding_box(canvas)]
    grain = 1 - generator.uniform(0, 0.5) * _smooth_noise(generator, cut.shape, generator.choice([4, 9, 18]))
    # The object fills the whole image, as in other data sets, or the box of a digit.
    box = round(generator.choice([1.0, 0.8, 20 / 28]) * min(size))
    scale = box / max(cut.shape)
    inner = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = cv2.resize(cut * grain, inner, interpolation=cv2.INTER_AREA)
    image = np.zeros(size, np.uint8)
    top, left = (size[0] - inner[1]) // 2, (size[1] - inner[0]) // 2
    image[top : top + inner[1], left : left + inner[0]] = np.clip(small * 255, 0, 255)
    return image


def _draw_blot(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a soft, broad patch of uneven paper or of a blurred picture, cut out as a glyph would be."""
    field = _smooth_noise(generator, (56, 56), generator.choice([4, 5, 7]))
    level = np.quantile(field, generator.uniform(0.5, 0.8))
    found = find_components(field > level)
    largest = int(np.argmax(found.area))
    window, mask = found.window(largest), found.crop(largest)
    height, width = mask.shape
    # A long and narrow patch may look like a 1, and one with strokes like any digit.
    if min(width, height) < 0.5 * max(width, height) or measure_stroke_width(mask) < 0.4 * max(width, height):
        return _draw_blot(generator, size)
    depth = (field[window] - level) / max(float(field.max() - level), 1e-6)
    soft = np.clip(0.3 + generator.uniform(0.7, 4) * depth, 0, 1) * mask
    return normalize_glyph(crop_glyph(soft.astype(np.float32), mask), size)


def _draw_grain(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw noise as it is found in a picture without writing: all of it, or what hangs together, in a digit's box."""
    field = _smooth_noise(generator, (56, 56), int(generator.integers(8, 28)))
    mask = field > generator.uniform(0.45, 0.65)
    if generator.uniform() < 0.5:
        found = find_components(mask)
        whole = np.zeros_like(mask)
        largest = int(np.argmax(found.area))
        whole[found.window(largest)] = found.crop(largest)
        mask = whole
    return _normalize(mask * (155 + 100 * field), size)


def _draw_texture(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw noise of any coarseness, stripes or checks over the whole image or its middle."""
    height, width = size
    kind = generator.integers(4)
    if kind == 0:
        values = generator.uniform(0, 1, size)
    elif kind == 1:
        values = _smooth_noise(generator, size, generator.choice([4, 8, 14]))
        if generator.uniform() < 0.6:
            values = (values > generator.uniform(0.4, 0.6)).astype(float)
    else:
        y, x = np.mgrid[:height, :width]
        angle, period = generator.uniform(0, np.pi), generator.uniform(3, 12)
        wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        if kind == 3:
            wave = wave * np.sin(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
        values = wave > generator.uniform(-0.5, 0.5)
    image = (np.asarray(values, dtype=np.float64) * generator.uniform(100, 255)).astype(np.uint8)
    if generator.uniform() < 0.6:  # keep to the box of a glyph
        image[:4], image[-4:], image[:, :4], image[:, -4:] = 0, 0, 0, 0
    return image


def _spoil_digit(digits: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Put two or three digits into one box, halve a digit, lay it on its side, or mirror it."""
    size = (digits.shape[1], digits.shape[2])
    inked = np.flatnonzero(np.any(digits, axis=(1, 2)))
    if not len(inked):
        return _draw_scribble(generator, size)
    index = int(generator.choice(inked))
    image, label = digits[index], int(labels[index])
    kind = generator.uniform()
    if kind < 0.3 and label in _HALVES:
        return _normalize(_halve(image, generator.choice(_HALVES[label])), size)
    if kind < 0.75 or label in (0, 1, 8):
        others = generator.choice(inked, 1 if generator.uniform() < 0.8 else 2)
        # Round ones and ones above each other may look like one digit.
        if generator.uniform() < 0.35 and not {label, *labels[others].tolist()} <= {0, 1, 6, 8, 9}:
            return _normalize(_join(image.T, digits[int(others[0])].T, generator).T, size)
        for other in others:
            image = _join(image, digits[int(other)], generator)
        return _normalize(image, size)
    if kind < 0.87:
        return _normalize(np.rot90(image, generator.choice([1, 3])), size)
    # A mirrored 2 looks like a 5, and a mirrored 5 like a 2.
    return _normalize(image[:, ::-1] if label in (3, 4, 7, 9) else np.rot90(image), size)


# The halves that look like no digit; the right half of a 3 looks like a 3, that of a 4 like a 1.
_HALVES = {
    0: ("top", "bottom"),
    2: ("left", "right", "top"),
    3: ("left", "top", "bottom"),
    5: ("left", "right", "top", "bottom"),
    8: ("left",),
    9: ("left",),
}


def _halve(image: np.ndarray, side: str) -> np.ndarray:
    if side in ("top", "bottom"):
        return _halve(image.T, "left" if side == "top" else "right").T
    columns = np.flatnonzero(image.any(axis=0))
    middle = (columns[0] + columns[-1] + 1) // 2
    return image[:, :middle] if side == "left" else image[:, middle:]


def _join(left: np.ndarray, right: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Put two images of equal height beside each other, apart or overlapping by a quarter of the narrower at most."""
    columns = [np.flatnonzero(image.any(axis=0)) for image in (left, right)]
    first, second = (image[:, found[0] : found[-1] + 1] for image, found in zip((left, right), columns, strict=True))
    start = first.shape[1] + int(generator.integers(-min(4, first.shape[1] // 4, second.shape[1] // 4), 5))
    canvas = np.zeros((len(left), start + second.shape[1]), np.uint8)
    canvas[:, : first.shape[1]] = first
    canvas[:, start:] = np.maximum(canvas[:, start:], second)
    return canvas


def _smooth_noise(generator: np.random.Generator, size: tuple[int, int], grid: int) -> np.ndarray:
    coarse = generator.uniform(0, 1, (grid, grid)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), 0, 1)


def _normalize(canvas: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    mask = canvas > 100
    if not mask.any():
        return np.zeros(size, np.uint8)
    return normalize_glyph(crop_glyph(canvas.astype(np.float32) / 255, mask), size)
