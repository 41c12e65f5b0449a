"""Follow a command that reads pages: merge corrections, and collect what a person should look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.forms.form_reading import Form
from kerascnn.images.decoding import Page as Picture
from kerascnn.inference.page_text import Page
from kerascnn.reviewing.corrections import Correction, Match, apply_corrections, match_corrections, read_corrections
from kerascnn.reviewing.digit_pictures import choose_rehearsed, cut_digits
from kerascnn.reviewing.doubtful_numbers import DoubtfulNumber, digest_picture, find_doubtful
from kerascnn.reviewing.form_corrections import correct_form, show_as_page
from kerascnn.reviewing.review_page import GENERATOR, make_review_page
from kerascnn.utils.errors import OutputError, UsageError
from kerascnn.utils.files import require_directory, write_bytes
from kerascnn.utils.html_page import read_generator
from kerascnn.utils.outputs import OutputDirectory

REVIEW_BELOW = 0.99
"""Probability below which a number is to be checked."""

_DIGITS = "corrected digits"  # kind of the results
_NAMED = 3  # corrections without a number that are named


@dataclass(frozen=True)
class ReviewPlan:
    """What is wanted of a review.

    Args:
        page: Where the page of doubtful numbers is written; None for no page.
        below: Probability below which a number is doubtful, 0 to 1; `REVIEW_BELOW` by default.
        corrections: The corrections of an earlier review, which are merged; None for none.
        digits: Directory in which the digits of corrected numbers are written, a sub-directory a digit; None for none.
    """

    page: Path | None = None
    below: float | None = None
    corrections: Path | None = None
    digits: Path | None = None


class Review:
    """Merges corrections into pages as they are read, and collects the numbers that are to be checked.

    Args:
        plan: What is wanted.
        sources: The pictures that are read; those with doubtful or corrected numbers are decoded again.

    Raises:
        UsageError: If the plan does not make sense.
        DataError: If the corrections cannot be read.
        OutputError: If something is in the place of the page that is no page of an earlier review.
    """

    def __init__(self, plan: ReviewPlan, sources: Sequence[Picture]) -> None:
        if plan.below is not None and plan.page is None:
            raise UsageError("--review-below says which numbers come to the page of a review; give --review FILE too.")
        if plan.digits is not None and plan.corrections is None:
            raise UsageError("--crops cuts out the digits of corrected numbers; give --apply FILE too.")
        if plan.page is not None:
            _require_own_page(plan.page)
        if plan.digits is not None:
            require_directory(plan.digits)
        self._plan = plan
        self._below = REVIEW_BELOW if plan.below is None else plan.below
        self._pictures = {source.name: source for source in sources}
        self._corrections = () if plan.corrections is None else read_corrections(plan.corrections)
        self._used: set[Correction] = set()
        self._doubtful: list[DoubtfulNumber] = []
        self._digits: dict[str, bytes] = {}
        self._num_read = 0

    def follow(self, results: Iterator[tuple[str, Page]]) -> Iterator[tuple[str, Page]]:
        """Pass on names and pages as they are read, with the corrections merged."""
        for name, page in results:
            yield name, apply_corrections(page, self._check(name, page))

    def follow_forms(self, results: Iterator[tuple[str, Form]]) -> Iterator[tuple[str, Form]]:
        """Pass on names and forms as they are read, with the corrections of their fields merged."""
        for name, form in results:
            yield name, correct_form(form, self._check(name, show_as_page(form)))

    def finish(self) -> list[str]:
        """Write the page of the review, and return a sentence on each thing that is worth knowing.

        Raises:
            OutputError: If the page cannot be written.
        """
        remarks = [_describe_unused(self._corrections, self._used)] if self._used != set(self._corrections) else []
        if self._plan.page is not None:
            html = make_review_page(self._doubtful, self._below, self._num_read)
            write_bytes(self._plan.page, html.encode())
            count = f"{len(self._doubtful):,} of {self._num_read:,} numbers"
            remarks.append(f"wrote {self._plan.page}: {count} to check")
        if self._plan.digits is not None:
            remarks.append(self._write_digits(self._plan.digits))
        return remarks

    def _write_digits(self, directory: Path) -> str:
        """Write the digits of the corrected numbers with some of MNIST beside them, if there are any."""
        if not self._digits:
            return f"no digits to learn from: {directory} is not written"
        rehearsed = dict(choose_rehearsed())
        pictures = {**self._digits, **rehearsed}
        with OutputDirectory(directory, _DIGITS, pictures) as output:
            output.write_all(pictures)
        return (
            f"wrote {len(self._digits):,} digits to {directory}, and {len(rehearsed):,} of MNIST to learn beside them"
        )

    def _check(self, name: str, page: Page) -> list[Match]:
        """Collect what is doubtful on a page, and find the numbers of its corrections."""
        matches: list[Match] = []
        numbers = [number for line in page.lines for number in line.numbers]
        self._num_read += len(numbers)
        is_doubtful = self._plan.page is not None and any(number.confidence < self._below for number in numbers)
        if not numbers or not (self._corrections or is_doubtful):
            return matches
        array = self._pictures[name].decode()
        if self._corrections:
            digest = digest_picture(array)
            own = [correction for correction in self._corrections if correction.picture == digest]
            matches = match_corrections(page, own)
            self._used.update(match.correction for match in matches)
        if self._plan.digits is not None:
            self._digits.update(cut_digits(array, page, matches))
        if self._plan.page is not None:
            self._doubtful += find_doubtful(name, array, apply_corrections(page, matches), self._below)
        return matches


def _require_own_page(path: Path) -> None:
    """Raise OutputError if something is in the place of a page that is no page of an earlier review."""
    if path.is_dir():
        raise OutputError(f"{path} is a directory; give the name of an HTML file with --review.")
    if path.is_symlink() or (path.exists() and read_generator(path) != GENERATOR):
        raise OutputError(f"{path} exists already and is no page of a review; give another file, or move it away.")


def _describe_unused(corrections: Sequence[Correction], used: set[Correction]) -> str:
    unused = [correction for correction in corrections if correction not in used]
    named = [f"{one.corrected or 'no number'!r} on page {one.page} of {one.file}" for one in unused[:_NAMED]]
    more = ", ..." if len(unused) > _NAMED else ""
    return (
        f"{len(unused):,} of {len(corrections):,} corrections match no number on these pictures, which have been "
        f"changed since or are not given: {', '.join(named)}{more}."
    )
