"""Objects in a dict: for tests, and for programs that leave nothing behind."""

from __future__ import annotations

import time
from threading import RLock

from miden.store.envelope import object_id
from miden.store.provider import Entry, ProviderStat, StoredObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from miden.store.keys import ObjectKey


class MemoryProvider:
    """Keeps objects as long as the process lives.

    >>> from miden.store.keys import ObjectKey
    >>> provider, key = MemoryProvider(), ObjectKey(0, bytes(32))
    >>> provider.put_many([StoredObject((key,), b"bytes")])
    >>> provider.get(key), provider.stat().keys
    (b'bytes', 1)
    """

    writable = True

    def __init__(self, name: str = "memory", *, local: bool = True) -> None:
        self.name = name
        self.local = local
        self._objects: dict[bytes, tuple[bytes, float]] = {}
        self._ids: dict[ObjectKey, bytes] = {}
        self._lock = RLock()
        self.quarantined: list[tuple[ObjectKey, str, bytes]] = []
        """What was set aside, and why."""

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        with self._lock:
            own_id = self._ids.get(key)
            return None if own_id is None else self._objects[own_id][0]

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are."""
        with self._lock:
            return {key: self._objects[self._ids[key]][0] for key in keys if key in self._ids}

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        return {key for key in keys if key in self._ids}

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects."""
        with self._lock:
            now = time.time()
            for keys, data in objects:
                own_id = object_id(data)
                for key in keys:
                    kept = self._ids.setdefault(key, own_id)
                    self._objects[kept] = (data if kept == own_id else self._objects[kept][0]), now

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and objects without any."""
        with self._lock:
            gone = [self._ids.pop(key) for key in set(keys) if key in self._ids]
            for own_id in set(gone) - set(self._ids.values()):
                del self._objects[own_id]
            return len(gone)

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted."""
        with self._lock:
            return iter(sorted(self._ids))

    def stat(self) -> ProviderStat:
        """Count what is there."""
        with self._lock:
            return ProviderStat(len(self._objects), len(self._ids), sum(len(data) for data, _ in self._objects.values()))

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Set aside the object of a key, with all its keys."""
        with self._lock:
            own_id = self._ids.get(key)
            if own_id is None or (data is not None and data != self._objects[own_id][0]):
                return
            self.quarantined.append((key, reason, self._objects[own_id][0]))
            self.remove([other for other, its_id in self._ids.items() if its_id == own_id])

    def close(self) -> None:
        """Do nothing."""

    # maintenance

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other threads out."""
        return self._lock  # type: ignore[return-value]  # a lock enters as True, which nobody looks at

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects."""
        with self._lock:
            keys: dict[bytes, list[ObjectKey]] = {own_id: [] for own_id in self._objects}
            for key, own_id in self._ids.items():
                keys[own_id].append(key)
            entries = [Entry(own_id, tuple(sorted(keys[own_id])), len(data), at) for own_id, (data, at) in self._objects.items()]
        return iter(entries)

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Return 0: nothing is left behind in memory."""
        return 0

    def __repr__(self) -> str:
        return f"<MemoryProvider {self.name!r}, {len(self._objects)} objects>"


def open_memory(location: str = "", **options: object) -> MemoryProvider:
    """Return an empty provider with a location as its name."""
    return MemoryProvider(location or "memory", **options)  # type: ignore[arg-type]
