"""The U-Net: what it learns from, pages of any size, what `read`, `evaluate` and `explain` make of it."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure
from PIL import Image

import kerascnn
from kerascnn.datasets.labelled_pages import make_training_pages
from kerascnn.datasets.synthetic import STYLES, make_page
from kerascnn.images.binarization import BinarizedPage, binarize_page
from kerascnn.images.page_segmentation import BOUNDARY, CLASS_NAMES, draw_class_map, normalize_page
from kerascnn.inference.predictor import load
from kerascnn.inference.segmenters import load_segmenter
from kerascnn.inference.tiling import segment_in_tiles
from kerascnn.utils.backend import BACKENDS

FEW_PAGES = "synthetic:12"


# === What it learns from ===


@pytest.mark.parametrize("style", ["plain", "touching", "perspective"])
def test_a_synthetic_page_says_whose_ink_each_pixel_shows(style):
    page = make_page(style, seed=2, num_lines=2, digits_per_line=5, digit_height=60)
    boxes = [box for line in page.boxes for box in line]
    assert page.instances.shape == page.picture.shape[:2]
    assert page.instances.max() == len(boxes)
    grey = page.picture.min(axis=2).astype(int)
    for number, (x, y, w, h) in enumerate(boxes, start=1):
        own = page.instances == number
        rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
        assert rows[0] >= y - 3
        assert rows[-1] <= y + h + 3
        assert columns[0] >= x - 3
        assert columns[-1] <= x + w + 3
        assert np.median(grey[own]) < np.median(grey) - 60


def test_a_boundary_is_where_two_digits_meet():
    instances = np.zeros((40, 60), np.uint16)
    instances[5:35, 10:20], instances[5:35, 20:30], instances[5:35, 45:50] = 1, 2, 3
    classes = draw_class_map(instances, (4, 7, 4), 1.0, (40, 60))
    assert CLASS_NAMES[classes[20, 12]] == "4"
    assert CLASS_NAMES[classes[20, 28]] == "7"
    assert CLASS_NAMES[classes[20, 47]] == "4"
    assert CLASS_NAMES[classes[0, 0]] == "background"
    boundary = np.flatnonzero((classes == BOUNDARY).any(axis=0))
    assert boundary.tolist() == [19, 20]


def test_training_pages_are_the_same_every_time():
    first, again, other = make_training_pages(3, 5), make_training_pages(3, 5), make_training_pages(3, 6)
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.intensity, two.intensity)
        assert np.array_equal(one.classes, two.classes)
    assert first[1].intensity.shape != other[1].intensity.shape or (first[1].intensity != other[1].intensity).any()


# === Pages of any size ===


@pytest.mark.parametrize("shape", [(5, 9), (32, 32), (33, 100), (130, 61)])
def test_tiles_leave_no_seams(shape):
    seen = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)

    def pixel_by_pixel(tiles: np.ndarray) -> np.ndarray:
        return np.stack([tiles / 255, 1 - tiles / 255], axis=-1).astype(np.float32)

    found = segment_in_tiles(seen, pixel_by_pixel, 32)
    assert found.shape == (*shape, 2)
    assert found == pytest.approx(pixel_by_pixel(seen[None])[0], abs=1e-6)


def test_a_page_of_tiny_digits_is_not_enlarged_beyond_memory():
    ink = BinarizedPage(np.zeros((1500, 2000), np.float32), np.zeros((1500, 2000), bool), 1.0)
    assert normalize_page(ink, 28.0).shape == (1500, 2000)
    assert normalize_page(ink, 7.0).size <= 4_100_000


def test_the_network_says_the_same_wherever_a_tile_begins():
    predictor = load("segmenter")
    ink = binarize_page(make_page("touching", seed=8, num_lines=3, digits_per_line=8, digit_height=60).picture)
    segmenter = load_segmenter("unet")
    seen = normalize_page(ink, 80.0)
    whole = segmenter.probabilities(seen)
    moved = np.pad(seen, ((40, 0), (56, 0)))
    again = segment_in_tiles(moved, predictor.engine.probabilities, predictor.card.input_shape[0])[40:, 56:]
    assert (whole.argmax(axis=-1) == again.argmax(axis=-1)).mean() > 0.99


# === Training it ===


@pytest.fixture(scope="module")
def made(workers, tmp_path_factory):
    """A U-Net trained for two epochs on a few pages, without interruption and resumed after the first."""
    directory = tmp_path_factory.mktemp("unet")
    result = workers("tensorflow")(
        "interrupted_and_resumed",
        data=FEW_PAGES,
        directory=str(directory),
        architecture="unet",
        dropout_rates=(0.1,),
        epochs=2,
        batch_size=8,
    )
    return directory / "whole.keras", result


def test_a_resumed_run_is_the_same_run_and_the_card_says_what_it_is(made):
    path, result = made
    assert result["epochs"] == [1, 2]
    assert result["same"]
    card = json.loads(path.with_suffix(".json").read_text())
    assert tuple(card["class_names"]) == CLASS_NAMES
    assert f"--data {FEW_PAGES} --architecture unet" in card["command"]
    assert card["history"][1]["loss"] < card["history"][0]["loss"]
    assert 0 <= card["metrics"]["test_iou"] <= 1


def test_all_engines_agree_on_every_pixel(workers, made):
    path, _ = made
    page = make_training_pages(1, 3)[0].intensity
    expected = load(path).engine.probabilities(page[None, :128, :128])
    for backend in BACKENDS:
        found = np.array(workers(backend)("part_of_a_page", model=str(path), seed=3))
        assert found.shape == (1, 128, 128, 12)
        assert np.abs(found - expected).max() <= 1e-5, backend


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_trains_on_the_other_backends(workers, backend):
    losses = workers(backend)("segment_briefly")
    assert losses[1] < losses[0]


def test_it_learns_from_made_pages_only(cli, shared_digits):
    refused = cli("fit", "--architecture", "unet", "--data", shared_digits)
    assert_clear_failure(refused, "learns from pages that are made for it", "--data synthetic:1500")
    assert_clear_failure(cli("fit", "--architecture", "unet", "--data", "synthetic:1"), "1 pages are too few")


# === Reading with it ===


def count_right_lines(page, model, segmenter) -> int:
    """Count the lines of a page that are read without a mistake."""
    found = [line.text.replace(" ", "") for line in kerascnn.read(page.picture, model, segmenter=segmenter).lines]
    return sum(line in found for line in page.lines)


def test_it_parts_digits_that_touch():
    pages = [make_page("touching", seed, num_lines=4, digits_per_line=6) for seed in range(300, 304)]
    model, segmenters = load("reference"), map(load_segmenter, ("both", "unet", "classical"))
    by_both, by_unet, by_form = (
        sum(count_right_lines(page, model, segmenter) for page in pages) for segmenter in segmenters
    )
    assert min(by_both, by_unet) >= by_form + 4


@pytest.mark.parametrize("style", ["squared", "table", "lined"])
@pytest.mark.parametrize("segmenter", ["unet", "classical"])
def test_printed_lines_are_left_out(segmenter, style):
    page = make_page(style, seed=31, num_lines=3, digits_per_line=6, digit_height=70)
    ink = binarize_page(page.picture)
    found = load_segmenter(segmenter)(ink).digits
    true = np.asarray(Image.fromarray((page.instances > 0).astype(np.uint8)).resize(found.shape[::-1])) > 0
    assert found[true].mean() > 0.95
    assert found[~true].mean() < 0.03
    # What is left beside the digits is the edge of their strokes.
    assert (found & ~true).sum() < 0.5 * (ink.mask & ~true).sum()


def test_an_empty_page_has_no_digits():
    assert kerascnn.read(np.full((300, 400), 240, np.uint8), "reference", segmenter="unet").lines == ()


def test_read_takes_a_segmenter(cli, made, tmp_path):
    Image.fromarray(make_page("touching", seed=300, num_lines=2, digits_per_line=5).picture).save(tmp_path / "a.png")
    for name in ("both", "unet", "classical", made[0]):
        assert cli("read", "a.png", "--segmenter", name).returncode == 0
    assert_clear_failure(cli("read", "a.png", "--segmenter", "reference"), "'reference' does not segment pages")
    assert_clear_failure(cli("read", "a.png", "--segmenter", "none"), "there is no segmenter 'none'", "unet")
    assert_clear_failure(cli("predict", "a.png", "--model", "segmenter"), "segments pages", "read --segmenter")
    assert_clear_failure(cli("read", "a.png", "--model", "segmenter"), "ten digits")


# === Scoring and explaining it ===


def test_evaluate_scores_it_on_pages(cli):
    document = json.loads(cli("evaluate", "--model", "segmenter", "--format", "json").stdout)
    assert document["num_samples"] > 0
    assert document["num_samples"] % len(STYLES) == 0
    assert document["iou"] > 0.8
    assert document["mean_iou"] < document["iou"]
    assert set(document["per_class"]) == set(CLASS_NAMES)
    refused = cli("evaluate", "--model", "segmenter", "--data", "mnist")
    assert_clear_failure(refused, "scored alone, on synthetic pages", code=2)


def assert_outlined_in_the_dark(report: Path, light_mask: np.ndarray) -> None:
    """The legend's black patch stands out from the dark page as well."""
    page = report.read_text(encoding="utf-8")
    encoded = re.search(r'srcset="data:image/png;base64,([^"]+)"', page)[1]
    dark = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L")).astype(int)
    legend = slice(int(0.85 * len(light_mask)), None)
    rows, columns = np.nonzero((light_mask[legend] == 0x11).all(axis=2))
    assert len(rows) > 200  # the patch
    top, left = rows.min() + legend.start, columns.min()
    assert dark[top + 5, left - 8 : left + 5].max() - dark[-1, 0] > 60


def test_explain_shows_the_mask_over_the_page(cli, tmp_path):
    page = make_page("squared", seed=31, num_lines=2, digits_per_line=4)
    Image.fromarray(page.picture).save(tmp_path / "page.png")
    document = json.loads(
        cli("explain", "page.png", "--model", "segmenter", "--output", "out", "--format", "json").stdout
    )
    assert document["pixels"]["background"] > sum(document["pixels"][digit] for digit in "0123456789") > 0
    assert "report.html" in {path.rsplit("/", 1)[1] for path in document["files"]}
    assert all((tmp_path / path).is_file() for path in document["files"])
    mask = np.asarray(Image.open(tmp_path / "out" / "mask.png").convert("RGB")).astype(int)
    assert (mask.max(axis=2) - mask.min(axis=2) > 60).mean() > 0.01  # the digits are coloured
    assert "U-Net" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert_outlined_in_the_dark(tmp_path / "out" / "report.html", mask)
    refused = cli("explain", "page.png", "--model", "segmenter", "--layer", "bottom_conv1")
    assert_clear_failure(refused, "segments pages", "--layer")
