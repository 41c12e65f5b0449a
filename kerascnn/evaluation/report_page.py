"""Pictures and tables that go into files and onto the page at once, and the words that all sections share."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from kerascnn.evaluation.report_figures import MAX_GALLERY, draw_gallery
from kerascnn.evaluation.scoring import Answers
from kerascnn.utils.figure_style import DARK, LIGHT, Drawing
from kerascnn.utils.html_page import HtmlReport
from kerascnn.utils.png import encode_png

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Subject:
    """A model of the report.

    Args:
        name: of the model, different from the other's.
        directory: that its files are in, with a slash; empty for a single model.
        lead: words that tell whose picture it is; empty for a single model.
        answers: of the model.
    """

    name: str
    directory: str
    lead: str
    answers: Answers


@dataclass(frozen=True)
class Tile:
    """A small image with words.

    Args:
        image: uint8, `(height, width)`.
        alternative: what it shows.
        title: above it.
        lines: below it, two.
    """

    image: np.ndarray
    alternative: str
    title: str
    lines: tuple[str, str]


@dataclass
class Page:
    """Collects the files, and the page that shows them.

    Args:
        html: the page.
        files: contents by name.
    """

    html: HtmlReport
    files: dict[str, bytes] = field(default_factory=dict)

    def figure(self, name: str, drawing: Drawing, alternative: str, caption: str) -> None:
        """Add a picture to the page and to the files."""
        light = drawing.png(LIGHT)
        self.html.figure(light, alternative, caption, dark_png=drawing.png(DARK))
        self.files[f"{name}.png"] = light

    def gallery(self, name: str, tiles: Sequence[Tile]) -> None:
        """Add small images to the page, as a grid that fits the screen, and to the files, as one picture."""
        self.html.gallery(
            (png(tile.image), tile.alternative, f"{tile.title}. {', '.join(tile.lines)}") for tile in tiles
        )
        drawing = draw_gallery(
            np.stack([tile.image for tile in tiles]),
            [tile.title for tile in tiles],
            ["\n".join(tile.lines) for tile in tiles],
        )
        self.files[f"{name}.png"] = drawing.png(LIGHT)

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
        """Add a table to the files; floats get nine digits, by which float32 just below 1 can be told apart."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{cell:.9f}" if isinstance(cell, float) else cell for cell in row] for row in rows)
        self.files[f"{name}.csv"] = stream.getvalue().encode()


def how_many(count: int, noun: str, order: str) -> str:
    """`37 mistakes; the most confident first, 24 of them.`"""
    if not count:
        return f"There are no {noun}s."
    limited = f", {MAX_GALLERY} of them" if count > MAX_GALLERY else ""
    return f"{count:,} {noun}{'s' if count > 1 else ''}; {order}{limited}."


def percent(share: float) -> str:
    """One decimal, more where it would be rounded to certainty; number and sign stay on one line."""
    value = 100 * share
    if 0 < value < 0.05:
        number = "< 0.1"
    else:
        number = f"{value:.1f}" if value < 99.95 else f"{value:.2f}" if value < 99.995 else "> 99.99"
    return f"{number} %".replace(" ", NO_BREAK)


def probability_of(name: str, share: float) -> str:
    """`6: 99.8 %`, on one line."""
    return f"{short(name)}:{NO_BREAK}{percent(share)}"


def short(name: str) -> str:
    """A name that fits below a small image."""
    return name if len(name) <= 10 else name[:9] + "…"


def png(image: np.ndarray) -> bytes:
    """A grey image, encoded."""
    return encode_png(Image.fromarray(image))
