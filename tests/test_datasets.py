"""Data sets: MNIST and the user's own, well formed and not."""

import gzip

import cv2
import numpy as np
import pytest
from conftest import write_idx, write_idx_directory
from PIL import Image

from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.pens import draw_broadly, draw_dashes, draw_dots, draw_finely
from kerascnn.datasets.augmentation.warping import augment
from kerascnn.images.components import count_components, find_components, measure_stroke_width
from kerascnn.utils.errors import DataError


def test_mnist_has_the_canonical_sizes_and_digits(mnist):
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.test_images.shape == (10000, 28, 28)
    assert mnist.train_images.dtype == np.uint8
    assert list(mnist.train_labels[:5]) == [5, 0, 4, 1, 9]
    assert list(np.bincount(mnist.test_labels)) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.class_names == tuple("0123456789")


def test_split_is_48000_and_12000_stratified_and_set_by_the_seed(mnist):
    train, validation = stratified_split(mnist.train_labels, 0.2, seed=0)
    assert (len(train), len(validation)) == (48000, 12000)
    assert len(np.union1d(train, validation)) == 60000
    whole, part = np.bincount(mnist.train_labels), np.bincount(mnist.train_labels[validation])
    assert np.abs(part - whole * 0.2).max() < 1
    assert np.array_equal(validation, stratified_split(mnist.train_labels, 0.2, seed=0)[1])
    assert not np.array_equal(validation, stratified_split(mnist.train_labels, 0.2, seed=1)[1])


def test_idx_directory_gzipped_or_not(tmp_path, mnist):
    directory = write_idx_directory(tmp_path / "plain", mnist, 300, 100)
    zipped = tmp_path / "zipped"
    zipped.mkdir()
    for path in directory.iterdir():
        (zipped / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    for source in (directory, zipped):
        data = load_dataset(source)
        assert np.array_equal(data.train_images, mnist.train_images[:300])
        assert np.array_equal(data.test_labels, mnist.test_labels[:100])
    assert load_dataset(directory).digest() == load_dataset(zipped).digest()


def test_fashion_mnist_brings_its_class_names_and_is_resized(tmp_path, mnist):
    data = load_dataset(write_idx_directory(tmp_path / "fashion-mnist", mnist, 300, 100))
    assert data.class_names[9] == "Ankle boot"
    assert data.preparation == "resize"


def test_emnist_is_turned_upright_and_its_letters_are_named(tmp_path, mnist):
    directory = tmp_path / "letters"
    directory.mkdir()
    labels = np.arange(260) % 26 + 1
    for part in ("train", "test"):
        write_idx(directory / f"emnist-letters-{part}-images-idx3-ubyte", mnist.train_images[:260].transpose(0, 2, 1))
        write_idx(directory / f"emnist-letters-{part}-labels-idx1-ubyte", labels)
    data = load_dataset(directory)
    assert np.array_equal(data.train_images, mnist.train_images[:260])
    assert data.class_names[:2] == ("a", "b")
    assert data.train_labels[0] == 0


def test_npz_in_keras_layout_with_a_channel_axis(tmp_path, mnist):
    path = tmp_path / "part.npz"
    np.savez(
        path,
        x_train=mnist.train_images[:200, ..., None],
        y_train=mnist.train_labels[:200, None],
        x_test=mnist.test_images[:50],
        y_test=mnist.test_labels[:50],
    )
    data = load_dataset(path)
    assert data.train_images.shape == (200, 28, 28)
    assert np.array_equal(data.train_labels, mnist.train_labels[:200])
    assert data.name == "part"


@pytest.fixture
def class_folder(tmp_path, photo):
    """Twelve pictures of each of three digits, one directory a digit."""
    for digit in (3, 7, 8):
        directory = tmp_path / "pictures" / str(digit)
        directory.mkdir(parents=True)
        for index in range(12):
            photo(digit, side=120 + index).save(directory / f"{index}.png")
    return tmp_path / "pictures"


def test_class_folder_is_divided_by_seed(class_folder):
    data = load_dataset(class_folder)
    assert data.class_names == ("3", "7", "8")
    assert (len(data.train_labels), len(data.test_labels)) == (30, 6)
    assert data.train_images.shape[1:] == (28, 28)
    assert data.preparation == "resize"
    assert load_dataset(class_folder).digest() == data.digest()
    assert load_dataset(class_folder, seed=1).digest() != data.digest()


def test_class_folder_with_train_and_test_keeps_them(tmp_path, class_folder):
    root = tmp_path / "divided"
    root.mkdir()
    for part in ("train", "test"):
        (root / part).symlink_to(class_folder)
    data = load_dataset(root)
    assert (len(data.train_labels), len(data.test_labels)) == (36, 36)


def _truncate(directory):
    path = directory / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])


def _wrong_magic(directory):
    path = directory / "t10k-labels-idx1-ubyte"
    path.write_bytes(b"\0\0\x0d\x01" + path.read_bytes()[4:])


def _unequal(directory):
    write_idx(directory / "train-labels-idx1-ubyte", np.zeros(299))


def _missing(directory):
    (directory / "t10k-images-idx3-ubyte").unlink()


def _empty_class(directory):
    labels = np.arange(300) % 10
    labels[labels == 4] = 5
    write_idx(directory / "train-labels-idx1-ubyte", labels)


def _broken_gzip(directory):
    path = directory / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes())[:-500])


def _text(directory):
    (directory / "train-labels-idx1-ubyte").write_text("not an IDX file at all")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncate, "promises 235200 bytes"),
        (_wrong_magic, "magic number 0x00000d01"),
        (_unequal, "300 images but 299 labels"),
        (_missing, "no test images"),
        (_empty_class, "'4' has no training image"),
        (_broken_gzip, "cannot be read"),
        (_text, "does not begin with the magic number"),
    ],
)
def test_each_malformed_idx_directory_is_one_clear_error(tmp_path, mnist, damage, words):
    directory = write_idx_directory(tmp_path / "digits", mnist, 300, 100)
    damage(directory)
    with pytest.raises(DataError, match=words) as caught:
        load_dataset(directory)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": np.zeros((4, 28, 28), np.uint8)}, "no array 'y_train'"),
        ({"x_train": np.zeros((4, 28, 28), np.float32)}, "integers 0..255"),
        ({"x_train": np.zeros((4, 784), np.uint8)}, "expected .n, height, width."),
    ],
)
def test_each_malformed_npz_is_one_clear_error(tmp_path, arrays, words):
    labels = np.array([0, 1, 0, 1])
    others = {"y_train": labels, "x_test": np.zeros((4, 28, 28), np.uint8), "y_test": labels}
    complete = {**(others if "y_train" not in words else {}), **arrays}
    np.savez(tmp_path / "data.npz", **complete)
    with pytest.raises(DataError, match=words):
        load_dataset(tmp_path / "data.npz")


def test_npz_that_is_no_archive_is_one_clear_error(tmp_path):
    (tmp_path / "data.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=r"cannot be read as an \.npz file"):
        load_dataset(tmp_path / "data.npz")


def test_empty_class_directory_and_unreadable_picture_are_named(class_folder):
    (class_folder / "9").mkdir()
    with pytest.raises(DataError, match="9 is empty"):
        load_dataset(class_folder)
    (class_folder / "9" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DataError, match=r"broken\.png"):
        load_dataset(class_folder)


def test_missing_source_says_what_would_do():
    with pytest.raises(DataError, match="give 'mnist', a directory of IDX files"):
        load_dataset("no-such-place")


def test_resize_preparation_keeps_proportions_and_pads_with_the_border():
    from kerascnn.images.normalization import prepare_by_resizing

    picture = np.full((100, 200), 200, np.uint8)
    picture[40:60, 50:150] = 10
    image = prepare_by_resizing(picture).pixels
    assert image.shape == (28, 28)
    assert image[0, 0] == image[27, 27] == 200
    rows, columns = np.nonzero(image < 100)
    assert np.ptp(columns) > 2 * np.ptp(rows)


def test_coloured_npz_becomes_grey(tmp_path):
    picture = np.zeros((4, 28, 28, 3), np.uint8)
    picture[..., 1] = 255
    labels = np.array([0, 1, 0, 1])
    np.savez(tmp_path / "colour.npz", x_train=picture, y_train=labels, x_test=picture, y_test=labels)
    assert load_dataset(tmp_path / "colour.npz").train_images[0, 0, 0] == 150  # Rec. 601: 0.587 * 255


def test_class_folder_of_the_ten_digits_is_prepared_like_mnist(tmp_path, photo, mnist):
    for digit in range(10):
        (tmp_path / "ten" / str(digit)).mkdir(parents=True)
        for index in range(3):
            Image.fromarray(np.asarray(photo(digit))).save(tmp_path / "ten" / str(digit) / f"{index}.png")
    data = load_dataset(tmp_path / "ten")
    assert data.preparation == "mnist"
    assert data.train_images[:, 0, 0].max() == 0


def test_what_is_too_large_for_memory_stays_in_a_file_and_gives_the_same_images(
    tmp_path, mnist, class_folder, monkeypatch
):
    plain = write_idx_directory(tmp_path / "plain", mnist, 300, 100)
    transposed = tmp_path / "emnist-digits"
    transposed.mkdir()
    for path in plain.iterdir():
        (transposed / f"emnist-digits-{path.name.replace('t10k', 'test')}").write_bytes(path.read_bytes())
    sources = (plain, transposed, class_folder)
    in_memory = [load_dataset(source) for source in sources]
    # Half a gigabyte would take the suite too long.
    for module in ("stored_images", "idx"):
        monkeypatch.setattr(f"kerascnn.datasets.{module}.LARGEST_IN_MEMORY", 1000)
    for source, expected in zip(sources, in_memory, strict=True):
        data = load_dataset(source)
        assert isinstance(expected.train_images, np.ndarray)
        assert not isinstance(data.train_images, np.ndarray)
        assert data.train_images.shape == expected.train_images.shape
        for key in (np.array([5, 3, 17, 3]), np.s_[-2:], np.s_[2:9:3], 4, -1):
            assert np.array_equal(data.train_images[key], expected.train_images[key])
        assert data.digest() == expected.digest()


def test_a_large_file_of_the_wrong_length_is_told(tmp_path, mnist, monkeypatch):
    directory = write_idx_directory(tmp_path / "plain", mnist, 300, 100)
    monkeypatch.setattr("kerascnn.datasets.idx.LARGEST_IN_MEMORY", 1000)
    _truncate(directory)
    with pytest.raises(DataError, match="is damaged: its header promises 235200 bytes, it has only 235100"):
        load_dataset(directory)


def test_augmentation_takes_images_whose_ink_lies_at_the_edge(mnist):
    images = np.zeros((400, 28, 28), np.uint8)
    images[:200, 4:24, :2], images[200:, 4:24, -2:] = 255, 255
    images[::2] = np.maximum(images[::2], mnist.train_images[:200])
    for seed in range(12):
        changed = augment(images, 2.0, np.random.default_rng(seed))
        assert changed.shape == images.shape
        assert changed.any(axis=(1, 2)).mean() > 0.9


def _count_loops(image):
    return cv2.connectedComponents((image < 128).astype(np.uint8), connectivity=4)[0] - 2


def _find_upstroke_and_foot(image):
    ink = image >= 128
    rows = np.flatnonzero(ink.any(axis=1))
    spans = [np.ptp(np.flatnonzero(ink[row])) + 1 if ink[row].any() else 0 for row in rows]
    runs = [(np.diff(ink[row].astype(int)) == 1).sum() for row in rows[2 : int(0.7 * len(rows))]]
    stem = np.median(spans[int(0.6 * len(rows)) : int(0.8 * len(rows))])
    return max(runs, default=0) > 1, max(spans[-3:]) > 2 * stem


def test_some_zeros_ones_fours_sevens_and_nines_get_another_form(mnist):
    images, labels = mnist.train_images, mnist.train_labels
    before = images.copy()
    varied = vary_handwriting(images, labels, 1.0, np.random.default_rng(3))
    assert (varied.shape, varied.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert np.array_equal(varied, vary_handwriting(images, labels, 1.0, np.random.default_rng(3)))
    assert np.array_equal(images, vary_handwriting(images, labels, 0.0, np.random.default_rng(3)))
    changed = (varied != images).any(axis=(1, 2))
    shares = [changed[labels == digit].mean() for digit in range(10)]
    assert shares == pytest.approx([0.08, 0.48, 0, 0, 0.1, 0, 0, 0.26, 0, 0.1], abs=0.015)

    def forms(digit, measure):
        return np.array([measure(image) for image in varied[changed & (labels == digit)]])

    upstroke, foot = forms(1, _find_upstroke_and_foot).T
    assert (upstroke & ~foot).mean() > 0.3
    assert (~upstroke & foot).mean() > 0.1
    assert (upstroke & foot).mean() > 0.15
    loops = forms(0, _count_loops)
    assert (loops == 0).mean() > 0.1  # open at the top
    assert (loops >= 2).mean() > 0.3  # with a slash
    loops = forms(4, _count_loops)
    assert (loops == 0).mean() > 0.3  # open
    assert (loops == 1).mean() > 0.2  # closed
    assert (forms(9, _count_loops) >= 1).mean() > 0.95


def test_other_pens_keep_the_form_of_the_digit(mnist):
    generator = np.random.default_rng(0)
    digits = mnist.train_images[:300]
    before = np.array([measure_stroke_width(image >= 128) for image in digits])
    for draw, compare in ((draw_broadly, np.greater_equal), (draw_finely, np.less_equal)):
        drawn = [draw(image, generator) for image in digits]
        after = np.array([measure_stroke_width(image >= 100) for image in drawn])
        assert compare(after, before).mean() > 0.9
        assert np.abs(after - before).mean() > 0.7
    assert [_count_loops(draw_broadly(image, generator)) for image in digits] == [_count_loops(i) for i in digits]
    for draw in (draw_dots, draw_dashes):
        drawn = [draw(image, generator) for image in digits]
        assert np.median([count_components(image >= 100) for image in drawn]) >= 5
        near = [
            (image > 0) <= (cv2.dilate(digit, np.ones((5, 5))) > 0) for image, digit in zip(drawn, digits, strict=True)
        ]
        assert np.all(near)


def _stands_beside(components):
    if len(components) < 2:
        return False
    largest = int(np.argmax(components.area))
    left, right = components.left, components.left + components.width
    beside = (left > right[largest]) | (right < left[largest])
    return bool((beside & (components.area >= 8)).any())


def test_augmentation_stretches_dots_and_sets_pieces_of_neighbours_beside():
    bars, rings = np.zeros((2, 4000, 28, 28), np.uint8)
    bars[:, 4:24, 12:16] = 255
    cv2.circle(rings[0], (14, 14), 9, 255, 3)
    rings[:] = rings[0]
    bars, rings = (augment(images, 1.0, np.random.default_rng(0)) >= 100 for images in (bars, rings))
    assert 0.04 < (np.median(bars[:, 6:22].sum(axis=2), axis=1) > 7).mean() < 0.09  # a slim bar has become a broad one
    assert (rings.any(axis=1).sum(axis=1) < 0.6 * rings.any(axis=2).sum(axis=1)).mean() > 0.01
    components = [find_components(bar) for bar in bars]
    assert np.mean([len(found) >= 4 for found in components]) > 0.005  # dots and dashes
    assert np.mean([_stands_beside(found) for found in components]) > 0.018


def test_augmentation_of_magnitude_0_changes_nothing_and_a_single_image_is_enough(mnist):
    images = mnist.train_images[:50]
    assert np.array_equal(augment(images, 0.0, np.random.default_rng(0)), images)
    for seed in range(20):
        changed = augment(images[:1], 1.0, np.random.default_rng(seed))
        assert (changed.shape, changed.dtype) == ((1, 28, 28), np.uint8)
        assert np.array_equal(changed, augment(images[:1], 1.0, np.random.default_rng(seed)))
