"""Draft a template of a blank form, for a person to give its fields their names."""

import os
from pathlib import Path

from kerascnn.forms.field_detection import find_fields
from kerascnn.forms.registration import BlankForm
from kerascnn.forms.template import make_template
from kerascnn.images.documents import find_document
from kerascnn.inference.drawing import draw_page
from kerascnn.inference.sources import STANDARD_INPUT, open_picture
from kerascnn.utils.errors import OutputError, UsageError
from kerascnn.utils.files import write_bytes


def draft_template(image: str, output: Path) -> tuple[Path, Path]:
    """Find the fields of a blank form, and write a template of it and a picture that shows them.

    Args:
        image: Path of the blank form: a picture, or a page of a document such as `form.pdf#1`.
        output: The template, a `.json` file; a template that is there already is not replaced, since a person may have
            named its fields.

    Returns:
        Paths of the template, and of the picture beside it.

    Raises:
        ImageError: If the form cannot be read, or has neither a box nor a line to write on.
        UsageError: If the form is no file, or the template's name does not end in `.json`.
        OutputError: If a file is there already or cannot be written.

    Example:
        >>> draft_template("blank.png", Path("form.json"))
        (PosixPath('form.json'), PosixPath('form-fields.png'))
    """
    if image == STANDARD_INPUT:
        raise UsageError("the template refers to the picture of the blank form; give a file instead of -.")
    if output.suffix.lower() != ".json":
        raise UsageError(f"{output} would be no template; give a name that ends in .json with --output.")
    drawing = output.with_name(f"{output.stem}-fields.png")
    for path in (output, drawing):
        if path.exists():
            raise OutputError(f"{path} is there already, and its fields may have names; move it, or give another name.")
    picture = open_picture(image)
    BlankForm.from_picture(picture, image)
    fields = find_fields(picture, image)
    document = find_document(image)
    relative = os.path.relpath(document, output.parent) + image.removeprefix(document)
    write_bytes(output, make_template(relative, fields).to_json())
    write_bytes(drawing, draw_page(picture, [(field.box, field.name, None) for field in fields]))
    return output, drawing
