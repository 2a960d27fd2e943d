"""The core library in an object store, for whoever has nothing else: other machines, other versions of this package.

A run has the core library of the package at hand and asks no store for it. In a store it makes closures complete: what a
program links to can be exported, served and collected with it. Roots that a library of an earlier version had stay pinned
beside those of this one, so programs that were linked with it go on running.
"""

from __future__ import annotations

from miden.corelib import core_forest
from miden.store.objects import served_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.store.store import ObjectStore

OWNER = "core library"
"""Who pins it."""


def keep_core_library(store: ObjectStore) -> bool:
    """Put the core library into a store and pin it, if this one is not pinned there yet; return whether it was put.

    Raises `StorageError` if it cannot be kept, and what `miden.corelib.core_bytes` raises.

    Examples
    --------
    >>> from miden.store.providers.memory import MemoryProvider
    >>> from miden.store.store import ObjectStore
    >>> store = ObjectStore([MemoryProvider()])
    >>> keep_core_library(store), keep_core_library(store), store.gc(grace=0).kept
    (True, False, 1)
    """
    forest = core_forest()
    if served_keys(forest) <= store.pins.of(OWNER):
        return False
    store.insert(forest, pin=OWNER)
    return True


def release_core_library(store: ObjectStore) -> bool:
    """Let go of the core libraries in a store, which the next collection deletes where nothing links to them.

    Returns whether there were any. Raises `StorageError` if pins cannot be written.
    """
    return store.pins.drop_owner(OWNER) > 0
