"""Find the fields of a blank form: its printed boxes and the lines to write on.

Rows of boxes for one digit each are one field.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from kerascnn.forms.template import Field
from kerascnn.images.binarization import binarize_page
from kerascnn.images.box_detection import find_boxes
from kerascnn.images.components import find_components
from kerascnn.images.line_ordering import order_lines
from kerascnn.inference.page_text import Box
from kerascnn.utils.errors import ImageError

_WIDEST = 1.3  # times its height: a box for one digit; a wider one is for a number
_WIDEST_GAP = 0.5  # of a box's width, between the boxes of one field
_LINE_HEIGHT = 0.035  # of the page's longer side, of the writing on a line
_SHORTEST_LINE = 0.05  # of the page's longer side
_LONGEST_GAP = 0.012  # of the page's longer side, between the dashes of a line
_MIN_ASPECT = 15  # of a line's length to its thickness
_MOST_ALIKE = 0.15  # of a box's height, by which those of one field differ


def find_fields(picture: np.ndarray, name: str) -> tuple[Field, ...]:
    """Find the fields of a blank form, in the order of reading.

    Args:
        picture: The blank form, uint8, `(height, width)` or `(height, width, 3)`.
        name: What it is called, for messages.

    Raises:
        ImageError: If there is neither a box nor a line to write on.
    """
    page = binarize_page(picture)
    found = _leave_out_frames(find_boxes(page.mask))
    height = float(np.median([box[3] for box in found])) if found else _LINE_HEIGHT * max(page.mask.shape)
    found += _find_writing_lines(page.mask, found, height)
    boxes = [_rescale(box, page.scale) for box in found]
    if not boxes:
        raise ImageError(
            f"{name}: neither a printed box nor a line to write on was found on this blank form; give a sharper "
            "picture of it."
        )
    fields = [field for line in order_lines(boxes) for field in _join_cells([boxes[index] for index in line])]
    return tuple(Field(f"field_{number}", box, cells) for number, (box, cells) in enumerate(fields, 1))


def _find_writing_lines(mask: np.ndarray, boxes: Sequence[Box], height: float) -> list[Box]:
    """Find the places above printed lines, solid or dashed, that belong to no box; writing has a height."""
    side = max(mask.shape)
    free = mask.copy()
    for left, top, width, tall in boxes:
        margin = tall // 4
        free[max(0, top - margin) : top + tall + margin, max(0, left - margin) : left + width + margin] = False
    dashes = np.ones((1, round(_LONGEST_GAP * side)), np.uint8)
    joined = cv2.morphologyEx(free.astype(np.uint8), cv2.MORPH_CLOSE, dashes)
    # What is left of letters after that is shorter than a line.
    long = np.ones((1, round(_SHORTEST_LINE * side)), np.uint8)
    found = find_components(cv2.morphologyEx(joined, cv2.MORPH_OPEN, long) > 0)
    places = []
    for index in np.flatnonzero(found.width >= _MIN_ASPECT * found.height):
        left, bottom, width = int(found.left[index]), int(found.top[index]), int(found.width[index])
        above = np.any(mask[max(0, bottom - round(height)) : max(0, bottom - 2), left : left + width], axis=1)
        room = int(above[::-1].argmax()) if np.any(above) else len(above)
        if room >= height / 2:
            places.append((left, bottom - room, width, room + int(found.height[index])))
    return places


def _leave_out_frames(boxes: Sequence[Box]) -> list[Box]:
    """Leave out boxes that have others in them."""

    def holds(outer: Box, inner: Box) -> bool:
        x, y = inner[0] + inner[2] / 2, inner[1] + inner[3] / 2
        larger = outer[2] * outer[3] > inner[2] * inner[3]
        return larger and outer[0] < x < outer[0] + outer[2] and outer[1] < y < outer[1] + outer[3]

    return [box for box in boxes if not any(holds(box, other) for other in boxes)]


def _join_cells(line: Sequence[Box]) -> list[tuple[Box, int]]:
    """Join the boxes of a line, from left to right, that are cells of one field; return each box and its cells."""
    groups: list[list[Box]] = []
    for box in line:
        if groups and _are_cells(groups[-1][-1], box):
            groups[-1].append(box)
        else:
            groups.append([box])
    return [(_enclose(group), len(group)) for group in groups]


def _are_cells(first: Box, second: Box) -> bool:
    height = min(first[3], second[3])
    alike = max(abs(first[1] - second[1]), abs(first[3] - second[3]), abs(first[2] - second[2]))
    narrow = max(first[2], second[2]) <= _WIDEST * height
    return narrow and alike <= _MOST_ALIKE * height and second[0] - first[0] - first[2] <= _WIDEST_GAP * first[2]


def _enclose(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top


def _rescale(box: Box, scale: float) -> Box:
    left, top, width, height = (round(value / scale) for value in box)
    return left, top, max(1, width), max(1, height)
