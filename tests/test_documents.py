"""Documents of several pictures: every page, frame, row or image is a picture with a name of its own."""

import csv
import io
import sys

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

import kerascnn
from kerascnn.images.decoding import decode
from kerascnn.images.documents import find_page, list_pages
from kerascnn.utils.errors import ImageError


@pytest.fixture(scope="module")
def reference():
    return kerascnn.load("reference")


@pytest.fixture(scope="module")
def pictures(digit_image) -> list[Image.Image]:
    """A 3, a 1, a 4 and a 5 as black ink on white, 84 pixels wide."""
    return [Image.fromarray(255 - digit_image(digit)).resize((84, 84)) for digit in (3, 1, 4, 5)]


@pytest.mark.parametrize("dpi", [72, 300])
def test_a_scan_in_a_pdf_has_its_own_resolution(pictures, tmp_path, dpi):
    # Copies are saved, since Pillow leaves the options of a PDF on what it writes.
    path = tmp_path / "scan.pdf"
    path.write_bytes(encode([picture.copy() for picture in pictures], "PDF", resolution=dpi))
    pages = list_pages(path)
    assert [page.name for page in pages] == [f"{path}#{number}" for number in (1, 2, 3, 4)]
    assert pages[2].decode().shape == (84, 84)
    assert np.abs(pages[2].decode().astype(int) - np.asarray(pictures[2])).mean() < 8


def test_pages_of_a_pdf_are_chosen(cli, pictures, tmp_path):
    (tmp_path / "scan.pdf").write_bytes(encode([picture.copy() for picture in pictures], "PDF"))
    result = cli("predict", "scan.pdf", "--pages", "2-3,9", "--format", "csv")
    assert [line.split(",")[:2] for line in result.stdout.decode().splitlines()[1:]] == [
        ["scan.pdf#2", "1"],
        ["scan.pdf#3", "4"],
    ]
    assert b"scan.pdf has 4 pictures; there is no scan.pdf#9." in result.stderr
    assert cli("predict", "scan.pdf", "--pages", "3-1").returncode == 2


def encode(pictures: list[Image.Image], format: str, **options) -> bytes:
    """The pictures as one file."""
    stream = io.BytesIO()
    pictures[0].save(stream, format, save_all=True, append_images=pictures[1:], **options)
    return stream.getvalue()


@pytest.mark.parametrize(("format", "suffix"), [("TIFF", "tif"), ("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png")])
def test_every_page_is_a_picture(reference, pictures, tmp_path, format, suffix):
    path = tmp_path / f"scan.{suffix}"
    path.write_bytes(encode(pictures, format, **({"lossless": True} if format == "WEBP" else {})))
    results = list(reference.predict_files([path], pytest.fail))
    assert [name for name, _ in results] == [f"{path}#{number}" for number in (1, 2, 3, 4)]
    assert [prediction.digit for _, prediction in results] == [3, 1, 4, 5]
    for form in (str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        assert [prediction.digit for prediction in reference.predict(form)] == [3, 1, 4, 5]
    assert reference.predict([f"{path}#3", f"{path}#1"])[0].digit == 4
    # Pages are decoded in any order.
    pages = list_pages(path)
    assert all(np.array_equal(pages[index].decode(), find_page(f"{path}#{index + 1}").decode()) for index in (3, 0, 2))


def test_a_page_is_named_where_one_picture_is_needed(reference, pictures, tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(encode(pictures, "TIFF"))
    with pytest.raises(ImageError, match=r"scan\.tif has 4 pictures; name one of them, such as .*scan\.tif#1"):
        reference.prepare(path)
    assert reference.prepare(f"{path}#2").has_ink
    with pytest.raises(ImageError, match=r"has 4 pictures; there is no .*scan\.tif#5"):
        reference.predict(f"{path}#5")
    # A file whose own name looks like that of a page is a file.
    (tmp_path / "scan.tif#2").write_bytes(encode(pictures[:1], "PNG"))
    assert reference.predict(tmp_path / "scan.tif#2")[0].digit == 3


def test_a_damaged_page_leaves_the_others(reference, pictures, tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(encode(pictures, "TIFF")[:-2000])  # the end of the file is the last picture
    failures = []
    results = reference.predict_files([path], lambda name, error: failures.append(name))
    assert [prediction.digit for _, prediction in results] == [3, 1, 4]
    assert failures == [f"{path}#4"]


def test_thumbnails_of_a_tiff_are_no_pages(pictures, tmp_path):
    thumbnail = pictures[0].resize((20, 20))
    thumbnail.encoderinfo = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
    thumbnail.encoderinfo["tiffinfo"][254] = 1
    (tmp_path / "scan.tif").write_bytes(encode([pictures[0], thumbnail], "TIFF"))
    assert find_page(tmp_path / "scan.tif").name.endswith("scan.tif")


def test_a_table_is_predicted_row_by_row_and_can_be_handed_in(cli, mnist, tmp_path):
    images, labels = mnist.test_images[:5], mnist.test_labels[:5]
    header = ",".join(f"pixel{index}" for index in range(784))
    rows = [",".join(map(str, image.ravel())) for image in images]
    (tmp_path / "test.csv").write_text("\n".join([header, *rows]) + "\n")
    result = cli("predict", "test.csv", "no.png", "--format", "kaggle")
    assert result.returncode == 1
    assert result.stdout.decode().splitlines() == ["ImageId,Label", *(f"{n},{y}" for n, y in enumerate(labels, 1))]
    named = list(csv.DictReader(cli("predict", "test.csv#2", "--format", "csv").stdout.decode().splitlines()))
    assert [(row["image"], row["label"]) for row in named] == [("test.csv#2", str(labels[1]))]


def test_arrays_in_files_are_predicted_image_by_image(reference, mnist, tmp_path):
    images, labels = mnist.test_images[:5], mnist.test_labels[:5]
    np.save(tmp_path / "flat.npy", images.reshape(-1, 784) / 255)
    np.savez(tmp_path / "set.npz", x_train=images[:1], y_train=labels[:1], x_test=images[:, None], y_test=labels)
    np.save(tmp_path / "one.npy", images[0])
    for name in ("flat.npy", "set.npz"):
        assert [prediction.digit for prediction in reference.predict(tmp_path / name)] == labels.tolist()
    assert reference.predict(tmp_path / "one.npy")[0].digit == labels[0]
    np.savez(tmp_path / "odd.npz", a=images, b=labels)
    with pytest.raises(ImageError, match=r"odd\.npz holds no images .*it has the arrays a, b"):
        reference.predict(tmp_path / "odd.npz")


def test_heic_needs_a_package_that_is_named(photo, tmp_path, monkeypatch):
    import pillow_heif

    picture = photo(7, side=160)
    pillow_heif.from_pillow(picture.convert("RGB")).save(tmp_path / "seven.heic", quality=95)
    shown = decode(tmp_path / "seven.heic")
    assert np.abs(shown[..., 0].astype(int) - np.asarray(picture)).mean() < 4
    (tmp_path / "seven.jpg").write_bytes((tmp_path / "seven.heic").read_bytes())
    assert np.array_equal(decode(tmp_path / "seven.jpg"), shown)
    assert np.array_equal(decode((tmp_path / "seven.heic").read_bytes()), shown)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"is a HEIC picture, .*; pip install 'kerascnn\[documents\]' adds it"):
        decode(tmp_path / "seven.jpg")


def as_png(array: np.ndarray, orientation: int = 1) -> io.BytesIO:
    """An array as a PNG file that is to be shown turned."""
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(array).save(stream, "PNG", exif=exif)
    return stream


def test_deep_pictures_are_turned_like_others(digit_image):
    image = digit_image(7)
    for array in (image, image.astype(np.uint16) * 257):
        # 6: the right side of the picture is stored as its top.
        assert np.array_equal(decode(as_png(np.rot90(array), orientation=6)), image)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_deep_pictures_are_scaled_by_their_range(digit_image, bits):
    image = 255 - digit_image(7)
    deep = np.round(image.astype(np.float64) * ((1 << bits) - 1) / 255).astype(np.uint16)
    assert np.abs(decode(as_png(deep)).astype(int) - image).max() <= 1


def test_a_faint_smear_in_a_deep_picture_stays_faint(reference):
    deep = np.full((120, 90), 40_000, np.uint16)
    deep[30:90, 40:50] -= 60
    assert np.ptp(decode(as_png(deep))) <= 1
    assert reference.predict(as_png(deep))[0].label is None


def test_floats_are_scaled_by_their_range(tmp_path, digit_image):
    image = digit_image(7)
    for name, values in (("share", image / 255), ("grey", image * 1.0), ("height", image * 10.0 - 300)):
        Image.fromarray(values.astype(np.float32)).save(tmp_path / f"{name}.tif")
        assert np.abs(decode(tmp_path / f"{name}.tif").astype(int) - image).max() <= 1
