"""What `read` has prepared before it reads pages or forms, and what both need on the way."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from kerascnn.cli.failures import Failures
from kerascnn.cli.printing import print_message
from kerascnn.cli.resume_options import Resuming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kerascnn.images.decoding import Page
    from kerascnn.inference.drawing import Drawings
    from kerascnn.reviewing import Review
    from kerascnn.tables import TableFile

_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class ReadingJob:
    """The pictures of one command, and where what is read of them goes.

    Args:
        sources: The pictures.
        failures: Those that could not be read.
        review: The page on which a person checks what is not sure.
        resuming: What the command needs to be resumed.
        drawings: The directory of pictures with what was found; None for none.
        table: The file of one table for all; None for none.
    """

    sources: "Sequence[Page]"
    failures: Failures
    review: "Review"
    resuming: Resuming
    drawings: "Drawings | None"
    table: "TableFile | None"

    def show_progress(self, results: Iterable[_Result]) -> Iterable[_Result]:
        """Show how many of several pictures are read."""
        if len(self.sources) == 1:
            return results
        from kerascnn.cli.progress import show_progress

        return show_progress(results, len(self.sources))

    def finish(self) -> None:
        """Write what a person is to check, and exit with 1 if a picture could not be read."""
        for remark in self.review.finish():
            print_message(remark)
        self.failures.exit_if_any(len(self.sources))
