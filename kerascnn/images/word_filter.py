"""Word filter: a glyph in a word of letters is not a digit, even where it looks like one."""

from collections.abc import Sequence

import numpy as np

from kerascnn.images.line_ordering import Box, order_lines

_MAX_GAP = 0.4  # of the line's median height, between two letters of one word
_MIN_WORD_SHARE = 0.3  # of certain letters in a word: an l, an o, an S and half an n look like digits
_MIN_PAGE_SHARE = 0.12  # of certain letters on a page; fewer are digits that could not be read
_MIN_LETTERS = 3  # on a page, for the same reason


def find_word_glyphs(boxes: Sequence[Box], is_letter: Sequence[bool]) -> list[bool]:
    """Find the glyphs that belong to words of letters, given those that are certainly not digits.

    The result is True for each glyph in a word in which letters are frequent; never on a page with hardly any letter.
    """
    result = [False] * len(boxes)
    if sum(is_letter) < max(_MIN_LETTERS, _MIN_PAGE_SHARE * len(boxes)):
        return result
    for line in order_lines(boxes):
        for word in _split_words(line, boxes):
            if np.mean([is_letter[index] for index in word]) >= _MIN_WORD_SHARE:
                for index in word:
                    result[index] = True
    return result


def _split_words(line: Sequence[int], boxes: Sequence[Box]) -> list[list[int]]:
    """Split a line into words at wide gaps."""
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
