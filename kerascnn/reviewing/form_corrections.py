"""Corrections of the fields of a form."""

from collections.abc import Sequence
from dataclasses import replace

from kerascnn.forms.form_reading import FieldReading, Form
from kerascnn.inference.page_text import Line, Number, Page
from kerascnn.reviewing.corrections import Match


def show_as_page(form: Form) -> Page:
    """Show a form as a page with a line for each field in which something stands."""
    numbers = [field.number for field in form.fields if field.number is not None]
    return Page(tuple(Line(number.text, (), (number,)) for number in numbers))


def correct_form(form: Form, matches: Sequence[Match]) -> Form:
    """Replace what was read in fields by what a person says that it is, given the matches of the form as a page."""
    chosen = {id(match.number): match.correction.corrected for match in matches}
    return replace(form, fields=tuple(_correct_field(field, chosen) for field in form.fields))


def _correct_field(field: FieldReading, chosen: dict[int, str]) -> FieldReading:
    number = field.number
    if number is None or id(number) not in chosen:
        return field
    text = chosen[id(number)]
    return replace(field, number=Number(text, 1.0, number.box, corrected=True) if text else None)
