"""Put a page together from what was read on it: boxes on the picture as it was given, lines in the order of reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import numpy as np

from kerascnn.images.glyphs import Glyph
from kerascnn.images.line_ordering import WIDE_GAP, format_line, order_lines
from kerascnn.inference.glyph_recognition import Reading, SeenGlyph
from kerascnn.inference.number_reading import RuledPage, weigh_number
from kerascnn.inference.page_text import Box, Digit, Line, Number, Page, Symbol
from kerascnn.inference.symbol_placement import assign_symbols, split_with_symbols
from kerascnn.inference.symbol_reading import FoundSymbol, PageSymbols


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


class _Doubts(NamedTuple):
    """What may be part of a number and was not read: what was taken for no digit, and for no symbol."""

    rejected: Sequence[_Rejected]
    symbols: Sequence[Symbol]


def compose_page(
    readings: Sequence[Reading], sheet: Sheet, min_confidence: float, symbols: PageSymbols | None = None
) -> Page:
    """Put a page together from digits and what is none.

    Args:
        readings: What was read.
        sheet: How it lies on its picture.
        min_confidence: Lowest probability of a digit that is kept, 0 to 1.
        symbols: What stands between the digits; None if that was not looked for.
    """
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
    found, doubtful = ([_place_symbol(one, sheet) for one in some] for some in symbols or ((), ()))
    assigned = assign_symbols([[place.digit.box for place in line] for line in lines], [one.box for one in found])
    written = [[found[index] for index in chosen] for chosen in assigned]
    doubts = _Doubts(rejected, doubtful)
    made = [_make_line(line, own, doubts, sheet) for line, own in zip(lines, written, strict=True)]
    return Page(
        tuple(line if symbols is not None else replace(line, symbols=None) for line in made),
        _order_boxes(unread, sheet),
        rotation=sheet.rotation,
        marked_text=_format(marks, [one for own in written for one in own]),
    )


def compose_ruled_page(ruled: RuledPage, sheet: Sheet) -> Page:
    """Put a page together from numbers that follow a rule."""
    lines, marks = [], [("?", sheet.find_box(glyph)) for glyph in ruled.unread]
    for found in ruled.lines:
        numbers, digits, symbols = [], [], []
        for one in found:
            boxes = [sheet.find_box(reading.glyph) for reading in one.readings]
            digits += [
                Digit(reading.digit, reading.confidence, sheet.turn_back(box))
                for reading, box in zip(one.readings, boxes, strict=True)
            ]
            between = sorted((_place_symbol(symbol, sheet) for symbol in one.symbols), key=lambda one: one.box[0])
            symbols += [replace(symbol, box=sheet.turn_back(symbol.box)) for symbol in between]
            whole = _enclose([*boxes, *(symbol.box for symbol in between)])
            marks.append((one.text, whole))
            numbers.append(Number(one.text, one.confidence, sheet.turn_back(whole), *(one.runner_up or ())))
        text = " ".join(number.text for number in numbers)
        lines.append(Line(text, tuple(digits), tuple(numbers), tuple(symbols) if ruled.has_symbols else None))
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


def _format(marks: Sequence[tuple[str, Box]], symbols: Sequence[Symbol]) -> str:
    """Write digits and marks, each with its box, as they stand in lines, with the symbols among them."""
    lines = [[marks[index] for index in line] for line in order_lines([box for _, box in marks])]
    assigned = assign_symbols([[box for _, box in line] for line in lines], [one.box for one in symbols])
    return "\n".join(
        _format_line(line, [symbols[index] for index in own]) for line, own in zip(lines, assigned, strict=True)
    )


def _format_line(line: Sequence[tuple[str, Box]], symbols: Sequence[Symbol]) -> str:
    texts, boxes = [text for text, _ in line], [box for _, box in line]
    if not symbols:
        return format_line(texts, boxes)
    texts += [one.symbol for one in symbols]
    groups = split_with_symbols(boxes, [one.box for one in symbols])
    return " ".join("".join(texts[index] for index in group) for group in groups)


def _scale_box(glyph: Glyph, scale: float, shape: tuple[int, ...]) -> Box:
    """Return left, top, width and height of a glyph in pixels of the picture, whose shape is given."""
    left, top = int(glyph.left / scale), int(glyph.top / scale)
    right = min(shape[1], int(np.ceil(glyph.right / scale)))
    bottom = min(shape[0], int(np.ceil(glyph.bottom / scale)))
    return left, top, max(1, right - left), max(1, bottom - top)


def _make_line(line: Sequence[_Place], symbols: Sequence[Symbol], doubts: _Doubts, sheet: Sheet) -> Line:
    boxes = [*(place.digit.box for place in line), *(one.box for one in symbols)]
    numbers = []
    for chosen in split_with_symbols(boxes[: len(line)], boxes[len(line) :]):
        places = [line[index] for index in chosen if index < len(line)]
        between = {place: symbols[index - len(line)] for place, index in enumerate(chosen) if index >= len(line)}
        text = "".join(str(place.digit.digit) for place in places)
        whole = _enclose([boxes[index] for index in chosen])
        # What was taken for no digit may be one after all, and the number another.
        doubtful = [one.seen for one in doubts.rejected if _belongs(one.box, whole)]
        confidence, other = weigh_number(text, [*(place.seen for place in places), *doubtful])
        confidence *= prod(one.confidence for one in between.values())
        confidence *= prod(1 - one.confidence for one in doubts.symbols if _is_inside(one.box, whole))
        # Of a number with more or fewer digits it is not known between which of them the symbols stand.
        other = other if not between or (other and len(other[0]) == len(text)) else None
        runner_up = (_insert(other[0], between), other[1]) if other else ()
        numbers.append(Number(_insert(text, between), confidence, sheet.turn_back(whole), *runner_up))
    digits = tuple(replace(place.digit, box=sheet.turn_back(place.digit.box)) for place in line)
    turned = [replace(one, box=sheet.turn_back(one.box)) for one in sorted(symbols, key=lambda one: one.box[0])]
    return Line(" ".join(number.text for number in numbers), digits, tuple(numbers), tuple(turned))


def _insert(digits: str, symbols: Mapping[int, Symbol]) -> str:
    """Write digits with symbols between them, given by their places in the whole text."""
    rest = iter(digits)
    return "".join(
        symbols[place].symbol if place in symbols else next(rest) for place in range(len(digits) + len(symbols))
    )


def _place_symbol(found: FoundSymbol, sheet: Sheet) -> Symbol:
    return Symbol(found.symbol, found.confidence, sheet.find_box(found.glyph))


def _is_inside(box: Box, number: Box) -> bool:
    """Tell whether the middle of a box is in that of a number."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return number[0] <= x <= number[0] + number[2] and number[1] <= y <= number[1] + number[3]


def _belongs(box: Box, number: Box) -> bool:
    """Tell whether a box stands in a number or so near to it that it may be a part."""
    gap = max(box[0] - number[0] - number[2], number[0] - box[0] - box[2])
    shared = min(box[1] + box[3], number[1] + number[3]) - max(box[1], number[1])
    return gap <= WIDE_GAP * number[3] and shared >= min(box[3], number[3]) / 2
