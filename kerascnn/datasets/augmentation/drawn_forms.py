"""Whole digits drawn by a pen, in forms that MNIST's writers rarely used.

A form is a few strokes; each is a smooth curve near its control points, which move at random within their ranges, so
that no two digits of a form are alike.
"""

from functools import cache

import cv2
import numpy as np

_Point = tuple[float, float, float, float]  # x to the right and y downwards, 0..1, and how far each of them may move
_Stroke = tuple[_Point, ...]

_POOL = 400  # Number of images of each digit; drawn once, they cost a batch nothing, and each is warped anew.
_POOL_BYTES = 2**24  # There are fewer if they are large.
_BOX = 20 / 28  # of the image's shorter side, as in MNIST
_OVERSAMPLING = 2  # Curves are drawn on a finer grid, from which the distance of each pixel is measured.
_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with
_STEPS = 4  # line segments between two control points
_THINNEST, _BROADEST = 0.09, 0.22  # width of the pen against the longer side of the digit
_UPRIGHT, _SLANTED = -0.1, 0.3  # tangent of the slant

_TOP: _Point = (0.55, 0.0, 0.1, 0.0)
_ARM: _Stroke = ((0.06, 0.55, 0.14, 0.27), (0.38, 0.22, 0.05, 0.05), _TOP)
_STEM: _Stroke = (_TOP, (0.55, 0.5, 0.04, 0.0), (0.52, 1.0, 0.08, 0.0))
_FOOT: _Stroke = ((0.2, 1.0, 0.12, 0.04), (0.84, 0.99, 0.14, 0.04))

_BEAK, _BEND = (0.08, 0.05, 0.06, 0.04), (0.85, 0.02, 0.08, 0.03)
_SERIF: _Stroke = ((0.08, 0.22, 0.06, 0.08), _BEAK)
_ROOF: _Stroke = (_BEAK, (0.45, 0.07, 0.06, 0.05), _BEND)
_LEG: _Stroke = (_BEND, (0.62, 0.45, 0.08, 0.05), (0.45, 1.0, 0.12, 0.0))
_BAR: _Stroke = ((0.3, 0.52, 0.1, 0.05), (0.88, 0.5, 0.1, 0.06))

_TIP, _ELBOW = (0.5, 0.0, 0.12, 0.03), (0.05, 0.62, 0.05, 0.06)
_SIDE: _Stroke = (_TIP, (0.25, 0.35, 0.05, 0.04), _ELBOW)
_FLOOR: _Stroke = (_ELBOW, (0.9, 0.62, 0.1, 0.06))

_NECK = (0.72, 0.16, 0.04, 0.06)
_LOOP: _Stroke = (
    _NECK,
    (0.58, -0.04, 0.05, 0.03),
    (0.16, -0.03, 0.05, 0.04),
    (0.0, 0.28, 0.06, 0.05),
    (0.2, 0.54, 0.06, 0.05),
    (0.6, 0.44, 0.05, 0.05),
    _NECK,
)
_CROWN = (0.38, 0.0, 0.05, 0.02)
_BOWL: _Stroke = (
    (0.02, 0.08, 0.05, 0.05),
    (-0.02, 0.5, 0.04, 0.05),
    (0.04, 0.98, 0.05, 0.03),
    (0.6, 1.04, 0.05, 0.03),
    (0.82, 0.55, 0.05, 0.05),
)
_RING: _Stroke = (_CROWN, *_BOWL, (0.76, 0.05, 0.05, 0.05), _CROWN)
_OPENING = (0.3, 0.0, 0.08, 0.05)

_HOOK: _Stroke = (
    _NECK,
    (0.76, 0.6, 0.05, 0.05),
    (0.68, 1.02, 0.06, 0.04),
    (0.25, 1.04, 0.08, 0.04),
    (0.02, 0.84, 0.1, 0.08),
)

_FORMS: dict[int, tuple[tuple[_Stroke, ...], ...]] = {
    0: (
        (_RING, ((0.98, -0.06, 0.1, 0.08), (-0.12, 1.06, 0.1, 0.08))),
        (_RING, ((0.7, 0.16, 0.06, 0.06), (0.14, 0.84, 0.06, 0.06))),
        # Open at the top: the pen ends beside its beginning, or inside.
        ((_OPENING, *_BOWL, (0.8, 0.05, 0.05, 0.05), (0.5, -0.02, 0.1, 0.08)),),
        ((_OPENING, *_BOWL, (0.8, 0.0, 0.05, 0.05), (0.45, 0.06, 0.05, 0.05), (0.36, 0.2, 0.1, 0.06)),),
    ),
    1: ((_ARM, _STEM), (_ARM, _STEM, _FOOT), (_ARM, _STEM, _FOOT)),
    4: (
        # Closed, a triangle.
        (_SIDE, _FLOOR, (_TIP, (0.55, 1.0, 0.08, 0.04))),
        # Open, the stem as tall as the side or shorter.
        (
            ((0.12, 0.04, 0.1, 0.04), (0.06, 0.4, 0.05, 0.05), _ELBOW),
            _FLOOR,
            ((0.68, 0.06, 0.06, 0.06), (0.64, 1.0, 0.08, 0.04)),
        ),
        # Two strokes, of which the second crosses the first.
        (_SIDE, _FLOOR, ((0.64, 0.36, 0.06, 0.08), (0.56, 1.0, 0.08, 0.04))),
    ),
    7: ((_SERIF, _ROOF, _LEG), (_SERIF, _ROOF, _LEG, _BAR), (_ROOF, _LEG, _BAR)),
    9: (
        (_LOOP, ((0.74, 0.0, 0.04, 0.1), (0.7, 1.0, 0.08, 0.0))),
        (_LOOP, _HOOK),
        # Like a rho: the tail runs back below the loop, and may turn to the right at its end.
        (_LOOP, (_NECK, (0.55, 0.55, 0.06, 0.04), (0.1, 1.0, 0.12, 0.0))),
        (_LOOP, (_NECK, (0.5, 0.6, 0.06, 0.04), (0.26, 0.96, 0.06, 0.04), (0.6, 1.02, 0.14, 0.05))),
    ),
}


@cache
def draw_forms(digit: int, size: tuple[int, int]) -> np.ndarray:
    """Draw a digit in its forms many times, in a box and centred by its mass as MNIST's digits are.

    The images are the same whenever they are asked for.

    Args:
        digit: 0, 1, 4, 7 or 9.
        size: Height and width of an image in pixels.

    Returns:
        uint8, `(n, height, width)`, 0 is background and 255 is ink.
    """
    generator, count = np.random.default_rng(digit), max(1, min(_POOL, _POOL_BYTES // (size[0] * size[1])))
    return np.stack([_draw_form(digit, size, generator) for _ in range(count)])


def _draw_form(digit: int, size: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    form = int(generator.integers(len(_FORMS[digit])))
    points, ranges, basis, ends = _prepare_form(digit, form)
    slant, proportion = generator.uniform(_UPRIGHT, _SLANTED), generator.uniform(0.6, 1.0)
    curve = basis @ (points + ranges * generator.uniform(-1, 1, points.shape))
    curve[:, 0] = proportion * curve[:, 0] - slant * curve[:, 1]
    box = _BOX * min(size)
    pen = generator.uniform(_THINNEST, _BROADEST) * generator.uniform(0.7, 1) * box
    extent = np.ptp(curve, axis=0)
    curve *= (box - pen) / extent.max()
    low, high = curve.min(axis=0), curve.max(axis=0)
    image_middle = np.array([size[1], size[0]]) / 2
    # The mean of the curve's points is its centre of mass; the box stays within the image.
    room = image_middle - pen / 2
    centre = np.clip(curve.mean(axis=0), high - room, low + room)
    scaled = (curve - centre + image_middle) * _OVERSAMPLING - 0.5
    drawn = np.round(scaled * (1 << _SHIFT)).astype(np.int32)
    off_curve = np.full((size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), 255, np.uint8)
    cv2.polylines(off_curve, np.split(drawn, ends), False, 0, shift=_SHIFT)
    distance = cv2.distanceTransform(off_curve, cv2.DIST_L2, 3)
    coverage = np.clip(pen * _OVERSAMPLING / 2 + 0.5 - distance, 0, 1)
    image = cv2.resize(coverage, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(image, alpha=255))


@cache
def _prepare_form(digit: int, form: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compute the different control points of a form, their ranges, the basis of its curves and where each ends."""
    strokes = _FORMS[digit][form]
    points = list(dict.fromkeys(point for stroke in strokes for point in stroke))
    rows = []
    for stroke in strokes:
        # Cubic B-splines begin and end in a control point that is given three times.
        chain = [points.index(point) for point in (stroke[0], stroke[0], *stroke, stroke[-1], stroke[-1])]
        rows.append(_spline_basis(len(chain)) @ np.eye(len(points))[chain])
    values = np.array(points)
    return values[:, :2], values[:, 2:], np.concatenate(rows), np.cumsum([len(row) for row in rows])[:-1]


def _spline_basis(count: int) -> np.ndarray:
    """Compute what each of `count` control points of a uniform cubic B-spline contributes to each of its points."""
    position = np.linspace(1, count - 2, (count - 3) * _STEPS + 1)[:, None]
    distance = np.abs(position - np.arange(count))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far))
