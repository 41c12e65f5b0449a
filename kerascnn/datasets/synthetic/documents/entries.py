"""What stands in a cell of a table or a field of a form."""

from dataclasses import dataclass

PRINTED, WRITTEN, EMPTY, STRUCK_OUT = "printed", "written", "empty", "struck out"
"""States of an entry."""


@dataclass(frozen=True)
class Entry:
    """A cell or a field and what stands in it.

    Args:
        written: Text on the paper, also where it is struck out.
        state: `"printed"`, `"written"`, `"empty"` or `"struck out"`.
        box: Left, top, width, height of the cell or field, in pixels of the picture; a bounding box if it is askew.
    """

    written: str
    state: str
    box: tuple[int, int, int, int]

    @property
    def text(self) -> str:
        """What the entry says: empty if it is struck out."""
        return "" if self.state == STRUCK_OUT else self.written
