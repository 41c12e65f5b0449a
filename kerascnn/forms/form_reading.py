"""Read filled-in forms: each is registered to the blank one and read once; each field gets what stands in it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kerascnn.forms.registration import BlankForm
from kerascnn.forms.template import Field, Template, load_template
from kerascnn.images.binarization import binarize_page
from kerascnn.images.decoding import Picture, translate_memory_errors
from kerascnn.images.glyphs import Glyph
from kerascnn.images.print_removal import keep_writing
from kerascnn.inference.drawing import Drawings, draw_page
from kerascnn.inference.glyph_recognition import Solution, judge_solutions, recognize_page
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_reading import read_by_rule
from kerascnn.inference.page_composition import Sheet, compose_page, compose_ruled_page
from kerascnn.inference.page_reader import MIN_CONFIDENCE, load_reader
from kerascnn.inference.page_text import Box, Number, Page
from kerascnn.inference.predictor import Predictor
from kerascnn.inference.reading_journal import Journal, read_once
from kerascnn.inference.segmenters import Segmenter, load_segmenter
from kerascnn.inference.sources import OnError, open_picture, open_pictures
from kerascnn.inference.symbol_reading import PageSymbols, SymbolReader, choose_symbols
from kerascnn.utils.errors import ImageError

_MOST_PIXELS = 3_000_000  # of a registered form; digits of 4 mm on a sheet of A4 are still 28 pixels high


@dataclass(frozen=True)
class FieldReading:
    """What stands in one field of a form.

    Args:
        name: Name of the field.
        number: What was read, with the box in pixels of the picture as it is given, after EXIF. A `?` in its text
            stands for writing that could not be read. None for an empty field.
    """

    name: str
    number: Number | None

    @property
    def text(self) -> str:
        """What was read; empty for an empty field."""
        return "" if self.number is None else self.number.text


@dataclass(frozen=True)
class Form:
    """A filled-in form.

    Args:
        fields: Its fields in the order of the template.
    """

    fields: tuple[FieldReading, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the form in plain types, for JSON."""
        return {
            "fields": {field.name: None if field.number is None else field.number.to_dict() for field in self.fields}
        }


class FormReader:
    """Reads forms of one kind.

    Args:
        template: The fields, as `kerascnn template` drafts them: the path of a JSON file.
        model: A loaded model, a path, `"reference"`, or None for the same choice as `load` makes.
        segmenter: What separates digits from what else is on a page, as for `load_segmenter`.
        min_confidence: Lowest probability of a digit, or of a number of which something is known, that is kept.
        symbols: What is read between digits, as for `kerascnn.read`; None for digits alone.

    Raises:
        UsageError: If a symbol is unknown.
        DataError: If the template is none.
        ImageError: If the picture of the blank form cannot be read.
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.

    Example:
        >>> reader = FormReader("form.json")
        >>> reader.read("scan.png").fields[0].text
        '20417'
    """

    def __init__(
        self,
        template: str | Path,
        model: Predictor | str | Path | None = None,
        *,
        segmenter: Segmenter | str | Path | None = None,
        min_confidence: float = MIN_CONFIDENCE,
        symbols: str | None = None,
    ) -> None:
        path = Path(template)
        self.template: Template = load_template(path)
        blank = open_picture(str(path.parent / self.template.picture))
        _require_inside(self.template.fields, blank.shape, path)
        self._blank = BlankForm.from_picture(blank, self.template.picture)
        self._scale = min(1.0, (_MOST_PIXELS / (blank.shape[0] * blank.shape[1])) ** 0.5)
        self._printed = binarize_page(self._warp(blank, np.eye(3))).mask
        self._rules = [field.make_rule(path.parent) for field in self.template.fields]
        self._predictor, self._segmenter = load_reader(model), load_segmenter(segmenter)
        self._min_confidence = min_confidence
        self._symbols = SymbolReader(choose_symbols(symbols), self._predictor, min_confidence)

    def read(self, picture: Picture) -> Form:
        """Read one form.

        Args:
            picture: A path, `-` for standard input, encoded bytes, a PIL image, or an array, as for `kerascnn.read`.

        Raises:
            ImageError: If the picture cannot be read, or does not show the form.
        """
        return self.read_array(open_picture(picture), "this picture")

    def read_array(self, array: np.ndarray, name: str) -> Form:
        """Read a decoded form: uint8 `(height, width)` or `(height, width, 3)`; the name is for messages."""
        homography = self._blank.register(array, name)
        registered = self._warp(array, homography)
        page = binarize_page(registered)
        boxes = [_rescale(field.box, self._scale * page.scale) for field in self.template.fields]
        page = keep_writing(page, self._printed, boxes)
        masks = self._segmenter(page)
        solutions = recognize_page(page, masks, self._predictor, name)
        solutions, symbols = self._symbols.read(page, masks, solutions, name)
        sheet = Sheet(registered.shape, page.scale, turns=0)
        back = np.linalg.inv(homography) @ np.diag([1 / self._scale, 1 / self._scale, 1.0])
        readings = []
        for field, box, rule in zip(self.template.fields, boxes, self._rules, strict=True):
            inside = [solution for solution in solutions if _is_inside(solution.whole, box)]
            found = self._compose(inside, _choose_inside(symbols, box), rule, sheet)
            readings.append(FieldReading(field.name, _join(found, field, lambda box: _move(box, back, array.shape))))
        return Form(tuple(readings))

    def _compose(
        self, solutions: Sequence[Solution], symbols: PageSymbols | None, rule: Rule | None, sheet: Sheet
    ) -> Page:
        if rule is None:
            return compose_page(judge_solutions(solutions), sheet, self._min_confidence, symbols)
        return compose_ruled_page(read_by_rule(solutions, rule, self._min_confidence, symbols), sheet)

    def _warp(self, picture: np.ndarray, homography: np.ndarray) -> np.ndarray:
        """Lay a picture on the grid of registered forms."""
        height, width = (max(1, round(side * self._scale)) for side in self._blank.shape)
        whole = np.diag([self._scale, self._scale, 1.0]) @ homography
        # A photograph of many pixels is not sampled at single ones.
        step = max(1.0, (picture.shape[0] * picture.shape[1] / (4 * height * width)) ** 0.5)
        if step > 1:
            picture = cv2.resize(picture, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            whole = whole @ np.diag([step, step, 1.0])
        return np.asarray(
            cv2.warpPerspective(
                picture, whole, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        )


def read_forms(
    sources: Iterable[Picture],
    reader: FormReader,
    on_error: OnError,
    drawings: Drawings | None = None,
    journal: Journal[Form] | None = None,
) -> Iterator[tuple[str, Form]]:
    """Read any number of forms, one after the other; yield the name and the form.

    Args:
        sources: Pictures, each as for `kerascnn.read`.
        reader: Reads forms of one kind.
        on_error: Called with the name of a picture that cannot be read or shows no such form, and the reason; the
            others go on.
        drawings: The files in which each form is written with what was read drawn on it; None for no drawings.
        journal: Where the forms that are in it are taken from, and the others are written down; None for no journal.

    Raises:
        OutputError: If a drawing or the journal cannot be written.
    """
    for name, array in open_pictures(sources, on_error):
        try:
            with translate_memory_errors(name):
                form = read_once(array, partial(reader.read_array, name=name), journal)
        except ImageError as error:
            on_error(name, error)
            continue
        if drawings is not None:
            numbers = [field.number for field in form.fields if field.number is not None]
            marks = [(number.box, number.text, number.confidence) for number in numbers]
            drawings.write(name, draw_page(array, marks))
        yield name, form


def _require_inside(fields: Sequence[Field], shape: tuple[int, ...], path: Path) -> None:
    for field in fields:
        left, top, width, height = field.box
        if left + width > shape[1] or top + height > shape[0]:
            raise ImageError(
                f"the field {field.name!r} of {path} lies outside the picture of the blank form, which has "
                f"{shape[1]} x {shape[0]} pixels; is it the picture that the template was drafted of?"
            )


def _rescale(box: Box, scale: float) -> Box:
    left, top, width, height = (round(value * scale) for value in box)
    return left, top, max(1, width), max(1, height)


def _choose_inside(symbols: PageSymbols | None, box: Box) -> PageSymbols | None:
    """Choose the symbols whose middle lies in a box."""
    if symbols is None:
        return None
    return PageSymbols(*([one for one in some if _is_inside(one.glyph, box)] for some in symbols))


def _is_inside(glyph: Glyph, box: Box) -> bool:
    """Tell whether the middle of a glyph lies in a box."""
    left, top, width, height = box
    x, y = (glyph.left + glyph.right) / 2, (glyph.top + glyph.bottom) / 2
    return left <= x < left + width and top <= y < top + height


def _join(page: Page, field: Field, move: Callable[[Box], Box]) -> Number | None:
    """Join what was read in a field into one number; None if nothing stands there."""
    numbers = [number for line in page.lines for number in line.numbers]
    boxes = [*(number.box for number in numbers), *page.unread]
    if not boxes:
        return None
    text = page.marked_text.replace("\n", " ")
    if field.cells > 1:
        text = text.replace(" ", "")
    confidence = 0.0 if page.unread else prod(number.confidence for number in numbers)
    runner_up: tuple[Any, ...] = ()
    if len(numbers) == 1 and numbers[0].runner_up is not None:
        runner_up = (numbers[0].runner_up, numbers[0].runner_up_confidence)
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return Number(text, confidence, move((left, top, right - left, bottom - top)), *runner_up)


def _move(box: Box, homography: np.ndarray, shape: tuple[int, ...]) -> Box:
    """Find the box around a box that is moved to a picture, whose shape is given."""
    left, top, width, height = box
    corners = np.array(
        [[[left, top], [left + width, top], [left + width, top + height], [left, top + height]]], np.float64
    )
    moved = cv2.perspectiveTransform(corners, homography)[0]
    x, y = np.clip(np.floor(moved.min(axis=0)), 0, (shape[1] - 1, shape[0] - 1)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(moved.max(axis=0)), 1, (shape[1], shape[0])).astype(int).tolist()
    return x, y, max(1, right - x), max(1, bottom - y)
