"""Pictures as people have them: every format, every polarity, damaged, hostile."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn.images.decoding import decode
from kerascnn.images.normalization import prepare_like_mnist
from kerascnn.utils.errors import ImageError


@pytest.fixture(scope="module")
def reference():
    return kerascnn.load("reference")


def test_an_mnist_image_passes_unchanged(mnist):
    for image in mnist.test_images[:50]:
        assert np.array_equal(prepare_like_mnist(image).pixels, image)


def test_prepared_pictures_have_mnist_geometry(photo):
    image = prepare_like_mnist(np.asarray(photo(4))).pixels
    rows, columns = np.nonzero(image)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    weights = image.astype(float)
    y, x = np.mgrid[:28, :28]
    assert abs((weights * y).sum() / weights.sum() - 13.5) <= 0.75
    assert abs((weights * x).sum() / weights.sum() - 13.5) <= 0.75


@pytest.mark.parametrize("digit", range(10))
def test_every_kind_of_picture_of_a_digit_is_read(reference, photo, digit):
    dark_on_light = photo(digit)
    light_on_dark = photo(digit, ink=230, paper=30)
    faint = photo(digit, ink=150, paper=200)
    coloured = Image.merge("RGB", [photo(digit, ink=20), photo(digit, ink=60), photo(digit, ink=190)])
    ramp = np.linspace(0.55, 1.0, dark_on_light.width)
    shaded = Image.fromarray((np.asarray(dark_on_light) * ramp).astype(np.uint8))
    small = dark_on_light.resize((60, 69))
    for picture in (dark_on_light, light_on_dark, faint, coloured, shaded, small):
        assert reference.predict(picture)[0].digit == digit


def test_transparency_is_laid_on_white(reference, photo):
    alpha = Image.fromarray(255 - np.asarray(photo(5, ink=0, paper=255)))
    black_ink = Image.merge("RGBA", [Image.new("L", alpha.size, 0)] * 3 + [alpha])
    white_ink = Image.merge("RGBA", [Image.new("L", alpha.size, 255)] * 3 + [alpha])
    assert [prediction.digit for prediction in reference.predict([black_ink, white_ink])] == [5, 5]


def test_exif_orientation_is_applied(tmp_path, reference, photo):
    sideways = photo(7).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    sideways.save(tmp_path / "phone.jpg", exif=exif)
    assert decode(tmp_path / "phone.jpg").shape == (460, 400)
    assert reference.predict(tmp_path / "phone.jpg")[0].digit == 7


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("1", "png"), ("L", "bmp"), ("P", "gif"), ("RGB", "webp"), ("CMYK", "tiff"), ("I;16", "png"), ("LA", "png")],
)
def test_formats_and_modes_are_read_by_content(tmp_path, reference, photo, mode, suffix):
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(photo(3)).astype(np.uint16) * 257)
    else:
        picture = photo(3).convert(mode)
    path = tmp_path / f"picture.{suffix}"
    picture.save(path)
    disguised = path.rename(tmp_path / "picture.txt")
    assert reference.predict(disguised)[0].digit == 3


def test_first_frame_of_an_animation_counts(tmp_path, reference, photo):
    photo(2).save(tmp_path / "moving.gif", save_all=True, append_images=[photo(9), photo(8)])
    assert reference.predict(tmp_path / "moving.gif")[0].digit == 2


def test_python_interface_takes_paths_images_arrays_and_lists(tmp_path, reference, photo, mnist):
    photo(6).save(tmp_path / "six.png")
    path = tmp_path / "six.png"
    array = np.asarray(photo(6))
    assert [p.digit for p in reference.predict([str(path), path, photo(6), array, np.stack([array] * 3, -1)])] == [
        6
    ] * 5
    stack = reference.predict(mnist.test_images[:8])  # the ninth is a 5 that even people take for another digit
    assert [prediction.digit for prediction in stack] == list(mnist.test_labels[:8])
    assert stack[0].label == "7"
    assert len(stack[0].probabilities) == 10
    assert stack[0].confidence == max(stack[0].probabilities)
    assert reference.predict(mnist.test_images[0] / 255)[0].digit == 7
    assert reference.predict([]) == []


def _png_with_size(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes could not hold."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60000, 60000), (12000, 12000)])
def test_a_picture_beyond_the_pixel_cap_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(ImageError, match="more than 120,000,000 pixels"):
        decode(_png_with_size(width, height))


def test_damaged_files_are_one_clear_error(tmp_path, photo):
    stream = io.BytesIO()
    photo(1).save(stream, "PNG")
    whole = stream.getvalue()
    cases = {
        "truncated.png": (whole[: len(whole) // 2], "damaged"),
        "empty.png": (b"", "not a picture"),
        "text.png": (b"hello", "not a picture"),
        "archive.jpg": (b"PK\x03\x04" + b"\0" * 100, "not a picture"),
        "short.png": (_png_with_size(50, 50), "damaged"),
    }
    for name, (content, words) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=words) as caught:
            decode(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (20000, 1), (3, 3)])
def test_odd_sizes_and_blank_pictures_give_an_image(size):
    for value in (0, 128, 255):
        picture = np.full(size, value, np.uint8)
        assert prepare_like_mnist(picture).pixels.shape == (28, 28)


def test_impossible_arrays_are_told():
    for array, words in ((np.zeros((2, 3, 5, 7)), "shape"), (np.full((9, 9), -1.0), "expected 0 to 255")):
        with pytest.raises(ImageError, match=words):
            decode(array)


def test_a_thousand_mutilated_files_give_a_prediction_or_one_clear_error(reference, photo):
    generator = np.random.default_rng(0)
    originals = []
    for encoding in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        stream = io.BytesIO()
        photo(8, side=50).save(stream, encoding)
        originals.append(stream.getvalue())
    refusals = []
    for number in range(1000):
        content = bytearray(originals[number % len(originals)])
        if number % 3 == 0:
            del content[int(generator.integers(len(content))) :]
        else:
            for position in generator.integers(0, len(content), generator.integers(1, 20)):
                content[position] ^= 1 << int(generator.integers(8))
        try:
            array = decode(bytes(content))
            reference.prepare(array)
            if number % 5 == 0:
                kerascnn.read(array, reference)
        except ImageError as error:
            refusals.append(str(error))
    assert 100 < len(refusals) < 900
    assert not any("\n" in message for message in refusals)
