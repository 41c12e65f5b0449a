"""A few pictures to try: single digits and a page, drawn from MNIST's test part by `kerascnn.datasets.synthetic`."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.datasets.synthetic import make_page
from kerascnn.utils.errors import OutputError
from kerascnn.utils.files import write_bytes

_DIGIT_STYLES = ("plain", "shadow", "lined", "coloured-ink", "chalk", "perspective")
_PAGE_STYLE = "lined"
_SEED = 0  # the first one of each style, whatever digit it has: the samples are not selected


def write_samples(directory: str | Path) -> list[Path]:
    """Write single digits and one page as PNG files, and the page's text beside it.

    Args:
        directory: Directory to write in; it is made if it is missing.

    Returns:
        Paths of the files: `digits/DIGIT-STYLE.png` for each style, `page.png`, and `page.txt`, the page's digits, a
        line of writing in each line.

    Raises:
        OutputError: If a file cannot be written, or would replace another file of that name.
    """
    directory = Path(directory)
    contents: dict[Path, bytes] = {}
    for style in _DIGIT_STYLES:
        digit = make_page(style, _SEED, num_lines=1, digits_per_line=1)
        contents[directory / "digits" / f"{digit.lines[0]}-{style}.png"] = _png(digit.picture)
    page = make_page(_PAGE_STYLE, _SEED)
    contents[directory / "page.png"] = _png(page.picture)
    contents[directory / "page.txt"] = "".join(f"{line}\n" for line in page.lines).encode()
    for path, content in contents.items():
        if path.exists() and (not path.is_file() or path.read_bytes() != content):
            raise OutputError(f"{path} exists and is no sample of this version; choose another directory.")
    for path, content in contents.items():
        write_bytes(path, content)
    return list(contents)


def _png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
