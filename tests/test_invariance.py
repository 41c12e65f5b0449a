"""The answer does not depend on how a digit comes: its size, margin, polarity, EXIF orientation, format and colours."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import kerascnn

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
LEAST_AGREEMENT = 0.97  # one of forty may differ
COUNT, COMBINATIONS = 40, 1000
LARGEST = 1000  # pixels a side; a few larger pictures have a test of their own


class Drawn:
    """Digits drawn with a pen, and what is answered at native size."""

    def __init__(self, benchmark: ModuleType) -> None:
        self.benchmark = benchmark
        self.model = kerascnn.load("reference")
        self.inks, self.labels = benchmark.draw_digits(COUNT, seed=1)
        self.native = self.answers([(number, benchmark.Rendering()) for number in range(COUNT)])

    def answers(self, chosen: list) -> list:
        """Read digits by number, each in a rendering."""
        files = (self.benchmark.render(self.inks[number], rendering, number) for number, rendering in chosen)
        return self.benchmark.read(self.model, files)

    def agreement(self, chosen: list) -> float:
        """Share of the answers that are those at native size."""
        pairs = zip(chosen, self.answers(chosen), strict=True)
        return np.mean([answer == self.native[number] for (number, _), answer in pairs])


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        spec = importlib.util.spec_from_file_location("invariance", BENCHMARKS / "invariance.py")
        benchmark = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "invariance", benchmark)
        spec.loader.exec_module(benchmark)
        return Drawn(benchmark)


def test_nearly_all_are_read_at_native_size(drawn):
    assert np.mean([answer == label for answer, label in zip(drawn.native, drawn.labels, strict=True)]) >= 0.97


@pytest.mark.parametrize("axis", ["size", "margin", "polarity", "EXIF orientation", "file format", "colours"])
def test_the_answer_stays_along_each_axis(drawn, axis):
    for rendering in drawn.benchmark.axes()[axis].values():
        if rendering.side <= LARGEST:
            assert drawn.agreement([(number, rendering) for number in range(COUNT)]) >= LEAST_AGREEMENT, rendering


def test_the_answer_stays_in_random_combinations(drawn):
    generator = np.random.default_rng(0)
    chosen = [(index % COUNT, drawn.benchmark.random_rendering(generator)) for index in range(COMBINATIONS)]
    assert drawn.agreement(chosen) >= LEAST_AGREEMENT


@pytest.mark.parametrize("side", [2000, 4000])
def test_the_answer_stays_in_pictures_of_megapixels(drawn, side):
    assert drawn.agreement([(number, drawn.benchmark.Rendering(side)) for number in range(3)]) == 1


@pytest.mark.parametrize("share", [0.02, 0.3, 2.0])
def test_an_even_margin_changes_nothing_at_all(drawn, share):
    picture = np.asarray(kerascnn.load_dataset("mnist").test_images[0])
    rough = np.random.default_rng(2).integers(0, 60, (96, 80), np.uint8) + np.kron(picture[2:26, 4:24], np.ones((4, 4)))
    rough = np.uint8(np.clip(rough, 0, 255))
    width = round(share * 96)
    framed = np.pad(rough, width, constant_values=128)
    plain, surrounded = drawn.model.predict([rough, framed])
    assert surrounded.probabilities == plain.probabilities
