"""The page on which a person checks doubtful numbers by keyboard: one HTML file, without network or framework."""

import csv
import hashlib
import io
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from kerascnn.reviewing.corrections import COLUMNS
from kerascnn.reviewing.doubtful_numbers import DoubtfulNumber
from kerascnn.utils.html_page import escape_text, make_data_url, make_html
from kerascnn.utils.names import show_hidden

GENERATOR = "kerascnn read --review"
"""What a page of a review says of itself, by which it is told from other files."""

_KEYS = (
    (("Enter",), "it is right as it stands in the field; on to the next"),
    (("Ctrl", "Enter"), "the other reading is right"),
    (("Shift", "Enter"), "back; also \N{UPWARDS ARROW}, and \N{DOWNWARDS ARROW} for the next without a decision"),
    (("Esc",), "the reading again"),
    (("Ctrl", "S"), "download the corrections"),
)
_FORMULAS = tuple("=+-@\t\r")


def make_review_page(numbers: Sequence[DoubtfulNumber], below: float, num_read: int) -> str:
    """Make the page of a review.

    Args:
        numbers: What is to be checked.
        below: The probability below which they are, for the introduction.
        num_read: How many numbers were read in all.
    """
    items = "\n".join(_make_item(number, index) for index, number in enumerate(numbers, start=1))
    identity = hashlib.sha256(items.encode()).hexdigest()[:16]
    body = _BODY.format(
        introduction=escape_text(_introduce(len(numbers), below, num_read)),
        keys="".join(_describe_key(keys, meaning) for keys, meaning in _KEYS),
        count=len(numbers),
        identity=identity,
        header=escape(_write_row(COLUMNS)),
        items=items,
    )
    return make_html(
        "Numbers to check", body, style=_read_asset("review.css"), script=_read_asset("review.js"), generator=GENERATOR
    )


def _introduce(count: int, below: float, num_read: int) -> str:
    if not count:
        return f"Nothing to check: none of the {num_read:,} numbers is less probable than {below:g}."
    numbers = "number" if num_read == 1 else "numbers"
    return (
        f"{count:,} of {num_read:,} {numbers} are less probable than {below:g}. Type what is right, or accept what was "
        "read; an empty field says that there is no number. This browser keeps the work; download it at the end."
    )


def _describe_key(keys: Sequence[str], meaning: str) -> str:
    pressed = "+".join(f"<kbd>{escape(key)}</kbd>" for key in keys)
    return f"<li>{pressed} {escape(meaning)}</li>"


def _make_item(doubtful: DoubtfulNumber, index: int) -> str:
    number = doubtful.number
    where = escape_text(f"{doubtful.file}, page {doubtful.page}")
    read = escape_text(number.text)
    other = ""
    if number.runner_up is not None:
        probability = _write_probability(number.runner_up_confidence)
        other = _OTHER.format(value=escape(number.runner_up), text=escape_text(number.runner_up), share=probability)
    box = " ".join(str(value) for value in number.box)
    cells = [_guard(show_hidden(doubtful.file)), str(doubtful.page), box, _guard(number.text)]
    return _ITEM.format(
        index=index,
        before=escape(_write_row([*cells, ""])),
        after=escape(_write_row(["", doubtful.picture])),
        url=make_data_url(doubtful.cutout, "jpeg"),
        where=where,
        read=read,
        value=escape(number.text),
        share=_write_probability(number.confidence),
        other=other,
        mode="numeric" if number.text.isdigit() else "text",
    )


def _write_probability(probability: float) -> str:
    return f"{probability * 100:.1f}\N{NO-BREAK SPACE}%"


def _write_row(cells: Sequence[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(cells)
    return stream.getvalue()


def _guard(value: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{value}" if value.startswith(_FORMULAS) else value


@cache
def _read_asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_BODY = """<p>{introduction}</p>
<details class="keys"><summary>Keys</summary><ul>{keys}</ul></details>
<form id="review" data-identity="{identity}" data-header="{header}" autocomplete="off">
<div class="bar">
<span id="state" role="status">0 of {count} checked</span>
<progress id="progress" aria-label="Numbers checked" max="{count}" value="0"></progress>
<button type="button" class="download">Download corrections.csv</button>
</div>
<noscript><p>This page needs JavaScript; nothing that it does leaves your machine.</p></noscript>
<ol class="items">
{items}
</ol>
<p class="end"><button type="button" class="download" id="finish">Download corrections.csv</button>
<span id="message" role="status"></span></p>
</form>"""

_ITEM = """<li class="item" data-before="{before}" data-after="{after}">
<img src="{url}" alt="A number in {where} that was read as {read}">
<div class="entry">
<p class="where">{where}</p>
<label for="number-{index}">Number {index}</label>
<input id="number-{index}" value="{value}" maxlength="200" inputmode="{mode}" spellcheck="false" autocapitalize="off"
 aria-describedby="readings-{index}">
<p class="readings" id="readings-{index}">read as <b>{read}</b>, {share}{other}</p>
<p class="mark" aria-live="polite"></p>
</div>
</li>"""

_OTHER = """; or <button type="button" class="other" value="{value}"
 aria-label="Take {text} instead">{text}</button>, {share}"""
