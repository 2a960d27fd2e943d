"""Pins: what must be kept whenever garbage is collected, and who wants that."""

from __future__ import annotations

from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.store.keys import ObjectKey

MANUAL = "manual"
"""Owner of pins that somebody set by hand."""


class Pins:
    """Keys by owner, in memory.

    >>> from miden.store.keys import ObjectKey
    >>> pins, key = Pins(), ObjectKey(0, bytes(32))
    >>> pins.add([key], owner="package demo@1.0.0")
    >>> pins.owners(key), pins.discard(key, owner="package demo@1.0.0"), pins.owners(key)
    (['package demo@1.0.0'], True, [])
    """

    def __init__(self) -> None:
        self._owners: dict[str, set[ObjectKey]] = {}
        self._lock = Lock()

    def all(self) -> dict[str, set[ObjectKey]]:
        """Return the pinned keys by owner."""
        with self._lock:
            return {owner: set(keys) for owner, keys in self._owners.items()}

    def add(self, keys: Iterable[ObjectKey], *, owner: str | None = None) -> None:
        """Pin keys."""
        with self._lock:
            self._owners.setdefault(owner or MANUAL, set()).update(keys)

    def discard(self, key: ObjectKey, *, owner: str | None = None) -> bool:
        """Take a pin back and return whether there was one."""
        with self._lock:
            keys = self._owners.get(owner or MANUAL, set())
            found = key in keys
            keys.discard(key)
            if not keys:
                self._owners.pop(owner or MANUAL, None)
            return found

    def drop_owner(self, owner: str) -> int:
        """Take back all pins of an owner and return how many there were."""
        with self._lock:
            return len(self._owners.pop(owner, ()))

    def owners(self, key: ObjectKey) -> list[str]:
        """Return who has pinned a key, sorted."""
        return sorted(owner for owner, keys in self.all().items() if key in keys)
