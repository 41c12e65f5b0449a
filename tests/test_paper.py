"""From a photographed page to ink: light, paper and table do not count."""

import cv2
import numpy as np
import pytest

from kerascnn.images.binarization import binarize_page
from kerascnn.images.sheet_detection import find_sheet


@pytest.fixture(scope="module")
def strokes() -> np.ndarray:
    mask = np.zeros((700, 1000), np.uint8)
    for row in range(3):
        cv2.putText(mask, "3816", (90, 200 + 200 * row), cv2.FONT_HERSHEY_SIMPLEX, 4.5, 1, 9)
    return mask > 0


def photographed(strokes: np.ndarray, light: np.ndarray, paper=(240, 235, 225), ink=(60, 60, 70)) -> np.ndarray:
    page = np.where(strokes[..., None], np.array(ink), np.array(paper)) * light[..., None]
    grain = np.random.default_rng(0).normal(0, 3, page.shape)
    return np.clip(page + grain, 0, 255).astype(np.uint8)


def lights(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return {
        "even": np.ones(shape),
        "dark": np.full(shape, 0.3),
        "gradient": 0.65 + 0.35 * x,
        "vignette": 1 - 0.6 * np.clip((x**2 + y**2) / 2, 0, 1),
        "shadow": 1 - 0.6 / (1 + np.exp(-(x + 0.3 * y) / 0.05)),
    }


@pytest.mark.parametrize("name", ["even", "dark", "gradient", "vignette", "shadow"])
def test_the_light_does_not_count(strokes, name):
    assert agreement(photographed(strokes, lights(strokes.shape)[name]), strokes) > 0.8


@pytest.mark.parametrize(
    ("paper", "ink"),
    [((250, 220, 80), (40, 60, 160)), ((240, 240, 240), (200, 40, 40)), ((25, 40, 35), (230, 230, 220))],
    ids=["yellow paper", "red ink", "chalk"],
)
def test_colours_and_polarity_do_not_count(strokes, paper, ink):
    assert agreement(photographed(strokes, np.ones(strokes.shape), paper, ink), strokes) > 0.9


def test_the_table_around_the_sheet_is_not_read(strokes):
    page = photographed(strokes, np.ones(strokes.shape))
    picture = cv2.copyMakeBorder(page, 120, 120, 150, 150, cv2.BORDER_CONSTANT, value=(50, 40, 30))
    ink = binarize_page(picture)
    inside = np.zeros(picture.shape[:2], dtype=bool)
    inside[120:-120, 150:-150] = strokes
    found = cv2.resize(ink.mask.astype(np.uint8), inside.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (found & inside).sum() / (found | inside).sum() > 0.85


def test_a_shadow_is_no_edge_of_a_sheet(strokes):
    page = photographed(strokes, lights(strokes.shape)["shadow"])
    assert find_sheet(cv2.resize(page, (400, 280), interpolation=cv2.INTER_AREA)).all()


def agreement(picture: np.ndarray, strokes: np.ndarray) -> float:
    """Intersection over union of the ink found and the ink that is there, the strokes' edges left out."""
    found = binarize_page(picture).mask
    edge = cv2.dilate(strokes.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    edge &= cv2.erode(strokes.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    return float((found & strokes & ~edge).sum() / ((found | strokes) & ~edge).sum())
