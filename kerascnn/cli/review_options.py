"""Options of `read` by which a person checks doubtful numbers, and their corrections are merged."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kerascnn.images.decoding import Page
    from kerascnn.reviewing import Review

_PANEL = "Checking by eye"

REVIEW = {
    "review": Annotated[
        Path | None,
        typer.Option(
            "--review",
            metavar="FILE",
            help="HTML page to write, on which a person checks the numbers that are not sure.",
            rich_help_panel=_PANEL,
        ),
    ],
    "review_below": Annotated[
        float | None,
        typer.Option(
            "--review-below",
            min=0,
            max=1,
            metavar="NUMBER",
            help="Probability below which a number is to be checked.  [default: 0.99]",
            rich_help_panel=_PANEL,
        ),
    ],
    "apply": Annotated[
        Path | None,
        typer.Option(
            "--apply",
            metavar="FILE",
            help="The corrections.csv that the page gave: what a person says replaces what is read.",
            rich_help_panel=_PANEL,
        ),
    ],
    "crops": Annotated[
        Path | None,
        typer.Option(
            "--crops",
            metavar="DIR",
            help="Directory in which to write the digits of corrected numbers, for 'kerascnn fit --data DIR'.",
            rich_help_panel=_PANEL,
        ),
    ],
}


def take_review(options: dict[str, Any], sources: Sequence["Page"]) -> "Review":
    """Take the options of this module out of a command's, and prepare for what they ask."""
    from kerascnn.reviewing import Review, ReviewPlan

    return Review(ReviewPlan(*(options.pop(name) for name in REVIEW)), sources)
