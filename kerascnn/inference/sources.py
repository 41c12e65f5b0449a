"""Sources of pictures: files, directories, standard input, and pictures that are in memory already."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kerascnn.images.decoding import Page, Picture
from kerascnn.images.documents import find_page, list_pages, read_picture
from kerascnn.images.page_choice import PageChoice
from kerascnn.images.picture_files import describe_hidden, find_picture_files
from kerascnn.inference.arrays import take_single
from kerascnn.utils.errors import ImageError

STANDARD_INPUT = "-"
"""Stands for the picture on standard input wherever a path is expected."""

OnError = Callable[[str, ImageError], None]
"""Called with the name of a picture that cannot be read, and the reason; the other pictures go on."""


def expand_sources(
    arguments: Sequence[str], pages: str | None = None, on_note: Callable[[str], None] = lambda text: None
) -> list[Page]:
    """Replace each directory by the pictures below it, in alphabetical order, and each document by its pictures.

    A named file stands for itself, whatever it is. In a directory, hidden files are left out, and so are files that
    neither end like a picture nor are one, and what an earlier run drew there. Standard input is read here if it is
    named.

    Args:
        arguments: Paths, or `-`.
        pages: The pages that are wanted of each document, such as `1-3,7`; None for all.
        on_note: Called with a sentence if hidden pictures are left out.

    Raises:
        ImageError: If a directory holds no picture.
        UsageError: If the pages are no numbers and ranges.
    """
    choice = None if pages is None else PageChoice.parse(pages)
    sources: list[Page] = []
    hidden: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT or not path.is_dir():
            sources += list_pages(read_standard_input(argument), choice)
            continue
        found = find_picture_files(path)
        hidden += found.hidden
        if not found.paths:
            raise ImageError(
                f"{argument} holds no pictures, apart from {'hidden ones and ' if found.hidden else ''}what kerascnn "
                "drew there to show results; give a directory with picture files, or the files themselves."
            )
        for member in found.paths:
            sources += list_pages(str(member), choice)
    if hidden:
        on_note(describe_hidden(hidden))
    return sources


def open_picture(source: Picture) -> np.ndarray:
    """Decode a picture, `-` for standard input included, into uint8 `(height, width)` or `(height, width, 3)` in RGB.

    Every picture that this package predicts, reads or explains is opened here.

    Raises:
        ImageError: If the picture cannot be read, or the source has several.
    """
    return find_page(read_standard_input(take_single(source))).decode()


def read_standard_input(source: Picture) -> Picture:
    """Replace `-` by the bytes on standard input; leave every other source as it is."""
    return read_picture(sys.stdin.buffer) if isinstance(source, str) and source == STANDARD_INPUT else source


def each_page(sources: Iterable[Picture]) -> Iterator[Page]:
    """Divide sources into their pictures, one source after the other."""
    return (page for source in sources for page in list_pages(read_standard_input(source)))


def open_pictures(sources: Iterable[Picture], on_error: OnError) -> Iterator[tuple[str, np.ndarray]]:
    """Decode pictures one after the other into their names and arrays; those that cannot be read go to `on_error`."""
    for page in each_page(sources):
        try:
            array = page.decode()
        except ImageError as error:
            on_error(page.name, error)
        else:
            yield page.name, array
