"""What is printed on a form: lines of any width, also dashed ones, frames, rows of boxes, and text."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kerascnn.datasets.synthetic.documents.paper_form import Area, PaperForm

SOLID = (0.0, 0.0)
"""The dashes of a line without gaps."""

DASHED, DOTTED = (1.8, 1.1), (0.4, 0.7)
"""Length of a dash and of a gap in millimetres."""

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "STIXGeneral", "DejaVuSansMono", "Aileron")
"""Fonts that come with matplotlib; the last one comes with Pillow."""

Dashes = tuple[float, float]
"""Length of the dashes and the gaps of a line in millimetres."""


def fill_rectangle(cover: np.ndarray, left: float, top: float, right: float, bottom: float) -> None:
    """Fill a rectangle of a layer, given its edges in pixels; an edge within a pixel covers a share of it."""
    rows, columns = (
        np.clip(np.minimum(np.arange(size) + 1, end) - np.maximum(np.arange(size), start), 0, 1)
        for size, start, end in ((cover.shape[0], top, bottom), (cover.shape[1], left, right))
    )
    inside = np.ix_(np.flatnonzero(rows), np.flatnonzero(columns))
    cover[inside] = np.maximum(cover[inside], np.outer(rows[rows > 0], columns[columns > 0]).astype(np.float32))


def print_rule(form: PaperForm, start: tuple[float, float], length: float, width: float, dashes: Dashes) -> None:
    """Print a horizontal line from its left end.

    Args:
        form: The sheet.
        start: Its left end, in millimetres.
        length: Its length in millimetres.
        width: Its width in millimetres.
        dashes: Length of the dashes and the gaps; `SOLID` for none.
    """
    _print_dashes(form.rules, (start[0], start[1], length, width), dashes, form.dots)


def print_vertical_rule(
    form: PaperForm, start: tuple[float, float], length: float, width: float, dashes: Dashes
) -> None:
    """Print a vertical line from its upper end; see `print_rule`."""
    _print_dashes(form.rules.T, (start[1], start[0], length, width), dashes, form.dots)


def print_frame(form: PaperForm, area: Area, width: float) -> None:
    """Print the four sides of a rectangle, the middle of its lines on the edges of the area."""
    left, top, across, down = area
    for y in (top, top + down):
        print_rule(form, (left - width / 2, y), across + width, width, SOLID)
    for x in (left, left + across):
        print_vertical_rule(form, (x, top), down, width, SOLID)


def split_area(area: Area, count: int) -> list[Area]:
    """Divide an area into boxes of equal width, from left to right."""
    left, top, across, down = area
    return [(left + across / count * number, top, across / count, down) for number in range(count)]


@lru_cache(maxsize=64)
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load one of `FONTS`, given the height of its letters with room above and below in pixels."""
    if name == FONTS[-1]:
        return ImageFont.load_default(size)
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"), size)


def print_text(form: PaperForm, text: str, left: float, top: float, size: float, font: str) -> float:
    """Print a text, given its upper left corner and its size in millimetres; return its width in millimetres."""
    face = load_font(font, max(6, round(1.35 * size * form.dots)))
    x, y, right, bottom = (round(value) for value in face.getbbox(text))
    canvas = Image.new("L", (max(1, right - x), max(1, bottom - y)), 0)
    ImageDraw.Draw(canvas).text((-x, -y), text, fill=255, font=face)
    # Text stands on its baseline, whatever its letters are.
    _paste(form.letters, np.asarray(canvas, np.float32) / 255, round(left * form.dots), round(top * form.dots) + y)
    return (right - x) / form.dots


def measure_text(form: PaperForm, text: str, size: float, font: str) -> float:
    """Measure the width of a text in millimetres."""
    face = load_font(font, max(6, round(1.35 * size * form.dots)))
    return float(face.getlength(text)) / form.dots


def _print_dashes(layer: np.ndarray, line: Area, dashes: Dashes, dots: float) -> None:
    """Print a line along the rows of a layer: its start, middle, length and width in millimetres."""
    start, middle, length, width = line
    dash, gap = dashes if dashes != SOLID else (length, 1.0)
    for offset in np.arange(0, length, dash + gap):
        end = start + min(offset + dash, length)
        edges = (start + offset, middle - width / 2, end, middle + width / 2)
        fill_rectangle(layer, *(float(edge) * dots for edge in edges))


def _paste(layer: np.ndarray, part: np.ndarray, left: int, top: int) -> None:
    left, top = max(0, left), max(0, top)
    window = layer[top : top + part.shape[0], left : left + part.shape[1]]
    np.maximum(window, part[: window.shape[0], : window.shape[1]], out=window)
