"""From a sheet to its picture: a scanner, a copier or a telephone."""

from dataclasses import dataclass

import cv2
import numpy as np

from kerascnn.datasets.synthetic import camera
from kerascnn.datasets.synthetic.documents.entries import Entry
from kerascnn.datasets.synthetic.documents.paper_form import Area, Colours, PaperForm, render
from kerascnn.utils.errors import UsageError


@dataclass(frozen=True)
class DocumentStyle:
    """How a document is taken: lengths in pixels, shares 0..1."""

    resolution: tuple[int, int]  # lowest and highest number of pixels an inch
    skew: float = 1.2  # largest angle in degrees at which it lies under the scanner
    effects: tuple[str, ...] = ()  # of the camera, as in `kerascnn.datasets.synthetic.camera`
    blur: float = 0.6  # standard deviation
    grain: float = 0.008  # standard deviation of the noise
    quality: int = 90  # of the JPEG compression, 1..100; 0 for no compression
    is_copied: bool = False  # grey, with hard contrast and specks of toner


DOCUMENT_STYLES: dict[str, DocumentStyle] = {
    "scan": DocumentStyle((150, 240)),
    "copy": DocumentStyle((150, 220), skew=2.0, blur=0.7, grain=0.02, quality=75, is_copied=True),
    "photo": DocumentStyle((150, 200), 0.0, ("perspective", "surround", "gradient"), 0.9, 0.015, 88),
    "shadow": DocumentStyle((150, 200), 0.8, ("perspective", "shadow"), 0.8, 0.012, 88),
}
"""How documents are taken, by name."""

_BLANK = DocumentStyle((200, 200), skew=0.0, blur=0.4, grain=0.004, quality=95)

MILLIMETRES = 25.4
"""Of an inch."""

_LIDS = ((0.98, 0.98, 0.98), (0.85, 0.85, 0.84), (0.07, 0.07, 0.07))
_SPECKS = 25  # of toner in a million pixels


def find_document_style(style: str | None, seed: int) -> str:
    """Name the style of a document: documents take turns in the styles if none is given.

    Raises:
        UsageError: If there is no such style.
    """
    names = list(DOCUMENT_STYLES)
    if style is None:
        return names[seed % len(names)]
    if style not in DOCUMENT_STYLES:
        raise UsageError(f"there is no style {style!r} of documents; expected one of {', '.join(names)}.")
    return style


def choose_dots(style: str, generator: np.random.Generator) -> float:
    """Choose the pixels a millimetre of a picture."""
    low, high = DOCUMENT_STYLES[style].resolution
    return float(generator.uniform(low, high)) / MILLIMETRES


def take_picture(
    form: PaperForm, colours: Colours, style: str, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Render a sheet and take its picture: uint8 `(height, width, 3)`, RGB, and the matrix from sheet to picture."""
    look = DOCUMENT_STYLES.get(style, _BLANK)
    page = render(form, colours, generator)
    dark = "surround" in look.effects
    lid = np.asarray(_LIDS[2 if dark else generator.integers(len(_LIDS))], np.float32)
    page = _show_holes(page, form.holes, lid)
    page, skew = _lay_askew(page, look.skew, lid, generator)
    page, matrix = camera.transform_page(page, look.effects, generator)
    if look.effects:
        page = camera.illuminate(page, look.effects, generator)
    if look.is_copied:
        page = _copy(page, generator)
    return camera.expose(page, look.blur, look.grain, look.quality, generator), matrix @ skew


def find_entry(form: PaperForm, area: Area, matrix: np.ndarray, written: str, state: str) -> Entry:
    """Put a cell or a field into the coordinates of the picture."""
    left, top, across, down = (value * form.dots for value in area)
    return Entry(written, state, camera.transform_box((left, top, across, down), matrix))


def _show_holes(page: np.ndarray, holes: np.ndarray | None, behind: np.ndarray) -> np.ndarray:
    """Show what is behind the holes, with the shadow of their upper edge."""
    if holes is None:
        return page
    shadow = np.clip(holes - np.roll(holes, 2, axis=0), 0, 1)[..., None]
    shown: np.ndarray = (page * (1 - holes[..., None]) + behind * holes[..., None]) * (1 - 0.5 * shadow)
    return shown


def _lay_askew(
    page: np.ndarray, largest: float, lid: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a sheet askew on the glass: turned about its middle, on a picture of its own size or a little larger."""
    if not largest:
        return page, np.eye(3)
    height, width = page.shape[:2]
    border = int(generator.integers(0, 40))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), generator.uniform(-largest, largest), 1)
    turn[:, 2] += border
    size = (width + 2 * border, height + 2 * border)
    inside = cv2.warpAffine(np.ones((height, width), np.float32), turn, size, flags=cv2.INTER_LINEAR)
    turned = cv2.warpAffine(page, turn, size, flags=cv2.INTER_LINEAR)
    # The edge of the sheet throws a narrow shadow on the lid.
    shadow = 1 - 0.25 * cv2.GaussianBlur(inside, (0, 0), 3)[..., None]
    laid: np.ndarray = turned + lid * shadow * (1 - inside[..., None])
    return laid.astype(np.float32), np.vstack([turn, [0, 0, 1]])


def _copy(page: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Copy a sheet: grey with hard contrast, streaks along the drum, specks of toner."""
    grey = page @ np.array([0.3, 0.59, 0.11], np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.6)
    streaks = cv2.GaussianBlur(generator.standard_normal((1, grey.shape[1]), np.float32), (0, 0), 2)
    toner = generator.standard_normal(grey.shape, np.float32)
    level = generator.uniform(0.6, 0.75) + 0.03 * streaks
    copied = 1 / (1 + np.exp((level - grey) / 0.07)) + 0.02 * toner
    count = int(_SPECKS * grey.size / 1e6 * generator.uniform(0.5, 2))
    for x, y, radius in zip(
        generator.integers(0, grey.shape[1], count),
        generator.integers(0, grey.shape[0], count),
        generator.integers(0, 2, count),
        strict=True,
    ):
        cv2.circle(copied, (int(x), int(y)), int(radius), 0.15, -1, cv2.LINE_AA)
    return np.repeat(np.clip(copied, 0.03, 0.98)[..., None], 3, axis=2).astype(np.float32)
