"""Figures and tables that are added to the files and to the page of a report, and formatting that sections share."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.evaluation.report_figures import MAX_GALLERY, draw_gallery, shorten
from kerascnn.evaluation.scoring import ScoredPredictions
from kerascnn.utils.figure_style import DARK, LIGHT, Drawing
from kerascnn.utils.html_page import HtmlReport
from kerascnn.utils.png import encode_png

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Subject:
    """A model of the report.

    Args:
        name: Name of the model, distinct from the other's.
        directory: Directory of its files, with a slash; empty for a single model.
        lead: Beginning of a caption that names the model; empty for a single model.
        predictions: Scored predictions of the model.
    """

    name: str
    directory: str
    lead: str
    predictions: ScoredPredictions


@dataclass(frozen=True)
class Tile:
    """A small image of a gallery.

    Args:
        image: Grey image, uint8, `(height, width)`.
        alternative: Text that replaces the image where it cannot be seen.
        title: Text above the image.
        lines: Two lines of text below the image.
    """

    image: np.ndarray
    alternative: str
    title: str
    lines: tuple[str, str]


@dataclass
class Page:
    """The files of a report, and the page that shows them.

    Args:
        html: HTML page.
        files: Contents of the files by name.
    """

    html: HtmlReport
    files: dict[str, bytes] = field(default_factory=dict)

    def add_figure(self, name: str, drawing: Drawing, alternative: str, caption: str) -> None:
        """Add a figure to the page and to the files."""
        light = drawing.png(LIGHT)
        self.html.figure(light, alternative, caption, dark_png=drawing.png(DARK))
        self.files[f"{name}.png"] = light

    def add_gallery(self, name: str, tiles: Sequence[Tile]) -> None:
        """Add small images to the page, as a grid that fits the screen, and to the files, as one figure."""
        self.html.gallery(
            (encode_png(Image.fromarray(tile.image)), tile.alternative, f"{tile.title}. {', '.join(tile.lines)}")
            for tile in tiles
        )
        drawing = draw_gallery(
            np.stack([tile.image for tile in tiles]),
            [tile.title for tile in tiles],
            ["\n".join(tile.lines) for tile in tiles],
        )
        self.files[f"{name}.png"] = drawing.png(LIGHT)

    def add_table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table to the files; nine digits distinguish float32 values just below 1."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{cell:.9f}" if isinstance(cell, float) else cell for cell in row] for row in rows)
        self.files[f"{name}.csv"] = stream.getvalue().encode()

    def add_records(self, name: str, records: Sequence[Any]) -> None:
        """Add a table of dataclass instances, at least one, to the files."""
        self.add_table(name, list(vars(records[0])), [tuple(vars(record).values()) for record in records])


def describe_count(count: int, noun: str, order: str) -> str:
    """Write a count in words, such as `37 mistakes; the most confident first, 24 of them.`"""
    if not count:
        return f"There are no {noun}s."
    limited = f", {MAX_GALLERY} of them" if count > MAX_GALLERY else ""
    return f"{count:,} {noun}{'s' if count > 1 else ''}; {order}{limited}."


def format_percent(share: float) -> str:
    """Format a share with one decimal, or more where that would round to certainty, without a line break."""
    value = 100 * share
    if 0 < value < 0.05:
        number = "< 0.1"
    else:
        number = f"{value:.1f}" if value < 99.95 else f"{value:.2f}" if value < 99.995 else "> 99.99"
    return f"{number} %".replace(" ", NO_BREAK)


def format_probability(name: str, share: float) -> str:
    """Format a class and its probability without a line break, such as `6: 99.8 %`."""
    return f"{shorten(name)}:{NO_BREAK}{format_percent(share)}"
