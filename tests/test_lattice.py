"""The lattice of a glyph's segments, and the sheets that its weights are fitted on."""

from itertools import combinations

import numpy as np
import pytest

import kerascnn
from kerascnn.datasets.synthetic.writing import NO_DIGIT, write_sheet
from kerascnn.inference.segment_lattice import Lattice


def list_paths(edges: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """All ways from the first node to the last, as indices of edges."""
    end = max(last for _, last in edges)
    paths = []
    for count in range(1, len(edges) + 1):
        for chosen in combinations(sorted(range(len(edges)), key=lambda index: edges[index]), count):
            ends = [0, *(edges[index][1] for index in chosen)]
            if ends[-1] == end and all(edges[index][0] == start for index, start in zip(chosen, ends, strict=False)):
                paths.append(chosen)
    return paths


@pytest.fixture(scope="module")
def lattice() -> Lattice:
    edges = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (0, 4), (4, 3)]
    edges = [(first, 5 if last == 3 else last) for first, last in edges]
    return Lattice(edges, np.random.default_rng(3).normal(0, 2, (len(edges), 3)))


def test_the_best_path_and_all_marginals_are_those_of_every_path_counted(lattice):
    paths = list_paths(lattice.edges)
    assert len(paths) == 5
    totals = np.logaddexp.reduce(lattice.scores, axis=1)
    weights = np.exp([totals[list(path)].sum() for path in paths])
    best = max(paths, key=lambda path: lattice.scores.max(axis=1)[list(path)].sum())
    assert tuple(lattice.find_best_path()) == best
    marginals = lattice.compute_marginals()
    for index in range(len(lattice.edges)):
        through = sum(weight for path, weight in zip(paths, weights, strict=True) if index in path) / weights.sum()
        shares = np.exp(lattice.scores[index] - totals[index])
        assert np.allclose(marginals[index], through * shares)
    of_label = sum(np.exp(lattice.scores[list(path), 2].sum()) for path in paths)
    assert lattice.compute_share(2) == pytest.approx(of_label / weights.sum())


def test_a_sheet_says_whose_ink_each_pixel_shows():
    data = kerascnn.load_dataset("mnist")
    digits = np.asarray(data.train_images[:500]), data.train_labels[:500]
    sheets = [write_sheet(digits, number, seed=5) for number in range(8)]
    shown = {value for sheet in sheets for value in sheet.shown}
    assert NO_DIGIT in shown
    assert len(shown) > 8
    for sheet in sheets:
        assert sheet.instances.shape == sheet.picture.shape[:2]
        assert sheet.instances.max() <= len(sheet.shown)
        light = sheet.picture.mean(axis=2)
        contrasts = [
            abs(np.median(light[sheet.instances == number]) - np.median(light[sheet.instances == 0]))
            for number in np.unique(sheet.instances)[1:]
        ]
        assert np.median(contrasts) > 15
    again = write_sheet(digits, 3, seed=5)
    assert np.array_equal(again.picture, sheets[3].picture)
    assert again.shown == sheets[3].shown
