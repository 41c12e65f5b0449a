"""Make the picture of a ruled table that somebody filled in."""

from dataclasses import dataclass, replace

import numpy as np

from kerascnn.datasets.synthetic.documents.entries import EMPTY, PRINTED, STRUCK_OUT, WRITTEN, Entry
from kerascnn.datasets.synthetic.documents.hands import choose_hand, write_in_boxes, write_number
from kerascnn.datasets.synthetic.documents.marks import punch, sign, stamp, strike_out
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
    measure_text,
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
from kerascnn.datasets.synthetic.mnist_digits import PARTS, require_part
from kerascnn.utils.errors import UsageError

_PAPERS = ((148.0, 210.0), (210.0, 148.0), (210.0, 297.0))  # width and height in millimetres: A5, A5 across, A4
_TITLES = ("Meter readings", "Score sheet", "Stock list", "Marks", "Weekly record", "Counting list", "Time sheet")
_HEADINGS = ("Reading", "Amount", "Points", "Units", "Hours", "Weight", "Count", "Length", "Total", "Items")
_BOX_HEADINGS = ("Student number", "Account", "Postal code", "Article", "Card")
_LABELS = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)
_STREAM = 22  # keeps these random numbers apart from those of pages


@dataclass(frozen=True, eq=False)
class SyntheticTable:
    """A table whose contents are known.

    Args:
        picture: uint8, `(height, width, 3)`, RGB.
        cells: Its rows of cells, from top to bottom, the printed heading first if it has one.
        has_heading: Whether the first row is printed.
        style: How it was taken.
        seed: Random seed that it was made from.
        resolution: Pixels an inch.
    """

    picture: np.ndarray
    cells: tuple[tuple[Entry, ...], ...]
    has_heading: bool
    style: str
    seed: int
    resolution: float

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """What the cells say, row by row; empty where nothing stands or all is struck out."""
        return tuple(tuple(cell.text for cell in row) for row in self.cells)


@dataclass(frozen=True)
class _Column:
    """A column: heading, number of digits at least and at most, whether each digit has a box, printed labels."""

    heading: str
    digits: tuple[int, int] = (0, 0)
    has_boxes: bool = False
    labels: tuple[str, ...] = ()
    alignment: float = 0.5


@dataclass(frozen=True)
class _Layout:
    """A table before it is filled in; lengths in millimetres."""

    columns: tuple[_Column, ...]
    edges: tuple[float, ...]  # left edge of each column, and the right edge of the last
    tops: tuple[float, ...]  # upper edge of each row, and the lower edge of the last
    has_heading: bool
    font: str

    def area(self, row: int, column: int) -> Area:
        """The area of a cell."""
        left, top = self.edges[column], self.tops[row]
        return left, top, self.edges[column + 1] - left, self.tops[row + 1] - top


_Cell = tuple[str, str]  # what is written or printed, and the state


def make_table(
    seed: int = 0,
    *,
    part: str = "test",
    style: str | None = None,
    num_rows: int | None = None,
    num_columns: int | None = None,
) -> SyntheticTable:
    """Make the picture of a ruled table with numbers that one hand wrote into it.

    Some cells are empty, some struck out; in some columns each digit has a box.

    Args:
        seed: Random seed; the same seed gives the same table.
        part: Part of MNIST whose digits are written: `"test"`, `"train"` or `"validation"`.
        style: How it is taken, a name in `DOCUMENT_STYLES`; tables take turns by default.
        num_rows: Number of rows below the heading, at most 26; as many as fit, or fewer, by default.
        num_columns: Number of columns for numbers, at most 8; 2 to 6 at random by default.

    Returns:
        The table.

    Raises:
        UsageError: If the style or the part is unknown, or a number is not possible.

    Example:
        >>> make_table(seed=3, num_rows=2, num_columns=2).rows
        (('...', '...'), ('...', '...'), ('...', '...'))
    """
    require_part(part)
    style = find_document_style(style, seed)
    for number, most, what in ((num_rows, 26, "rows"), (num_columns, 8, "columns")):
        if number is not None and not 1 <= number <= most:
            raise UsageError(f"a table of {number} {what} cannot be made; expected 1 to {most}.")
    generator = np.random.default_rng([seed, PARTS.index(part), _STREAM])
    dots = choose_dots(style, generator)
    paper = _choose_paper(num_rows, num_columns, generator)
    form, colours = make_paper_form(*paper, dots), choose_print(generator)
    layout = _choose_layout(form, paper, num_rows, num_columns, generator)
    contents = _choose_contents(layout, generator)
    _print_table(form, layout, generator)
    colours = _fill_in(form, layout, contents, part, colours, generator)
    _add_marks(form, paper, layout, generator)
    picture, matrix = take_picture(form, colours, style, generator)
    cells = tuple(
        tuple(find_entry(form, layout.area(row, column), matrix, *cell) for column, cell in enumerate(entries))
        for row, entries in enumerate(contents)
    )
    return SyntheticTable(picture, cells, layout.has_heading, style, seed, dots * MILLIMETRES)


def _choose_paper(num_rows: int | None, num_columns: int | None, generator: np.random.Generator) -> tuple[float, float]:
    paper = _PAPERS[generator.integers(len(_PAPERS))]
    return _PAPERS[2] if (num_rows or 0) > 8 or (num_columns or 0) > 4 else paper


def _choose_layout(
    form: PaperForm,
    paper: tuple[float, float],
    num_rows: int | None,
    num_columns: int | None,
    generator: np.random.Generator,
) -> _Layout:
    """Divide the sheet into rows and columns, as wide as what is written into them needs."""
    left, right, top, bottom = generator.uniform((20, 10, 20, 14), (26, 16, 30, 24))
    row_height = generator.uniform(7.2, 10.5)
    has_heading = bool(generator.random() < 0.75)
    fitting = min(26, int((paper[1] - top - bottom) / row_height) - has_heading)
    count = num_rows or int(generator.integers(-(-fitting // 2), fitting + 1))
    row_height = min(row_height, (paper[1] - top - bottom) / (count + has_heading))
    room = paper[0] - left - right
    font = FONTS[generator.integers(len(FONTS))]
    columns = _choose_columns(num_columns or int(generator.integers(2, 7)), count, generator)
    widths = np.array([_need_width(form, column, row_height, font, has_heading) for column in columns])
    while len(columns) > 1 and widths.sum() > room and num_columns is None:
        columns, widths = columns[:-1], widths[:-1]
    widths *= min(1.7, room / widths.sum())
    edges = (float(left), *(float(left + width) for width in np.cumsum(widths)))
    tops = tuple(float(top + row_height * number) for number in range(count + has_heading + 1))
    return _Layout(tuple(columns), edges, tops, has_heading, font)


def _choose_columns(count: int, num_rows: int, generator: np.random.Generator) -> list[_Column]:
    columns = []
    if generator.random() < 0.6:
        usable = [labels for labels in _LABELS if len(labels) >= num_rows]
        numbers = tuple(str(number + 1) for number in range(num_rows))
        labels = numbers if not usable or generator.random() < 0.4 else usable[generator.integers(len(usable))]
        columns.append(_Column("No." if labels is numbers else "", labels=labels))
    headings = generator.permutation(_HEADINGS)
    for number in range(count):
        fewest = int(generator.integers(1, 5))
        most = fewest + int(generator.integers(0, 3))
        column = _Column(str(headings[number]), (fewest, most), alignment=float(generator.choice((0.1, 0.5, 0.9))))
        if generator.random() < 0.2:
            length = int(generator.integers(4, 8))
            column = _Column(str(generator.choice(_BOX_HEADINGS)), (length, length), has_boxes=True)
        columns.append(column)
    return columns


def _need_width(form: PaperForm, column: _Column, row_height: float, font: str, has_heading: bool) -> float:
    """Compute the width in millimetres that a column needs at least."""
    heading = measure_text(form, column.heading, 2.6, font) if has_heading else 0.0
    labels = max((measure_text(form, label, 2.6, font) for label in column.labels), default=0.0)
    digits = column.digits[1] * row_height * (0.62 if column.has_boxes else 0.56)
    return max(heading, labels, digits) + 4


def _choose_contents(layout: _Layout, generator: np.random.Generator) -> list[list[_Cell]]:
    """Choose what stands in each cell."""
    is_empty, is_struck = generator.uniform(0.03, 0.2), generator.uniform(0, 0.06)
    contents = (
        [[(column.heading, PRINTED if column.heading else EMPTY) for column in layout.columns]]
        if layout.has_heading
        else []
    )
    for row in range(len(layout.tops) - 1 - layout.has_heading):
        cells: list[_Cell] = []
        for column in layout.columns:
            draw = generator.random()
            if column.labels:
                cells.append((column.labels[row], PRINTED))
            elif draw < is_empty:
                cells.append(("", EMPTY))
            else:
                length = int(generator.integers(column.digits[0], column.digits[1] + 1))
                cells.append((choose_number(length, generator), STRUCK_OUT if draw > 1 - is_struck else WRITTEN))
        contents.append(cells)
    return contents


def choose_number(length: int, generator: np.random.Generator) -> str:
    """Choose a number of so many digits, which does not begin with 0 unless it is 0."""
    first = generator.integers(1 if length > 1 else 0, 10)
    return "".join(str(digit) for digit in (first, *generator.integers(0, 10, length - 1)))


def _print_table(form: PaperForm, layout: _Layout, generator: np.random.Generator) -> None:
    """Print the title, the lines, and the boxes of single digits."""
    left, right, top, bottom = layout.edges[0], layout.edges[-1], layout.tops[0], layout.tops[-1]
    thin = generator.uniform(0.13, 0.35)
    thick = generator.uniform(thin, 0.9)
    dashes = (SOLID, SOLID, DASHED, DOTTED)[generator.integers(4)]
    vertical = dashes if generator.random() < 0.3 else SOLID
    for y in layout.tops[1:-1]:
        print_rule(form, (left, y), right - left, thin, dashes)
    for x in layout.edges[1:-1]:
        print_vertical_rule(form, (x, top), bottom - top, thin, vertical)
    print_frame(form, (left, top, right - left, bottom - top), thick)
    if layout.has_heading:
        print_rule(form, (left, layout.tops[1]), right - left, thick, SOLID)
        if generator.random() < 0.3:
            print_rule(form, (left, layout.tops[1] - 0.8), right - left, thin, SOLID)
    for column, kind in enumerate(layout.columns):
        for row in range(layout.has_heading, len(layout.tops) - 1):
            if kind.has_boxes:
                _print_boxes(form, layout.area(row, column), kind.digits[1], thin)
    print_text(form, str(generator.choice(_TITLES)), left, top - 11, generator.uniform(3.5, 5), layout.font)


def _print_boxes(form: PaperForm, area: Area, count: int, width: float) -> None:
    """Divide a cell into boxes by lines of its own height."""
    for box in split_area(area, count)[1:]:
        print_vertical_rule(form, (box[0], area[1]), area[3], 0.8 * width, SOLID)


def _fill_in(
    form: PaperForm,
    layout: _Layout,
    contents: list[list[_Cell]],
    part: str,
    colours: Colours,
    generator: np.random.Generator,
) -> Colours:
    """Write all numbers and print all labels; return the colours with those of the pen."""
    hand = choose_hand(part, generator)
    for row, cells in enumerate(contents):
        for column, (text, state) in enumerate(cells):
            kind, area = layout.columns[column], layout.area(row, column)
            if state == PRINTED:
                _print_in_cell(form, text, area, layout.font)
            elif state != EMPTY:
                if kind.has_boxes:
                    written = write_in_boxes(form, text, split_area(area, len(text)), hand, generator)
                else:
                    inner = (area[0] + 1.2, area[1] + 0.4, area[2] - 2.4, area[3] - 0.8)
                    written = write_number(form, text, inner, hand, kind.alignment, generator)
                if state == STRUCK_OUT:
                    strike_out(form, written, hand, generator)
    if generator.random() < 0.4 and layout.tops[-1] * form.dots < form.shape[0] - 12 * form.dots:
        sign(form, (layout.edges[0] + generator.uniform(5, 60), layout.tops[-1] + 1.5, 45, 9), hand, generator)
    pen, opacity = choose_pen(generator)
    return replace(colours, pen=pen, pen_opacity=opacity)


def _print_in_cell(form: PaperForm, text: str, area: Area, font: str) -> None:
    size = 2.6
    print_text(form, text, area[0] + 1.5, area[1] + area[3] / 2 - 0.8 * size, size, font)


def _add_marks(form: PaperForm, paper: tuple[float, float], layout: _Layout, generator: np.random.Generator) -> None:
    """Stamp and punch some of the sheets; a stamp may lie over a corner of the table."""
    if generator.random() < 0.4:
        middle = (paper[0] - generator.uniform(25, 60), min(layout.tops[-1] + generator.uniform(2, 22), paper[1] - 10))
        stamp(form, middle, generator)
    if generator.random() < 0.5:
        punch(form, generator)
