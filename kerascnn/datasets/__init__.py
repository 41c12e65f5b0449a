"""Data sets: MNIST, which is part of the package, and the user's own in common formats."""

from kerascnn.datasets.arrays import dataset_from_arrays
from kerascnn.datasets.dataset import DIGITS, Dataset
from kerascnn.datasets.loading import DataSource, load_dataset
from kerascnn.datasets.parts import Note
from kerascnn.datasets.split import stratified_split

__all__ = ["DIGITS", "DataSource", "Dataset", "Note", "dataset_from_arrays", "load_dataset", "stratified_split"]
