"""One hand with one pen: the forms of its digits, their size and slant, and how it writes a number into an area."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.synthetic.documents.paper_form import Area, PaperForm
from kerascnn.datasets.synthetic.mnist_digits import load_digits
from kerascnn.datasets.synthetic.sheet import place_glyph
from kerascnn.datasets.synthetic.strokes import Pen, draw_digit
from kerascnn.images.components import bounding_box, find_components

_FORMS = 3  # of each digit that a hand has
_FAINTEST = 60  # intensity of an image that has strokes at all
_MARGIN = 8  # pixels around an image while it is slanted
_SPECK_LEVEL, _LARGEST_SPECK = 40, 0.12  # intensity of a dot beside a digit, share of the ink that it has at most
_BROADEST = 1.3  # width of a digit in heights; a broader one is written lower
_SMALLEST = 0.62  # factor to which a hand writes smaller where there is little room


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand with its pen.

    Args:
        forms: By digit, the images that it writes, uint8 `(n, 44, 44)`.
        height: Height of its digits as a share of the room for them.
        pen_width: Width of its stroke in millimetres.
        gap: Room between two digits as a share of their height; below 0 they may touch.
        unsteadiness: How much its digits differ in size and place; 1 is usual.
    """

    forms: tuple[np.ndarray, ...]
    height: float
    pen_width: float
    gap: float
    unsteadiness: float


def choose_hand(part: str, generator: np.random.Generator) -> Hand:
    """Choose a hand whose digits are from a part of MNIST."""
    images, labels = load_digits(part)
    slant = float(np.clip(generator.normal(0.1, 0.16), -0.25, 0.45))
    return Hand(
        forms=tuple(_choose_forms(images, labels, digit, slant, generator) for digit in range(10)),
        height=generator.uniform(0.52, 0.72),
        pen_width=generator.uniform(0.32, 0.62),
        gap=generator.uniform(0.04, 0.3),
        unsteadiness=generator.uniform(0.5, 1.3),
    )


def write_number(
    form: PaperForm, text: str, area: Area, hand: Hand, alignment: float, generator: np.random.Generator
) -> Area:
    """Write a number into an area.

    Args:
        form: The sheet.
        text: The digits.
        area: Where there is room.
        hand: Who writes.
        alignment: 0 for the left, 0.5 for the middle, 1 for the right of the area.
        generator: Source of all randomness.

    Returns:
        The area of the number itself.
    """
    left, top, across, down = area
    height = hand.height * down * form.dots
    glyphs = [_draw(form, digit, height, hand, generator) for digit in text]
    width = _measure(glyphs, hand.gap * height)
    if width > across * form.dots:
        height *= max(_SMALLEST, across * form.dots / width)
        glyphs = [_draw(form, digit, height, hand, generator) for digit in text]
        width = _measure(glyphs, hand.gap * height)
    room = max(0.0, across * form.dots - width)
    x = left * form.dots + room * float(np.clip(alignment + generator.normal(0, 0.05), 0, 1))
    middle = (top + down * generator.normal(0.5, 0.035 * hand.unsteadiness)) * form.dots
    slope = generator.normal(0, 0.012 * hand.unsteadiness)
    start = x
    for glyph in glyphs:
        y = middle + slope * (x - start) - glyph.shape[0] / 2
        place_glyph(form.writing, glyph, round(x), round(y + generator.normal(0, 0.03 * hand.unsteadiness) * height))
        x += glyph.shape[1] + hand.gap * height * generator.uniform(0.6, 1.4)
    return start / form.dots, (middle - height / 2) / form.dots, (x - start) / form.dots, height / form.dots


def write_in_boxes(form: PaperForm, text: str, boxes: list[Area], hand: Hand, generator: np.random.Generator) -> Area:
    """Write a number into a row of boxes, a digit into each; return the area of the boxes that are filled."""
    height = 1.1 * hand.height * boxes[0][3] * form.dots
    for digit, (left, top, across, down) in zip(text, boxes, strict=False):
        glyph = _draw(form, digit, height, hand, generator)
        if glyph.shape[1] > 0.85 * across * form.dots:
            glyph = _draw(form, digit, height * 0.85 * across * form.dots / glyph.shape[1], hand, generator)
        shift = generator.normal(0, 0.05 * hand.unsteadiness, 2) * (across, down)
        x = (left + across / 2 + shift[0]) * form.dots - glyph.shape[1] / 2
        y = (top + down / 2 + shift[1]) * form.dots - glyph.shape[0] / 2
        place_glyph(form.writing, glyph, round(x), round(y))
    first, last = boxes[0], boxes[len(text) - 1]
    return first[0], first[1] + 0.15 * first[3], last[0] + last[2] - first[0], 0.7 * first[3]


def _measure(glyphs: list[np.ndarray], gap: float) -> float:
    return float(sum(glyph.shape[1] for glyph in glyphs)) + max(0, len(glyphs) - 1) * gap


def _choose_forms(
    images: np.ndarray, labels: np.ndarray, digit: int, slant: float, generator: np.random.Generator
) -> np.ndarray:
    """Choose a few images of a digit and slant them all alike; some 1s get an upstroke, some 7s a bar."""
    usable = np.flatnonzero(labels == digit)
    usable = usable[images[usable].max(axis=(1, 2)) > _FAINTEST]
    forms = np.stack([_slant(_drop_specks(images[index]), slant) for index in generator.choice(usable, _FORMS)])
    # Slanted afterwards, an upstroke would lie flat and the 1 would be a 7.
    return vary_handwriting(forms, np.full(_FORMS, digit), 1.0, generator) if digit in (1, 7) else forms


def _drop_specks(image: np.ndarray) -> np.ndarray:
    """Remove dots beside a digit, which would be points between the digits of a number."""
    found = find_components(image > _SPECK_LEVEL)
    small = np.flatnonzero(found.area < _LARGEST_SPECK * found.area.sum())
    specks = cv2.dilate(np.isin(found.labels, small + 1).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(specks & (found.labels == 0) | np.isin(found.labels, small + 1), 0, image).astype(np.uint8)


def _slant(image: np.ndarray, slant: float) -> np.ndarray:
    """Shear a digit so that it leans to the right by a slant; a digit that is nearly flat keeps its own."""
    moments = cv2.moments(image)
    own = -moments["mu11"] / moments["mu02"] if moments["mu02"] > 1e-3 else slant
    return _shear(image, float(np.clip(slant - own, -0.3, 0.3)))


def _shear(image: np.ndarray, lean: float) -> np.ndarray:
    canvas = cv2.copyMakeBorder(image, *(4 * (_MARGIN,)), cv2.BORDER_CONSTANT, value=0)
    matrix = np.array([[1, -lean, lean * canvas.shape[0] / 2], [0, 1, 0]], np.float32)
    return cv2.warpAffine(canvas, matrix, canvas.shape[::-1], flags=cv2.INTER_CUBIC)


def _draw(form: PaperForm, digit: str, height: float, hand: Hand, generator: np.random.Generator) -> np.ndarray:
    """Draw a digit as the hand writes it this time, of a height in pixels: coverage, float32, 0..1."""
    forms = hand.forms[int(digit)]
    image = forms[generator.integers(len(forms))]
    middle = tuple(side / 2 for side in image.shape[::-1])
    matrix = cv2.getRotationMatrix2D(middle, generator.normal(0, 2.5 * hand.unsteadiness), 1)
    matrix[0] *= generator.normal(1, 0.05 * hand.unsteadiness)
    image = cv2.warpAffine(image, matrix, image.shape[::-1], flags=cv2.INTER_CUBIC)
    pen = Pen(hand.pen_width * form.dots * generator.uniform(0.92, 1.08), generator.uniform(0.88, 1.0))
    rows, columns = (part.stop - part.start for part in bounding_box(image > _FAINTEST))
    # What is drawn is as long as it is told; a hand writes digits of equal height, also where they are broad.
    height *= min(max(rows, columns) / rows, _BROADEST) * generator.normal(1, 0.05 * hand.unsteadiness)
    return draw_digit(image, height, pen, generator)
