"""Count and draw the pages of a PDF, in a process of its own with limits of memory and time.

PDFium bounds neither: a file of two kilobytes may ask for hours or for all of the memory. It is started by
`kerascnn.images.pdf_pages`.
"""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.images.opening import MAX_PIXELS, open_file
from kerascnn.images.pdf_pages import COULD_NOT
from kerascnn.utils.errors import ImageError
from kerascnn.utils.processes import end_with_parent

_POINTS = 72  # units of a page to an inch
_RESOLUTION = 200 / _POINTS  # pixels to a unit where nothing on the page has a resolution of its own
_MAX_PAGE_PIXELS = MAX_PIXELS // 2  # a page is drawn by PDFium and copied from it
_SCAN_COVERS = 0.85  # of a page, the least share that is scanned
_SCAN_PART = 0.02  # of a page, the least that a part of a scan covers: some scanners write strips
_MAX_DEPTH = 4  # of forms in forms
_ROUNDING = 1e-6  # of a size in points, which is rounded up to pixels
_PASSWORD = 4  # error of PDFium
_MEMORY = 1200 * 2**20  # bytes
_SECONDS = 20  # of the processor


def main(path: str, name: str, number: str = "", target: str = "") -> None:
    """Print how many pages a PDF has; or draw one of them, by its number, into a `.npy` file."""
    end_with_parent()
    _limit()
    try:
        import pypdfium2

        # PDFium reads through the open file, so that one that becomes shorter is a damaged one.
        with open_file(Path(path)) as stream, pypdfium2.PdfDocument(stream) as document:
            if not number:
                print(len(document))
                return
            _save(Path(target), _draw(document, int(number) - 1, f"{name}#{number}"), f"{name}#{number}")
    except Exception as error:
        sys.stdout.buffer.write(
            _explain(error, f"{name}#{number}" if number else name).encode(errors="surrogateescape")
        )
        sys.exit(COULD_NOT)


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no limits; the time is limited by who waits for this process
        return
    for kind, value in ((resource.RLIMIT_DATA, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _save(target: Path, page: np.ndarray, name: str) -> None:
    try:
        np.save(target, page)
    except OSError as error:
        raise ImageError(
            f"{name} cannot be drawn, since {target.parents[2]} is full or not writable; free some space there."
        ) from error


def _explain(error: Exception, name: str) -> str:
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, ImportError):
        return (
            f"{name} is a PDF, and pypdfium2 cannot be imported ({error}); "
            "pip install --force-reinstall pypdfium2 may mend it."
        )
    if getattr(error, "err_code", None) == _PASSWORD:
        return f"{name} is encrypted; save a copy without its password and give that."
    return f"{name} is damaged and cannot be decoded."


def _draw(document: Any, index: int, name: str) -> np.ndarray:
    page = document[index]
    try:
        scale, is_grey = _choose_scale(page, name)
        bitmap = page.render(scale, grayscale=is_grey, rev_byteorder=True, may_draw_forms=False, limit_image_cache=True)
        try:
            return np.array(bitmap.to_numpy())
        finally:
            bitmap.close()
    finally:
        page.close()


def _choose_scale(page: Any, name: str) -> tuple[float, bool]:
    """Choose the pixels to a point of a page, before it is drawn, and tell whether all that it shows is a grey scan."""
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError("a page without a size")
    own, is_grey = _find_scan(page, name, width * height)
    if own is None and width * height * _RESOLUTION**2 > _MAX_PAGE_PIXELS:
        raise ImageError(
            f"{name} is {_describe_metres(width)} x {_describe_metres(height)} m large, which at 200 dpi has more than "
            f"{_MAX_PAGE_PIXELS:,} pixels; shrink or crop the page."
        )
    return min(own or _RESOLUTION, math.sqrt(_MAX_PAGE_PIXELS / (width * height))) * (1 - _ROUNDING), is_grey


def _describe_metres(points: float) -> str:
    return f"{points / _POINTS * 0.0254:,.3g}"


def _find_scan(page: Any, name: str, area: float) -> tuple[float | None, bool]:
    """Find the pixels to a point of the scan that covers a page; None if there is none.

    Raises:
        ImageError: If a picture on the page is too large.
    """
    from pypdfium2 import raw

    scales, covered, is_grey = [], 0.0, True
    for item in page.get_objects(max_depth=_MAX_DEPTH):
        if item.type != raw.FPDF_PAGEOBJ_IMAGE:
            is_grey = is_grey and item.type == raw.FPDF_PAGEOBJ_TEXT
            continue
        columns, rows = item.get_px_size()
        if columns * rows > MAX_PIXELS:
            raise ImageError(f"{name} shows a picture of more than {MAX_PIXELS:,} pixels; shrink it.")
        is_grey = is_grey and _is_grey(item)
        a, b, c, d = item.get_matrix().get()[:4]
        share = abs(a * d - b * c) / area
        if item.level == 0 and share >= _SCAN_PART:
            covered += share
            scales.append(max(columns / math.hypot(a, b), rows / math.hypot(c, d)))
    is_scan = covered >= _SCAN_COVERS
    return (max(scales) if is_scan else None), is_scan and is_grey


def _is_grey(image: Any) -> bool:
    from pypdfium2 import raw

    return bool(image.get_metadata().colorspace == raw.FPDF_COLORSPACE_DEVICEGRAY)


if __name__ == "__main__":
    main(*sys.argv[1:])
