"""The names of classes: their order, what they may be, and how messages list them."""

from collections.abc import Sequence

from kerascnn.utils.errors import DataError

_LONGEST_NAME = 255  # characters, as of a directory that is a class
_SHOWN = 40  # characters of a name in a message


def sort_names(names: Sequence[str]) -> tuple[str, ...]:
    """Sort the names of classes: numbers in their order, so that 10 comes after 9, then words."""
    return tuple(sorted(names, key=_sorting_key))


def _sorting_key(name: str) -> tuple[bool, int, str]:
    # Python reads no numbers of thousands of digits; no class has one.
    is_number = name.isdecimal() and len(name) <= _LONGEST_NAME
    return not is_number, int(name) if is_number else 0, name


def require_names(names: Sequence[str], source: str) -> None:
    """Verify the names of classes: all different, none empty or longer than the name of a file may be.

    Raises:
        DataError: If they are not; `source` is whose names they are.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{source}: two classes have the name {shorten([twice])}; give each class a name of its own.")
    for name in names:
        if not name.strip() or len(name) > _LONGEST_NAME:
            raise DataError(
                f"{source}: a class has the name {shorten([name])!r} of {len(name):,} characters; "
                f"expected 1 to {_LONGEST_NAME}."
            )


def shorten(names: Sequence[str]) -> str:
    """List names for a message: the first ones, and the beginnings of long ones."""
    shown = [name if len(name) <= _SHOWN else name[:_SHOWN] + "..." for name in names[:12]]
    return ", ".join(shown + ["..."] * (len(names) > len(shown)))
