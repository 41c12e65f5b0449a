"""A sheet of paper while it is printed, written on, stamped and punched; lengths are in millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from kerascnn.datasets.synthetic.paper import make_paper
from kerascnn.datasets.synthetic.sheet import Sheet, make_sheet

Colour = tuple[float, float, float]
"""Red, green, blue, 0..1."""

Area = tuple[float, float, float, float]
"""Left, top, width, height in millimetres."""


@dataclass(eq=False)
class PaperForm:
    """A sheet in layers, each float32 `(height, width)`: coverage of the paper, 0..1.

    Args:
        dots: Pixels a millimetre.
        rules: Printed lines.
        letters: Printed text.
        writing: What is written by hand.
        stamps: Colour and coverage of each stamp.
        holes: Punched holes.
    """

    dots: float
    rules: np.ndarray
    letters: np.ndarray
    writing: Sheet
    stamps: list[tuple[Colour, np.ndarray]] = field(default_factory=list)
    holes: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rules.shape[0], self.rules.shape[1]


@dataclass(frozen=True)
class Colours:
    """Colours of a sheet, and the opacity of its print and of the pen, 0..1."""

    paper: Colour
    rules: Colour
    letters: Colour
    pen: Colour
    print_opacity: float
    pen_opacity: float


_PAPERS: tuple[Colour, ...] = ((0.96, 0.96, 0.95), (0.94, 0.93, 0.9), (0.9, 0.94, 0.9), (0.96, 0.93, 0.8))
_RULES: tuple[Colour, ...] = (
    (0.1, 0.1, 0.1),
    (0.1, 0.1, 0.1),
    (0.45, 0.45, 0.48),
    (0.2, 0.45, 0.35),
    (0.75, 0.35, 0.3),
)
_PENS: tuple[Colour, ...] = ((0.1, 0.1, 0.12), (0.1, 0.16, 0.5), (0.08, 0.12, 0.35), (0.15, 0.2, 0.6))
_PENCIL: Colour = (0.3, 0.3, 0.32)


def make_paper_form(width: float, height: float, dots: float) -> PaperForm:
    """Make an empty sheet of a size in millimetres."""
    rows, columns = round(height * dots), round(width * dots)
    layers = [np.zeros((rows, columns), np.float32) for _ in range(2)]
    return PaperForm(dots, layers[0], layers[1], make_sheet(rows, columns))


def choose_print(generator: np.random.Generator) -> Colours:
    """Choose the paper and the inks of a press; the pen is the first one of all until a hand takes its own."""
    rules = _RULES[generator.integers(len(_RULES))]
    letters = rules if max(rules) < 0.2 or generator.random() < 0.5 else (0.12, 0.12, 0.12)
    paper = _PAPERS[generator.integers(len(_PAPERS))]
    return Colours(paper, rules, letters, _PENS[0], generator.uniform(0.75, 0.97), 0.9)


def choose_pen(generator: np.random.Generator) -> tuple[Colour, float]:
    """Choose the colour of a pen and its opacity: a ball pen, seldom a pencil."""
    if generator.random() < 0.15:
        return _PENCIL, generator.uniform(0.6, 0.8)
    return _PENS[generator.integers(len(_PENS))], generator.uniform(0.82, 0.97)


def render(form: PaperForm, colours: Colours, generator: np.random.Generator) -> np.ndarray:
    """Render all layers of a sheet: float32 `(height, width, 3)`, RGB, 0..1; holes stay paper."""
    page = make_paper(form.shape, colours.paper, generator)
    press = _draw_texture(form.shape, 1.2, generator)
    for cover, colour in ((form.rules, colours.rules), (form.letters, colours.letters)):
        page = _cover(page, cover * colours.print_opacity * (1 + 0.12 * press), colour)
    for colour, cover in form.stamps:
        page = page * (1 - cover[..., None] * (1 - np.asarray(colour, np.float32)))
    pen = _draw_texture(form.shape, 2.0, generator)
    return _cover(page, form.writing.ink * colours.pen_opacity * (1 + 0.4 * pen), colours.pen)


def _cover(page: np.ndarray, cover: np.ndarray, colour: Sequence[float]) -> np.ndarray:
    cover = np.clip(cover, 0, 1).astype(np.float32)[..., None]
    covered: np.ndarray = page * (1 - cover) + np.asarray(colour, np.float32) * cover
    return covered


def _draw_texture(shape: tuple[int, int], size: float, generator: np.random.Generator) -> np.ndarray:
    """Draw smooth noise of a grain size in pixels, about -1..1."""
    noise = cv2.GaussianBlur(generator.standard_normal(shape, np.float32), (0, 0), size)
    texture: np.ndarray = np.clip(noise * 1.8 * size, -1, 1)
    return texture
