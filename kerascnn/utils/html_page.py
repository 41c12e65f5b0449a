"""A page that explains results: one HTML file with its pictures inside, in light and dark, for desk and telephone."""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from kerascnn.utils.names import show_hidden

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --quiet: #57606a; --line: #d8dee4; --card: #f6f8fa;
  --link: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e3e7ec; --quiet: #9aa4af; --line: #343b44;
  --card: #1c2127; --link: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0 1rem; max-width: 42rem; }
a { color: var(--link); }
nav { margin: 1rem 0 0; color: var(--quiet); font-size: .9rem; }
nav ol { margin: .25rem 0 0; padding-left: 1.4rem; columns: 18rem 2; }
figure { margin: 1.25rem 0; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; border-radius: 6px; }
figure img.on-white { background: #ffffff; padding: .5rem; }
figcaption { margin-top: .5rem; color: var(--quiet); font-size: .925rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .9rem; margin: 1rem 0; }
.gallery figure { margin: 0; padding: .5rem; background: var(--card); border-radius: 6px; }
.gallery img { width: 100%; image-rendering: pixelated; border-radius: 3px; }
.gallery figcaption { font-size: .85rem; color: var(--ink); line-height: 1.35; }
figure.table { margin: 1rem 0; }
.table div { overflow-x: auto; }
table { border-collapse: collapse; font-size: .925rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; }
tr > :last-child { padding-right: 0; }
@media (max-width: 36rem) { table { font-size: .8rem; } th { white-space: normal; vertical-align: bottom; }
  th, td { padding-right: .5rem; } }
@media print { h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""

_LONGEST_WORD = 12  # letters of a table's word that are kept together
_WORD_PARTS = re.compile(rf"[^_./\\-]{{0,{_LONGEST_WORD - 1}}}[_./\\-]|.{{1,{_LONGEST_WORD}}}", re.DOTALL)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'{rule}">
{generator}<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
{script}</body>
</html>
"""
_GENERATOR = re.compile(r'<meta name="generator" content="([^"]*)">')
_HEAD_BYTES = 1024  # within which a page says what made it


def make_html(title: str, body: str, *, style: str = "", script: str = "", generator: str = "") -> str:
    """Make a whole page; the title is escaped here, the body is HTML already.

    Args:
        title: What it is called.
        body: What stands below the title.
        style: CSS beyond that of all pages.
        script: JavaScript; the page runs this and no other.
        generator: What makes it, by which `read_generator` tells it from other files.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _PAGE.format(
        rule=f"; script-src 'sha256-{digest}'" if script else "",
        generator=f'<meta name="generator" content="{html.escape(generator)}">\n' if generator else "",
        title=escape_text(title),
        style=_STYLE + style,
        body=body,
        script=f"<script>{script}</script>\n" if script else "",
    )


def read_generator(path: Path) -> str | None:
    """Read what made a page; None if it does not say so, or is no page."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES).decode(errors="replace")
    except OSError:
        return None
    match = _GENERATOR.search(head)
    return None if match is None else html.unescape(match[1])


def escape_text(text: str) -> str:
    """Make a text that is shown as it is, without characters that a reader could not see or a page cannot have."""
    return html.escape("\n".join(map(show_hidden, text.split("\n"))))


def make_data_url(content: bytes, kind: str = "png") -> str:
    """Make a URL that holds a picture: its encoded bytes and their format."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


class HtmlReport:
    """Collects sections, sentences, pictures and tables, and makes one self-contained page of them.

    Every text is plain and is escaped here. The introduction is a sentence or two below the title.
    """

    def __init__(self, title: str, introduction: str = "") -> None:
        self._title, self._introduction = title, introduction
        self._headings: list[str] = []
        self._parts: list[str] = []

    def section(self, heading: str, text: str = "") -> None:
        """Begin a section with a paragraph; a page of three or more lists their headings at its top."""
        self._headings.append(heading)
        self._parts.append(f'<h2 id="section-{len(self._headings)}">{escape_text(heading)}</h2>')
        self.paragraph(text)

    def paragraph(self, text: str) -> None:
        """Add a paragraph; nothing for an empty text."""
        if text:
            self._parts.append(f"<p>{escape_text(text)}</p>")

    def figure(self, png: bytes, alternative: str, caption: str = "", *, dark_png: bytes | None = None) -> None:
        """Add a picture with a sentence under it.

        Args:
            png: The picture, encoded as PNG.
            alternative: Description for those who cannot see it.
            caption: Sentence that says what to look at.
            dark_png: The picture for dark pages. Without it the picture is laid on white.
        """
        self._parts.append(f"<figure>{_image(png, alternative, dark_png)}{_caption(caption)}</figure>")

    def gallery(self, pictures: Iterable[tuple[bytes, str, str]]) -> None:
        """Add small pictures side by side, as many in a row as the screen has room for; pixels stay sharp.

        Each is the content of a PNG file, its alternative text and its caption.
        """
        figures = "\n".join(
            f"<figure>{_tag(png, alternative)}{_caption(caption)}</figure>" for png, alternative, caption in pictures
        )
        self._parts.append(f'<div class="gallery">{figures}</div>')

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> None:
        """Add a table of text; a column whose cells all look like numbers is aligned right.

        Without column names (all empty) it has no header; the caption stands below it.
        """
        rows = [[str(cell) for cell in row] for row in rows]
        numeric = [bool(rows) and all(_looks_numeric(row[index]) for row in rows) for index in range(len(columns))]
        header = f"<thead>{_row('th', columns, numeric)}</thead>" if any(columns) else ""
        body = "\n".join(_row("td", row, numeric) for row in rows)
        table = f"<div><table>{header}<tbody>{body}</tbody></table></div>"
        self._parts.append(f'<figure class="table">{table}{_caption(caption)}</figure>')

    def to_html(self) -> str:
        """Write the whole page."""
        introduction = f"<p>{escape_text(self._introduction)}</p>\n" if self._introduction else ""
        return make_html(self._title, introduction + self._contents() + "\n".join(self._parts))

    def _contents(self) -> str:
        if len(self._headings) < 3:
            return ""
        items = "".join(
            f'<li><a href="#section-{number}">{escape_text(heading)}</a></li>'
            for number, heading in enumerate(self._headings, start=1)
        )
        return f"<nav>On this page<ol>{items}</ol></nav>\n"


def _image(png: bytes, alternative: str, dark_png: bytes | None) -> str:
    if dark_png is None:
        return _tag(png, alternative, ' class="on-white"')
    source = f'<source srcset="{make_data_url(dark_png)}" media="(prefers-color-scheme: dark)">'
    return f"<picture>{source}{_tag(png, alternative)}</picture>"


def _tag(png: bytes, alternative: str, attributes: str = "") -> str:
    return f'<img src="{make_data_url(png)}" alt="{escape_text(alternative)}"{attributes}>'


def _caption(text: str) -> str:
    return f"<figcaption>{escape_text(text)}</figcaption>" if text else ""


def _row(tag: str, cells: Sequence[str], numeric: Sequence[bool]) -> str:
    written = (
        f"<{tag}{' class=number' if is_number else ''}>{_make_breakable(cell)}</{tag}>"
        for cell, is_number in zip(cells, numeric, strict=True)
    )
    return f"<tr>{''.join(written)}</tr>"


def _make_breakable(text: str) -> str:
    """Escape the text of a cell, and let its long words break: on a telephone they would push columns off the page."""
    return " ".join(_break_word(word) for word in text.split(" "))


def _break_word(word: str) -> str:
    if len(word) <= _LONGEST_WORD or "\N{NO-BREAK SPACE}" in word:
        return escape_text(word)
    return "<wbr>".join(map(escape_text, _WORD_PARTS.findall(word)))


def _looks_numeric(cell: str) -> bool:
    bare = cell.strip().rstrip("%").replace(",", "").strip()
    try:
        float(bare)
    except ValueError:
        return bare in ("", "·", "-")
    return True
