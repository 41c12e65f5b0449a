"""Pictures that are broken, absurd or made to do harm: one sentence, bounded memory and time, the others go on."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure
from limits import MIB, LimitedWorker
from PIL import Image

import kerascnn

pytestmark = pytest.mark.hostile

LIMITS = (1500 * MIB, 20)
"""One process for all pictures: 1.5 GB and 20 s of the processor for each."""


def skewed_dashes(height: int, width: int) -> np.ndarray:
    """Flat dashes that climb from row to row, so that they are no ruled lines: each has room for many cuts."""
    place = np.arange(height * width).reshape(height, width) % (4.5 * width - 1)
    return np.where((place < 3 * width) | (place == 4 * width - 1), 225, 0).astype(np.uint8)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def dots(height: int, width: int) -> np.ndarray:
    """More dots than a page has glyphs."""
    y, x = np.indices((height, width)) % 12
    return np.where((x < 6) & (y < 6), 0, 255).astype(np.uint8)


def bars(height: int, width: int) -> np.ndarray:
    """Upright bars as broad as the gaps between them."""
    return np.where(np.indices((height, width))[1] % 2, 0, 255).astype(np.uint8)


def squares(height: int, width: int) -> np.ndarray:
    """A grid of 7,000 squares."""
    y, x = np.indices((height, width)) % 20
    return np.where((x < 2) | (y < 2), 0, 255).astype(np.uint8)


def save(picture: np.ndarray, path: Path) -> Path:
    Image.fromarray(picture).save(path, compress_level=1)
    return path


@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1), (30, 300_000)])
def test_a_thin_picture_is_predicted_like_any_other(limited, tmp_path, shape):
    result = limited.run_cli("predict", save(noise(*shape), tmp_path / "thin.png"))
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize(
    ("draw", "shape"),
    [(noise, (1, 1_000_000)), (blank, (1_000_000, 1)), (blank, (300_000, 30))],
    ids=["noise", "blank column", "blank strip"],
)
def test_a_thin_page_costs_what_its_pixels_cost(limited, tmp_path, draw, shape):
    result = limited.run_cli("read", save(draw(*shape), tmp_path / "thin.png"))
    assert result.returncode == 0, result.stderr
    assert b"no digits found" in result.stderr


# The U-Net takes as long for these as for any page.
@pytest.mark.parametrize(
    ("draw", "shape"),
    [(dots, (1500, 1500)), (bars, (30, 4000)), (squares, (1700, 1700)), (skewed_dashes, (69, 40))],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_pattern_is_read_in_bounded_time(limited, tmp_path, draw, shape):
    path = save(draw(*shape), tmp_path / "pattern.png")
    result = limited.run_cli("read", path, "--segmenter", "classical")
    assert result.returncode == 0 or b"more than it can have digits" in result.stderr, result.stderr


def test_specks_among_digits_are_looked_at_for_symbols_in_bounded_time(limited, tmp_path, digit_image):
    # As many specks as leave the digits to be read, each of them near one.
    y, x = np.indices((1200, 1600)) % 36
    page = np.where((x < 5) & (y < 5), 0, 255).astype(np.uint8)
    for row in range(80, 1100, 110):
        for column in range(80, 1500, 110):
            page[row - 14 : row + 70, column - 14 : column + 70] = 255
            page[row : row + 56, column : column + 56] = 255 - digit_image(column // 10 % 10).repeat(2, 0).repeat(2, 1)
    path = save(page, tmp_path / "specks.png")
    result = limited.run_cli("read", path, "--segmenter", "classical", "--symbols", ".,-/:+")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 10


def test_a_dithered_picture_is_told(limited, tmp_path):
    # Even grey paper, as a fax has it.
    path = tmp_path / "fax.png"
    Image.new("L", (240, 259), 170).convert("1").save(path)
    assert_clear_failure(limited.run_cli("read", path), "fax.png", "dithered")


def _png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (28, 28)) -> bytes:
    """A PNG file of these chunks after the header."""
    header = (b"IHDR", struct.pack(">2I5B", *size, 8, 0, 0, 0, 0))
    parts = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (header, *chunks)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _tiff(*tags: tuple[int, int, int, int], next_page: int = 0) -> bytes:
    """A TIFF file of one directory: tag, type, count and value of each entry."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", next_page)


def _gif(num_frames: int) -> bytes:
    frame = b"," + struct.pack("<4HB", 0, 0, 8, 8, 0) + b"\x02\x03\x84\x03\x05\x00"
    return (
        b"GIF89a" + struct.pack("<2H3B", 8, 8, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255]) + frame * num_frames + b";"
    )


def _encode(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


SIZE = ((256, 3, 1, 28), (257, 3, 1, 28), (258, 3, 1, 8), (262, 3, 1, 1))
BROKEN: dict[str, Callable[[], bytes]] = {
    # What is no picture in one of the formats that are named.
    "eps.png": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n(started) print\nshowpage\n%%EOF\n",
    "fits.png": lambda: b"SIMPLE  =                    T".ljust(2880),
    "psd.png": lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 28, 28, 8, 3) + bytes(100),
    # Absurd headers.
    "large.jpg": lambda: _encode(Image.new("L", (16, 16)), "JPEG").replace(b"\0\x10\0\x10", b"\xff\xff\xff\xff"),
    "large.png": lambda: _png((b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""), size=(2**31 - 1, 2**31 - 1)),
    "large.webp": lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(10),
    "strips.tif": lambda: _tiff(*SIZE, (273, 4, 2**31 - 1, 8), (279, 4, 2**31 - 1, 8)),
    "width.tif": lambda: _tiff((256, 4, 1, 2**31), *SIZE[1:], (273, 4, 1, 8), (279, 4, 1, 2**31)),
    "cycle.tif": lambda: _tiff(*SIZE, next_page=8),
    # Compressed far beyond what a picture is.
    "text.png": lambda: _png(*[(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000)))] * 3, (b"IEND", b"")),
    "frames.gif": lambda: _gif(100_000),
    "frames.png": lambda: _png((b"acTL", struct.pack(">2I", 2**31, 0)), (b"IDAT", b""), (b"IEND", b"")),
    # Cut off, or with something else inside.
    "cut.png": lambda: _encode(Image.fromarray(noise(200, 200)), "PNG")[:5000],
    "cut.tif": lambda: _encode(Image.fromarray(noise(200, 200)), "TIFF")[:5000],
    "cut.webp": lambda: _encode(Image.fromarray(noise(200, 200)), "WEBP")[:5000],
    "cut.avif": lambda: _encode(Image.fromarray(noise(200, 200)), "AVIF")[:5000],
    "cut.heic": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + noise(1, 3000).tobytes(),
    "flipped.tif": lambda: _encode(Image.fromarray(noise(200, 200)), "TIFF").replace(b"\1", b"\xfe"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("broken")
    for name, make in BROKEN.items():
        (directory / name).write_bytes(make())
    os.mkfifo(directory / "pipe.png")
    return directory


def test_each_broken_picture_gets_one_sentence_and_the_others_go_on(limited, broken, tmp_path, photo):
    photo(7).save(tmp_path / "seven.png")
    paths = [broken / name for name in BROKEN]
    result = limited.run_cli("predict", *paths, broken / "pipe.png", "/dev/zero", tmp_path / "seven.png")
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 1
    for path in (*paths, broken / "pipe.png", "/dev/zero"):
        assert sum(line.startswith(f"kerascnn: {path}") for line in lines) == 1, (path, lines)
    # Nothing from a library, no traceback, and the picture that is one is answered.
    expected = len(paths) + 2
    assert [line for line in lines if line.startswith("kerascnn: ")][-1] == (
        f"kerascnn: {expected} of {expected + 1} pictures could not be read."
    )
    assert len(lines) <= expected + 2, lines
    assert "7" in result.stdout.decode().partition("seven.png")[2]


def test_no_other_program_is_started(limited, broken, tmp_path, monkeypatch):
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    ghostscript.chmod(0o755)
    fresh = LimitedWorker(*LIMITS)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    result = fresh.run_cli("predict", broken / "eps.png")
    fresh.close()
    assert b"not a picture in a format that can be read" in result.stderr
    assert not (tmp_path / "started").exists()


def test_a_stream_without_an_end_is_refused(limited):
    result = limited.run_cli("predict", "-", stdin=Path("/dev/zero"))
    assert result.returncode == 1
    assert b"standard input has more than 480,000,000 bytes" in result.stderr


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.where(noise(60, 60) < 20, np.nan, noise(60, 60) / 255).astype(np.float32), "TIFF"),
        (np.where(noise(60, 60) < 20, np.inf, noise(60, 60)).astype(np.float32), "TIFF"),
        (noise(60, 60).astype(np.uint16) * 257, "PNG"),
        (noise(60, 60).astype(np.int32) - 1000, "TIFF"),
    ],
    ids=["nan", "inf", "sixteen bits", "below zero"],
)
def test_odd_depths_are_read(limited, tmp_path, array, kind):
    Image.fromarray(array).save(tmp_path / "deep", kind)
    result = limited.run_cli("predict", tmp_path / "deep")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("value", [1e38, -1e38, 60_000])
@pytest.mark.parametrize("largest", [1, 255])
def test_a_defect_of_a_sensor_does_not_hide_the_picture(photo, value, largest):
    picture = np.asarray(photo(7), np.float32) * (largest / 255)
    before = kerascnn.load("reference").predict(Image.fromarray(picture))[0]
    picture[3, 5] = value
    after = kerascnn.load("reference").predict(Image.fromarray(picture))[0]
    assert (before.label, after.label) == ("7", "7")
    assert after.confidence == pytest.approx(before.confidence, abs=0.05)


def test_a_small_light_digit_is_no_defect(digit_image):
    """Few pixels are much lighter than all others: a stroke."""
    picture = np.full((600, 600), 40, np.uint16)
    picture[300:328, 300:328] = np.where(digit_image(7) > 128, 65_000, 40)
    assert kerascnn.load("reference").predict(Image.fromarray(picture))[0].label == "7"


def test_more_documents_are_read_than_files_may_be_open(limited, tmp_path, digit_image):
    pages = [Image.fromarray(digit_image(digit)) for digit in (2, 7)]
    for number in range(120):
        pages[0].save(tmp_path / f"{number}.tif", save_all=True, append_images=pages[1:])
    result = limited("limits:run_with_open_files", most=100, arguments=["predict", str(tmp_path), "--format", "csv"])
    assert result[0] == 0, result
    assert result[1].count("\n") == 241


def test_a_link_to_itself_and_a_made_up_file_are_told(limited, tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(link)
    result = limited.run_cli("predict", link, "/proc/self/mem")
    assert result.returncode == 1
    assert b"link.png is a link to itself" in result.stderr
    assert b"/proc/self/mem is no file that is stored" in result.stderr
