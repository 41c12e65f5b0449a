"""Load a data set by name or path: MNIST, which is part of the package, or the user's own."""

import hashlib
from importlib import resources
from pathlib import Path

from kerascnn.datasets.arrays import ArrayParts, dataset_from_arrays
from kerascnn.datasets.dataset import DIGITS, Dataset, validate
from kerascnn.datasets.idx import holds_idx_files, read_idx, read_idx_directory
from kerascnn.datasets.npz import read_npz
from kerascnn.utils.errors import DataError

# MD5 of the unzipped files. MNIST: LeCun, Cortes, Burges; CC BY-SA 3.0.
_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

DataSource = str | Path | Dataset | ArrayParts
"""What a data set is loaded from; see `load_dataset`."""


def load_dataset(source: DataSource = "mnist", *, seed: int = 0, preparation: str | None = None) -> Dataset:
    """Load a data set by name or path.

    Args:
        source: `"mnist"` (part of the package, nothing is downloaded), a directory of IDX files, an `.npz` file in
            Keras's layout, or a directory with one sub-directory of pictures a class. Write `./mnist` for a directory
            called `mnist`. Arrays `(x_train, y_train), (x_test, y_test)` become a data set, and a `Dataset` stays as
            it is.
        seed: Random seed for the division of a class folder that has no `train/` and `test/`, 0 by default.
        preparation: Preparation of the pictures of a class folder, `mnist` or `resize`; by default `mnist` where the
            classes are the ten digits, else `resize`.

    Returns:
        The data set.

    Raises:
        DataError: If the source is missing or malformed.

    Example:
        >>> load_dataset("mnist").train_images.shape
        (60000, 28, 28)
    """
    if isinstance(source, Dataset):
        return source
    if not isinstance(source, str | Path):
        return dataset_from_arrays(source)
    if source == "mnist":
        return _embedded_mnist()
    path = Path(source)
    if not path.exists():
        raise DataError(
            f"there is no data set {str(source)!r}; give 'mnist', a directory of IDX files, an .npz file, "
            "or a directory with one sub-directory of pictures a class."
        )
    if path.is_file():
        if path.suffix != ".npz":
            raise DataError(
                f"{path} is a file but not an .npz; give the directory that holds the IDX files or pictures."
            )
        return validate(read_npz(path), str(source))
    if holds_idx_files(path):
        return validate(read_idx_directory(path), str(source))
    from kerascnn.datasets.class_folder import read_class_folder  # imports OpenCV and Pillow, which only it needs

    return validate(read_class_folder(path, seed, preparation), str(source))


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
