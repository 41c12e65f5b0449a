"""What is written on a page: lines of numbers of digits, each with its box and confidence."""

from dataclasses import dataclass
from typing import Any

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the picture as it is given, after EXIF."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page.

    Args:
        digit: Its value, 0 to 9.
        confidence: Its probability, 0 to 1.
        box: Left, top, width and height in pixels of the picture as it is given, after EXIF.
    """

    digit: int
    confidence: float
    box: Box

    def to_dict(self) -> dict[str, Any]:
        """Return the digit in plain types, for JSON."""
        return {"digit": self.digit, "confidence": round(self.confidence, 6), "box": list(self.box)}


@dataclass(frozen=True)
class Symbol:
    """What stands between the digits of a number, such as a point.

    Args:
        symbol: What it is, one of `.,-/:+`.
        confidence: Its probability, 0 to 1.
        box: Left, top, width and height in pixels of the picture as it is given, after EXIF.
    """

    symbol: str
    confidence: float
    box: Box

    def to_dict(self) -> dict[str, Any]:
        """Return the symbol in plain types, for JSON."""
        return {"symbol": self.symbol, "confidence": round(self.confidence, 6), "box": list(self.box)}


@dataclass(frozen=True)
class Number:
    """One number on a page.

    Args:
        text: The number.
        confidence: Probability that all of it is right, 0 to 1.
        box: Left, top, width and height in pixels of the picture as it is given, after EXIF.
        runner_up: The most probable other number; None if there is none.
        runner_up_confidence: Its probability.
        corrected: Whether a person has checked it: what it says is what the person typed or accepted.
    """

    text: str
    confidence: float
    box: Box
    runner_up: str | None = None
    runner_up_confidence: float = 0.0
    corrected: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the number in plain types, for JSON."""
        other = {"text": self.runner_up, "confidence": round(self.runner_up_confidence, 6)} if self.runner_up else None
        checked = {"corrected": True} if self.corrected else {}
        confidence = round(self.confidence, 6)
        return {"text": self.text, "confidence": confidence, "box": list(self.box), "runner_up": other, **checked}


@dataclass(frozen=True)
class Line:
    """One line of a page, from left to right.

    Args:
        text: Its numbers, with a space between them: at gaps that are wide against the digits and the other gaps.
        digits: The digits from left to right.
        numbers: The numbers from left to right.
        symbols: The symbols in them from left to right; None if they were not asked for.
    """

    text: str
    digits: tuple[Digit, ...]
    numbers: tuple[Number, ...] = ()
    symbols: tuple[Symbol, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the line in plain types, for JSON."""
        digits, numbers = ([item.to_dict() for item in items] for items in (self.digits, self.numbers))
        symbols = {} if self.symbols is None else {"symbols": [symbol.to_dict() for symbol in self.symbols]}
        return {"text": self.text, "digits": digits, "numbers": numbers, **symbols}


@dataclass(frozen=True)
class TableCell:
    """One cell of a ruled table.

    Args:
        box: Left, top, width and height in pixels of the picture as it is given, after EXIF.
        number: What stands in it; None if nothing was read.
        is_struck_out: Whether what stood in it is struck out.
    """

    box: Box
    number: Number | None
    is_struck_out: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the cell in plain types, for JSON."""
        text = None if self.number is None else self.number.text
        return {"text": text, "box": list(self.box), "struck_out": self.is_struck_out}


@dataclass(frozen=True)
class Page:
    """What is written on a page.

    Args:
        lines: The lines from top to bottom.
        unread: Boxes of what is probably writing but was not read as a digit, such as letters, blots and digits of
            which the model is not sure: left, top, width and height in pixels of the picture as given, after EXIF.
        rotation: Degrees clockwise by which the picture was turned to be read: 0, 90, 180 or 270.
        marked_text: The text of all lines, with `?` at the place of everything that could not be read.
        table: The rows of cells of its ruled tables, if these were asked for.
    """

    lines: tuple[Line, ...]
    unread: tuple[Box, ...] = ()
    rotation: int = 0
    marked_text: str = ""
    table: tuple[tuple[TableCell, ...], ...] | None = None

    @property
    def text(self) -> str:
        """The text of all lines, separated by newlines."""
        return "\n".join(line.text for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the page in plain types, for JSON."""
        lines = [line.to_dict() for line in self.lines]
        cells = None if self.table is None else [[cell.to_dict() for cell in row] for row in self.table]
        table = {} if cells is None else {"table": cells}
        return {"lines": lines, "unread": [list(box) for box in self.unread], "rotation": self.rotation, **table}


def turn_box(box: Box, rotation: int) -> Box:
    """Turn a box by degrees clockwise about the origin, as its page was turned to be read: 0, 90, 180 or 270."""
    left, top, width, height = box
    for _ in range(rotation // 90):
        left, top, width, height = -top - height, left, height, width
    return left, top, width, height
