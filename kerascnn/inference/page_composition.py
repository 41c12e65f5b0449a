"""Put a page together from what was read on it: boxes on the picture as it was given, lines in the order of reading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kerascnn.images.glyphs import Glyph
from kerascnn.images.line_ordering import WIDE_GAP, format_line, order_lines, split_line
from kerascnn.inference.glyph_recognition import Reading, SeenGlyph
from kerascnn.inference.number_reading import RuledPage, weigh_number
from kerascnn.inference.page_text import Box, Digit, Line, Number, Page


@dataclass(frozen=True)
class Sheet:
    """How a page lies on its picture.

    Args:
        shape: Of the picture as it was read, turned.
        scale: Pixels of the page for one of the picture.
        turns: Quarter turns anticlockwise that the picture was turned by.
    """

    shape: tuple[int, ...]
    scale: float
    turns: int

    def find_box(self, glyph: Glyph) -> Box:
        """Find a glyph on the picture as it was read."""
        return _scale_box(glyph, self.scale, self.shape)

    def turn_back(self, box: Box) -> Box:
        """Find a box on the picture as it was given."""
        return _turn_back(box, self.turns, self.shape)

    @property
    def rotation(self) -> int:
        """Degrees clockwise that the picture was turned by."""
        return 90 * (-self.turns % 4)


@dataclass(frozen=True, eq=False)
class _Place:
    """A digit, where it is on the picture as it was read, and what it was found in."""

    digit: Digit
    seen: SeenGlyph


class _Rejected(NamedTuple):
    """What was taken for no digit, where it is on the picture as it was read, and what it was found in."""

    box: Box
    seen: SeenGlyph


def compose_page(readings: Sequence[Reading], sheet: Sheet, min_confidence: float) -> Page:
    """Put a page together from digits and what is none."""
    places, unread, rejected = [], [], []
    for reading in readings:
        box = sheet.find_box(reading.glyph)
        if reading.is_digit and reading.confidence >= min_confidence and reading.seen is not None:
            places.append(_Place(Digit(reading.digit, reading.confidence, box), reading.seen))
            continue
        unread.append(box)
        if reading.seen is not None:
            rejected.append(_Rejected(box, reading.seen))
    lines = [[places[index] for index in line] for line in order_lines([place.digit.box for place in places])]
    marks = [(str(place.digit.digit), place.digit.box) for place in places] + [("?", box) for box in unread]
    return Page(
        tuple(_make_line(line, rejected, sheet) for line in lines),
        _order_boxes(unread, sheet),
        rotation=sheet.rotation,
        marked_text=_format([text for text, _ in marks], [box for _, box in marks]),
    )


def compose_ruled_page(ruled: RuledPage, sheet: Sheet) -> Page:
    """Put a page together from numbers that follow a rule."""
    lines, marks = [], [("?", sheet.find_box(glyph)) for glyph in ruled.unread]
    for found in ruled.lines:
        numbers, digits = [], []
        for one in found:
            boxes = [sheet.find_box(reading.glyph) for reading in one.readings]
            digits += [
                Digit(reading.digit, reading.confidence, sheet.turn_back(box))
                for reading, box in zip(one.readings, boxes, strict=True)
            ]
            whole = _enclose(boxes)
            marks.append((one.text, whole))
            numbers.append(Number(one.text, one.confidence, sheet.turn_back(whole), *(one.runner_up or ())))
        lines.append(Line(" ".join(number.text for number in numbers), tuple(digits), tuple(numbers)))
    texts, boxes = [text for text, _ in marks], [box for _, box in marks]
    marked = "\n".join(" ".join(texts[index] for index in line) for line in order_lines(boxes))
    unread = _order_boxes([sheet.find_box(glyph) for glyph in ruled.unread], sheet)
    return Page(tuple(lines), unread, rotation=sheet.rotation, marked_text=marked)


def _order_boxes(boxes: Sequence[Box], sheet: Sheet) -> tuple[Box, ...]:
    return tuple(sorted((sheet.turn_back(box) for box in boxes), key=lambda box: (box[1], box[0])))


def _enclose(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top


def _turn_back(box: Box, turns: int, shape: tuple[int, ...]) -> Box:
    """Return a box on a page that was turned anticlockwise, whose shape is given, as it lies on the picture."""
    left, top, width, height = box
    for _ in range(turns):
        left, top, width, height = shape[0] - top - height, left, height, width
        shape = shape[1], shape[0]
    return left, top, width, height


def _format(texts: Sequence[str], boxes: Sequence[Box]) -> str:
    lines = order_lines(boxes)
    return "\n".join(format_line([texts[index] for index in line], [boxes[index] for index in line]) for line in lines)


def _scale_box(glyph: Glyph, scale: float, shape: tuple[int, ...]) -> Box:
    """Return left, top, width and height of a glyph in pixels of the picture, whose shape is given."""
    left, top = int(glyph.left / scale), int(glyph.top / scale)
    right = min(shape[1], int(np.ceil(glyph.right / scale)))
    bottom = min(shape[0], int(np.ceil(glyph.bottom / scale)))
    return left, top, max(1, right - left), max(1, bottom - top)


def _make_line(line: Sequence[_Place], rejected: Sequence[_Rejected], sheet: Sheet) -> Line:
    boxes = [place.digit.box for place in line]
    numbers = []
    for chosen in split_line(boxes):
        text = "".join(str(line[index].digit.digit) for index in chosen)
        whole = _enclose([boxes[index] for index in chosen])
        # What was taken for no digit may be one after all, and the number another.
        doubtful = [one.seen for one in rejected if _belongs(one.box, whole)]
        confidence, runner_up = weigh_number(text, [*(line[index].seen for index in chosen), *doubtful])
        numbers.append(Number(text, confidence, sheet.turn_back(whole), *(runner_up or ())))
    digits = tuple(replace(place.digit, box=sheet.turn_back(place.digit.box)) for place in line)
    return Line(" ".join(number.text for number in numbers), digits, tuple(numbers))


def _belongs(box: Box, number: Box) -> bool:
    """Tell whether a box stands in a number or so near to it that it may be a part."""
    gap = max(box[0] - number[0] - number[2], number[0] - box[0] - box[2])
    shared = min(box[1] + box[3], number[1] + number[3]) - max(box[1], number[1])
    return gap <= WIDE_GAP * number[3] and shared >= min(box[3], number[3]) / 2
