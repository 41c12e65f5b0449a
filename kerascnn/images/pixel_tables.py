"""Tables of pixels: CSV files with an image in each row, as Kaggle's digit recogniser and many others have them."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

_LABELS = {"label", "labels", "class", "target", "digit", "y"}
_NUMBERS = {"", "id", "imageid", "image_id", "index", "unnamed: 0"}  # columns that count the rows
_SAMPLE = 1000  # rows that are looked at to tell a label from a pixel
_LONGEST_LINE = (
    16_000_000  # characters: images of two thousand pixels square, a hundred times as many as in any data set
)
_LARGEST_LABEL = 2**24  # beyond, float32 does not tell whole numbers apart


@dataclass(frozen=True)
class PixelTable:
    """The images of a table, float32 `(n, pixels)`, and the label of each as a string; None if it has no labels."""

    pixels: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class _Layout:
    """How a file is written: the delimiter, whether a header comes first, and the columns."""

    delimiter: str
    has_header: bool
    pixels: Sequence[int]
    label: int | None


def read_pixel_table(path: Path) -> PixelTable:
    """Read a CSV file with the pixels of one square image in each row, with or without a header and labels.

    The labels stand in a column of that name; without a header in the first or the last column, where a row has one
    number more than a square image has pixels.

    Raises:
        ValueError: If the rows are no such images; OSError if the file cannot be read.
    """
    try:
        return _read(path)
    except UnicodeDecodeError as error:
        raise ValueError("it is no text in UTF-8; save it with that encoding") from error
    except csv.Error as error:
        raise ValueError(f"{error}; perhaps a quotation mark is left open") from error
    except IndexError as error:
        raise ValueError("a row has fewer columns than the first one") from error
    except MemoryError as error:
        raise ValueError("it does not fit into memory") from error


def _read(path: Path) -> PixelTable:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        first = next(_read_lines(stream), "")
        delimiter = max(",;\t", key=first.count)
        stream.seek(0)
        rows = [row for row in csv.reader(_take_sample(stream), delimiter=delimiter) if row]
        layout = _find_layout(rows, delimiter)
        stream.seek(0)
        lines = _read_lines(stream)
        next(lines) if layout.has_header else None
        columns = [*layout.pixels, *([] if layout.label is None else [layout.label])]
        numeric = layout.label is None or all(_is_number(row[layout.label]) for row in rows[layout.has_header :])
        table = np.loadtxt(
            lines,
            np.float32,
            delimiter=delimiter,
            usecols=columns if numeric else layout.pixels,
            ndmin=2,
            comments=None,
        )
        if layout.label is None:
            return PixelTable(table, None)
        if numeric:
            if (np.abs(table[:, -1]) > _LARGEST_LABEL).any():
                raise ValueError(f"a label is beyond {_LARGEST_LABEL:,}; number the classes from 0")
            return PixelTable(table[:, :-1], table[:, -1])
        stream.seek(0)
        rows_left = (row for row in csv.reader(_read_lines(stream), delimiter=delimiter) if row)
        words = [row[layout.label].strip() for row in islice(rows_left, int(layout.has_header), None)]
        labels = np.empty(len(words), dtype=object)  # of a fixed width, each would be as wide as the longest
        labels[:] = words
    if missing := int((labels == "").sum()):
        first_missing = int(np.argmax(labels == "")) + 1
        raise ValueError(f"{missing} of {len(labels)} rows have no label, the first of them row {first_missing}")
    return PixelTable(table, labels)


def _read_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of a table; what has no ends of lines is not read to its end."""
    while line := stream.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"a line has more than {_LONGEST_LINE:,} characters")
        if "\0" in line:
            raise ValueError("it has zero bytes, as no text has; save it as text in UTF-8")
        yield line


def _take_sample(stream: TextIO) -> Iterator[str]:
    """Yield the first lines, fewer of long ones, but two at least."""
    length = 0
    for number, line in enumerate(_read_lines(stream)):
        length += len(line)
        if number == _SAMPLE or (number > 1 and length > _LONGEST_LINE):
            return
        yield line


def _find_layout(rows: list[list[str]], delimiter: str) -> _Layout:
    if not rows:
        raise ValueError("it is empty")
    strange = [cell for cell in rows[0] if not _is_number(cell)]
    has_header = len(strange) > 1
    columns = range(len(rows[0]))
    if has_header:
        names = [name.strip().lower() for name in rows[0]]
        labels = [column for column in columns if names[column] in _LABELS]
        pixels = [column for column in columns if column not in labels[:1] and names[column] not in _NUMBERS]
        if len(rows) > 1 and _is_square(len(pixels)):
            return _Layout(delimiter, True, pixels, labels[0] if labels else None)
    if _is_square(len(columns)) and not strange:
        return _Layout(delimiter, False, columns, None)
    if has_header and len(rows) == 1:
        raise ValueError("it has a header and no rows")
    if has_header or not _is_square(len(columns) - 1):
        raise ValueError(f"a row of {len(columns)} columns is no square image, with or without a label")
    label = 0 if _may_be_labels([row[0] for row in rows]) else len(columns) - 1
    return _Layout(delimiter, False, [column for column in columns if column != label], label)


def _may_be_labels(cells: Sequence[str]) -> bool:
    """Tell whether a first column has labels: pixels of a corner are all alike, or have fractions."""
    return len(set(cells)) > 1 and all(not _is_number(cell) or float(cell).is_integer() for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _is_square(number: int) -> bool:
    return number > 1 and math.isqrt(number) ** 2 == number
