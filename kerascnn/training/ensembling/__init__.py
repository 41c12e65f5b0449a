"""Several models as one: what `kerascnn ensemble` does."""

from kerascnn.training.ensembling.builder import ensemble

__all__ = ["ensemble"]
