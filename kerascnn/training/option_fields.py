"""Fields of dataclasses that say all about themselves: default, range, help and place in `--help`, in one call.

`Recipe` and `RunOptions` are made of them. Their values are checked, their docstrings written and the options of
`kerascnn fit` made from what the fields say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from inspect import cleandoc
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from kerascnn.utils.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Class = TypeVar("_Class", bound=type)


@dataclass(frozen=True)
class Limits:
    """The numbers that a field allows: at least `minimum`, above `above`, at most `maximum` and below `below`."""

    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None

    def allow(self, value: float) -> bool:
        """Tell whether a number is finite and lies within the limits."""
        return isfinite(value) and not (
            (self.minimum is not None and value < self.minimum)
            or (self.above is not None and value <= self.above)
            or (self.maximum is not None and value > self.maximum)
            or (self.below is not None and value >= self.below)
        )

    def __str__(self) -> str:
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {_short(self.maximum)}"
        parts = (("at least", self.minimum), ("above", self.above), ("below", self.below))
        return " and ".join(f"{words} {number:g}" for words, number in parts if number is not None)


@dataclass(frozen=True)
class Option:
    """What a field says of itself.

    Args:
        help: One sentence for `--help` and docstrings.
        allowed: Limits of a number, or the words to choose from; None if there is nothing to check.
        panel: Heading under which `--help` shows the option; None if it is for Python only.
        metavar: Name of the value in `--help`; None for that of its type.
        flag: Name of the option, such as `--from`; None to derive it from the field's name.
        short_flag: Short name of the option, such as `-o`; None if it has none.
    """

    help: str
    allowed: Limits | Sequence[str] | None
    panel: str | None
    metavar: str | None
    flag: str | None
    short_flag: str | None


def option(
    default: Any,
    help: str,
    allowed: Limits | Sequence[str] | None = None,
    *,
    panel: str | None = "Recipe",
    metavar: str | None = None,
    flag: str | None = None,
    short_flag: str | None = None,
) -> Any:
    """Make a field of a dataclass; the arguments are those of `Option`, with the default value first."""
    return field(default=default, metadata={"option": Option(help, allowed, panel, metavar, flag, short_flag)})


def list_options(kind: type["DataclassInstance"]) -> Iterator[tuple[Field[Any], Option]]:
    """List the fields of a dataclass, each with what it says of itself."""
    return ((one, one.metadata["option"]) for one in fields(kind))


def resolve_type(one: Field[Any]) -> type:
    """Find the type of a field's values: bool, int, float, tuple, or str for everything else."""
    kinds: tuple[Any, ...] = (one.type, *get_args(one.type))
    if any(get_origin(kind) is tuple for kind in kinds):
        return tuple
    return next((kind for kind in (bool, int, float) if kind in kinds), str)


def make_flags(name: str, made: Option) -> list[str]:
    """Make the names of a field's option on the command line, the long one first."""
    return [made.flag or f"--{name.replace('_', '-')}", *([made.short_flag] if made.short_flag else [])]


def check_values(values: "DataclassInstance") -> None:
    """Raise UsageError unless each value is of its field's type and among what the field allows."""
    for one, made in list_options(type(values)):
        value = getattr(values, one.name)
        if value is None or made.allowed is None:
            continue
        if not isinstance(made.allowed, Limits):
            if value not in made.allowed:
                raise UsageError(f"{one.name} is {value!r}; choose one of {', '.join(made.allowed)}.")
            continue
        numbers = value if isinstance(value, tuple) else (value,)
        is_whole = resolve_type(one) is int
        if not all(isinstance(number, int if is_whole else int | float) for number in numbers):
            raise UsageError(f"{one.name} is {value!r}; expected {'a whole number' if is_whole else 'a number'}.")
        if not all(map(made.allowed.allow, numbers)):
            each = f"each {one.name.replace('_', ' ').removesuffix('s')} " if isinstance(value, tuple) else ""
            raise UsageError(f"{one.name} is {as_text(value)}; expected {each}{made.allowed}.")


def document_fields(kind: _Class) -> _Class:
    """Add the fields of a dataclass to its docstring; a class decorator."""
    kind.__doc__ = f"{cleandoc(kind.__doc__ or '')}\n\nArgs:\n{fields_as_text(kind)}"
    return kind


def fields_as_text(kind: type["DataclassInstance"], indent: str = "    ") -> str:
    """Write the fields of a dataclass as they stand in the section Args of a docstring, one a line."""
    lines = []
    for one, made in list_options(kind):
        allowed = made.allowed if isinstance(made.allowed, Limits) else " or ".join(made.allowed or ())
        default = f"default: {as_text(one.default)}" if isinstance(one.default, str | float | int) else ""
        facts = "; ".join(text for text in (str(allowed), default) if text)
        lines.append(f"{indent}{one.name}: {made.help}" + (f" [{facts}]" if facts else ""))
    return "\n".join(lines)


def as_text(value: Any) -> str:
    """Write a value as on the command line."""
    if isinstance(value, tuple | list):
        return ",".join(map(as_text, value))
    return _short(value) if isinstance(value, float) else str(value)


def _short(number: float) -> str:
    """Write a number without needless digits, such as 0.002 or 1."""
    return str(int(number)) if float(number).is_integer() else str(number)
