"""The networks, one file a family; `build` is the only door."""

from kerascnn.models.registry import ARCHITECTURES, Architecture, build, check_architecture, dropout_rates_of

__all__ = ["ARCHITECTURES", "Architecture", "build", "check_architecture", "dropout_rates_of"]
