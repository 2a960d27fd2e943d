"""Seals: what this machine has verified before, remembered so that nobody else can claim it.

A seal is the keyed BLAKE3 hash of an envelope. Bytes whose seal is known take the trusted way: no digest is recomputed. Any
changed byte gives another seal, which nobody can make known without the key; so a changed object is verified anew.
"""

from __future__ import annotations

from threading import Lock

from blake3 import blake3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SEAL_SIZE = 32
KEY_SIZE = 32


class Seals:
    """A set of seals under one key, in memory.

    >>> seals = Seals()
    >>> mark = seals.mark(b"bytes")
    >>> seals.knows(mark), seals.add([mark]), seals.knows(mark)
    (False, None, True)
    """

    def __init__(self, key: bytes | None = None) -> None:
        if key is None:
            import secrets

            key = secrets.token_bytes(KEY_SIZE)
        self._key = key
        self._known: set[bytes] = set()
        self._lock = Lock()

    def mark(self, data: bytes) -> bytes:
        """Return the seal that bytes would have."""
        return blake3(data, key=self._key).digest()

    def knows(self, mark: bytes) -> bool:
        """Tell whether bytes with this seal were verified before."""
        return mark in self._known

    def add(self, marks: Iterable[bytes]) -> None:
        """Remember seals of bytes that have just been verified."""
        with self._lock:
            self._known.update(marks)

    def replace(self, marks: Iterable[bytes]) -> None:
        """Forget all seals but these."""
        with self._lock:
            self._known = set(marks)

    def __len__(self) -> int:
        return len(self._known)
