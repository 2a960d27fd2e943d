"""The object store: code found by its root wherever it is kept, and verified before anything believes it.

`keys`, `envelope` and `objects` say what is stored; `provider` is the protocol of a place where it is stored, `providers`
has the places we know; `store` puts a hot cache over an ordered chain of them. See docs/internals/store.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.store.keys import ObjectKey
    from miden.store.opening import open_store
    from miden.store.provider import Provider, ProviderStat, StoredObject
    from miden.store.store import ObjectStore
    from miden.store.virtual_machine import VirtualMachine

__all__ = ["ObjectKey", "ObjectStore", "Provider", "ProviderStat", "StoredObject", "VirtualMachine", "open_store"]

_HOMES = {
    "ObjectKey": "miden.store.keys",
    "ObjectStore": "miden.store.store",
    "open_store": "miden.store.opening",
    "Provider": "miden.store.provider",
    "ProviderStat": "miden.store.provider",
    "StoredObject": "miden.store.provider",
    "VirtualMachine": "miden.store.virtual_machine",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
