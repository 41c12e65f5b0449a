"""What people give as a picture that is none, and what to do with it."""

from pathlib import Path

_PDF = b"%PDF-"
_PDF_START = 1024
"""Number of bytes within which a PDF says that it is one."""


def describe_no_picture(name: str) -> str | None:
    """Say what to do with an address or a PDF in place of a picture; None if the name is neither."""
    scheme, separator, rest = name.partition("://")
    if separator and scheme.isalpha():
        file = rest.rpartition("/")[2] or "the file"
        return f"{name} is an address on the web; download it first, then give {file}."
    if _is_pdf(name):
        return f"{name} is a PDF; make a picture of each page first, for example: pdftoppm -r 200 -png {name} page."
    return None


def _is_pdf(name: str) -> bool:
    try:
        if not Path(name).is_file():  # a pipe would be waited for
            return False
        with Path(name).open("rb") as file:
            return _PDF in file.read(_PDF_START)
    except (OSError, ValueError):
        return False
