"""The IDX format of MNIST, and directories of IDX files (MNIST, Fashion-MNIST, KMNIST, EMNIST).

Source: http://yann.lecun.com/exdb/mnist/ ; EMNIST: G. Cohen et al., "EMNIST: an extension of MNIST to handwritten
letters", 2017.
"""

import gzip
import math
import re
import string
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from kerascnn.datasets.dataset import DIGITS, Dataset
from kerascnn.datasets.labels import index_labels
from kerascnn.datasets.parts import Reading, choose_preparation
from kerascnn.datasets.stored_images import LARGEST_IN_MEMORY, Images, open_stored
from kerascnn.images.array_files import MOST_COMPRESSED
from kerascnn.utils.errors import DataError

_UNSIGNED_BYTE = 0x08
_PART = 2**24  # bytes that are read at once
_MAX_LABELS = LARGEST_IN_MEMORY // 8  # labels are numbers of eight bytes in memory
_MAX_TEXT = 2**20  # bytes of a file with the names of classes
_FILE_NAME = re.compile(
    r"^(?:(?P<set>.+)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx(?P<rank>[13])-ubyte(?:\.gz)?$"
)

FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
KMNIST_CLASSES = ("お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を")

# The first key that occurs in the name of the files or of their directory counts.
_CLASSES_BY_NAME = {
    "fashion": FASHION_MNIST_CLASSES,
    "k49": None,
    "kmnist": KMNIST_CLASSES,
    "kuzushiji": KMNIST_CLASSES,
    "emnist-letters": tuple(string.ascii_lowercase),
    "emnist-byclass": tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase),
    "emnist-digits": DIGITS,
    "emnist-mnist": DIGITS,
}


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read one IDX file of unsigned bytes, gzipped or not.

    Args:
        path: Path of the file; gzip is recognised by its first bytes, not by the name.
        rank: Number of dimensions expected: 3 for images, 1 for labels.

    Returns:
        uint8, `(n, height, width)` for images, `(n,)` for labels.

    Raises:
        DataError: If the file is missing, is not IDX, has another type or rank, or is not as long as its header says.
    """
    try:
        with _open(path) as stream:
            header = stream.read(4 + 4 * rank)
            shape = _parse_header(header, rank, path)
            size = math.prod(shape)
            if size > max(LARGEST_IN_MEMORY, MOST_COMPRESSED * path.stat().st_size):
                raise DataError(
                    f"{path} is damaged: its header promises {size:,} bytes, more than {MOST_COMPRESSED} times what "
                    "the file has; get it again from its source."
                )
            content = _read_up_to(stream, size + 1)
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory; uncompressed files of images need not.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as an IDX file: {error}.") from error
    if len(content) != size:
        found = f"only {len(content)}" if len(content) < size else "more"
        raise DataError(
            f"{path} is damaged: its header promises {size} bytes, it has {found}; get it again from its source."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def read_idx_directory(directory: Path, reading: Reading) -> Dataset:
    """Read a directory with the four IDX files of a data set, by their usual names.

    Args:
        directory: Directory with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k` or
            `test`, each gzipped or not, with or without a prefix (`emnist-letters-`). An EMNIST mapping file or a
            `classes.txt` (one name a line) names the classes.
        reading: How the data are read.

    Returns:
        The data set; EMNIST's images, which are stored transposed, are turned upright.

    Raises:
        DataError: If a file is missing or malformed, or if the directory holds several data sets.
    """
    files, prefix = _find_files(directory)
    # torchvision puts the files into FashionMNIST/raw.
    place = directory.parent.name if directory.name == "raw" else directory.name
    known_name = f"{prefix or ''} {place}".lower()
    # EMNIST's images are stored transposed.
    transposed = "emnist" in known_name and "kmnist" not in known_name
    images = {part: _read_images(files[part, "images"], transposed) for part in ("train", "test")}
    labels = {part: read_idx(files[part, "labels"], 1).astype(np.int64) for part in ("train", "test")}
    labels, class_names = _name_classes(directory, prefix, known_name, labels)
    train, test = ((images[part], labels[part]) for part in ("train", "test"))
    preparation = choose_preparation(class_names, reading, numbered=images["train"])
    if reading.preparation is None and "emnist" in known_name:
        preparation = "mnist"
    return Dataset(prefix or reading.name, *train, *test, class_names, preparation)


def _read_images(path: Path, transposed: bool) -> Images:
    """Read a file's images, or leave them in the file if it is large and not compressed."""
    if path.stat().st_size > LARGEST_IN_MEMORY and not _is_gzipped(path):
        with path.open("rb") as stream:
            count, height, width = _parse_header(stream.read(16), 3, path)
        return open_stored(path, 16, (count, height, width), transposed)
    images = read_idx(path, 3)
    return np.ascontiguousarray(images.transpose(0, 2, 1)) if transposed else images


def holds_idx_files(directory: Path) -> bool:
    """Tell whether any file in the directory has one of the usual names of IDX files."""
    return any(_FILE_NAME.match(path.name) and path.is_file() for path in directory.iterdir())


def _read_up_to(stream: gzip.GzipFile | BufferedReader, size: int) -> bytearray:
    """Read so many bytes, or what there is: the memory is that of the bytes that are there, not of those promised."""
    content = bytearray()
    while len(content) < size and (part := stream.read(min(_PART, size - len(content)))):
        content += part
    return content


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if _is_gzipped(path) else path.open("rb")


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _parse_header(header: bytes, rank: int, path: Path) -> tuple[int, ...]:
    if len(header) < 4 + 4 * rank or header[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file: it does not begin with the magic number 0x0000080{rank}; "
            "check that it is the right file and complete."
        )
    if header[2] != _UNSIGNED_BYTE or header[3] != rank:
        kind = "images (n, height, width)" if rank == 3 else "labels (n,)"
        raise DataError(
            f"{path} has the magic number 0x{header[:4].hex()}; "
            f"expected 0x0000080{rank}: unsigned bytes with {rank} dimension(s), {kind}."
        )
    shape = struct.unpack(f">{rank}I", header[4:])
    if 0 in shape:
        raise DataError(f"{path} is empty: its header has the shape {shape}; get it again from its source.")
    if rank == 1 and shape[0] > _MAX_LABELS:
        raise DataError(f"{path} promises {shape[0]:,} labels; a data set has at most {_MAX_LABELS:,}.")
    return shape


def _find_files(directory: Path) -> tuple[dict[tuple[str, str], Path], str | None]:
    found: dict[str | None, dict[tuple[str, str], Path]] = {}
    for path in sorted(directory.iterdir()):
        match = _FILE_NAME.match(path.name)
        if match and path.is_file():
            part = "train" if match["part"] == "train" else "test"
            found.setdefault(match["set"], {})[part, match["kind"]] = path
    if len(found) > 1:
        names = ", ".join(sorted(str(name or "(no prefix)") for name in found))
        raise DataError(f"{directory} holds several data sets: {names}; put the files of one into its own directory.")
    prefix, files = next(iter(found.items()))
    for part, kind in (("train", "images"), ("train", "labels"), ("test", "images"), ("test", "labels")):
        if (part, kind) not in files:
            raise DataError(
                f"{directory} has no {part} {kind}; expected a file like "
                f"{'train' if part == 'train' else 't10k'}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz."
            )
    return files, prefix


def _name_classes(
    directory: Path, prefix: str | None, known_name: str, labels: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    mapping = directory / f"{prefix}-mapping.txt"
    if prefix and mapping.is_file():
        return _apply_mapping(mapping, labels)
    first = 1 if "emnist-letters" in known_name else 0  # the letters are numbered from 1
    labels = {part: array - first for part, array in labels.items()}
    count = int(max((array.max(initial=0) for array in labels.values()), default=0)) + 1
    names_file = directory / "classes.txt"
    if names_file.is_file():
        lines = _read_text(names_file).splitlines()
        return labels, tuple(line.strip() for line in lines if line.strip())
    for fragment, names in _CLASSES_BY_NAME.items():
        if fragment in known_name and names is not None and len(names) >= count:
            return labels, names
    return index_labels(labels)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_TEXT + 1)
        if len(content) > _MAX_TEXT:
            raise DataError(
                f"{path} has more than {_MAX_TEXT:,} bytes; expected a short text file with a class a line."
            )
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; save it as such, with a class a line.") from error


def _apply_mapping(mapping: Path, labels: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Apply EMNIST's mapping file, which has one line a class: the label and the code points of its characters."""
    try:
        rows = [[int(word) for word in line.split()] for line in _read_text(mapping).splitlines() if line.strip()]
        names = tuple("".join(chr(code) for code in row[1:]) for row in rows)
        lookup = np.full(256, -1, dtype=np.int64)
        for index, row in enumerate(rows):
            if not 0 <= row[0] < len(lookup):
                raise ValueError(f"the label {str(row[0])[:20]} is none of 0 to 255")
            lookup[row[0]] = index
    except (ValueError, OverflowError) as error:
        raise DataError(f"{mapping} is not an EMNIST mapping (a label and its code points a line): {error}.") from error
    return {part: lookup[array] for part, array in labels.items()}, names
