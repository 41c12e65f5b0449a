"""Write synthetic pages to a directory, with their labels beside them."""

import csv
import io
import json
from pathlib import Path

from PIL import Image

from kerascnn.datasets.synthetic.pages import STYLES, make_page
from kerascnn.datasets.synthetic.symbol_pages import SYMBOL_STYLES, make_symbol_page
from kerascnn.utils.errors import UsageError
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.png import encode_png

_LABELS = "labels.csv"


def write_pages(
    directory: str | Path,
    style: str = "plain",
    count: int = 10,
    seed: int = 0,
    *,
    part: str = "test",
    symbols: bool = False,
) -> list[Path]:
    """Write pages as PNG files, and their labels as `labels.csv`.

    Args:
        directory: Directory to write to; it is made if it is missing.
        style: Name of a style in `STYLES`, or `"all"` for `count` pages of each.
        count: Number of pages of each style, at least 1; 10 by default.
        seed: Random seed of the first page; the following pages count up.
        part: Part of MNIST whose digits are written, `"test"` or `"train"`.
        symbols: Whether the pages have numbers with symbols, as `make_symbol_page` writes them.

    Returns:
        Paths of the pictures. `labels.csv` has the columns `file`, `style`, `seed`, `text` (`|` between lines)
        and `boxes` (JSON: a list a line of `[x, y, width, height]` a digit or symbol, in pixels).

    Raises:
        UsageError: If the style or the part is unknown, or the count is not positive.
        OutputError: If a file cannot be written, or would replace one that is no page of an earlier run.

    Example:
        >>> write_pages("pages", "lined", count=1)
        [PosixPath('pages/lined-0.png')]
    """
    if count < 1:
        raise UsageError(f"{count} pages cannot be made; expected a count of at least 1.")
    styles = [style] if style != "all" else SYMBOL_STYLES if symbols else STYLES
    make = make_symbol_page if symbols else make_page
    pages = {f"{name}-{number}.png": (name, number) for name in styles for number in range(seed, seed + count)}
    paths: list[Path] = []
    labels = io.StringIO()
    writer = csv.writer(labels, lineterminator="\n")
    writer.writerow(["file", "style", "seed", "text", "boxes"])
    with OutputDirectory(Path(directory), "synthetic pages", [*pages, _LABELS]) as output:
        for file, (name, number) in pages.items():
            page = make(name, number, part=part)
            paths.append(output.write(file, encode_png(Image.fromarray(page.picture))))
            writer.writerow([file, name, number, "|".join(page.lines), json.dumps(page.boxes)])
        output.write(_LABELS, labels.getvalue().encode())
    return paths
