"""Draw results: a page with its digits marked, and a strip that shows a single picture on its way to the answer."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kerascnn.images.decoding import Picture
from kerascnn.images.documents import find_document, name_picture
from kerascnn.images.glyphs import Glyph
from kerascnn.images.normalization import PreparedImage
from kerascnn.images.thumbnails import shrink_picture
from kerascnn.inference.predictor import Prediction, Predictor
from kerascnn.inference.sources import STANDARD_INPUT, OnError, open_pictures
from kerascnn.utils.names import derive_name, show_hidden
from kerascnn.utils.outputs import DRAWINGS, OutputDirectory
from kerascnn.utils.png import encode_png

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]

# Okabe and Ito's palette: distinguishable with every kind of colour vision.
_SURE, _UNSURE = (0, 114, 178), (213, 94, 0)
_SURE_FROM = 0.9  # confidence from which a digit is marked as sure
_PAGE_SIDE = 2400  # pixels of a drawn page; more only makes the file large
_PANEL, _MARGIN = 224, 16  # pixels of a strip's panels
_BACKGROUND, _TEXT, _FRAME = (255, 255, 255), (40, 40, 40), (170, 170, 170)


class Drawings:
    """PNG files in a directory, one for each picture that a command reads; a context manager, as `OutputDirectory` is.

    A number is added where names are equal.

    Args:
        directory: The directory, made with the first drawing.
        sources: The pictures: pages, paths, or `-` for standard input.

    Raises:
        OutputError: If a drawing would replace one of the pictures, or a file that is no drawing of an earlier run.
    """

    def __init__(self, directory: str | Path, sources: Iterable[Picture]) -> None:
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for source in map(name_picture, sources):
            stem = "standard-input" if source == STANDARD_INPUT else derive_name(Path(source).stem, "picture")
            name, number = f"{stem}.png", 2
            while name.lower() in taken:
                name, number = f"{stem}-{number}.png", number + 1
            taken.add(name.lower())
            self._names[source] = name
        inputs = {find_document(source) for source in self._names}
        self._output = OutputDirectory(Path(directory), DRAWINGS, self._names.values(), inputs)

    def __enter__(self) -> "Drawings":
        return self

    def __exit__(self, *exception: object) -> None:
        self._output.__exit__(*exception)

    def write(self, source: str, drawing: bytes) -> None:
        """Write the content of a PNG file, the drawing of one of the pictures."""
        self._output.write(self._names[source], drawing)


def draw_page(picture: np.ndarray, marks: Sequence[tuple[Box, str, float | None]]) -> bytes:
    """Draw boxes, answers and confidence on a page, uint8 `(height, width)` or `(height, width, 3)`.

    A mark is a digit's box (left, top, width, height in pixels), answer and confidence (0 to 1; None where there
    is none). The drawing is encoded as PNG; solid boxes are sure digits, dashed ones those below 90 %.
    """
    scale = min(1.0, _PAGE_SIDE / max(picture.shape[:2]))
    scale = max(scale, min(4.0, 700 / max(picture.shape[:2])))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    page = (
        Image.fromarray(shrink_picture(picture, 2 * _PAGE_SIDE)).convert("RGB").resize(size, Image.Resampling.LANCZOS)
    )
    # A paler page lets the marks stand out.
    page = Image.blend(page, Image.new("RGB", size, _BACKGROUND), 0.25)
    heights = [box[3] * scale for box, _, _ in marks]
    font_size = int(np.clip(0.3 * np.median(heights), 13, 48)) if marks else 13
    band = round(2.6 * font_size)
    canvas = Image.new("RGB", (size[0], size[1] + band), _BACKGROUND)
    canvas.paste(page, (0, band))
    draw = ImageDraw.Draw(canvas)
    thickness = max(2, font_size // 9)
    for box, answer, confidence in marks:
        left, top, width, height = (value * scale for value in box)
        frame = (left - thickness, top + band - thickness, left + width + thickness, top + band + height + thickness)
        _mark(draw, frame, answer, confidence, font_size, thickness)
    return encode_png(canvas, compress_level=3)


def draw_strip(picture: np.ndarray, prepared: PreparedImage, prediction: Prediction) -> bytes:
    """Draw, encoded as PNG, how one picture was read: original, ink and its box, the network's input, the answer."""
    panels: list[tuple[str, np.ndarray, Box | None]] = [("picture", picture, None)]
    if prepared.glyph is not None:
        panels.append(("ink found", *_draw_glyph(prepared.glyph, prepared.grid)))
    seen = prepared.pixels
    answer = show_hidden(prediction.label or prediction.reason or "no answer")
    confidence = None if prediction.label is None else prediction.confidence
    panels.append((f"seen by the network ({seen.shape[1]} x {seen.shape[0]})", seen, None))
    columns = len(panels) + 1
    width = columns * _PANEL + (columns + 1) * _MARGIN
    canvas = Image.new("RGB", (width, _PANEL + 2 * _MARGIN + 24), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for column, (title, panel, box) in enumerate(panels):
        _paste_panel(canvas, panel, title, box, column)
    left = (columns - 1) * _PANEL + columns * _MARGIN
    draw.text((left, _MARGIN - 4), "answer", fill=_TEXT, font=_font(15))
    size = 120 if len(answer) <= 2 else max(20, min(48, 2 * _PANEL // max(1, len(answer))))
    colour = _UNSURE if confidence is None or confidence < _SURE_FROM else _SURE
    middle = (left + _PANEL / 2, _MARGIN + 20 + _PANEL / 2)
    draw.text(middle, answer, fill=colour, font=_font(size), anchor="mm")
    if confidence is not None:
        below = (middle[0], _MARGIN + 20 + 0.88 * _PANEL)
        draw.text(below, f"{confidence * 100:.1f} %", fill=_TEXT, font=_font(22), anchor="mm")
    return encode_png(canvas, compress_level=3)


def predict_and_draw(
    sources: Iterable[Picture], predictor: Predictor, on_error: OnError, drawings: Drawings
) -> Iterator[tuple[str, Prediction]]:
    """Read pictures as `Predictor.predict_files` does, and write a strip for each into `drawings`.

    Raises:
        OutputError: If a strip cannot be written.
    """
    for name, picture in open_pictures(sources, on_error):
        prepared, prediction = predictor.prepare_and_predict(picture)
        drawings.write(name, draw_strip(picture, prepared, prediction))
        yield name, prediction


def _mark(
    draw: ImageDraw.ImageDraw,
    frame: tuple[float, float, float, float],
    answer: str,
    confidence: float | None,
    font_size: int,
    thickness: int,
) -> None:
    sure = confidence is None or confidence >= _SURE_FROM
    colour = _SURE if sure else _UNSURE
    if sure:
        draw.rectangle(frame, outline=colour, width=thickness)
    else:
        _dashed_rectangle(draw, frame, colour, thickness)
    middle, bottom = (frame[0] + frame[2]) / 2, frame[1] - 2
    below, above = max(11, round(0.62 * font_size)), round(1.3 * font_size)
    texts = [(above, show_hidden(answer))]
    if confidence is not None:
        texts.insert(0, (below, f"{confidence * 100:.0f} %"))
    for size, text in texts:
        place, font = (middle, bottom), _font(size)
        draw.text(place, text, fill=colour, font=font, anchor="mb", stroke_width=2, stroke_fill=_BACKGROUND)
        bottom -= size


def _dashed_rectangle(draw: ImageDraw.ImageDraw, frame: Sequence[float], colour: Colour, thickness: int) -> None:
    left, top, right, bottom = frame
    dash = 4 * thickness
    for start in np.arange(left, right, 2 * dash):
        end = min(start + dash, right)
        draw.line((start, top, end, top), fill=colour, width=thickness)
        draw.line((start, bottom, end, bottom), fill=colour, width=thickness)
    for start in np.arange(top, bottom, 2 * dash):
        end = min(start + dash, bottom)
        draw.line((left, start, left, end), fill=colour, width=thickness)
        draw.line((right, start, right, end), fill=colour, width=thickness)


def _draw_glyph(glyph: Glyph, grid: tuple[int, int]) -> tuple[np.ndarray, Box]:
    """Draw a glyph as black ink on its white grid, and return its box: left, top, right, bottom."""
    panel = np.full(grid, 255, np.uint8)
    panel[glyph.window()] = np.round(255 - 255 * glyph.intensity)
    return panel, (glyph.left, glyph.top, glyph.right, glyph.bottom)


def _paste_panel(canvas: Image.Image, values: np.ndarray, title: str, box: Box | None, column: int) -> None:
    panel = Image.fromarray(shrink_picture(values, 4 * _PANEL)).convert("RGB")
    draw = ImageDraw.Draw(canvas)
    left, top = _MARGIN + column * (_PANEL + _MARGIN), _MARGIN + 20
    scale = _PANEL / max(panel.size)
    size = (max(1, round(panel.width * scale)), max(1, round(panel.height * scale)))
    # Few pixels are shown as pixels.
    kind = Image.Resampling.NEAREST if scale > 3 else Image.Resampling.LANCZOS
    x, y = left + (_PANEL - size[0]) // 2, top + (_PANEL - size[1]) // 2
    canvas.paste(panel.resize(size, kind), (x, y))
    draw.rectangle((x - 1, y - 1, x + size[0], y + size[1]), outline=_FRAME)
    draw.text((left, _MARGIN - 4), title, fill=_TEXT, font=_font(15))
    if box is not None:
        corners = [x + box[0] * scale - 2, y + box[1] * scale - 2, x + box[2] * scale + 1, y + box[3] * scale + 1]
        draw.rectangle(corners, outline=_SURE, width=2)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
