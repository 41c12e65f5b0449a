"""Data sets: MNIST and the user's own, well formed and not."""

import gzip

import cv2
import numpy as np
import pytest
from conftest import write_idx, write_idx_directory
from PIL import Image

from kerascnn.datasets import load_dataset, stratified_split
from kerascnn.datasets.augmentation.handwriting_variants import vary_handwriting
from kerascnn.datasets.augmentation.outliers import make_outliers
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
    for digit, name in ((3, "three"), (7, "seven"), (8, "eight")):
        directory = tmp_path / "pictures" / name
        directory.mkdir(parents=True)
        for index in range(12):
            photo(digit, side=120 + index).save(directory / f"{index}.png")
    return tmp_path / "pictures"


def test_class_folder_is_divided_by_seed(class_folder):
    data = load_dataset(class_folder)
    assert data.class_names == ("eight", "seven", "three")
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
        ({"x_train": np.full((4, 28, 28), -0.5)}, "x_train has values from -0.5 to -0.5; expected 0 to 255"),
        ({"x_train": np.full((4, 28, 28), np.nan)}, "x_train has values from nan"),
        ({"x_train": np.zeros((4, 700), np.uint8)}, "expected .n, height, width."),
        ({"x_train": np.zeros((4, 0, 0), np.uint8)}, "no images"),
        ({"x_train": np.array(["a"] * 4)}, "has the type <U1"),
        ({"x_train": np.arange(4 * 28 * 28 * 4, dtype=np.uint16).reshape(4, 28, 28, 4)}, "transparency"),
        ({"y_train": np.array([0.5, 1, 0, 1])}, "y_train has labels that are no whole numbers"),
        ({"y_train": np.array([-1, 1, 0, 1])}, "y_train has the label -1"),
        ({"y_train": np.array([[1, 1], [0, 1], [1, 0], [1, 0]])}, "not one-hot"),
        ({"class_names": np.array(["a", "b"]), "y_test": np.array([0, 1, 2, 1])}, "the label 2; expected .* a, b"),
        ({"y_test": np.array([0, 1, 2, 1])}, "the class '2' has no training image"),
    ],
)
def test_each_malformed_npz_is_one_clear_error(tmp_path, arrays, words):
    labels = np.array([0, 1, 0, 1])
    images = np.zeros((4, 28, 28), np.uint8)
    others = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    complete = {**(others if "no array" not in words else {}), **arrays}
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
    with pytest.raises(DataError, match=r"9: no picture can be decoded: .*broken\.png is"):
        load_dataset(class_folder)


# === Data as people have them ===


@pytest.fixture(scope="module")
def some(mnist):
    """Four training and two test images of each digit, with their labels."""
    parts = []
    for images, labels, count in (
        (mnist.train_images, mnist.train_labels, 4),
        (mnist.test_images, mnist.test_labels, 2),
    ):
        chosen = np.concatenate([np.flatnonzero(labels == digit)[:count] for digit in range(10)])
        parts += [images[chosen], labels[chosen]]
    return parts


def write_folder(directory, images, labels, names=None):
    """Write images as a class folder."""
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = directory / (names[label] if names else str(label))
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index:03d}.png")
    return directory


@pytest.mark.parametrize(
    ("of_images", "of_labels"),
    [
        (lambda x: x.astype(np.int64), lambda y: y[:, None].astype(np.uint8)),
        (lambda x: (x / 255).astype(np.float32), lambda y: y.astype(np.float32)),
        (lambda x: x.astype(np.float64), lambda y: np.eye(10)[y]),
        (lambda x: x.reshape(-1, 784), lambda y: y.astype(str)),
        (lambda x: x[:, None], lambda y: np.eye(10, dtype=bool)[y]),
        (lambda x: np.repeat(x[:, None], 3, axis=1), lambda y: y.astype(bytes)),
        (lambda x: x.astype(np.uint16) * 257, lambda y: y.tolist()),
    ],
    ids=["int64", "0..1", "0..255", "784", "channels first", "colour", "16 bit"],
)
def test_npz_and_arrays_of_every_form_are_the_same_data(tmp_path, some, of_images, of_labels):
    x_train, y_train, x_test, y_test = some
    arrays = [of_images(x_train), of_labels(y_train), of_images(x_test), of_labels(y_test)]
    np.savez(tmp_path / "some.npz", **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))
    expected = load_dataset(((x_train, y_train), (x_test, y_test))).digest()
    for data in (load_dataset(tmp_path / "some.npz"), load_dataset((arrays[:2], arrays[2:]))):
        assert data.digest() == expected
        assert (data.class_names, data.preparation) == (tuple("0123456789"), "mnist")


def test_the_range_of_all_parts_together_counts(some):
    x_train, y_train, x_test, y_test = some
    data = load_dataset(((x_train, y_train), (np.minimum(x_test, 1), y_test)))
    assert data.test_images.max() == 1
    binary = load_dataset((((x_train > 127).astype(np.uint8), y_train), (x_test > 127, y_test)))
    assert np.array_equal(np.unique(binary.train_images), [0, 255])


def test_labels_name_the_classes_that_occur(some):
    x_train, y_train, x_test, y_test = some
    notes = []
    from_one = load_dataset(((x_train, y_train + 1), (x_test, y_test + 1)), on_note=notes.append)
    assert from_one.class_names == tuple(map(str, range(1, 11)))
    assert np.array_equal(from_one.train_labels, y_train)
    assert from_one.preparation == "mnist"
    assert "taken for digits" in notes[0]
    few, few_test = np.isin(y_train, (3, 8)), np.isin(y_test, (3, 8))
    pair = load_dataset(((x_train[few], y_train[few]), (x_test[few_test], y_test[few_test])))
    assert (pair.class_names, pair.preparation) == (("3", "8"), "mnist")
    assert np.array_equal(np.unique(pair.train_labels), [0, 1])
    # Numbers of two classes need not be digits: these pictures are light.
    cats = load_dataset(((255 - x_train[few], y_train[few]), (255 - x_test[few_test], y_test[few_test])))
    assert cats.preparation == "resize"
    assert load_dataset(((x_train, y_train), (x_test, y_test)), preparation="resize").preparation == "resize"


def test_class_names_go_with_labels_from_0_from_1_and_by_name(tmp_path, some):
    x_train, y_train, x_test, y_test = some
    names = np.array([f"no. {digit}" for digit in range(10)])
    for train, test in ((y_train, y_test), (y_train + 1, y_test + 1), (names[y_train], names[y_test])):
        np.savez(tmp_path / "n.npz", x_train=x_train, y_train=train, x_test=x_test, y_test=test, class_names=names)
        data = load_dataset(tmp_path / "n.npz")
        assert data.class_names == tuple(names)
        assert np.array_equal(data.train_labels, y_train)


def test_npz_of_medmnist_brings_its_validation_part(tmp_path, some):
    x_train, y_train, x_test, y_test = some
    labels = {"train_labels": y_train[:, None], "val_labels": y_test[:, None], "test_labels": y_test[:, None]}
    np.savez(tmp_path / "m.npz", train_images=x_train, val_images=255 - x_test, test_images=x_test, **labels)
    data = load_dataset(tmp_path / "m.npz")
    assert (len(data.train_labels), data.num_validation, len(data.test_labels)) == (60, 20, 20)
    train, validation = data.divide_training_part(0.5, seed=3)
    assert np.array_equal(data.train_images[train], x_train)
    assert np.array_equal(data.train_images[validation], 255 - x_test)
    assert np.array_equal(data.train_labels[validation], y_test)


def test_without_a_test_part_a_sixth_is_held_out_and_said(tmp_path, some):
    x_train, y_train, *_ = some
    np.savez(tmp_path / "n.npz", images=np.repeat(x_train, 3, axis=0), labels=np.repeat(y_train, 3))
    notes = []
    data = load_dataset(tmp_path / "n.npz", on_note=notes.append)
    assert (len(data.train_labels), len(data.test_labels)) == (100, 20)
    assert notes == ["n has no test part; 20 of 120 images are held out as one."]


@pytest.mark.parametrize("names", [("train", "val"), ("Training", "VALID"), ("TRAIN", "Validation")])
def test_parts_of_a_class_folder_are_no_classes(tmp_path, some, names):
    x_train, y_train, x_test, y_test = some
    root = tmp_path / "zip" / "inner"
    write_folder(root / names[0], x_train, y_train)
    write_folder(root / names[1], x_test, y_test)
    (tmp_path / "zip" / "__MACOSX" / "0").mkdir(parents=True)
    (tmp_path / "zip" / "README.txt").write_text("Digits.\n")
    notes = []
    data = load_dataset(tmp_path / "zip", on_note=notes.append)
    assert (data.name, data.class_names) == ("zip", tuple("0123456789"))
    assert (len(data.train_labels), data.num_validation, len(data.test_labels)) == (50, 20, 10)
    assert [note.split(";")[0] for note in notes] == ["zip has no test part"]
    write_folder(root / "Testing", x_test[::2], y_test[::2])
    data = load_dataset(tmp_path / "zip")
    assert (len(data.train_labels), data.num_validation, len(data.test_labels)) == (60, 20, 10)
    assert np.array_equal(np.sort(data.test_labels), np.sort(y_test[::2]))


def test_a_test_part_without_classes_is_left_out_and_one_with_others_refused(tmp_path, some):
    x_train, y_train, x_test, y_test = some
    root = write_folder(tmp_path / "data" / "train", x_train, y_train).parent
    (root / "test").mkdir()
    Image.fromarray(x_test[0]).save(root / "test" / "unknown.png")
    notes = []
    assert load_dataset(root, on_note=notes.append).class_names == tuple("0123456789")
    assert "test has no sub-directory for each class" in notes[0]
    write_folder(root / "test", x_test[:1], y_test[:1], {0: "naught"})
    with pytest.raises(DataError, match="'naught' is in the former only"):
        load_dataset(root)


def test_litter_is_passed_over_and_each_page_is_a_picture(tmp_path, some):
    x_train, y_train, *_ = some
    root = write_folder(tmp_path / "data", x_train, y_train)
    expected = load_dataset(root)
    (root / "3" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (root / "4" / ".DS_Store").write_bytes(b"\0\0\0\x01Bud1")
    (root / "5" / "readme.txt").write_text("five\n")
    for name in (".ipynb_checkpoints", "__MACOSX", "@eaDir"):
        write_folder(root / name, x_train[:1], y_train[:1])
    (root / "5" / ".five.png").write_bytes(b"hidden")
    (root / "5" / ".more").mkdir()
    (root / "5" / ".more" / "five.png").write_bytes(b"hidden")
    notes = []
    assert load_dataset(root, on_note=notes.append).digest() == expected.digest()
    assert [note for note in notes if "hidden" in note] == [
        f"2 hidden pictures are left out ({root / '5' / '.five.png'}, ...); names that begin with a dot hide."
    ]
    first, *others = [Image.fromarray(image) for image in x_train[y_train == 6]]
    first.save(root / "6" / "pages.tif", save_all=True, append_images=others)
    data = load_dataset(root)
    assert len(data.train_labels) + len(data.test_labels) == len(x_train) + 4


def test_damaged_pictures_are_named_and_left_out_unless_they_are_many(tmp_path, some):
    x_train, y_train, *_ = some
    root = write_folder(tmp_path / "data", np.concatenate([x_train, x_train]), np.concatenate([y_train, y_train]))
    paths = sorted(root.rglob("*.png"))
    for path in paths[:56:8]:
        path.write_bytes(path.read_bytes()[:60])
    notes = []
    data = load_dataset(root, on_note=notes.append)
    assert len(data.train_labels) + len(data.test_labels) == 73
    assert "7 of 80 pictures are damaged and left out" in notes[0]
    assert notes[0].count(".png is damaged") == 5
    for path in paths[56:80:8]:
        path.write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match=r"10 of 80 pictures are damaged, which is more than a tenth: .*000\.png"):
        load_dataset(root)


def write_csv(path, images, labels=None, header=True, last=False):
    """Write a table as Kaggle has them."""
    names = ["label"] * (labels is not None) + [f"pixel{index}" for index in range(images[0].size)]
    lines = [",".join(names)] if header else []
    for index, image in enumerate(images):
        label = [] if labels is None else [str(labels[index])]
        pixels = list(map(str, image.ravel()))
        lines.append(",".join(pixels + label if last else label + pixels))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_csv_with_or_without_header_and_with_its_labels_first_or_last(tmp_path, some):
    x_train, y_train, *_ = some
    expected = load_dataset(write_csv(tmp_path / "k.csv", x_train, y_train))
    assert (expected.class_names, expected.preparation) == (tuple("0123456789"), "mnist")
    every = np.concatenate([expected.train_images, expected.test_images])
    assert sorted(image.tobytes() for image in every) == sorted(image.tobytes() for image in x_train)
    assert load_dataset(write_csv(tmp_path / "n.csv", x_train, y_train, header=False)).digest() == expected.digest()
    last = load_dataset(write_csv(tmp_path / "l.csv", x_train, y_train, header=False, last=True))
    assert last.digest() == expected.digest()
    words = load_dataset(write_csv(tmp_path / "w.csv", x_train / 255, np.array([*"abcdefghij"])[y_train]))
    assert words.class_names == tuple("abcdefghij")
    assert words.digest() == expected.digest()


def test_a_directory_of_tables_has_the_parts_that_have_labels(tmp_path, some):
    x_train, y_train, x_test, y_test = some
    write_csv(tmp_path / "mnist_train.csv", x_train, y_train)
    write_csv(tmp_path / "mnist_test.csv", x_test, y_test)
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    assert load_dataset(tmp_path).digest() == load_dataset(((x_train, y_train), (x_test, y_test))).digest()
    write_csv(tmp_path / "mnist_test.csv", x_test)
    notes = []
    assert len(load_dataset(tmp_path, on_note=notes.append).test_labels) == 10
    assert "mnist_test.csv has no labels: it is left out" in notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("a,b\n1,2\n", "a row of 2 columns is no square image"),
        ("label,p0,p1,p2,p3\n1,2,3,4,5\n1,2,3\n", "cannot be read"),
        ("1,2,3,4\n5,6,7,8\n", "has no labels"),
    ],
)
def test_each_malformed_csv_is_one_clear_error(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        load_dataset(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_rows_without_a_label_are_no_class_of_their_own(tmp_path, some):
    x_train, y_train, *_ = some
    labels = np.where(np.arange(len(y_train)) == 7, "", y_train.astype(str))
    with pytest.raises(DataError, match=f"1 of {len(labels)} rows have no label, the first of them row 8"):
        load_dataset(write_csv(tmp_path / "some.csv", x_train, labels))


def test_idx_files_of_torchvision_are_found_and_known_by_their_place(tmp_path, mnist):
    write_idx_directory(tmp_path / "root" / "FashionMNIST" / "raw", mnist, 300, 100)
    data = load_dataset(tmp_path / "root")
    assert (data.name, data.class_names[9], data.preparation) == ("root", "Ankle boot", "resize")


def test_a_class_with_one_picture_is_named(tmp_path, some):
    x_train, y_train, *_ = some
    write_folder(tmp_path, x_train[:8], y_train[:8])
    write_folder(tmp_path, x_train[8:9], y_train[8:9], {2: "zebra"})
    with pytest.raises(DataError, match="the class 'zebra' has one sample only"):
        load_dataset(tmp_path)


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


@pytest.mark.parametrize("window", [np.s_[:, 4:24], np.s_[:, :, 8:20]], ids=["wide", "tall"])
def test_images_that_are_not_square_or_blank_are_augmented(mnist, window):
    images, labels = mnist.train_images[:150][window].copy(), mnist.train_labels[:150]
    images[::50] = 0
    for seed in range(4):
        generator = np.random.default_rng(seed)
        varied = vary_handwriting(images, labels, 1.0, generator)
        changed = augment(np.concatenate([varied, make_outliers(20, varied, labels, generator)]), 2.0, generator)
        assert (changed.shape, changed.dtype) == ((170, *images.shape[1:]), np.uint8)
        assert changed.any(axis=(1, 2)).mean() > 0.9


def test_augmentation_of_magnitude_0_changes_nothing_and_a_single_image_is_enough(mnist):
    images = mnist.train_images[:50]
    assert np.array_equal(augment(images, 0.0, np.random.default_rng(0)), images)
    for seed in range(20):
        changed = augment(images[:1], 1.0, np.random.default_rng(seed))
        assert (changed.shape, changed.dtype) == ((1, 28, 28), np.uint8)
        assert np.array_equal(changed, augment(images[:1], 1.0, np.random.default_rng(seed)))
