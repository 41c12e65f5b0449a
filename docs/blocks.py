"""Blocks of the tutorial's text, for the tests that run them and for the notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

TUTORIAL = Path(__file__).parent / "tutorial.md"
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

    Commands get an exclamation mark. Output is left out, since the notebook prints it itself.
    """
    result = []
    for block in blocks(text):
        if block.kind == "python":
            result.append(("code", block.content.strip()))
        elif block.kind == "sh":
            result.append(("code", "\n".join(f"!{line}" for line in block.content.splitlines())))
        elif block.kind == "prose":
            result.append(("markdown", block.content))
    return result
