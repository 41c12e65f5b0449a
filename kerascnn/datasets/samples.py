"""A few pictures to try: single digits and a page, drawn from MNIST's test part by `kerascnn.datasets.synthetic`."""

from pathlib import Path

from PIL import Image

from kerascnn.datasets.synthetic import make_page
from kerascnn.utils.outputs import OutputDirectory
from kerascnn.utils.png import encode_png

_DIGIT_STYLES = ("plain", "shadow", "squared", "coloured-ink", "chalk", "perspective")
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
    contents: dict[str, bytes] = {}
    for style in _DIGIT_STYLES:
        digit = make_page(style, _SEED, num_lines=1, digits_per_line=1)
        contents[f"digits/{digit.lines[0]}-{style}.png"] = encode_png(Image.fromarray(digit.picture))
    page = make_page(_PAGE_STYLE, _SEED)
    contents["page.png"] = encode_png(Image.fromarray(page.picture))
    contents["page.txt"] = "".join(f"{line}\n" for line in page.lines).encode()
    with OutputDirectory(Path(directory), "samples", contents) as output:
        return list(output.write_all(contents))
