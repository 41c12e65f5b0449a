"""Read a whole page: every digit, line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from kerascnn.images.binarization import BinarizedPage, binarize_page
from kerascnn.images.decoding import Picture, translate_memory_errors
from kerascnn.images.documents import name_picture
from kerascnn.images.print_removal import keep_writing
from kerascnn.images.table_grid import TableGrid, find_tables
from kerascnn.inference.drawing import Drawings, draw_page
from kerascnn.inference.glyph_recognition import count_most_digits, judge_solutions, recognize_page
from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_reading import read_by_rule
from kerascnn.inference.page_composition import Sheet, compose_page, compose_ruled_page
from kerascnn.inference.page_orientation import find_turns, may_be_turned
from kerascnn.inference.page_text import Box, Page
from kerascnn.inference.predictor import Predictor, load
from kerascnn.inference.reading_journal import Journal, read_once
from kerascnn.inference.segmenters import Segmenter, load_segmenter
from kerascnn.inference.sources import OnError, open_picture, open_pictures
from kerascnn.inference.symbol_reading import SymbolReader, choose_symbols
from kerascnn.inference.table_reading import read_tables
from kerascnn.utils.errors import ImageError, ModelError

MIN_CONFIDENCE = 0.5
"""Lowest probability of a digit that is read, 0 to 1."""


class ReadingOptions(TypedDict, total=False):
    """How pages are read: the options of `read`."""

    min_confidence: float
    segmenter: Segmenter | str | Path | None
    rule: Rule | None
    table: bool
    symbols: str | None


def read(
    picture: Picture,
    model: Predictor | str | Path | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    segmenter: Segmenter | str | Path | None = None,
    rule: Rule | None = None,
    table: bool = False,
    symbols: str | None = None,
) -> Page:
    """Read every digit on a page.

    Args:
        picture: A path, `-` for standard input, encoded bytes, a binary file, a PIL image, or an array
            `(height, width)` or `(height, width, 3)`.
        model: A loaded model, a path, `"reference"`, or None for the same choice as `load` makes.
        min_confidence: Lowest probability of a digit that is kept, under a rule of a number, 0 to 1; 0.5 by default.
        segmenter: What separates digits from each other and from what else is on a page, as for `load_segmenter`;
            `"both"` by default.
        rule: What is known of the numbers on the page, as `make_rule` makes it; others are left unread. None for
            nothing.
        table: Whether the cells of ruled tables are read, each for itself, and nothing else.
        symbols: What is read between digits, some of `.,-/:+`; None for digits alone. A rule holds for the digits.

    Returns:
        The page: its lines from top to bottom, each with its digits and their boxes.

    Raises:
        ImageError: If the picture cannot be read.
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.
        UsageError: If a symbol is unknown.

    Example:
        >>> kerascnn.read("page.jpg").lines[0].text
        '0123456789'
    """
    chosen = choose_symbols(symbols)
    reader = _Reader(load_reader(model), load_segmenter(segmenter), min_confidence, rule, table, chosen)
    return reader.read(open_picture(picture), name_picture(picture))


def read_files(
    sources: Iterable[Picture],
    model: Predictor | str | Path | None,
    on_error: OnError,
    *,
    drawings: Drawings | None = None,
    journal: Journal[Page] | None = None,
    **options: Unpack[ReadingOptions],
) -> Iterator[tuple[str, Page]]:
    """Read any number of pages, one after the other; yield the name (the path as given, `-` for bytes) and the page.

    Args:
        sources: Pictures, each as for `read`; the model and the options are as there.
        on_error: Called with the name of a picture that cannot be read, and the reason; the others go on.
        drawings: The files in which each picture is written with the digits found drawn on it; None for no drawings.
        journal: Where the pages that are in it are taken from, and the others are written down; None for no journal.

    Raises:
        ModelError: If the model or the segmenter cannot be loaded, or is of no use for that.
        UsageError: If a symbol is unknown.
        OutputError: If a drawing or the journal cannot be written.
    """
    symbols = choose_symbols(options.get("symbols"))
    reader = _Reader(
        load_reader(model),
        load_segmenter(options.get("segmenter")),
        options.get("min_confidence", MIN_CONFIDENCE),
        options.get("rule"),
        options.get("table", False),
        symbols,
    )
    for name, array in open_pictures(sources, on_error):
        try:
            with translate_memory_errors(name):
                page = read_once(array, partial(reader.read, name=name), journal)
        except ImageError as error:
            on_error(name, error)
            continue
        if drawings is not None:
            drawings.write(name, draw_page(array, _list_marks(page)))
        yield name, page


def load_reader(model: Predictor | str | Path | None) -> Predictor:
    """Load a model of the ten digits; raise ModelError if it is another one."""
    predictor = model if isinstance(model, Predictor) else load(model)
    if not predictor.card.recognises_digits:
        raise ModelError(
            f"the model {predictor.card.name!r} tells {len(predictor.card.class_names)} classes apart; "
            "pages are read with a model of the ten digits, such as 'reference'."
        )
    return predictor


def _list_marks(page: Page) -> list[tuple[Box, str, float | None]]:
    """List what is drawn on a page: each box with what was read in it, and its probability."""
    marks: list[tuple[Box, str, float | None]] = []
    for line in page.lines:
        marks += [(digit.box, str(digit.digit), digit.confidence) for digit in line.digits]
        marks += [(symbol.box, symbol.symbol, symbol.confidence) for symbol in line.symbols or ()]
    return marks + [(box, "?", 0.0) for box in page.unread]


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads pages of one kind."""

    predictor: Predictor
    segmenter: Segmenter
    min_confidence: float
    rule: Rule | None
    table: bool
    symbols: str

    def read(self, array: np.ndarray, name: str) -> Page:
        page, grids = self._find_grids(binarize_page(array), name)
        masks = self.segmenter(page)
        solutions = recognize_page(page, masks, self.predictor, name)
        turns = 0
        if may_be_turned(solutions):
            turns = find_turns(page.contrast, masks.digits, self.predictor, count_most_digits(page))
        if turns:
            array = np.rot90(array, turns)
            page = replace(page, contrast=_turn(page.contrast, turns), mask=_turn(page.mask, turns))
            if self.table:
                page, grids = self._find_grids(binarize_page(array), name)
            masks = self.segmenter(page)
            solutions = recognize_page(page, masks, self.predictor, name)
        sheet = Sheet(array.shape, page.scale, turns)
        reader = SymbolReader(self.symbols, self.predictor, self.min_confidence)
        solutions, symbols = reader.read(page, masks, solutions, name)
        if self.table:
            return read_tables(grids, solutions, sheet, self.rule, self.min_confidence, symbols)
        if self.rule is None:
            return compose_page(judge_solutions(solutions), sheet, self.min_confidence, symbols)
        return compose_ruled_page(read_by_rule(solutions, self.rule, self.min_confidence, symbols), sheet)

    def _find_grids(self, page: BinarizedPage, name: str) -> tuple[BinarizedPage, list[TableGrid]]:
        """Find the ruled tables of a page if they are asked for, and keep only what is written in their cells."""
        if not self.table:
            return page, []
        grids = find_tables(page)
        if not grids:
            raise ImageError(f"{name} has no ruled table; leave out --table to read its lines.")
        printed = np.logical_or.reduce([grid.draw_lines(page.mask.shape) for grid in grids])
        boxes = [box for grid in grids for box in grid.list_boxes()]
        return keep_writing(page, printed, boxes, is_exact=True), grids


def _turn(values: np.ndarray, turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(values, turns))
