"""Tables of the database as the mappings that `miden.registry.trust` works with."""

from __future__ import annotations

import time
from collections.abc import MutableMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


class MetadataTable:
    """Signed metadata: see `miden.registry.trust.repository.MetadataStore`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def load(self, role: str, version: int | None = None) -> bytes | None:
        """Return a version of a role, the newest by default, or None."""
        where = "FROM newest JOIN metadata USING (role, version) WHERE role = ?"
        keys: tuple[object, ...] = (role,)
        if version is not None:
            where, keys = "FROM metadata WHERE role = ? AND version = ?", (role, version)
        row = self._connection.execute(f"SELECT CAST(data AS BLOB) {where}", keys).fetchone()
        return None if row is None else row[0]

    def save(self, role: str, version: int, data: bytes) -> None:
        """Keep a version of a role, which becomes the newest."""
        self._connection.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?, ?)", (role, version, data, int(time.time())))
        self._connection.execute("INSERT OR REPLACE INTO newest VALUES (?, ?)", (role, version))


class LogNodes(MutableMapping[tuple[int, int], bytes]):
    """The nodes of the log: see `miden.registry.trust.log.MerkleLog`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getitem__(self, key: tuple[int, int]) -> bytes:
        row = self._connection.execute("SELECT CAST(hash AS BLOB) FROM log_nodes WHERE level = ? AND position = ?", key).fetchone()
        if row is None:
            raise KeyError(key)
        found: bytes = row[0]
        return found

    def __setitem__(self, key: tuple[int, int], value: bytes) -> None:
        self._connection.execute("INSERT INTO log_nodes VALUES (?, ?, ?)", (*key, value))

    def __delitem__(self, key: tuple[int, int]) -> None:
        raise TypeError("nothing is taken from a log")

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._connection.execute("SELECT level, position FROM log_nodes").fetchall())

    def __len__(self) -> int:
        found: int = self._connection.execute("SELECT count(*) FROM log_nodes").fetchone()[0]
        return found
