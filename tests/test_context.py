"""What stands around a glyph: a letter in a word is no digit, whatever it looks like; a stroke in a number is a 1."""

from itertools import product

import cv2
import numpy as np
import pytest

import kerascnn
from kerascnn.datasets.synthetic.writing import LETTER, write_sheet
from kerascnn.inference.page_reader import Page
from kerascnn.inference.writing_context import NUM_GAPS, NUM_KINDS, NUMBER, Chain, ContextModel


@pytest.fixture(scope="module")
def model():
    return kerascnn.load("reference")


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    data = kerascnn.load_dataset("mnist")
    return np.asarray(data.train_images[:3000]), data.train_labels[:3000]


def test_the_probability_of_a_number_is_that_of_all_sequences_of_states_counted():
    generator, length = np.random.default_rng(4), 6
    start, changes, kinds = (
        generator.dirichlet(np.ones(size), count) for size, count in ((2, ()), (2, (NUM_GAPS, 2)), (NUM_KINDS, 2))
    )
    model = ContextModel(start, changes, kinds, np.array([1.0, 0.0]))
    chain = Chain(
        generator.permutation(length),
        generator.integers(NUM_KINDS, size=length),
        generator.integers(NUM_GAPS, size=length),
    )
    in_number, total = np.zeros(length), 0.0
    for states in product(range(2), repeat=length):
        weight = start[states[0]] * np.prod(
            [kinds[state, kind] for state, kind in zip(states, chain.kinds, strict=True)]
        )
        for before, after, gap in zip(states, states[1:], chain.gaps[1:], strict=False):
            weight *= changes[gap, before, after]
        total += weight
        in_number[chain.order] += weight * (np.array(states) == NUMBER)
    assert np.allclose(model.find_numbers(chain), in_number / total)


def test_a_sheet_with_words_says_which_glyphs_are_letters(digits):
    sheets = [write_sheet(digits, number, seed=6, with_words=True) for number in range(12)]
    shown = [set(sheet.shown) for sheet in sheets]
    assert any(LETTER in of_sheet for of_sheet in shown)
    assert any(LETTER not in of_sheet for of_sheet in shown)
    assert all(sheet.instances.max() <= len(sheet.shown) for sheet in sheets)


def read_sheets(model, digits, numbers: range) -> list[tuple[Page, dict[int, list[int]]]]:
    """Sheets read, and the boxes of the digits that were found, by what stands there: 1 for digits, 0 for letters."""
    result = []
    for number in numbers:
        sheet = write_sheet(digits, number, seed=77, with_words=True)
        result.append((sheet, kerascnn.read(sheet.picture, model)))
    return result


def count_read(sheet, page) -> tuple[int, int, int, int]:
    """Digits read and digits written, letters taken for digits and letters written."""
    centres = [
        (digit.box[1] + digit.box[3] // 2, digit.box[0] + digit.box[2] // 2, digit.digit)
        for line in page.lines
        for digit in line.digits
    ]
    boxes = [cv2.boundingRect(np.uint8(sheet.instances == number + 1)) for number in range(len(sheet.shown))]
    counts = [0, 0, 0, 0]
    for (left, top, width, height), shown in zip(boxes, sheet.shown, strict=True):
        if not width or shown == -1:
            continue
        inside = [digit for y, x, digit in centres if left <= x < left + width and top <= y < top + height]
        counts[1 if shown >= 0 else 3] += 1
        counts[0 if shown >= 0 else 2] += shown in inside if shown >= 0 else bool(inside)
    return counts


def test_words_beside_numbers_are_no_numbers(model, digits):
    counts = np.sum([count_read(*each) for each in read_sheets(model, digits, range(40))], axis=0)
    assert counts[0] >= 0.7 * counts[1]
    assert counts[2] <= 0.2 * counts[3]
