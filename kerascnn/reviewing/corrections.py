"""Corrections that a person made on the page of a review: read from CSV and merged into what is read."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kerascnn.images.line_ordering import order_lines
from kerascnn.images.symbol_candidates import SYMBOLS
from kerascnn.inference.page_text import Box, Digit, Line, Number, Page, Symbol, turn_box
from kerascnn.utils.errors import DataError

COLUMNS = ("file", "page", "box", "read", "corrected", "picture")
"""Columns of `corrections.csv`; a box is left, top, width and height in pixels, with spaces between them."""

_MAX_BYTES = 64 * 2**20
_SAME_PLACE = 0.5  # intersection over union from which two boxes are those of one number
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Correction:
    """What a person says of one number.

    Args:
        file: Path of its picture at that time, for people.
        page: Number of the page, from 1, for people.
        box: Left, top, width and height in pixels of the picture.
        read: What was read.
        corrected: What is right; empty if there is no number.
        picture: Digest of the picture's pixels.
    """

    file: str
    page: int
    box: Box
    read: str
    corrected: str
    picture: str


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Read the corrections that were made on the page of a review.

    Raises:
        DataError: If the file cannot be read, is not what the page downloads, or says two things of one number.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path} has more than {_MAX_BYTES:,} bytes; give a corrections.csv of a review.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); give the corrections.csv of a review.") from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)  # a spreadsheet may have saved it
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}; expected {', '.join(COLUMNS)}, as a review writes it.")
    try:
        corrections = tuple(_parse(row, path, reader.line_num) for row in reader)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; give the corrections.csv of a review.") from error
    return _drop_repeated(corrections, path)


@dataclass(frozen=True)
class Match:
    """A number of a page, the line that it stands in, and what a person says of it."""

    line: Line
    number: Number
    correction: Correction


def match_corrections(page: Page, corrections: Iterable[Correction]) -> list[Match]:
    """Find the number of each correction of a picture: the one whose box is most like its own; some have none."""
    places = [(line, number) for line in page.lines for number in line.numbers]
    matches = []
    for correction in corrections:
        overlaps = [_measure_overlap(number.box, correction.box) for _, number in places]
        best = max(range(len(places)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= _SAME_PLACE:
            matches.append(Match(*places[best], correction))
    return matches


def apply_corrections(page: Page, matches: Sequence[Match]) -> Page:
    """Replace numbers of a page by what a person says that they are.

    The digits of a number keep their boxes if it still has as many; else it has none. A number that is none is left
    out.
    """
    if not matches:
        return page
    chosen = {id(match.number): match.correction for match in matches}
    lines = tuple(line for line in (_correct_line(line, chosen) for line in page.lines) if line.numbers)
    corrected = replace(page, lines=lines)
    return replace(corrected, marked_text=_mark(corrected))


def find_digits(line: Line, number: Number) -> list[Digit]:
    """Find the digits of a line whose middle is in the box of a number, in the order of reading."""
    return [digit for digit in line.digits if _lies_in(digit.box, number.box)]


def _lies_in(box: Box, around: Box) -> bool:
    """Tell whether the middle of a box is in another one."""
    left, top, width, height = around
    return left <= box[0] + box[2] / 2 <= left + width and top <= box[1] + box[3] / 2 <= top + height


def list_values(text: str) -> list[int]:
    """List the digits of a number, without what stands between them."""
    return [int(one) for one in text if one in "0123456789"]


def _correct_line(line: Line, chosen: dict[int, Correction]) -> Line:
    numbers, digits, symbols = [], list(line.digits), line.symbols
    for number in line.numbers:
        correction = chosen.get(id(number))
        if correction is None:
            numbers.append(number)
            continue
        own = find_digits(line, number)
        digits = _replace_digits(digits, own, list_values(correction.corrected))
        symbols = _replace_symbols(symbols, number, correction.corrected)
        if correction.corrected:
            numbers.append(Number(correction.corrected, 1.0, number.box, corrected=True))
    return Line(" ".join(number.text for number in numbers), tuple(digits), tuple(numbers), symbols)


def _replace_symbols(symbols: tuple[Symbol, ...] | None, number: Number, corrected: str) -> tuple[Symbol, ...] | None:
    """Replace the symbols of a number by those that are right; leave them out if they are not as many."""
    if symbols is None:
        return None
    own = {id(symbol) for symbol in symbols if _lies_in(symbol.box, number.box)}
    right = [one for one in corrected if one in SYMBOLS]
    if len(own) != len(right):
        return tuple(symbol for symbol in symbols if id(symbol) not in own)
    rest = iter(right)
    return tuple(
        replace(symbol, symbol=next(rest), confidence=1.0) if id(symbol) in own else symbol for symbol in symbols
    )


def _replace_digits(digits: list[Digit], own: list[Digit], corrected: list[int]) -> list[Digit]:
    """Replace the digits of a number by those that are right; leave them out if they are not as many."""
    known = {id(digit): value for digit, value in zip(own, corrected, strict=False)}
    is_whole = len(own) == len(corrected)
    kept = [digit for digit in digits if is_whole or id(digit) not in {id(one) for one in own}]
    return [replace(digit, digit=known[id(digit)], confidence=1.0) if id(digit) in known else digit for digit in kept]


def _mark(page: Page) -> str:
    """Write the text of a page with a mark at what could not be read, as its lines stand on the turned picture."""
    numbers = [number for line in page.lines for number in line.numbers]
    texts = [number.text for number in numbers] + ["?"] * len(page.unread)
    boxes = [turn_box(box, page.rotation) for box in (*(number.box for number in numbers), *page.unread)]
    return "\n".join(" ".join(texts[index] for index in line) for line in order_lines(boxes))


def _parse(row: dict[str, str], path: Path, line: int) -> Correction:
    values = {column: _unguard(row[column] or "") for column in COLUMNS}
    try:
        left, top, width, height = (int(value) for value in values["box"].split())
        if min(width, height) < 1:
            raise ValueError("its box is empty")
        return Correction(
            file=values["file"],
            page=int(values["page"]),
            box=(left, top, width, height),
            read=values["read"],
            corrected=values["corrected"].strip(),
            picture=values["picture"],
        )
    except ValueError as error:
        raise DataError(
            f"{path}, line {line} is no correction of a review ({error}); expected {', '.join(COLUMNS)}."
        ) from error


def _unguard(value: str) -> str:
    """Remove the apostrophe that keeps a spreadsheet from computing what begins like a formula."""
    return value[1:] if value[:1] == "'" and value[1:2] in tuple("=+-@\t\r") else value


def _drop_repeated(corrections: Sequence[Correction], path: Path) -> tuple[Correction, ...]:
    found: dict[tuple[str, Box], Correction] = {}
    for correction in corrections:
        other = found.setdefault((correction.picture, correction.box), correction)
        if other.corrected != correction.corrected:
            raise DataError(
                f"{path} says {other.corrected!r} and {correction.corrected!r} of the same number on page "
                f"{correction.page} of {correction.file}; keep one of the two rows."
            )
    return tuple(found.values())


def _measure_overlap(one: Box, other: Box) -> float:
    """Measure the intersection over union of two boxes."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, across) * max(0, down)
    return common / (one[2] * one[3] + other[2] * other[3] - common)
