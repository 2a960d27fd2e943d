"""Packages by name: registries, versions, resolution, locks, installing.

`names`, `versions` and `index` are what is said of packages; `backends` where packages come from, `sources` which
registry answers for which name; `resolver` chooses versions and `lockfile` remembers them; `install` brings them here
as one transaction and `installed` is what is here. `trust` is about who published what, `server` serves a registry.

Install a package into a home, its code into a store, and run a procedure of it by name:

>>> import tempfile
>>> from miden import Assembler, Package
>>> from miden.registry import Home, Installer, Sources, open_registry
>>> from miden.store import VirtualMachine, open_store
>>> folder = tempfile.TemporaryDirectory()
>>> library = Assembler().assemble_library({"demo": "pub proc double dup.0 add end"})
>>> path = f"{folder.name}/packages/demo.masp"
>>> import os
>>> os.mkdir(f"{folder.name}/packages")
>>> with open(path, "wb") as file:
...     _ = file.write(Package("demo", library, version="1.2.0").to_bytes())
>>> store = open_store(f"{folder.name}/store", create=True)
>>> sources = Sources.of(open_registry(f"{folder.name}/packages", "local"))
>>> installer = Installer(Home(f"{folder.name}/home"), store, sources)
>>> VirtualMachine(store, registry=installer).run("demo@^1::double", stack=[21]).stack[0]
42
>>> folder.cleanup()
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.registry.backends import Registry, WritableRegistry, open_registry
    from miden.registry.index import IndexEntry, check_package, describe
    from miden.registry.install import Installer
    from miden.registry.installed import Home, InstalledSet
    from miden.registry.lazy import RegistryProvider
    from miden.registry.lockfile import Lock
    from miden.registry.names import PackageName, PackageReference
    from miden.registry.planning import plan
    from miden.registry.resolver import resolve
    from miden.registry.sources import Bound, Sources

__all__ = [
    "Registry",
    "WritableRegistry",
    "open_registry",
    "Sources",
    "Bound",
    "IndexEntry",
    "describe",
    "check_package",
    "PackageName",
    "PackageReference",
    "resolve",
    "plan",
    "Lock",
    "Home",
    "InstalledSet",
    "Installer",
    "RegistryProvider",
]

_HOMES = {
    "miden.registry.backends": ("Registry", "WritableRegistry", "open_registry"),
    "miden.registry.index": ("IndexEntry", "describe", "check_package"),
    "miden.registry.install": ("Installer",),
    "miden.registry.installed": ("Home", "InstalledSet"),
    "miden.registry.lazy": ("RegistryProvider",),
    "miden.registry.lockfile": ("Lock",),
    "miden.registry.names": ("PackageName", "PackageReference"),
    "miden.registry.planning": ("plan",),
    "miden.registry.resolver": ("resolve",),
    "miden.registry.sources": ("Sources", "Bound"),
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
