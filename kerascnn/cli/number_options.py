"""Options of `read` that say what is known of the numbers on a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kerascnn.inference.number_automaton import Rule

_PANEL = "What is known of the numbers"

NUMBERS = {
    "digits": Annotated[
        str | None,
        typer.Option(
            "--digits", metavar="COUNT", help="How many digits each number has: 8, or 4-6.", rich_help_panel=_PANEL
        ),
    ],
    "pattern": Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="REGEX",
            help=r"What each number is like, such as \d{4}-\d{2}; what is no digit is written, not looked for.",
            rich_help_panel=_PANEL,
        ),
    ],
    "expect": Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FILE",
            help="A text file of the numbers that may occur, one a line.",
            rich_help_panel=_PANEL,
        ),
    ],
    "check": Annotated[
        str | None,
        typer.Option(
            "--check",
            metavar="NAME",
            help="Check digits that each number has: luhn, mod11, or iban:DE with the country.",
            rich_help_panel=_PANEL,
        ),
    ],
}


SYMBOLS = {
    "symbols": Annotated[
        str | None,
        typer.Option(
            "--symbols",
            metavar="CHARACTERS",
            help="What is read between digits, some of .,-/:+ such as ',-' for amounts; the options above hold for "
            "the digits.  [default: none]",
            rich_help_panel=_PANEL,
        ),
    ]
}


def require_symbols(symbols: str | None) -> None:
    """Raise UsageError if a symbol is unknown."""
    if symbols is None:
        return
    from kerascnn.inference.symbol_reading import choose_symbols

    choose_symbols(symbols)


def take_rule(options: dict[str, Any]) -> "Rule | None":
    """Take the options of this module out of a command's, and make a rule of them; None if none was given."""
    from kerascnn.inference.number_rules import load_expected, make_rule

    digits, pattern, expect, check = (options.pop(name) for name in NUMBERS)
    expected = None if expect is None else load_expected(Path(expect))
    return make_rule(digits, pattern, expected, check)
