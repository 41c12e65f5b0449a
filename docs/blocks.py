"""The tutorial's text as a list of blocks: what the tests run, and what the notebook is made from."""

import re
from dataclasses import dataclass
from pathlib import Path

TUTORIAL = Path(__file__).parent / "tutorial.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n?", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A stretch of the tutorial.

    Args:
        kind: `prose`; `python` or `sh`, which are run; `output`, what the block before it prints, exactly; `text`,
            something like it.
        content: without the fences.
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
