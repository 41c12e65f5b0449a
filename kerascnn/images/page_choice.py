"""Which pages of a document are wanted, such as `1-3,7`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kerascnn.utils.errors import UsageError

_PART = re.compile(r"\s*(?P<first>[1-9]\d{0,8})\s*(?P<dash>-\s*(?P<last>[1-9]\d{0,8})?)?\s*")


@dataclass(frozen=True)
class PageChoice:
    """The pages that are wanted of each document.

    Args:
        parts: First and last number of each part, from 1; the last is None where a part goes on to the end.
    """

    parts: tuple[tuple[int, int | None], ...]

    @classmethod
    def parse(cls, text: str) -> "PageChoice":
        """Parse `1-3,7` or `10-`; raises UsageError for anything else."""
        parts = []
        for part in text.split(","):
            match = _PART.fullmatch(part)
            first = 0 if match is None else int(match["first"])
            last = first if match is None or not match["dash"] else int(match["last"]) if match["last"] else None
            if not first or (last is not None and last < first):
                raise UsageError(f"the pages are {text!r}; expected numbers and ranges from 1, such as 1-3,7 or 10-.")
            parts.append((first, last))
        return cls(tuple(parts))

    def list_numbers(self, count: int) -> list[int]:
        """List the numbers that are wanted of so many pages, in order and each once."""
        return sorted({number for part in self._limit(count) for number in part})

    def find_missing(self, count: int) -> int | None:
        """Find a number that is wanted although a document of so many pages lacks it; None if it has all.

        A range may be longer than a document, but not begin behind its end.
        """
        return next((first for first, _ in self.parts if first > count), None)

    def _limit(self, count: int) -> Iterator[range]:
        return (range(first, min(count, last or count) + 1) for first, last in self.parts)
