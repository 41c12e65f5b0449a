"""Pictures of single digits, cut out of corrected numbers: a class folder that `kerascnn fit --data` learns from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.datasets.synthetic.mnist_digits import load_digits
from kerascnn.images.cutouts import turn_upright
from kerascnn.inference.page_text import Box, Page
from kerascnn.reviewing.corrections import Match, find_digits, list_values
from kerascnn.utils.names import derive_name
from kerascnn.utils.png import encode_png

_MARGIN = 0.12  # around a digit, in heights of it; less where the next one is nearer
_REHEARSED = 200  # digits of MNIST a class
_SEED = 0


def cut_digits(array: np.ndarray, page: Page, matches: Sequence[Match]) -> Iterator[tuple[str, bytes]]:
    """Cut the digits of checked numbers out of a picture; those with more or fewer digits than were found are left out.

    Args:
        array: The picture, uint8 `(height, width)` or `(height, width, 3)`, RGB.
        page: What was read on it.
        matches: Which numbers a person has checked, and what they are.

    Yields:
        The name of a file, `LABEL/NAME.png`, and its content.
    """
    for match in matches:
        digits = find_digits(match.line, match.number)
        labels = list_values(match.correction.corrected)
        if len(digits) != len(labels):
            continue
        boxes = [digit.box for digit in digits]
        for index, label in enumerate(labels):
            left, top, width, height = _leave_margin(boxes, index, page.rotation)
            part = array[max(0, top) : top + height, max(0, left) : left + width]
            picture = Image.fromarray(turn_upright(part, page.rotation))
            yield f"{label}/{_name(match, boxes[index])}.png", encode_png(picture)


def choose_rehearsed() -> Iterator[tuple[str, bytes]]:
    """Choose digits of MNIST's training part, as many of each class, that a model learns beside the corrected ones.

    Corrections are few and seldom of all ten digits: with them alone a model would forget what it knew.

    Source: A. Robins, "Catastrophic forgetting, rehearsal and pseudorehearsal", Connection Science 7 (2), 1995.

    Yields:
        The name of a file, `LABEL/mnist-INDEX.png`, and its content.
    """
    images, labels = load_digits("train")
    generator = np.random.default_rng(_SEED)
    for label in range(10):
        chosen = generator.choice(np.flatnonzero(labels == label), _REHEARSED, replace=False)
        for index in sorted(chosen):
            yield f"{label}/mnist-{index}.png", encode_png(Image.fromarray(images[index]))


def _leave_margin(boxes: Sequence[Box], index: int, rotation: int) -> Box:
    """Enlarge the box of a digit, along the line no further than to the middle of the gap to its neighbours."""
    lies = rotation in (90, 270)
    along, across = (1, 0) if lies else (0, 1)
    own = boxes[index]
    margin = round(_MARGIN * own[2 + across])
    before = after = margin
    for other in (*boxes[:index], *boxes[index + 1 :]):
        gap_before = own[along] - other[along] - other[2 + along]
        gap_after = other[along] - own[along] - own[2 + along]
        if other[along] < own[along]:
            before = min(before, max(0, gap_before // 2))
        else:
            after = min(after, max(0, gap_after // 2))
    start, length = own[along] - before, own[2 + along] + before + after
    beside, breadth = own[across] - margin, own[2 + across] + 2 * margin
    return (beside, start, breadth, length) if lies else (start, beside, length, breadth)


def _name(match: Match, box: Box) -> str:
    correction = match.correction
    stem = derive_name(Path(correction.file).stem, "picture")[:60]
    return f"{stem}-{correction.picture[-8:]}-{box[0]}-{box[1]}"
