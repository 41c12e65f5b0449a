"""Pages of PDF files as pictures: scans at their own resolution, everything else at 200 dots an inch.

PDFium (the extra `documents`) draws them in a process of its own, `kerascnn.images.pdf_drawing`, which may die.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from kerascnn.utils.errors import ImageError, OutputError
from kerascnn.utils.processes import Child
from kerascnn.utils.staging import temporary_directory

MAX_UNNAMED_PAGES = 1000
"""Pages of a PDF above which those that are wanted must be named: reading more would take hours."""

PDF_HEAD = 1024
"""Bytes within which a PDF says that it is one."""

COULD_NOT = 3
"""Exit code of the process that draws, where it has printed one sentence about the file."""

_SECONDS = 120  # in which a page is drawn on a machine that does other things as well


def is_pdf(head: bytes) -> bool:
    """Tell by the first kilobyte of a file whether it is a PDF."""
    return b"%PDF-" in head[:PDF_HEAD]


def count_pdf_pages(source: Path | bytes, name: str) -> int:
    """Count the pages of a PDF: a path, or the bytes of the file.

    Raises:
        ImageError: If the file is damaged, encrypted or has no pages, or pypdfium2 is missing.
    """
    with _make_place(name) as directory:
        return int(_run(source, directory, name))


def draw_pdf_page(source: Path | bytes, name: str, index: int) -> np.ndarray:
    """Draw a page of a PDF by its index, from 0.

    Returns:
        uint8, `(height, width, 3)` in RGB, or `(height, width)` where the page is a grey scan.

    Raises:
        ImageError: If the page is damaged or too large, or takes too much memory or time.
    """
    with _make_place(f"{name}#{index + 1}") as directory:
        drawn = directory / "page.npy"
        _run(source, directory, name, str(index + 1), str(drawn))
        page: np.ndarray = np.load(drawn, allow_pickle=False)
        return page


@contextmanager
def _make_place(name: str) -> Iterator[Path]:
    """Make a temporary directory to draw in; whatever goes wrong there is told of the picture, and the others go on."""
    try:
        with temporary_directory() as directory:
            yield directory
    except (OutputError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{name} cannot be drawn: {error}") from error


def _run(source: Path | bytes, directory: Path, name: str, *arguments: str) -> str:
    """Run the process on a file, and return what it printed."""
    page = "#".join([name, *arguments[:1]])
    if find_spec("pypdfium2") is None:
        raise ImageError(f"{name} is a PDF, which needs pypdfium2; pip install 'kerascnn[documents]' adds it.")
    if isinstance(source, bytes):
        path = directory / "input.pdf"
        path.write_bytes(source)
    else:
        path = source.absolute()
    try:
        with Child("-m", "kerascnn.images.pdf_drawing", str(path), name, *arguments) as process:
            result = process.finish(_SECONDS)
    except subprocess.TimeoutExpired:
        result = None
    if result is not None and result.returncode == 0:
        return result.stdout
    if result is not None and result.returncode == COULD_NOT and result.stdout:
        raise ImageError(result.stdout)
    raise ImageError(f"{page} takes more memory or time than a page may; print it as a picture and give that.")
