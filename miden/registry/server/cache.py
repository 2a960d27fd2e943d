"""A cache of bytes that never change, used least recently forgotten first."""

from __future__ import annotations

from collections import OrderedDict


class ByteCache:
    """At most `budget` bytes; one entry never takes more than a quarter of it.

    >>> cache = ByteCache(8)
    >>> cache.put("a", b"xx"), cache.put("b", b"xx"), cache.put("c", b"xxxx")
    (None, None, None)
    >>> cache.get("a"), cache.get("c")
    (b'xx', None)
    """

    __slots__ = ("_budget", "_entries", "_used")

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._entries: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """Return what was put under a key, or None."""
        data = self._entries.get(key)
        if data is not None:
            self._entries.move_to_end(key)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Remember bytes."""
        if len(data) * 4 > self._budget or key in self._entries:
            return
        self._entries[key] = data
        self._used += len(data)
        while self._used > self._budget:
            _, dropped = self._entries.popitem(last=False)
            self._used -= len(dropped)
