"""Packages by name: registries, versions, resolution, locks, installing.

`names`, `versions` and `index` are what is said of packages; `backends` where packages come from, `sources` which
registry answers for which name; `resolver` chooses versions and `lockfile` remembers them; `install` brings them here
as one transaction and `installed` is what is here. `trust` is about who published what, `server` serves a registry.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.registry.backends import Registry, WritableRegistry, open_registry
    from miden.registry.index import IndexEntry, check_package, describe
    from miden.registry.names import PackageName, PackageReference

__all__ = ["Registry", "WritableRegistry", "open_registry", "IndexEntry", "describe", "check_package", "PackageName", "PackageReference"]

_HOMES = {
    "miden.registry.backends": ("Registry", "WritableRegistry", "open_registry"),
    "miden.registry.index": ("IndexEntry", "describe", "check_package"),
    "miden.registry.names": ("PackageName", "PackageReference"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used."""
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'miden.registry' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
