"""Candidates of what is ink: a picture gives several, of both polarities, and the evidence chooses among them.

Each candidate is a selection of connected components of one contrast map. The maps differ in what they take for the
background: one level, a quadratic surface, the surroundings of each pixel, or the sheet of a photographed page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from kerascnn.images.background import estimate_background
from kerascnn.images.binarization import binarize_page
from kerascnn.images.components import Components, find_components
from kerascnn.images.glyphs import Glyph
from kerascnn.images.grid_removal import remove_printed_lines

MAPS = ("level", "surface", "local", "page")
"""Names of the contrast maps."""

SELECTIONS = ("all", "group", "group inside", "main", "inside", "inside group", "inside main")
"""Names of the rules by which components are selected."""

_SAMPLES = 1000  # pixels that are enough to estimate a quantile
_CONTENT_SAMPLES = 1000  # rows or columns that are enough to find where an even border ends
_EVEN = 0.05  # of the largest deviation: what JPEG does to one colour is less
_SMALLEST, _LARGEST = 112, 224  # pixels of the longer side of the grid on which candidates are looked for


@dataclass(frozen=True, eq=False)
class ContrastMap:
    """How far each pixel stands out from what is taken for the background, on the grid of a picture.

    Args:
        name: Name in `MAPS`.
        contrast: float32, `(height, width)`, 0 is background; grey levels or a share of the background's light.
        deviation: float32, `(height, width)`: the same towards either polarity, of which ink explains a part.
        mask: bool, `(height, width)`: the pixels above the threshold of the map.
        threshold: The contrast that parts ink from background.
        noise: Standard deviation of the background's contrast.
    """

    name: str
    contrast: np.ndarray
    deviation: np.ndarray
    mask: np.ndarray
    threshold: float
    noise: float

    @cached_property
    def area(self) -> int:
        """Number of pixels of the foreground."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def contrast_statistics(self) -> tuple[float, float]:
        """Mean and standard deviation of the contrast."""
        return measure_mean_and_deviation(self.contrast)

    @cached_property
    def mean_deviation(self) -> float:
        """Mean of the deviation."""
        return float(cv2.mean(self.deviation)[0])


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to see the ink of a picture.

    Args:
        source: The contrast map that it was found on.
        selection: Name in `SELECTIONS` of the rule by which its components were selected.
        glyph: The selected pixels, on the grid of the map.
        areas: Number of pixels of each selected component, `(n,)`.
    """

    source: ContrastMap
    selection: str
    glyph: Glyph
    areas: np.ndarray


def measure_mean_and_deviation(values: np.ndarray, mask: np.ndarray | None = None) -> tuple[float, float]:
    """Measure mean and standard deviation of float32 values, `(height, width)`, where a bool mask is True."""
    mean, deviation = cv2.meanStdDev(values, mask=None if mask is None else mask.view(np.uint8))
    return float(mean[0, 0]), float(deviation[0, 0])


def find_candidates(maps: Sequence[ContrastMap]) -> list[Candidate]:
    """Select the components of each contrast map in several ways, each selection once."""
    return [candidate for source in maps for candidate in _select(source)]


def find_first_candidates(picture: np.ndarray) -> list[Candidate]:
    """Find the candidates that are made in no time; they suffice where a picture shows a glyph on even paper.

    The picture is uint8, `(height, width)` or `(height, width, 3)`, as `resample` gives it.
    """
    return find_candidates(make_level_maps(picture))


def find_shaded_candidates(picture: np.ndarray) -> list[Candidate]:
    """Find the candidates that an estimate of the background gives: shadows, coloured ink, stained paper."""
    return find_candidates([*make_surface_maps(picture), *make_local_maps(picture)])


def find_page_candidates(picture: np.ndarray) -> list[Candidate]:
    """Find the candidates of a photographed page, without printed lines and the table around the sheet."""
    return find_candidates(make_page_maps(picture))


STAGES = (find_first_candidates, find_shaded_candidates, find_page_candidates)
"""Finders of candidates, the quickest first; each takes a picture that `resample` gives."""


def find_content(picture: np.ndarray) -> tuple[slice, slice]:
    """Find the rows and columns inside an even border of one colour, which says nothing of what it surrounds.

    Args:
        picture: uint8, `(height, width)` or `(height, width, 3)`.

    Returns:
        Slices of the rows and of the columns; all of them for a picture whose border is not even, or that is blank.
    """
    step = max(1, max(picture.shape[:2]) // _CONTENT_SAMPLES)
    sampled = np.ascontiguousarray(picture[::step, ::step])
    corner = np.full_like(sampled, sampled[0, 0])
    deviation = cv2.absdiff(sampled, corner).reshape(*sampled.shape[:2], -1)
    rows, columns = deviation.max(axis=(1, 2)), deviation.max(axis=(0, 2))
    level = _EVEN * int(rows.max())
    return _span(rows > level, step, picture.shape[0]), _span(columns > level, step, picture.shape[1])


def _span(stands_out: np.ndarray, step: int, size: int) -> slice:
    found = np.flatnonzero(stands_out)
    if not len(found):
        return slice(0, size)
    # What lies between two samples may belong to the content.
    return slice(max(0, int(found[0]) * step - step + 1), min(size, int(found[-1]) * step + step))


def resample(picture: np.ndarray) -> np.ndarray:
    """Resample a picture to the grid on which its ink is looked for: size and even margins make no difference."""
    picture = picture[find_content(picture)]
    longest = max(picture.shape[:2])
    scale = float(np.clip(longest, _SMALLEST, _LARGEST)) / longest
    if scale == 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def make_level_maps(picture: np.ndarray) -> list[ContrastMap]:
    """Divide a picture at one grey level, by Otsu's method; either side may be the ink."""
    grey = _to_grey(picture)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    counts, split = np.bincount(grey.ravel(), minlength=256), int(level) + 1
    dark = grey < split
    maps = []
    for sign, ink, background in ((-1, dark, counts[split:]), (1, ~dark, counts[:split])):
        total = int(background.sum())
        if total in (0, grey.size):
            return []
        levels = np.arange(256)[split:] if sign < 0 else np.arange(split)
        paper = int(levels[np.searchsorted(np.cumsum(background), total / 2)])
        mean = float(background @ levels) / total
        noise = (float(background @ (levels - mean) ** 2) / total) ** 0.5
        signed = np.float32(sign) * (grey.astype(np.float32) - np.float32(paper))
        threshold = max(sign * (split - 0.5 - paper), 1e-3)
        maps.append(ContrastMap("level", np.maximum(signed, 0), np.abs(signed), ink, threshold, noise))
    return maps


def make_surface_maps(picture: np.ndarray) -> list[ContrastMap]:
    """Compare a picture with a quadratic surface through its background, along the colour that stands out most."""
    values = np.atleast_3d(picture.astype(np.float32))
    difference = values - estimate_background(values)
    flat = difference.reshape(-1, difference.shape[2])
    norms = np.linalg.norm(flat, axis=1)
    strongest = flat[norms >= np.percentile(norms, 97)]
    _, vectors = np.linalg.eigh(strongest.T @ strongest)
    return _both_signs("surface", np.asarray(difference @ vectors[:, -1], np.float32))


def make_local_maps(picture: np.ndarray) -> list[ContrastMap]:
    """Compare a picture with the mean of each pixel's surroundings, which follows shadows."""
    grey = _to_grey(picture).astype(np.float32)
    sigma = 0.12 * max(grey.shape)
    return _both_signs("local", grey - cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))


def make_page_maps(picture: np.ndarray) -> list[ContrastMap]:
    """Take the picture for a photographed page: a sheet, with shadows and printed lines, that are removed."""
    page = binarize_page(picture, _LARGEST)
    mask = remove_printed_lines(page.contrast, page.mask)
    if not mask.any():
        return []
    rest = page.contrast[~page.mask]
    noise = float(rest.std()) if rest.size else 0.0
    threshold = float(np.quantile(page.contrast[mask], 0.05))
    return [ContrastMap("page", page.contrast, page.contrast, mask, max(threshold, 1e-3), noise)]


def _both_signs(name: str, signed: np.ndarray) -> list[ContrastMap]:
    maps, deviation = [], np.abs(signed)
    for sign in (1, -1):
        contrast = np.maximum(sign * signed, 0)
        top = float(np.percentile(contrast, 99.7))
        if top <= 1:
            continue
        scaled = np.clip(contrast * (255 / top), 0, 255).astype(np.uint8)
        level, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        threshold = (level + 0.5) * top / 255
        mask = contrast >= threshold
        if mask.any():
            noise = float(signed[~mask].std()) if not mask.all() else 0.0
            maps.append(ContrastMap(name, contrast, deviation, mask, threshold, noise))
    return maps


def _to_grey(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def _select(source: ContrastMap) -> Iterator[Candidate]:
    """Select the components of a map in several ways, the same ones never twice."""
    found = find_components(source.mask)
    if not len(found):
        return
    sizeable = found.area >= 0.02 * found.area.max()
    inside = sizeable & ~_touch_border(found, source.mask.shape)
    seen: set[bytes] = set()
    for name, chosen in _name_selections(found, sizeable, inside, source.mask.shape):
        key = chosen.tobytes()
        if chosen.any() and key not in seen:
            seen.add(key)
            yield Candidate(source, name, _cut_out(source, found, chosen), found.area[chosen])


def _name_selections(
    found: Components, sizeable: np.ndarray, inside: np.ndarray, shape: tuple[int, ...]
) -> Iterator[tuple[str, np.ndarray]]:
    yield "all", sizeable
    main = _find_main(found, sizeable, shape)
    yield "group", _group(found, main, sizeable)
    yield "group inside", _group(found, main, inside | _only(found, main))
    yield "main", _only(found, main)
    if inside.any():
        yield "inside", inside
        central = _find_main(found, inside, shape)
        yield "inside group", _group(found, central, inside)
        yield "inside main", _only(found, central)


def _touch_border(found: Components, shape: tuple[int, ...]) -> np.ndarray:
    right, bottom = found.left + found.width, found.top + found.height
    return np.asarray((found.left <= 0) | (found.top <= 0) | (right >= shape[1]) | (bottom >= shape[0]))


def _find_main(found: Components, allowed: np.ndarray, shape: tuple[int, ...]) -> int:
    """Find the component with the most ink, less so towards the edge of the picture."""
    off_x = np.abs((2 * found.left + found.width) / shape[1] - 1)
    off_y = np.abs((2 * found.top + found.height) / shape[0] - 1)
    return int(np.argmax(found.area * (1 - 0.6 * np.maximum(off_x, off_y)) * allowed))


def _only(found: Components, index: int) -> np.ndarray:
    return np.asarray(np.arange(len(found)) == index)


def _group(found: Components, main: int, allowed: np.ndarray) -> np.ndarray:
    """Select what lies close to the main component: the parts of a broken digit."""
    right, bottom = found.left + found.width, found.top + found.height
    gap_x = np.maximum(found.left - right[main], found.left[main] - right)
    gap_y = np.maximum(found.top - bottom[main], found.top[main] - bottom)
    reach = 0.35 * max(found.width[main], found.height[main])
    return np.asarray(allowed & (np.maximum(gap_x, gap_y) <= reach) | _only(found, main))


def _cut_out(source: ContrastMap, found: Components, chosen: np.ndarray) -> Glyph:
    left, top = int(found.left[chosen].min()), int(found.top[chosen].min())
    right, bottom = (found.left + found.width)[chosen].max(), (found.top + found.height)[chosen].max()
    window = np.s_[top:bottom, left:right]
    mask = np.concatenate([[False], chosen])[found.labels[window]]
    contrast = source.contrast[window]
    ink = contrast[mask]
    full = max(float(np.quantile(ink[:: 1 + len(ink) // _SAMPLES], 0.75)), 1.01 * source.threshold)
    near = cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8))
    # Half the threshold is background: the soft edge of a stroke lies between.
    low = source.threshold / 2
    intensity = np.clip((contrast - low) * np.float32(1 / (full - low)), 0, 1) * near
    return Glyph(left, top, intensity.astype(np.float32, copy=False), mask)
