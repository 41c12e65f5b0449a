"""Remove what is printed on a page: ruled lines, grids fainter than the ink over them, borders round single digits."""

import cv2
import numpy as np

from kerascnn.images.box_detection import find_box_sides
from kerascnn.images.components import find_components, median_height
from kerascnn.images.line_removal import remove_lines

_GRID_SPAN = 0.7  # of the picture's width and height; a component that reaches so far is not a digit
_MAX_FILL = 0.5  # of its bounding box; a grid and a border are mostly empty

_FAINT_LINE = 0.6  # of the contrast of strokes; a darker line cannot be told from them by its contrast

_BAND = 0.14  # of the box's side; a border's foreground lies in bands so wide along the four sides
_MIN_COVERAGE = 0.85  # of each side's length
_MIN_BORDER_SIDE = 24  # pixels; smaller rectangles are written zeros
_MAX_INSIDE = 0.03  # share of foreground between the bands


def remove_printed_lines(contrast: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Remove ruled lines, grids and box borders from the mask of a `BinarizedPage`; touching digits stay together."""
    rest = remove_lines(mask, find_box_sides(mask))
    return remove_box_borders(remove_faint_grid(contrast, _restore_strokes(contrast, mask, rest)))


def _restore_strokes(contrast: np.ndarray, mask: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Restore what was removed of strokes that run along a fainter line: they are as dark as the other strokes."""
    removed = mask & ~rest
    if not removed.any() or not rest.any():
        return rest
    # Soft edges are not counted: these are the middles of lines and strokes.
    line, stroke = (float(np.percentile(contrast[pixels], 80)) for pixels in (removed, rest))
    if line >= _FAINT_LINE * stroke:
        return rest
    dark = find_components(removed & (contrast >= (line + stroke) / 2))
    # A line that is dark in places is longer than the foot of a digit.
    short = np.maximum(dark.width, dark.height) <= median_height(find_components(rest).height)
    return np.asarray(rest | dark.select(short))


def remove_faint_grid(contrast: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Keep the darker part of the foreground where that takes a grid of lines apart that connects everything."""
    if not _has_grid(mask):
        return mask
    values = contrast[mask]
    scaled = np.clip(values * (255 / max(float(values.max()), 1e-6)), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(scaled.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    darker = mask & (contrast >= level * float(values.max()) / 255)
    return mask if _has_grid(darker) else darker


def _has_grid(mask: np.ndarray) -> bool:
    found = find_components(mask)
    height, width = mask.shape
    spans = (found.width >= _GRID_SPAN * width) & (found.height >= _GRID_SPAN * height)
    return bool((spans & (found.area < _MAX_FILL * found.width * found.height)).any())


def remove_box_borders(mask: np.ndarray) -> np.ndarray:
    """Remove closed rectangular borders that touch no stroke, as forms and tables print them."""
    found = find_components(mask)
    large = np.minimum(found.width, found.height) >= _MIN_BORDER_SIDE
    hollow = found.area <= _MAX_FILL * found.width * found.height
    borders = [index for index in np.flatnonzero(large & hollow) if _is_box_border(found.crop(index))]
    if not borders:
        return mask
    return np.asarray(mask & ~np.isin(found.labels, np.add(borders, 1)))


def _is_box_border(component: np.ndarray) -> bool:
    """Tell whether a component, cropped to its box, has four straight sides and nearly nothing inside."""
    height, width = component.shape
    rows, columns = max(2, round(_BAND * height)), max(2, round(_BAND * width))
    top, bottom, left, right = component[:rows], component[-rows:], component[:, :columns], component[:, -columns:]
    sides = top.any(axis=0), bottom.any(axis=0), left.any(axis=1), right.any(axis=1)
    if min(side.mean() for side in sides) < _MIN_COVERAGE:
        return False
    # A written zero is round: it leaves the corners of its box empty.
    corners = top[:, :columns], top[:, -columns:], bottom[:, :columns], bottom[:, -columns:]
    inside = component[rows:-rows, columns:-columns]
    return all(corner.any() for corner in corners) and bool(inside.mean() < _MAX_INSIDE)
