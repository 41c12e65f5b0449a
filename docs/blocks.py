"""Blocks of the tutorial's text, for the tests that run them and for the notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

TUTORIAL = Path(__file__).parent / "tutorial.md"
EXPLAIN = ("filters", "feature-maps-conv1", "feature-maps-pool", "hires-cam", "grad-cam", "occlusion",
           "maximised-filters", "exciting-images")  # fmt: skip
EVALUATE = ("mistakes", "confusion_matrix", "reliability")
"""Figures that two commands of the tutorial draw, by the names of their files."""

MADE = {
    **{name: f"explained/image/{name}.png" for name in EXPLAIN},
    **{name.replace("_", "-"): f"evaluation/{name}.png" for name in EVALUATE},
    "page": "found/photo.png",
}
"""Where the tutorial's own commands write the figures that it shows, by their names in `images/`."""

_CURVES = "saved_models/mnist_cnn.png"
_FIGURE = re.compile(r"^!\[.+\]\(images/(.+)\.png\)$", re.MULTILINE)
_IMPORT = "from IPython.display import Image as Figure\n\n"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n?", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of the tutorial.

    Args:
        kind: `prose`; `python` or `sh`, which are run; `output`, the exact output of the block before it (its end, if
            the first line is three dots); `text`, its output except for the numbers.
        content: Text without the fences.
    """

    kind: str
    content: str


def blocks(text: str) -> list[Block]:
    """Divide a Markdown text at its fenced blocks."""
    result, position = [], 0
    for match in _FENCE.finditer(text):
        result.append(Block("prose", text[position : match.start()].strip()))
        result.append(Block(match[1], match[2]))
        position = match.end()
    result.append(Block("prose", text[position:].strip()))
    return [block for block in result if block.content]


def cells(text: str) -> list[tuple[str, str]]:
    """Convert blocks to the cells of a notebook: `code` or `markdown`, and the source.

    Commands get an exclamation mark. Output is left out, since the notebook prints it itself; and of figures that a
    command has just drawn, that drawing is shown.
    """
    result: list[tuple[str, str]] = []
    for block in blocks(text):
        if block.kind == "python":
            result.append(("code", block.content.strip()))
        elif block.kind == "sh":
            result.append(("code", "\n".join(f"!{line}" for line in block.content.splitlines())))
            if block.content.startswith("kerascnn fit"):
                result.append(("code", f"{_IMPORT}{_show(_CURVES)}"))
        elif block.kind == "prose":
            result += _divide_at_made_figures(block.content)
    return result


def _divide_at_made_figures(text: str) -> list[tuple[str, str]]:
    """Convert prose to cells of text, and cells of code that show the figures that a command has made."""
    result, position = [], 0
    for match in _FIGURE.finditer(text):
        if match[1] in MADE:
            # The first after a command needs nothing from cells before it, which a reader may leave out.
            first = "" if result else _IMPORT
            result += [
                ("markdown", text[position : match.start()].strip()),
                ("code", f"{first}{_show(MADE[match[1]])}"),
            ]
            position = match.end()
    result.append(("markdown", text[position:].strip()))
    return [(kind, source) for kind, source in result if source]


def _show(path: str) -> str:
    return f'Figure("{path}", width=600)'
