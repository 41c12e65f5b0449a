"""The exceptions that a user of the package meets.

Each message is one sentence or two: what was given, what was expected, how to mend it. `kerascnn.cli` prints it and
exits with 2 for a `UsageError`, with 1 for the others; a program that uses the package catches `KerasCNNError`.
"""


class KerasCNNError(Exception):
    """The common base: kerascnn could not do what it was asked to."""


class UsageError(KerasCNNError, ValueError):
    """An argument has a value that it can never have, whatever the files and the machine: wrong usage."""


class BackendError(KerasCNNError):
    """A backend is unknown, not installed, or not the one that Keras already runs on."""


class DataError(KerasCNNError):
    """A data set is missing, malformed or does not fit the model."""


class ImageError(KerasCNNError, ValueError):
    """A picture cannot be read."""


class ModelError(KerasCNNError):
    """A model is missing, damaged, unsafe, or not of the kind that a command needs."""


class TrainingError(KerasCNNError):
    """A training run cannot start, continue or finish."""


class OutputError(KerasCNNError):
    """A result could not be written."""
