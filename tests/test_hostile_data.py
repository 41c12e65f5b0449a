"""Data sets that are broken, absurd or made to do harm: one sentence, and the memory of the bytes that are there."""

import gzip
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_clear_failure, write_idx
from limits import MIB

import kerascnn
from kerascnn.datasets import Dataset

pytestmark = pytest.mark.hostile

LIMITS = (2000 * MIB, 20)
"""One process for all data sets: 2 GB and 20 s of the processor for each."""

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
LABELS = np.arange(40) % 10


def _header(shape: tuple[int, ...]) -> bytes:
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def _archive(**members: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)

    return write


def _arrays(**arrays: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **{"x_train": IMAGES, "y_train": LABELS, **arrays})


def _flag(offsets: dict[bytes, int], value: int) -> Callable[[Path], None]:
    """An archive in whose headers one byte has another value."""

    def write(path: Path) -> None:
        _arrays()(path)
        content = bytearray(path.read_bytes())
        for magic, offset in offsets.items():
            start = content.find(magic)
            while start >= 0:
                content[start + offset] = value
                start = content.find(magic, start + 4)
        path.write_bytes(content)

    return write


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


ROWS = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(IMAGES, LABELS, strict=True)]


def _table(*rows: str) -> Callable[[Path], None]:
    return lambda path: path.write_text("\n".join(rows))


def _labels(name: str, encoding: str) -> Callable[[Path], None]:
    """A table, every second row of which has a label that is no number."""
    rows = [(name if number % 2 else "b") + row[row.index(",") :] for number, row in enumerate(ROWS)]
    return lambda path: path.write_bytes("\n".join(rows).encode(encoding))


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "large-label.npz": (_arrays(y_train=np.r_[LABELS[:-1], 2**31]), "'2147483648' has one sample only"),
    "beyond-int64.npz": (_arrays(y_train=np.full(40, 2**64 - 1, np.uint64)), "has the label"),
    "infinite.npz": (_arrays(y_train=np.full(40, np.inf)), "no whole numbers"),
    "durations.npz": (_arrays(x_train=IMAGES.astype("m8[s]")), "has the type timedelta64[s]"),
    "objects.npz": (_arrays(x_train=np.array([{}] * 40, dtype=object)), "Object arrays cannot be loaded"),
    "equal-names.npz": (_arrays(class_names=np.array(["same"] * 10)), "two classes have the name same"),
    "long-word.npz": (_arrays(y_train=np.array(["a" * 100_000, "b"] * 20)), "of 100,000 characters"),
    "no-text.npz": (_arrays(y_train=np.array([b"\xff", b"a"] * 20)), "no text in UTF-8"),
    "encrypted.npz": (_flag({b"PK\1\2": 8, b"PK\3\4": 6}, 1), "is encrypted"),
    "compression.npz": (_flag({b"PK\1\2": 10}, 77), "compression method is not supported"),
    "overflow.npz": (_archive(x_train=_header((2**40, 2**40)), y_train=_header((40,))), "cannot be read"),
    "promises.npz": (_archive(x_train=_header((10**8, 28, 28)), y_train=_header((40,))), "does not fit into memory"),
    "bomb.npz": (_archive(x_train=_header((765_000, 28, 28)) + bytes(600_000_000)), "more than 100 times what it has"),
    "no-archive.npz": (lambda path: path.write_bytes(b"hello" * 100), "no file of NumPy arrays"),
    "sparse.npz": (_sparse, "no file of NumPy arrays"),
    "sparse.csv": (_sparse, "a line has more than"),
    "one-line.csv": (lambda path: path.write_bytes(b"1," * 20_000_000), "a line has more than"),
    "open-quote.csv": (_table('"' + ROWS[0], *ROWS[1:] * 10), "a quotation mark is left open"),
    "label-1e300.csv": (_table(*ROWS[:-1], "1e300" + ROWS[-1][1:]), "a label is beyond"),
    "label--1.csv": (_table(*ROWS[:-1], "-1" + ROWS[-1][1:]), "has the label -1"),
    "short-row.csv": (_table(*ROWS[:5], "1", *ROWS[5:]), "cannot be read as a table"),
    "latin-1.csv": (_labels("\xe9", "latin1"), "is no text in UTF-8"),
    "utf-16.csv": (_labels("a", "utf-16"), "is no text in UTF-8"),
    "zeros.csv": (_labels("a\0", "utf-8"), "it has zero bytes"),
    "escapes.csv": (_labels("a\x1b[2K\x9b1A", "utf-8"), r"has the class 'a\x1b[2K\x9b1A"),
    "escaped-pixel.csv": (_table(*ROWS[:-1], ROWS[-1] + "\x1b[31m"), r"could not convert string"),
    "pipe.csv": (os.mkfifo, "there is no data set"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_gets_one_sentence(limited, tmp_path, name):
    write, words = FILES[name]
    write(tmp_path / name)
    result = limited.run_cli("evaluate", "--data", tmp_path / name)
    assert_clear_failure(result, words)
    assert len(result.stderr) < 1000
    assert result.stderr.decode().replace("\n", "").isprintable()


IDX_FILES: dict[str, tuple[str, bytes, str]] = {
    "ff": ("train-images-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12, "more than 100 times what the file has"),
    "labels ff": ("train-labels-idx1-ubyte", b"\0\0\x08\x01" + b"\xff" * 4, "promises 4,294,967,295 labels"),
    "empty": ("train-images-idx3-ubyte", b"\0\0\x08\x03" + bytes(12), "is empty"),
    "gzip bomb": (
        "train-images-idx3-ubyte",
        gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 1_000_000, 28, 28) + bytes(784_000_000), 1),
        "more than 100 times what the file has",
    ),
    "names in Latin-1": ("classes.txt", "é\n".encode("latin1") * 10, "no text in UTF-8"),
    "equal names": ("classes.txt", b"same\n" * 10, "two classes have the name same"),
    "endless names": ("classes.txt", b"a" * 2_000_000, "more than 1,048,576 bytes"),
}


@pytest.mark.parametrize("case", IDX_FILES)
def test_a_broken_idx_file_gets_one_sentence(limited, tmp_path, case):
    _write_idx_files(tmp_path)
    name, content, words = IDX_FILES[case]
    (tmp_path / name).write_bytes(content)
    assert_clear_failure(limited.run_cli("evaluate", "--data", tmp_path), words)


@pytest.mark.parametrize("line", [b"100000000000000000000 48", b"1 100000000000000000000", b"-1 48", b"\xff\xfe"])
def test_a_broken_mapping_gets_one_sentence(limited, tmp_path, line):
    _write_idx_files(tmp_path, prefix="emnist-x-")
    (tmp_path / "emnist-x-mapping.txt").write_bytes(line)
    assert_clear_failure(limited.run_cli("evaluate", "--data", tmp_path), "emnist-x-mapping.txt is no")


def _write_idx_files(directory: Path, prefix: str = "") -> None:
    for part in ("train", "t10k"):
        write_idx(directory / f"{prefix}{part}-images-idx3-ubyte", IMAGES)
        write_idx(directory / f"{prefix}{part}-labels-idx1-ubyte", LABELS)


def test_a_folder_is_read_once_and_without_its_pipes(limited, tmp_path, digit_image):
    from PIL import Image

    for digit in (2, 7):
        (tmp_path / str(digit)).mkdir()
        for number in range(6):
            Image.fromarray(digit_image(digit)).save(tmp_path / str(digit) / f"{number}.png")
    (tmp_path / "2" / "up").symlink_to("..")
    os.mkfifo(tmp_path / "2" / "pipe.png")
    (tmp_path / "7" / "zero.png").symlink_to("/dev/zero")
    result = limited.run_cli("evaluate", "--data", tmp_path)
    assert result.returncode == 0, result.stderr
    assert b"2 of 12 images are held out" in result.stderr


@pytest.mark.parametrize("source", ["", "/dev/zero", "/dev/null"])
def test_what_is_no_file_is_no_data_set(source):
    with pytest.raises(kerascnn.DataError, match="there is no data set"):
        kerascnn.load_dataset(source)


def test_labels_of_a_dataset_are_verified():
    data = Dataset("mine", IMAGES, np.r_[LABELS[:-1], 2**31], IMAGES, LABELS, tuple("0123456789"), "mnist")
    with pytest.raises(kerascnn.DataError, match="reach from 0 to 2147483648"):
        kerascnn.load_dataset(data)
