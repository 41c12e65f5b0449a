"""Words of letters among the digits of a page: what stands in them is no digit, even where it looks like one."""

from collections.abc import Sequence

import numpy as np

from kerascnn.images.line_ordering import Box, order_lines

_MAX_GAP = 0.4  # of the usual height, between two letters of one word
_WORD_SHARE = 0.3  # of a word's glyphs that are certainly letters: an l, an o, an S and half an n look like digits
_PAGE_SHARE = 0.12  # of a page's glyphs; with fewer, they are digits that could not be read
_MIN_LETTERS = 3  # on a page, for the same reason


def find_word_glyphs(boxes: Sequence[Box], is_letter: Sequence[bool]) -> list[bool]:
    """Tell which glyphs belong to words of letters.

    Args:
        boxes: of all glyphs of a page, in any order.
        is_letter: for each, whether it is certainly no digit.

    Returns:
        For each, whether it stands in a word in which letters are frequent; never on a page with hardly any letter.
    """
    result = [False] * len(boxes)
    if sum(is_letter) < max(_MIN_LETTERS, _PAGE_SHARE * len(boxes)):
        return result
    for line in order_lines(boxes):
        for word in _words(line, boxes):
            if np.mean([is_letter[index] for index in word]) >= _WORD_SHARE:
                for index in word:
                    result[index] = True
    return result


def _words(line: Sequence[int], boxes: Sequence[Box]) -> list[list[int]]:
    """A line's glyphs, apart at wide gaps."""
    limit = _MAX_GAP * float(np.median([boxes[index][3] for index in line]))
    words: list[list[int]] = [[line[0]]]
    right = boxes[line[0]][0] + boxes[line[0]][2]
    for index in line[1:]:
        left, _, width, _ = boxes[index]
        if left - right > limit:
            words.append([])
        words[-1].append(index)
        right = max(right, left + width)
    return words
