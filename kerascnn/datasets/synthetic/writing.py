"""Sheets of writing in which digits stand among other things: beside, touching, overlapping; letters; marks between.

The weights of the evidence for the segments of a glyph are fitted on them (`kerascnn.training.segment_fitting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.outliers import make_outliers, print_letter
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.datasets.synthetic import camera
from kerascnn.datasets.synthetic.pages import STYLES, Style, draw_pitch, photograph_sheet
from kerascnn.datasets.synthetic.sheet import Box, Sheet, find_touching_column, make_sheet, place_glyph
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.images.components import Window, bounding_box

NO_DIGIT = -1
"""What a glyph that is no digit shows."""

_TOUCHING_SHARE = 0.65  # of the sheets
_OTHER_SHARE = 0.1  # of the lines, which hold no digits
_LETTER_SHARE = 0.75  # of these, which are words
_ZEROS_SHARE = 0.15  # of the lines, which hold nothing else: amounts are full of zeros that touch
_MARKED_SHARE, _MARK_SHARE = 0.4, 0.3  # of the lines, of the glyphs in these that a mark follows
_CROPPED_SHARE = 0.5  # of the pictures
_UNEVEN_SHARE = 0.4  # of the lines, whose digits differ much in size
_FAINTEST = 60  # intensity of an image that has strokes at all
_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with

_Digits = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Writing:
    """A photographed sheet and whose ink is where.

    Args:
        picture: uint8, `(height, width, 3)`, RGB.
        instances: uint16, `(height, width)`: number of the glyph whose ink a pixel shows, counted from 1; 0 for paper.
        shown: What each glyph shows: a digit, or `NO_DIGIT`.
    """

    picture: np.ndarray
    instances: np.ndarray
    shown: tuple[int, ...]


class _Layout(NamedTuple):
    """Where a line runs: its left end, its middle there, its slope, the distance of two digits, all in pixels."""

    left: float
    middle: float
    slope: float
    advance: float


class _Hand(NamedTuple):
    """How one writes: height and thickness in pixels, depth of overlap in heights, the style of the sheet."""

    height: int
    thickness: float
    overlap: float
    look: Style


def write_sheet(digits: _Digits, number: int, seed: int) -> Writing:
    """Write a sheet of a few lines; the same number and seed give the same sheet.

    Args:
        digits: Images, uint8 `(n, 28, 28)`, 0 is background and 255 is ink, and their labels, integers `(n,)`.
        number: Number of the sheet; sheets take turns in the styles.
        seed: Random seed.
    """
    generator = np.random.default_rng([seed, number])
    look = replace(list(STYLES.values())[number % len(STYLES)], touching=bool(generator.uniform() < _TOUCHING_SHARE))
    height, num_lines, length = (int(generator.integers(*span)) for span in ((22, 100), (1, 4), (3, 9)))
    pitch = draw_pitch(look, height, generator)
    advance = pitch if look.lines == "table" else height * (0.75 + generator.uniform(0.2, 0.9))
    width, slope = round(advance * length + 2.1 * height), generator.uniform(-look.skew, look.skew)
    sheet = make_sheet(round(1.8 * height + pitch * num_lines + abs(slope) * width), width)
    shown: list[int] = []
    for line in range(num_lines):
        overlap = generator.uniform(0, 0.12) if generator.uniform() < 0.5 else 0.0
        hand = _Hand(height, generator.uniform(*look.pen) * height, overlap, look)
        middle = 0.9 * height + pitch * (line + 0.5) + max(0.0, -slope) * width
        glyphs = _choose_glyphs(digits, length, generator)
        shown += _write_line(sheet, glyphs, _Layout(0.9 * height, middle, slope, advance), hand, generator)
    picture, matrix = photograph_sheet(sheet, look, height, generator)
    instances = camera.transform_instances(sheet.instances, matrix, picture.shape[:2])
    window = np.s_[:, :]
    if instances.any() and generator.uniform() < _CROPPED_SHARE:
        window = _choose_window(instances, height, generator)
    return Writing(np.ascontiguousarray(picture[window]), instances[window], tuple(shown))


def _choose_window(instances: np.ndarray, height: int, generator: np.random.Generator) -> Window:
    """Choose the part of a picture that is left if somebody cuts it around the writing, more or less closely."""
    rows, columns = bounding_box(instances > 0)
    margins = [round(share * height) for share in generator.uniform(0, 0.4, 4)]
    return np.s_[
        max(0, rows.start - margins[0]) : rows.stop + margins[1],
        max(0, columns.start - margins[2]) : columns.stop + margins[3],
    ]


def _choose_glyphs(digits: _Digits, count: int, generator: np.random.Generator) -> _Digits:
    """Choose the images of one line and what they show."""
    images, labels = digits
    if generator.uniform() < _OTHER_SHARE:
        if generator.uniform() < _LETTER_SHARE:
            return np.stack([print_letter(generator, (28, 28)) for _ in range(count)]), np.full(count, NO_DIGIT)
        return make_outliers(count, images, labels, generator), np.full(count, NO_DIGIT)
    usable = labels == 0 if generator.uniform() < _ZEROS_SHARE and (labels == 0).any() else labels >= 0
    chosen = generator.choice(np.flatnonzero(usable), count)
    varied = vary_handwriting(images[chosen], labels[chosen], 1.0, generator)
    return augment(varied, float(generator.integers(2)), generator), labels[chosen]


def _write_line(
    sheet: Sheet, glyphs: _Digits, layout: _Layout, hand: _Hand, generator: np.random.Generator
) -> list[int]:
    """Write one line, and return what its glyphs and marks show, in the order of their instances."""
    is_marked = hand.look.lines != "table" and generator.uniform() < _MARKED_SHARE
    sizes = (0.65, 1.15) if generator.uniform() < _UNEVEN_SHARE else (0.88, 1.08)
    boxes: list[Box] = []
    shown: list[int] = []
    x = layout.left
    for number, (image, label) in enumerate(zip(*glyphs, strict=True)):
        if image.max() <= _FAINTEST:
            continue
        pen = Pen(hand.thickness, generator.uniform(0.85, 1.0))
        glyph = draw_digit(image, hand.height * generator.uniform(*sizes), pen, generator)
        if not glyph.any():  # strokes thinner than anything that a pen draws
            continue
        top = layout.middle + layout.slope * x - glyph.shape[0] / 2 + generator.normal(0, 0.05 * hand.height)
        if not hand.look.touching:
            x = layout.left + layout.advance * (number + 0.5) - glyph.shape[1] / 2
        elif boxes and generator.uniform() < 0.8:
            x = find_touching_column(sheet.ink, glyph, boxes[-1], max(0, round(top))) - hand.overlap * hand.height
        boxes.append(place_glyph(sheet, glyph, round(x), round(top)))
        shown.append(int(label))
        if is_marked and generator.uniform() < _MARK_SHARE:
            boxes.append(_place_mark(sheet, boxes[-1], layout.middle + layout.slope * x, hand, generator))
            shown.append(NO_DIGIT)
        x = boxes[-1][0] + boxes[-1][2] + hand.height * generator.uniform(0.1, 0.35)
    sheet.boxes.append(boxes)
    return shown


def _place_mark(sheet: Sheet, before: Box, middle: float, hand: _Hand, generator: np.random.Generator) -> Box:
    """Put a point, a comma or a dash behind a glyph."""
    height, kind = hand.height, generator.integers(3)
    ends: Sequence[float] = (
        (0.02, 0.0),
        (-generator.uniform(0.05, 0.2), generator.uniform(0.1, 0.35)),
        (generator.uniform(0.25, 0.6), generator.uniform(-0.08, 0.08)),
    )[kind]
    across, along = (end * height for end in ends)
    mark = _draw_stroke(across, along, max(1, round(hand.thickness * generator.uniform(0.8, 1.4))))
    y = middle + (0 if kind == 2 else 0.42 * height) + generator.normal(0, 0.04) * height
    x = before[0] + before[2] + height * generator.uniform(0.02, 0.25)
    return place_glyph(sheet, mark, round(x), round(y - mark.shape[0] / 2))


def _draw_stroke(across: float, along: float, thickness: int) -> np.ndarray:
    """Draw a straight stroke, given its extent in pixels: coverage, float32, 0..1, cropped to it."""
    side = round(abs(across) + abs(along)) + 2 * thickness + 4
    canvas = np.zeros((2 * side, 2 * side), np.uint8)
    start, end = (
        tuple(round((side + sign * extent / 2) * 2**_SHIFT) for extent in (across, along)) for sign in (-1, 1)
    )
    cv2.line(canvas, start, end, 255, thickness, cv2.LINE_AA, _SHIFT)
    return canvas[bounding_box(canvas > 20)].astype(np.float32) / 255
