"""Several models as one: what `kerascnn ensemble` does."""

from kerascnn.ensembling.ensemble import ensemble

__all__ = ["ensemble"]
