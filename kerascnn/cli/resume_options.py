"""The option of `read` by which an interrupted command goes on, and the journal that it needs."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascnn.cli.printing import print_note
from kerascnn.cli.review_options import REVIEW
from kerascnn.utils.errors import UsageError
from kerascnn.utils.version import __version__

if TYPE_CHECKING:
    from kerascnn.inference.predictor import Predictor
    from kerascnn.inference.reading_journal import Journal

RESUME = {
    "resume": Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a command that was interrupted: pages that it had read for --output are not read again.",
        ),
    ]
}
_READ_FROM_FILES = ("expect", "template")
_WITHOUT_EFFECT = ("resume", "pages", *REVIEW)  # on what is read of a page


class Resuming:
    """What a command needs to be resumed; the options are taken as they were given.

    Args:
        output: The file or directory that the results go to; None for none.
        options: Options of the command, `resume` among them.

    Raises:
        UsageError: If there is no output to go on with.
    """

    def __init__(self, output: str | None, options: Mapping[str, Any]) -> None:
        self._output, self._resume = output, bool(options["resume"])
        if self._resume and output is None:
            raise UsageError("--resume goes on with the pages that were read for --output; name that, too.")
        self._options = {name: str(value) for name, value in options.items() if name not in _WITHOUT_EFFECT}

    def open(self, kind: type, predictor: "Predictor") -> "AbstractContextManager[Journal[Any] | None]":
        """Open the journal of a command; None without an output.

        Args:
            kind: Class of what is read of a picture.
            predictor: The model.

        Raises:
            OutputError: If it cannot be written.
        """
        if self._output is None:
            return nullcontext()
        from kerascnn.inference.reading_journal import Journal

        contents = [
            Path(self._options[name]).read_text(encoding="utf-8", errors="replace")
            for name in _READ_FROM_FILES
            if self._options[name] != "None"
        ]
        options = json.dumps(self._options, sort_keys=True)
        settings = [__version__, predictor.card.to_json(), predictor.engine.name, options, *contents]
        journal: Journal[Any] = Journal(Path(self._output), kind, settings, resume=self._resume)
        if journal.num_left:
            pages = "1 page" if journal.num_left == 1 else f"{journal.num_left:,} pages"
            if self._resume:
                print_note(f"{pages} of the interrupted command are not read again.")
            else:
                print_note(f"an interrupted command had read {pages}, which are read again; --resume would go on.")
        return journal
