"""Make the picture of a form with labelled fields that somebody filled in."""

from dataclasses import dataclass, replace

import numpy as np

from kerascnn.datasets.synthetic.documents.entries import EMPTY, STRUCK_OUT, WRITTEN, Entry
from kerascnn.datasets.synthetic.documents.hands import Hand, choose_hand, write_in_boxes, write_number
from kerascnn.datasets.synthetic.documents.marks import cross, punch, sign, stamp, strike_out
from kerascnn.datasets.synthetic.documents.paper_form import (
    Area,
    Colours,
    PaperForm,
    choose_pen,
    choose_print,
    make_paper_form,
)
from kerascnn.datasets.synthetic.documents.printing import (
    DASHED,
    DOTTED,
    FONTS,
    SOLID,
    Dashes,
    print_frame,
    print_rule,
    print_text,
    print_vertical_rule,
    split_area,
)
from kerascnn.datasets.synthetic.documents.scanning import (
    MILLIMETRES,
    choose_dots,
    find_document_style,
    find_entry,
    take_picture,
)
from kerascnn.datasets.synthetic.documents.tables import choose_number
from kerascnn.datasets.synthetic.mnist_digits import PARTS, require_part
from kerascnn.utils.errors import UsageError

_PAPERS = ((148.0, 210.0), (210.0, 148.0), (210.0, 297.0))  # width and height in millimetres: A5, A5 across, A4
_TITLES = ("Registration", "Order form", "Examination", "Change of address", "Meter card", "Membership", "Claim form")
_PROSE = (
    "Please write clearly with a blue or black pen.",
    "Return the form to the office that sent it to you.",
    "Leave a field empty if it does not concern you.",
)
_NAMES: dict[str, tuple[int, int]] = {
    "Student number": (7, 8),
    "Postal code": (5, 5),
    "Account number": (8, 10),
    "Telephone": (7, 10),
    "House number": (1, 3),
    "Customer": (6, 6),
    "Year of birth": (4, 4),
    "Age": (1, 2),
    "Room": (2, 3),
    "Persons": (1, 1),
    "Meter reading": (4, 6),
    "Meter number": (7, 9),
    "Quantity": (1, 3),
    "Article": (5, 6),
    "Amount": (2, 5),
    "Card number": (8, 8),
    "Distance": (2, 4),
    "Invoice": (5, 7),
}
"""Labels of fields, and how many digits their numbers have at least and at most."""

_BOXES, _LINE, _FRAME = "boxes", "line", "frame"
_STREAM = 23  # keeps these random numbers apart from those of tables
_BLANK_RESOLUTION = 200  # pixels an inch
_SMALL = 2.5  # millimetres: size of a label


@dataclass(frozen=True, eq=False)
class SyntheticForm:
    """A form whose contents are known.

    Args:
        picture: uint8, `(height, width, 3)`, RGB.
        fields: What stands in each field, by the name of the field.
        style: How it was taken; `"blank"` for the form before anybody fills it in.
        seed: Random seed of the blank form.
        number: Number of the filled-in form, counted from 1; 0 for the blank one.
        resolution: Pixels an inch.
    """

    picture: np.ndarray
    fields: dict[str, Entry]
    style: str
    seed: int
    number: int
    resolution: float

    @property
    def values(self) -> dict[str, str]:
        """What the fields say, by name; empty where nothing stands or all is struck out."""
        return {name: entry.text for name, entry in self.fields.items()}


@dataclass(frozen=True)
class _Field:
    """A field of a blank form: label, digits at least and at most, kind, where the label and the writing are."""

    label: str
    digits: tuple[int, int]
    kind: str
    label_at: tuple[float, float]
    area: Area

    @property
    def name(self) -> str:
        """The name of its column in a table of forms."""
        return self.label.lower().replace(" ", "_")


@dataclass(frozen=True)
class _Blank:
    """A form as it comes from the press; lengths in millimetres."""

    paper: tuple[float, float]
    margin: tuple[float, float]  # left and top
    title: str
    fields: tuple[_Field, ...]
    bottom: float  # below the last field
    font: str
    width: float  # of the lines
    dashes: Dashes
    colours: Colours


def make_form(seed: int = 0, number: int = 1, *, part: str = "test", style: str | None = None) -> SyntheticForm:
    """Make the picture of a form that somebody filled in: one of a stack of the same form, each in another hand.

    Args:
        seed: Random seed of the blank form; the same seed gives the same fields.
        number: Number of the form in the stack, counted from 1; 0 for the blank form, straight and clean.
        part: Part of MNIST whose digits are written: `"test"`, `"train"` or `"validation"`.
        style: How it is taken, a name in `DOCUMENT_STYLES`; the forms of a stack take turns by default.

    Returns:
        The form.

    Raises:
        UsageError: If the style or the part is unknown, or the number is negative.

    Example:
        >>> make_form(seed=3, number=1).values
        {'student_number': '...', ...}
    """
    require_part(part)
    if number < 0:
        raise UsageError(f"there is no form number {number}; they are counted from 1, and 0 is the blank form.")
    style = find_document_style(style, number - 1) if number else "blank"
    blank = _choose_blank(np.random.default_rng([seed, _STREAM]))
    generator = np.random.default_rng([seed, number, PARTS.index(part), _STREAM])
    dots = choose_dots(style, generator) if number else _BLANK_RESOLUTION / MILLIMETRES
    form, colours = make_paper_form(*blank.paper, dots), blank.colours
    _print_form(form, blank)
    contents = [("", EMPTY)] * len(blank.fields)
    if number:
        contents = _choose_contents(blank, generator)
        colours = _fill_in(form, blank, contents, part, generator)
        _add_marks(form, blank, generator)
    picture, matrix = take_picture(form, colours, style, generator)
    fields = {
        field.name: find_entry(form, field.area, matrix, *content)
        for field, content in zip(blank.fields, contents, strict=True)
    }
    return SyntheticForm(picture, fields, style, seed, number, dots * MILLIMETRES)


def _choose_blank(generator: np.random.Generator) -> _Blank:
    """Design a form: its fields flow from left to right and down the sheet."""
    paper = _PAPERS[generator.integers(len(_PAPERS))]
    margin = float(generator.uniform(20, 26)), float(generator.uniform(38, 44))
    font = FONTS[generator.integers(len(FONTS) - 1)]
    boxed = _BOXES if generator.random() < 0.75 else _FRAME
    other = (_LINE, _FRAME)[generator.integers(2)]
    height = float(generator.uniform(7.5, 9.5))
    beside = bool(generator.random() < 0.35)  # whether labels stand beside the fields, not above
    fields: list[_Field] = []
    x, y = margin
    for label in generator.permutation(list(_NAMES)):
        digits = _NAMES[str(label)]
        kind = boxed if digits[0] == digits[1] or digits[1] >= 8 else other
        area_width = digits[1] * height * (0.72 if kind == _BOXES else 0.66) + (0 if kind == _BOXES else 4)
        indent = 34.0 if beside else 0.0
        if fields and (beside or x + area_width > paper[0] - 14):
            x, y = margin[0], y + height + (4.0 if beside else 8.5)
        if y + height > paper[1] - 24 or len(fields) == 12:
            break
        label_at = (x, y + height / 2 - 0.7 * _SMALL) if beside else (x, y - 1.75 * _SMALL)
        fields.append(_Field(str(label), digits, kind, label_at, (x + indent, y, area_width, height)))
        x += max(area_width, 1.05 * _SMALL * len(str(label))) + 7
    dashes = (SOLID, DASHED, DOTTED)[generator.integers(3)]
    title, width = str(generator.choice(_TITLES)), float(generator.uniform(0.15, 0.45))
    return _Blank(paper, margin, title, tuple(fields), y + height, font, width, dashes, choose_print(generator))


def _print_form(form: PaperForm, blank: _Blank) -> None:
    """Print the title, what people are asked to do, and the fields with their labels."""
    left = blank.margin[0]
    print_text(form, blank.title, left, 14, 5, blank.font)
    for number, sentence in enumerate(_PROSE[: 3 if blank.paper[1] > 200 else 1]):
        print_text(form, sentence, left, 22 + 3 * number, 1.7, blank.font)
    for field in blank.fields:
        print_text(form, field.label, *field.label_at, _SMALL, blank.font)
        _print_field(form, field, blank)
    for box, answer in zip(_find_choices(blank), ("yes", "no"), strict=True):
        print_frame(form, box, blank.width)
        print_text(form, answer, box[0] + 5.5, box[1] + 0.4, _SMALL, blank.font)
    line = _find_signature(blank)
    print_rule(form, (line[0], line[1] + line[3]), line[2], 0.2, SOLID)
    print_text(form, "Signature", line[0], line[1] + line[3] + 0.8, 1.7, blank.font)


def _print_field(form: PaperForm, field: _Field, blank: _Blank) -> None:
    left, top, across, down = field.area
    if field.kind == _LINE:
        print_rule(form, (left, top + down), across, blank.width, blank.dashes)
        return
    print_frame(form, field.area, blank.width)
    if field.kind == _BOXES:
        for box in split_area(field.area, field.digits[1])[1:]:
            print_vertical_rule(form, (box[0], top), down, 0.8 * blank.width, blank.dashes)


def _find_choices(blank: _Blank) -> list[Area]:
    """Find the two boxes for a cross, below the last field."""
    return [(blank.margin[0] + offset, blank.bottom + 5, 4.0, 4.0) for offset in (0, 18)]


def _find_signature(blank: _Blank) -> Area:
    """Find the place of the signature, beside them."""
    return blank.paper[0] - 70, blank.bottom + 3, 52, 9


def _choose_contents(blank: _Blank, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Choose what is written in each field, and its state."""
    contents = []
    for field in blank.fields:
        length = int(generator.integers(field.digits[0], field.digits[1] + 1))
        draw = generator.random()
        if draw < 0.08:
            contents.append(("", EMPTY))
            continue
        text = choose_number(length, generator)
        if field.label == "Year of birth":
            text = str(generator.integers(1940, 2016))
        contents.append((text, STRUCK_OUT if draw > 0.97 else WRITTEN))
    return contents


def _fill_in(
    form: PaperForm, blank: _Blank, contents: list[tuple[str, str]], part: str, generator: np.random.Generator
) -> Colours:
    """Fill a form in and sign it; return its colours with those of the pen."""
    hand = choose_hand(part, generator)
    for field, (text, state) in zip(blank.fields, contents, strict=True):
        if state == EMPTY:
            continue
        written = _write(form, field, text, hand, generator)
        if state == STRUCK_OUT:
            strike_out(form, written, hand, generator)
    cross(form, _find_choices(blank)[generator.integers(2)], hand, generator)
    if generator.random() < 0.8:
        sign(form, _find_signature(blank), hand, generator)
    pen, opacity = choose_pen(generator)
    return replace(blank.colours, pen=pen, pen_opacity=opacity)


def _write(form: PaperForm, field: _Field, text: str, hand: Hand, generator: np.random.Generator) -> Area:
    left, top, across, down = field.area
    if field.kind == _BOXES:
        return write_in_boxes(form, text, split_area(field.area, field.digits[1]), hand, generator)
    inner = (left + 1.5, top + 0.4, across - 3, down - (1.4 if field.kind == _LINE else 0.8))
    return write_number(form, text, inner, hand, 0.1, generator)


def _add_marks(form: PaperForm, blank: _Blank, generator: np.random.Generator) -> None:
    """Stamp and punch some of the sheets."""
    if generator.random() < 0.4:
        stamp(form, (blank.paper[0] - generator.uniform(25, 50), generator.uniform(12, 22)), generator)
    if generator.random() < 0.4:
        punch(form, generator)
