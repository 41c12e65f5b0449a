"""A template: the fields of a form by name, with their boxes on a picture of the blank form."""

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from kerascnn.inference.number_automaton import Rule
from kerascnn.inference.number_rules import load_expected, make_rule
from kerascnn.utils.errors import DataError, UsageError

_FORMAT = 1
_MOST_BYTES = 2**22
_MOST_FIELDS = 2000

_COMMA_BEFORE_END = re.compile(rb",(?=\s*[\]}])")

_Pixels = Annotated[int, Meta(ge=0, le=1 << 20)]
_Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a form.

    Args:
        name: Its name, that of a column of the table.
        box: Left, top, width and height in pixels of the picture of the blank form, after EXIF.
        cells: Number of boxes for one digit each that it consists of; 1 if it is one box.
        digits: How many digits its number has, such as `8` or `4-6`; None if that is not known.
        pattern: What its number is like, such as `\\d{4}-\\d{2}`.
        expect: A text file of the numbers that may occur, relative to the template.
        check: The check digits that its number has, such as `luhn`.
    """

    name: _Text
    box: tuple[_Pixels, _Pixels, Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]]
    cells: Annotated[int, Meta(ge=1, le=1000)] = 1
    digits: _Text | None = None
    pattern: _Text | None = None
    expect: _Text | None = None
    check: _Text | None = None

    def make_rule(self, directory: Path) -> Rule | None:
        """Make a rule of what is known of its number; None if that is nothing.

        Args:
            directory: That of the template, where the file of the numbers is looked for.

        Raises:
            UsageError: If something that is known is malformed.
            DataError: If the file of the numbers cannot be read.
        """
        expected = None if self.expect is None else load_expected(directory / self.expect)
        return make_rule(self.digits, self.pattern, expected, self.check)


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be read on forms of one kind.

    Args:
        format: Version of this description.
        picture: The blank form: a picture or a page of a document, relative to the template.
        fields: The fields in the order of the table's columns.
    """

    format: int
    picture: _Text
    fields: Annotated[tuple[Field, ...], Meta(min_length=1, max_length=_MOST_FIELDS)]

    def to_json(self) -> bytes:
        """Write the template as a JSON document for a person to edit, with one field a line."""
        fields = ",\n".join("  " + msgspec.json.encode(field).decode() for field in self.fields)
        picture = msgspec.json.encode(self.picture).decode()
        return f'{{\n "format": {self.format},\n "picture": {picture},\n "fields": [\n{fields}\n ]\n}}\n'.encode()


def make_template(picture: str, fields: tuple[Field, ...]) -> Template:
    """Make a template of this version.

    Args:
        picture: The blank form, relative to where the template will be.
        fields: Its fields.
    """
    return Template(_FORMAT, picture, fields)


def load_template(path: Path) -> Template:
    """Load a template that `kerascnn template` drafted and a person may have changed.

    Raises:
        DataError: If it cannot be read or is no template.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} is larger than {_MOST_BYTES // 2**20} MiB; it is no template of a form.")
        template = _decode(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"the template {path} cannot be read ({error.strerror}); 'kerascnn template' drafts one of a blank form."
        ) from error
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        reason = str(error) or "it is nested too deeply"
        raise DataError(
            f"{path} is no template of a form ({reason}); 'kerascnn template' drafts one of a blank form."
        ) from error
    _check_template(template, path)
    return template


def _decode(content: bytes) -> Template:
    try:
        return msgspec.json.decode(content, type=Template)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Where a person took the last field away, the comma before it is left.
        return msgspec.json.decode(_COMMA_BEFORE_END.sub(b"", content), type=Template)


def _check_template(template: Template, path: Path) -> None:
    if template.format != _FORMAT:
        raise DataError(f"{path} has format {template.format}, not {_FORMAT}; a newer kerascnn may know it.")
    names = [field.name for field in template.fields]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"two fields of {path} are called {twice!r}; give each field a name of its own.")
    for field in template.fields:
        try:
            field.make_rule(path.parent)
        except (UsageError, DataError) as error:
            raise DataError(f"the field {field.name!r} of {path}: {error}") from error
