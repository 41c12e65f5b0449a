"""Pictures with a sentence each that says what to see, and all of them as one page."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.utils.figure_style import DARK, LIGHT, Drawing
from kerascnn.utils.html_page import HtmlReport


@dataclass(frozen=True)
class Illustration:
    """One picture."""

    name: str  # of its file, without suffix
    drawing: Drawing
    alternative: str  # description in a few words, for those who cannot see it
    caption: str  # sentence that says what to look at
    heading: str = ""  # of the section that begins with the picture; empty if it continues one
    text: str = ""  # paragraph below the heading


def write_report(
    title: str, introduction: str, pictures: Sequence[Illustration], facts: Sequence[tuple[str, str]]
) -> dict[str, bytes]:
    """Draw the pictures, and write the page that shows them, with pairs of name and value that say how it was made.

    Returns:
        The contents of the files by name, the page last.
    """
    report = HtmlReport(title, introduction)
    files: dict[str, bytes] = {}
    for picture in pictures:
        if picture.heading:
            report.section(picture.heading, picture.text)
        light, dark = picture.drawing.png(LIGHT), picture.drawing.png(DARK)
        report.figure(light, picture.alternative, picture.caption, dark_png=dark)
        files[f"{picture.name}.png"] = light
    report.section("How this was made")
    report.table(["", ""], facts)
    return {**files, "report.html": report.to_html().encode(errors="backslashreplace")}
