"""What a user may have meant by a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(name: str, known: Iterable[str]) -> str:
    """Ask for the names that are near a misspelt one: `; did you mean 'reference'?`, or nothing if there is none."""
    near = get_close_matches(name, list(known))
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
