"""Synthetic pictures of one digit, or of none, as people photograph, scan and draw them.

The evidence model is fitted on them, and the reference model sees them as the preparation gives them to it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.outliers import make_outliers
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.datasets.synthetic.camera import expose, illuminate
from kerascnn.datasets.synthetic.paper import make_paper
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.images.candidates import find_content
from kerascnn.images.components import bounding_box

_KINDS = {"digit": 0.66, "outlier": 0.16, "many": 0.12, "texture": 0.06}
"""Shares of what the pictures show."""

_EFFECTS = ("shadow", "gradient", "vignette")


@dataclass(frozen=True, eq=False)
class SyntheticPicture:
    """A picture and what it shows.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)` in RGB.
        label: The digit, 0 to 9; None if there is none, or more than one.
        cover: float32, `(height, width)`: coverage of each pixel by the glyph's ink, 0..1.
        shows_many: Whether it shows several digits.
    """

    picture: np.ndarray
    label: int | None
    cover: np.ndarray
    shows_many: bool = False


@dataclass(frozen=True, eq=False)
class _Scene:
    """Coverage of a sheet by the glyph and by everything else, float32 `(height, width)`, 0..1; the glyph's height."""

    glyph: np.ndarray
    others: np.ndarray
    height: float


def make_pictures(
    images: np.ndarray, labels: np.ndarray, count: int, generator: np.random.Generator
) -> list[SyntheticPicture]:
    """Make pictures of digits of every size, margin, polarity, pen and paper, and of what is no digit.

    Args:
        images: Digits, uint8 `(n, 28, 28)`, 0 is background and 255 is ink.
        labels: Their labels, integers `(n,)`.
        count: Number of pictures.
        generator: Source of all randomness.
    """
    chosen = generator.integers(len(images), size=count)
    digits = vary_handwriting(images[chosen], labels[chosen], 1.0, generator)
    digits = np.where((generator.uniform(size=count) < 0.5)[:, None, None], digits, augment(digits, 0.7, generator))
    outliers = make_outliers(count, images, labels, generator)
    kinds = generator.choice(list(_KINDS), count, p=list(_KINDS.values()))
    result = []
    for index, kind in enumerate(kinds):
        others = images[generator.integers(len(images), size=24)]
        if kind == "digit":
            glyph = _draw_glyph(digits[index], generator)
        elif kind == "many":
            glyph = _draw_many(others, generator)
        else:
            glyph = _draw_outlier(outliers[index], generator) if kind == "outlier" else _draw_texture(generator)
        label = int(labels[chosen[index]]) if kind == "digit" else None
        scene = _place(glyph, generator)
        result.append(_make_picture(scene, label, kind == "many", others[:4], generator))
    return result


def _make_picture(
    scene: _Scene, label: int | None, shows_many: bool, neighbours: np.ndarray, generator: np.random.Generator
) -> SyntheticPicture:
    has_neighbours = generator.uniform() < 0.4
    if has_neighbours:
        scene = _add_neighbours(scene, neighbours, generator)
    if generator.uniform() < 0.35:
        scene = _add_lines(scene, generator)
    if generator.uniform() < 0.15:
        scene = _add_specks(scene, generator)
    values, cover = _paint(scene, generator), scene.glyph
    if generator.uniform() < 0.4:
        values = illuminate(values, [name for name in _EFFECTS if generator.uniform() < 0.5], generator)
    if generator.uniform() < (0.4 if has_neighbours else 0.12):
        values, cover = _surround(values, cover, generator)
    if generator.uniform() < 0.3:
        values = 1 - values
    values, cover = _resample(values, cover, generator)
    picture = _expose(values, generator)
    content = find_content(picture)  # as the preparation does, so that the cover still fits
    return SyntheticPicture(picture[content], label, cover[content], shows_many)


def _draw_glyph(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a digit, uint8 `(28, 28)`, large: coverage, float32, cropped to it."""
    height = _draw_height(generator)
    image = np.asarray(cv2.convertScaleAbs(image, alpha=255 / max(int(image.max()), 1)))
    if generator.uniform() < 0.25 or (image > 128).sum() < 20:
        cover = _enlarge(image, height, generator)
    else:
        width = height * float(np.exp(generator.uniform(np.log(0.025), np.log(0.26))))
        cover = draw_digit(image, height, Pen(max(1.2, width), generator.uniform(0.7, 1.0)), generator)
    return _change_shape(cover, generator)


def _draw_outlier(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return _change_shape(_enlarge(image, _draw_height(generator), generator), generator)


def _draw_many(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw two digits or more, in one line or several."""
    rows, columns = int(generator.choice([1, 1, 1, 2, 3, 4])), int(generator.integers(1, 7))
    columns = max(columns, 2) if rows == 1 else columns
    height = _draw_height(generator) / (1 + 0.4 * (max(rows, columns) > 2))
    gaps = generator.uniform(-0.05, 0.8, 2) * height
    parts = [_enlarge(image, height, generator) for image in images[: rows * columns]]
    pitch_x, pitch_y = max(part.shape[1] for part in parts) + gaps[0], height + gaps[1]
    canvas = np.zeros((round(rows * pitch_y + 1.3 * height), round(columns * pitch_x + 1.3 * height)), np.float32)
    for number, part in enumerate(parts):
        x = 0.2 * height + (number % columns) * pitch_x + generator.uniform(-0.05, 0.05) * height
        y = 0.2 * height + (number // columns) * pitch_y + generator.uniform(-0.1, 0.1) * height
        _lay(canvas, part, round(x), round(y))
    return np.asarray(canvas[bounding_box(canvas > 0.1)])


def _draw_texture(generator: np.random.Generator) -> np.ndarray:
    """Draw noise of any coarseness, or stripes."""
    side = round(_draw_height(generator))
    if generator.uniform() < 0.3:
        angle, period = generator.uniform(0, np.pi), side / generator.uniform(2, 14)
        y, x = np.mgrid[:side, :side].astype(np.float32)
        waves = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period))
        return np.asarray(np.clip(0.5 + generator.uniform(0.5, 4) * waves, 0, 1), np.float32)
    cells = int(np.exp(generator.uniform(np.log(3), np.log(side))))
    noise = generator.uniform(0, 1, (cells, cells)).astype(np.float32)
    return np.clip(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)


def _draw_height(generator: np.random.Generator) -> float:
    return float(np.exp(generator.uniform(np.log(36), np.log(110))))


def _change_shape(cover: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Stretch a glyph to a square, as some collections do, or squeeze it into a narrow box; make some two-valued."""
    shape, height = generator.uniform(), max(cover.shape)
    if shape < 0.12:
        cover = cv2.resize(cover, (height, height), interpolation=cv2.INTER_LINEAR)
    elif shape < 0.2:
        narrow = max(6, round(cover.shape[1] * generator.uniform(0.5, 0.8)))
        cover = cv2.resize(cover, (narrow, cover.shape[0]), interpolation=cv2.INTER_AREA)
    return (cover > 0.5).astype(np.float32) if generator.uniform() < 0.12 else np.asarray(cover)


def _enlarge(image: np.ndarray, height: float, generator: np.random.Generator) -> np.ndarray:
    inked = image > 40
    if not inked.any():
        return np.zeros((round(height), round(height)), np.float32)
    part = image[bounding_box(inked)].astype(np.float32) / 255
    scale = height / max(part.shape)
    size = max(4, round(part.shape[1] * scale)), max(4, round(part.shape[0] * scale))
    large = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    hardness = generator.uniform(1, 6)
    return np.asarray(np.clip((large - 0.45) * hardness + 0.45, 0, 1), np.float32)


def _place(glyph: np.ndarray, generator: np.random.Generator) -> _Scene:
    """Lay the glyph on a sheet with margins from none to three times its size."""
    size, kind = max(glyph.shape), generator.uniform()
    if kind < 0.25:
        margins = generator.uniform(0, 0.04, 4) * (generator.uniform(size=4) < 0.5)
    elif kind < 0.65:
        margins = generator.uniform(0.02, 0.45) * generator.uniform(0.5, 1.5, 4)
    else:
        margins = np.exp(generator.uniform(np.log(0.3), np.log(3))) * generator.uniform(0.4, 1.6, 4)
    left, top, right, bottom = np.round(np.minimum(margins, 3) * size).astype(int).tolist()
    cover = cv2.copyMakeBorder(glyph, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0.0)
    return _Scene(cover.astype(np.float32), np.zeros_like(cover, np.float32), float(size))


def _add_neighbours(scene: _Scene, neighbours: np.ndarray, generator: np.random.Generator) -> _Scene:
    """Let parts of other digits come in from the edges, as where one digit was cut out of a number."""
    others, (rows, columns) = scene.others.copy(), scene.glyph.shape
    for image, side in zip(
        neighbours, generator.choice(4, generator.integers(1, 4), p=[0.4, 0.4, 0.1, 0.1]), strict=False
    ):
        part = _enlarge(image, scene.height * generator.uniform(0.7, 1.2), generator)
        height, width = part.shape
        seen = generator.uniform(0.05, 0.75)
        x, y = (columns - width) // 2, round((rows - height) / 2 + generator.uniform(-0.2, 0.2) * height)
        if side < 2:
            x = round(-width * (1 - seen)) if side == 0 else round(columns - width * seen)
        else:
            x = round(x + generator.uniform(-0.3, 0.3) * width)
            y = round(-height * (1 - seen)) if side == 2 else round(rows - height * seen)
        _lay(others, part, x, y)
    # A neighbour that covers the digit would leave nothing to be told apart.
    hidden = float((np.minimum(others, scene.glyph)).sum()) > 0.06 * float(scene.glyph.sum())
    return scene if hidden else _Scene(scene.glyph, others, scene.height)


def _lay(canvas: np.ndarray, part: np.ndarray, x: int, y: int) -> None:
    left, top = max(0, x), max(0, y)
    right, bottom = min(canvas.shape[1], x + part.shape[1]), min(canvas.shape[0], y + part.shape[0])
    if right > left and bottom > top:
        window = canvas[top:bottom, left:right]
        np.maximum(window, part[top - y : bottom - y, left - x : right - x], out=window)


def _add_lines(scene: _Scene, generator: np.random.Generator) -> _Scene:
    """Print ruled lines, a frame around the glyph, or the borders of a box along the picture's edges."""
    others, (rows, columns) = scene.others.copy(), scene.glyph.shape
    thickness = max(1, round(scene.height * generator.uniform(0.01, 0.06)))
    level, kind = float(generator.uniform(0.3, 1.0)), generator.uniform()
    lines = np.zeros_like(others)
    if kind < 0.4:
        pitch, slope = scene.height * generator.uniform(0.4, 2.0), generator.uniform(-0.04, 0.04)
        across, along = generator.uniform() < 0.8, generator.uniform() < 0.4
        for start in np.arange(generator.uniform(0, pitch), max(rows, columns), pitch):
            shift = slope * columns
            if across:
                cv2.line(lines, (0, round(start)), (columns, round(start + shift)), level, thickness, cv2.LINE_AA)
            if along:
                cv2.line(lines, (round(start), 0), (round(start - shift), rows), level, thickness, cv2.LINE_AA)
    elif kind < 0.65:
        found = np.argwhere(scene.glyph > 0.1)
        if len(found):
            (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
            gaps = np.round(generator.uniform(0.04, 0.4, 4) * scene.height).astype(int) + thickness
            corner, other = (int(left - gaps[0]), int(top - gaps[1])), (int(right + gaps[2]), int(bottom + gaps[3]))
            cv2.rectangle(lines, corner, other, level, thickness, cv2.LINE_AA)
    else:
        for side in np.flatnonzero(generator.uniform(size=4) < 0.5).tolist():
            depth = round(scene.height * generator.uniform(0.01, 0.08)) + 1
            window = (np.s_[:depth], np.s_[-depth:], np.s_[:, :depth], np.s_[:, -depth:])[side]
            lines[window] = level
    return _Scene(scene.glyph, np.maximum(others, lines), scene.height)


def _add_specks(scene: _Scene, generator: np.random.Generator) -> _Scene:
    others, (rows, columns) = scene.others.copy(), scene.glyph.shape
    for _ in range(generator.integers(1, 12)):
        centre = int(generator.integers(columns)), int(generator.integers(rows))
        radius = max(1, round(scene.height * generator.uniform(0.005, 0.03)))
        cv2.circle(others, centre, radius, float(generator.uniform(0.3, 1)), -1, cv2.LINE_AA)
    return _Scene(scene.glyph, others, scene.height)


def _paint(scene: _Scene, generator: np.random.Generator) -> np.ndarray:
    """Paint ink on paper: float32, `(height, width, 3)`, RGB, 0..1, dark on light."""
    light = generator.uniform(0.55, 1.0)
    paper = make_paper(scene.glyph.shape, np.clip(light + generator.uniform(-0.06, 0.06, 3), 0, 1).tolist(), generator)
    if generator.uniform() < 0.4:
        paper = np.full_like(paper, light)
    darkness = generator.uniform(0.0, 0.75) ** 1.5 * light
    ink = np.full(3, darkness, np.float32)
    if generator.uniform() < 0.35:
        # A coloured pen keeps the light of one channel.
        ink[generator.integers(3)] = generator.uniform(darkness, light)
    printed = ink if generator.uniform() < 0.5 else np.clip(ink + generator.uniform(0, 0.4, 3), 0, light)
    values = paper * (1 - scene.others[..., None]) + printed.astype(np.float32) * scene.others[..., None]
    cover = scene.glyph
    if generator.uniform() < 0.2:
        grain = cv2.GaussianBlur(generator.uniform(0, 1, cover.shape).astype(np.float32), (0, 0), 0.8)
        cover = cover * np.clip(1 - generator.uniform(0.2, 0.8) * grain, 0, 1)
    return np.asarray(values * (1 - cover[..., None]) + ink * cover[..., None], np.float32)


def _surround(values: np.ndarray, cover: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paste what was cut out on a canvas: white, black, grey, or of the paper's own colour."""
    height, width = cover.shape
    top, bottom, left, right = np.round(generator.uniform(0, 0.5, 4) * [height, height, width, width]).astype(int)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    tones = (np.ones(3), np.zeros(3), np.full(3, generator.uniform()), *[np.median(border, axis=0)] * 3)
    tone = tuple(float(value) for value in tones[generator.integers(len(tones))])
    pad = (int(top), int(bottom), int(left), int(right))
    around = cv2.copyMakeBorder(values, *pad, cv2.BORDER_CONSTANT, value=tone)
    return np.asarray(around), np.asarray(cv2.copyMakeBorder(cover, *pad, cv2.BORDER_CONSTANT, value=0.0))


def _resample(values: np.ndarray, cover: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Resample to the size of the picture; some are small pictures that somebody enlarged."""
    glyph = max(np.ptp(np.argwhere(cover > 0.1), axis=0).max() if (cover > 0.1).any() else max(cover.shape), 8)
    for low, high, share in ((12, 160, 1.0), (40, 200, 0.2)):
        if generator.uniform() >= share:
            continue
        scale = float(np.exp(generator.uniform(np.log(low), np.log(high)))) / glyph
        scale = min(scale, 900 / max(cover.shape))
        glyph *= scale
        size = max(6, round(cover.shape[1] * scale)), max(6, round(cover.shape[0] * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        values, cover = (cv2.resize(each, size, interpolation=way) for each in (values, cover))
    return values, np.clip(cover, 0, 1)


def _expose(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    blur = float(generator.choice([0, 0, generator.uniform(0.3, 1.2)]))
    grain = float(generator.choice([0, generator.uniform(0, 0.02), generator.uniform(0, 0.06)]))
    quality = int(generator.integers(30, 96)) if generator.uniform() < 0.5 else 0
    picture = expose(values, blur, grain, quality, generator)
    return picture if generator.uniform() < 0.5 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
