"""Read a whole page: every digit, line by line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.images.binarization import binarize_page
from kerascnn.images.decoding import Picture, translate_memory_errors
from kerascnn.images.glyphs import Glyph
from kerascnn.images.line_ordering import format_line, order_lines
from kerascnn.inference.drawing import Drawings, draw_page
from kerascnn.inference.glyph_recognition import judge_solutions, recognize_page
from kerascnn.inference.page_orientation import find_turns, may_be_turned
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.segmenters import Segmenter, load_segmenter
from kerascnn.inference.sources import OnError, open_picture, open_pictures
from kerascnn.utils.errors import ImageError, ModelError

MIN_CONFIDENCE = 0.5
"""Lowest probability of a digit that is read, 0 to 1."""

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the picture as it is given, after EXIF."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page.

    Args:
        digit: Its value, 0 to 9.
        confidence: Its probability, 0 to 1.
        box: Left, top, width and height in pixels of the picture as it is given, after EXIF.
    """

    digit: int
    confidence: float
    box: Box

    def to_dict(self) -> dict[str, Any]:
        """Return the digit in plain types, for JSON."""
        return {"digit": self.digit, "confidence": round(self.confidence, 6), "box": list(self.box)}


@dataclass(frozen=True)
class Line:
    """One line of a page, from left to right.

    Args:
        text: The digits, with a space at gaps that are wide against the digits and the line's other gaps.
        digits: The digits from left to right.
    """

    text: str
    digits: tuple[Digit, ...]


@dataclass(frozen=True)
class Page:
    """What is written on a page.

    Args:
        lines: The lines from top to bottom.
        unread: Boxes of what is probably writing but was not read as a digit, such as letters, blots and digits of
            which the model is not sure: left, top, width and height in pixels of the picture as given, after EXIF.
        rotation: Degrees clockwise by which the picture was turned to be read: 0, 90, 180 or 270.
        marked_text: The text of all lines, with `?` at the place of everything that could not be read.
    """

    lines: tuple[Line, ...]
    unread: tuple[Box, ...] = ()
    rotation: int = 0
    marked_text: str = ""

    @property
    def text(self) -> str:
        """The text of all lines, separated by newlines."""
        return "\n".join(line.text for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the page in plain types, for JSON."""
        lines = [{"text": line.text, "digits": [digit.to_dict() for digit in line.digits]} for line in self.lines]
        return {"lines": lines, "unread": [list(box) for box in self.unread], "rotation": self.rotation}


def read(
    picture: Picture,
    model: Predictor | str | Path | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    segmenter: Segmenter | str | Path | None = None,
) -> Page:
    """Read every digit on a page.

    Args:
        picture: A path, `-` for standard input, encoded bytes, a binary file, a PIL image, or an array
            `(height, width)` or `(height, width, 3)`.
        model: A loaded model, a path, `"reference"`, or None for the same choice as `load` makes.
        min_confidence: Lowest probability of a digit that is kept, 0 to 1; 0.5 by default.
        segmenter: What separates digits from each other and from what else is on a page, as for `load_segmenter`;
            `"both"` by default.

    Returns:
        The page: its lines from top to bottom, each with its digits and their boxes.

    Raises:
        ImageError: If the picture cannot be read.
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.

    Example:
        >>> kerascnn.read("page.jpg").lines[0].text
        '0123456789'
    """
    predictor = _load_reader(model)
    return _read_array(open_picture(picture), predictor, load_segmenter(segmenter), min_confidence)


def read_files(
    sources: Iterable[Picture],
    model: Predictor | str | Path | None,
    on_error: OnError,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    segmenter: Segmenter | str | Path | None = None,
    drawings: Drawings | None = None,
) -> Iterator[tuple[str, Page]]:
    """Read any number of pages, one after the other; yield the name (the path as given, `-` for bytes) and the page.

    Args:
        sources: Pictures, each as for `read`; model, confidence and segmenter are as there.
        on_error: Called with the name of a picture that cannot be read, and the reason; the others go on.
        drawings: The files in which each picture is written with the digits found drawn on it; None for no drawings.

    Raises:
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.
        OutputError: If a drawing cannot be written.
    """
    predictor, find_digits = _load_reader(model), load_segmenter(segmenter)
    for name, array in open_pictures(sources, on_error):
        try:
            with translate_memory_errors(name):
                page = _read_array(array, predictor, find_digits, min_confidence)
        except ImageError as error:
            on_error(name, error)
            continue
        if drawings is not None:
            digits = [digit for line in page.lines for digit in line.digits]
            marks = [(digit.box, str(digit.digit), digit.confidence) for digit in digits]
            marks += [(box, "?", 0.0) for box in page.unread]
            drawings.write(name, draw_page(array, marks))
        yield name, page


def _load_reader(model: Predictor | str | Path | None) -> Predictor:
    predictor = model if isinstance(model, Predictor) else load(model)
    if not predictor.card.recognises_digits:
        raise ModelError(
            f"the model {predictor.card.name!r} tells {len(predictor.card.class_names)} classes apart; "
            "pages are read with a model of the ten digits, such as 'reference'."
        )
    return predictor


def _read_array(array: np.ndarray, predictor: Predictor, segmenter: Segmenter, min_confidence: float) -> Page:
    page = binarize_page(array)
    masks = segmenter(page)
    solutions = recognize_page(page, masks, predictor)
    turns = find_turns(page.contrast, masks.digits, predictor) if may_be_turned(solutions) else 0
    if turns:
        array = np.rot90(array, turns)
        page = replace(page, contrast=_turn(page.contrast, turns), mask=_turn(page.mask, turns))
        solutions = recognize_page(page, segmenter(page), predictor)
    digits, unread = [], []
    for reading in judge_solutions(solutions):
        box = _scale_box(reading.glyph, page.scale, array.shape)
        if reading.is_digit and reading.confidence >= min_confidence:
            digits.append(Digit(reading.digit, reading.confidence, box))
        else:
            unread.append(box)
    lines = [[digits[index] for index in line] for line in order_lines([digit.box for digit in digits])]
    marks = [(str(digit.digit), digit.box) for digit in digits] + [("?", box) for box in unread]
    return Page(
        tuple(_make_line(line, turns, array.shape) for line in lines),
        tuple(sorted((_turn_back(box, turns, array.shape) for box in unread), key=lambda box: (box[1], box[0]))),
        rotation=90 * (-turns % 4),
        marked_text=_format([text for text, _ in marks], [box for _, box in marks]),
    )


def _turn(values: np.ndarray, turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(values, turns))


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


def _make_line(digits: Sequence[Digit], turns: int, shape: tuple[int, ...]) -> Line:
    text = format_line([str(item.digit) for item in digits], [item.box for item in digits])
    return Line(text, tuple(replace(item, box=_turn_back(item.box, turns, shape)) for item in digits))
