"""CSV files with the pixels of an image in each row, as Kaggle's digit recogniser has them, and directories of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.datasets.arrays import NamedArray, convert_arrays
from kerascnn.datasets.dataset import Dataset
from kerascnn.datasets.parts import TRAIN, Reading, find_part
from kerascnn.images.pixel_tables import PixelTable, read_pixel_table
from kerascnn.images.stacks import square_images
from kerascnn.utils.errors import DataError


def is_table(path: Path) -> bool:
    """Tell whether a file is a table by its name."""
    return path.suffix.lower() in (".csv", ".tsv") and path.is_file()


def find_tables(directory: Path) -> dict[str, Path]:
    """Find the tables of a directory that are named after parts, such as `mnist_train.csv`, by their part."""
    found: dict[str, Path] = {}
    for path in sorted(filter(is_table, directory.iterdir())):
        part = next(filter(None, map(find_part, re.split(r"[^a-zA-Z0-9]+", path.stem))), None)
        if part is not None and found.setdefault(part, path) != path:
            raise DataError(f"{found[part]} and {path} both are the {part} part; put one of them elsewhere.")
    return found


def read_tables(paths: Mapping[str, Path], reading: Reading) -> Dataset:
    """Read a table for each part; one that has no labels, such as Kaggle's `test.csv`, is left out with a note.

    Raises:
        DataError: If a table is malformed, or that of the training part has no labels.
    """
    parts: dict[str, tuple[NamedArray, NamedArray]] = {}
    for part, path in paths.items():
        table = _read(path)
        if table.labels is not None:
            parts[part] = (f"a pixel of {path.name}", _arrange(table, path)), (path.name, table.labels)
        elif part == TRAIN:
            raise DataError(f"{path} has no labels; expected a column 'label' beside the pixels.")
        else:
            reading.note(f"{path} has no labels: it is left out.")
    return convert_arrays(parts, None, reading, str(paths.get(TRAIN, reading.name)))


def _read(path: Path) -> PixelTable:
    try:
        return read_pixel_table(path)
    except (OSError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise DataError(f"{path} cannot be read as a table with an image in each row: {reason}.") from error


def _arrange(table: PixelTable, path: Path) -> Any:
    images = square_images(table.pixels)
    # EMNIST's images are stored transposed, in its tables as well.
    is_transposed = "emnist" in path.name.lower() and "kmnist" not in path.name.lower()
    return np.swapaxes(images, 1, 2) if is_transposed else images
