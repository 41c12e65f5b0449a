"""Pictures with a sentence each that says what to see, and all of them as one page."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.utils.figure_style import DARK, LIGHT, Drawing
from kerascnn.utils.html_page import HtmlReport


@dataclass(frozen=True)
class Illustration:
    """One picture.

    Args:
        name: of its file, without suffix.
        drawing: the picture.
        alternative: what it shows, in a few words.
        caption: what to see in it.
        heading: of the section that begins with it; empty if it continues one.
        text: below the heading.
    """

    name: str
    drawing: Drawing
    alternative: str
    caption: str
    heading: str = ""
    text: str = ""


def written(
    title: str, introduction: str, pictures: Sequence[Illustration], facts: Sequence[tuple[str, str]]
) -> dict[str, bytes]:
    """Draw everything.

    Args:
        title: of the page.
        introduction: below it.
        pictures: in order.
        facts: how this was made: name and value each.

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
    return {**files, "report.html": report.to_html().encode()}
