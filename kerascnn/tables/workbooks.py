"""Encode rows as a workbook of Excel's format."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.drawing.image import Image
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from kerascnn.utils.names import show_hidden

_PICTURE_HEIGHT = 44  # pixels
_POINTS = 0.75  # of a pixel
_DOUBTFUL = PatternFill("solid", fgColor="FCE4D6")
_WIDEST = 40  # characters of a column


def encode_workbook(
    columns: Sequence[str], rows: Sequence[Sequence[str]], pictures: Mapping[tuple[int, int], bytes]
) -> bytes:
    """Encode rows as a workbook with one sheet, all values as text.

    Args:
        columns: Names of the columns.
        rows: The values of each row.
        pictures: Encoded pictures by row and column of the value that they stand beside. A column that has some is
            followed by one for them.
    """
    book = Workbook()
    sheet = book.active
    with_pictures = {column for _, column in pictures}
    places = _place_columns(len(columns), with_pictures)
    for column, name in enumerate(columns):
        _write(sheet, 1, places[column], name).font = Font(bold=True)
        if column in with_pictures:
            _write(sheet, 1, places[column] + 1, f"{name} (picture)").font = Font(bold=True)
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row):
            _write(sheet, number, places[column], value)
    _set_widths(sheet, columns, rows, places)
    _place_pictures(sheet, pictures, places)
    sheet.freeze_panes = "A2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _place_columns(count: int, with_pictures: set[int]) -> list[int]:
    """Find where each column stands on the sheet, from 1, if some are followed by one of pictures."""
    return [column + 1 + sum(other < column for other in with_pictures) for column in range(count)]


def _write(sheet: Worksheet, row: int, column: int, value: str) -> Any:
    cell = sheet.cell(row, column)
    if value:
        cell.value = show_hidden(value)
        # What begins like a formula is none, and a number keeps its zeros.
        cell.data_type, cell.number_format = "s", "@"
    return cell


def _set_widths(sheet: Worksheet, columns: Sequence[str], rows: Sequence[Sequence[str]], places: Sequence[int]) -> None:
    for column, name in enumerate(columns):
        longest = max(len(name), *(len(row[column]) for row in rows)) if rows else len(name)
        sheet.column_dimensions[get_column_letter(places[column])].width = min(longest, _WIDEST) + 2


def _place_pictures(sheet: Worksheet, pictures: Mapping[tuple[int, int], bytes], places: Sequence[int]) -> None:
    widest: dict[int, float] = {}
    for (row, column), content in pictures.items():
        picture = Image(io.BytesIO(content))
        picture.width, picture.height = round(picture.width * _PICTURE_HEIGHT / picture.height), _PICTURE_HEIGHT
        place = places[column] + 1
        sheet.add_image(picture, f"{get_column_letter(place)}{row + 2}")
        sheet.row_dimensions[row + 2].height = (_PICTURE_HEIGHT + 4) * _POINTS
        sheet.cell(row + 2, places[column]).fill = _DOUBTFUL
        widest[place] = max(widest.get(place, 0), picture.width)
    for place, width in widest.items():
        sheet.column_dimensions[get_column_letter(place)].width = width / 7 + 2  # a character has 7 pixels
