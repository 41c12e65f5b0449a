"""Write synthetic pages to a directory, with their labels beside them."""

import csv
import io
import json
from pathlib import Path

from PIL import Image

from kerascnn.datasets.synthetic.pages import STYLES, make_page
from kerascnn.utils.errors import UsageError
from kerascnn.utils.files import write_bytes


def write_pages(
    directory: str | Path, style: str = "plain", count: int = 10, seed: int = 0, *, part: str = "test"
) -> list[Path]:
    """Write pages as PNG files, and their labels as `labels.csv`.

    Args:
        directory: Directory to write to; it is made if it is missing.
        style: Name of a style in `STYLES`, or `"all"` for `count` pages of each.
        count: Number of pages of each style, at least 1; 10 by default.
        seed: Random seed of the first page; the following pages count up.
        part: Part of MNIST whose digits are written, `"test"` or `"train"`.

    Returns:
        Paths of the pictures. `labels.csv` has the columns `file`, `style`, `seed`, `text` (`|` between lines)
        and `boxes` (JSON: a list a line of `[x, y, width, height]` a digit, in pixels).

    Raises:
        UsageError: If the style or the part is unknown, or the count is not positive.
        OutputError: If a file cannot be written.

    Example:
        >>> write_pages("pages", "lined", count=1)
        [PosixPath('pages/lined-0.png')]
    """
    if count < 1:
        raise UsageError(f"{count} pages cannot be made; expected a count of at least 1.")
    directory = Path(directory)
    paths: list[Path] = []
    labels = io.StringIO()
    writer = csv.writer(labels, lineterminator="\n")
    writer.writerow(["file", "style", "seed", "text", "boxes"])
    for name in STYLES if style == "all" else [style]:
        for number in range(seed, seed + count):
            page = make_page(name, number, part=part)
            path = directory / f"{name}-{number}.png"
            stream = io.BytesIO()
            Image.fromarray(page.picture).save(stream, "PNG")
            write_bytes(path, stream.getvalue())
            paths.append(path)
            writer.writerow([path.name, name, number, "|".join(page.lines), json.dumps(page.boxes)])
    write_bytes(directory / "labels.csv", labels.getvalue().encode())
    return paths
