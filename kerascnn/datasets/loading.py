"""Load a data set by name or path: MNIST, which is part of the package, or the user's own."""

import hashlib
from importlib import resources
from pathlib import Path

from kerascnn.datasets.arrays import ARRAYS, ArrayParts, dataset_from_arrays
from kerascnn.datasets.csv_tables import find_tables, is_table, read_tables
from kerascnn.datasets.dataset import DIGITS, Dataset, validate
from kerascnn.datasets.idx import holds_idx_files, read_idx, read_idx_directory
from kerascnn.datasets.npz import read_npz
from kerascnn.datasets.parts import TRAIN, Note, Reading, ignore_note
from kerascnn.utils.errors import DataError

# MD5 of the unzipped files. MNIST: LeCun, Cortes, Burges; CC BY-SA 3.0.
_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

_SOURCES = (
    "'mnist', a directory of IDX files, an .npz or .csv file, or a directory with one sub-directory of pictures a class"
)

DataSource = str | Path | Dataset | ArrayParts
"""What a data set is loaded from; see `load_dataset`."""


def load_dataset(
    source: DataSource = "mnist", *, seed: int = 0, preparation: str | None = None, on_note: Note | None = None
) -> Dataset:
    """Load a data set by name or path.

    Args:
        source: `"mnist"` (part of the package, nothing is downloaded), a directory of IDX files, an `.npz` file, a
            table (`.csv`) with an image in each row, a directory of such tables, or a directory with one sub-directory
            of pictures a class. One directory around everything is looked through. Write `./mnist` for a directory
            called `mnist`. Arrays `(x_train, y_train), (x_test, y_test)` become a data set, and a `Dataset` stays as
            it is.
        seed: Random seed for the division of data that have no test part, 0 by default.
        preparation: Preparation of the pictures, `mnist` or `resize`; by default `mnist` where the classes are digits,
            else `resize`.
        on_note: Function that is called with a sentence for each thing that is worth knowing, such as pictures that
            are left out.

    Returns:
        The data set.

    Raises:
        DataError: If the source is missing or malformed.

    Example:
        >>> load_dataset("mnist").train_images.shape
        (60000, 28, 28)
    """
    if isinstance(source, Dataset):
        return validate(source, source.name)
    note = on_note or ignore_note
    if not isinstance(source, str | Path):
        return dataset_from_arrays(source, reading=Reading(ARRAYS, seed, preparation, note))
    if source == "mnist":
        return _embedded_mnist()
    path = Path(source)
    # An empty name would be the current directory; a device or a pipe may never end.
    if not str(source) or not (path.is_file() or path.is_dir()):
        raise DataError(f"there is no data set {str(source)!r}; give {_SOURCES}.")
    name = path.stem if path.is_file() else path.resolve().name
    return validate(_read(path, Reading(name, seed, preparation, note)), str(source))


def _read(path: Path, reading: Reading) -> Dataset:
    if is_table(path):
        return read_tables({TRAIN: path}, reading)
    if path.is_file():
        if path.suffix.lower() != ".npz":
            raise DataError(f"{path} is no data set; give {_SOURCES}.")
        return read_npz(path, reading)
    if holds_idx_files(path):
        return read_idx_directory(path, reading)
    tables = find_tables(path)
    if TRAIN in tables:
        return read_tables(tables, reading)
    # These import OpenCV and Pillow, which only class folders need.
    from kerascnn.datasets.class_folder import list_directories, read_class_folder

    inner = list_directories(path)
    archives = list(path.glob("*.npz"))
    if not inner and len(archives) == 1:
        return read_npz(archives[0], reading)
    if len(inner) == 1 and _is_divided(inner[0]):
        return _read(inner[0], reading)
    return read_class_folder(path, reading)


def _is_divided(directory: Path) -> bool:
    """Whether a directory has data of its own, and not just the pictures of one class."""
    from kerascnn.datasets.class_folder import list_directories

    return bool(list_directories(directory) or holds_idx_files(directory) or find_tables(directory))


def _embedded_mnist() -> Dataset:
    directory = Path(str(resources.files("kerascnn") / "datasets" / "mnist"))
    arrays = {name: read_idx(directory / f"{name}.gz", 3 if "images" in name else 1) for name in _MNIST_MD5}
    for name, array in arrays.items():
        header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        digest = hashlib.md5(header, usedforsecurity=False)
        digest.update(array.data)
        if digest.hexdigest() != _MNIST_MD5[name]:
            raise DataError(f"{directory / name}.gz is not the canonical MNIST file; reinstall kerascnn.")
    train_images, train_labels, test_images, test_labels = arrays.values()
    labels = train_labels.astype("int64"), test_labels.astype("int64")
    return Dataset("mnist", train_images, labels[0], test_images, labels[1], DIGITS, "mnist")
