"""The networks, one registered function in one file each; `build` makes one by name."""

from importlib import import_module
from pkgutil import iter_modules

from kerascnn.models.registry import (
    ARCHITECTURES,
    Architecture,
    NetworkFunction,
    build,
    check_architecture,
    register,
    resolve_dropout_rates,
)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "NetworkFunction",
    "build",
    "check_architecture",
    "register",
    "resolve_dropout_rates",
]

# Every file of this directory may register networks.
for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
_in_order = sorted(ARCHITECTURES.values(), key=lambda network: (network.segments, network.year or 0, network.name))
ARCHITECTURES.clear()
ARCHITECTURES.update({network.name: network for network in _in_order})
