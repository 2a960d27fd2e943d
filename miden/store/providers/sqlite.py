"""Objects in one SQLite file: for places where one file is easier to keep than a directory.

The journal is a write-ahead log with full synchronisation: what `put_many` has returned from survives a loss of power, readers
never wait, writers wait for each other.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from threading import Lock, RLock, get_ident

from miden.errors import IntegrityError, StorageError
from miden.store.envelope import object_id
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.provider import Entry, ProviderStat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.store.provider import StoredObject

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (id BLOB PRIMARY KEY, written REAL NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (key BLOB PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_id ON keys (id);
CREATE TABLE IF NOT EXISTS quarantine (key BLOB NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL, data BLOB);
"""

APPLICATION_ID = 0x4D694F62
"""Marks the file as ours, in the field that SQLite has for it."""

BUSY_SECONDS = 30
"""How long a writer waits for another."""

CHUNK = 500
"""Keys in one query: SQLite takes about a thousand parameters."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_KINDS = {
    sqlite3.SQLITE_FULL: ("DiskFull", "make room on the disk; gc works without room"),
    sqlite3.SQLITE_READONLY: ("ReadOnly", "the file, or its directory, may not be written to"),
    sqlite3.SQLITE_CANTOPEN: ("CannotOpen", "the directory must exist, and be open to this user"),
    sqlite3.SQLITE_PERM: ("PermissionDenied", "the file must be open to this user"),
    sqlite3.SQLITE_BUSY: ("Locked", "another process has been writing for a long time"),
}


class SqliteProvider:
    """Keeps objects in an SQLite database.

    Parameters
    ----------
    path
        The file; made if it is not there, unless `writable` is False.
    name
        For messages; the path by default.
    writable
        False opens an existing file for reading only.

    Raises
    ------
    StorageError
        If the file cannot be opened; `kind` says why.
    IntegrityError
        If it is damaged, or no database of objects.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     provider = SqliteProvider(f"{folder}/store.sqlite")
    ...     provider.stat()
    ...     provider.close()
    ProviderStat(objects=0, keys=0, bytes=0)
    """

    local = True

    def __init__(self, path: str, *, name: str | None = None, writable: bool = True) -> None:
        self.path = str(path)
        self.name = name or f"sqlite:{self.path}"
        self.writable = writable
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = Lock()
        self._closed = False
        self._writing = RLock()
        self._writer: sqlite3.Connection | None = None
        self._writer_thread = 0
        try:
            with self._reading() as connection:
                self._prepare(connection)
        except BaseException:
            self.close()
            raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in an empty file; refuse a file with others."""
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        if found == APPLICATION_ID:
            return
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise IntegrityError(f"{self.path} is a database of something else", kind="NotAStore")
        if self.writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(f"{SCHEMA} PRAGMA application_id={APPLICATION_ID};")

    # -- reading

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        with self._reading() as connection:
            query = "SELECT data FROM keys JOIN objects USING (id) WHERE key = ?"
            row: tuple[bytes] | None = connection.execute(query, (key.to_bytes(),)).fetchone()
            return None if row is None else row[0]

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are."""
        query = "SELECT key, data FROM keys JOIN objects USING (id) WHERE key IN"
        return {ObjectKey.from_bytes(key): data for key, data in self._select(query, keys)}

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        return {ObjectKey.from_bytes(key) for (key,) in self._select("SELECT key FROM keys WHERE key IN", keys)}

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted: what is there when the iterator comes to it."""
        last = b""
        while True:
            with self._reading() as connection:
                rows = connection.execute("SELECT key FROM keys WHERE key > ? ORDER BY key LIMIT 1000", (last,)).fetchall()
            if not rows:
                return
            for (last,) in rows:
                yield ObjectKey.from_bytes(last)

    def stat(self) -> ProviderStat:
        """Count what is there."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM objects), (SELECT count(*) FROM keys), (SELECT coalesce(sum(length(data)), 0) FROM objects)"
            ).fetchone()
            return ProviderStat(*row)

    def _select(self, query: str, keys: Iterable[ObjectKey]) -> list[tuple[bytes, ...]]:
        wanted = [key.to_bytes() for key in dict.fromkeys(keys)]
        rows: list[tuple[bytes, ...]] = []
        with self._reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                rows += connection.execute(f"{query} ({','.join('?' * len(chunk))})", chunk)
        return rows

    # -- writing

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects, all of them or none."""
        now = time.time()
        with self._transaction() as connection:
            for keys, data in objects:
                own_id = object_id(data)
                packed = [key.to_bytes() for key in keys]
                connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(key, own_id) for key in packed])
                kept = {connection.execute("SELECT id FROM keys WHERE key = ?", (key,)).fetchone()[0] for key in packed}
                if own_id in kept:
                    connection.execute("INSERT OR IGNORE INTO objects VALUES (?, ?, ?)", (own_id, now, data))
                connection.executemany("UPDATE objects SET written = ? WHERE id = ?", [(now, other) for other in kept])

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and objects without any."""
        with self._transaction() as connection:
            return self._forget(connection, [key.to_bytes() for key in set(keys)])

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Move the object of a key to the table of damaged ones."""
        with self._transaction() as connection:
            row = connection.execute("SELECT id, data FROM keys LEFT JOIN objects USING (id) WHERE key = ?", (key.to_bytes(),)).fetchone()
            if row is None or (data is not None and data != row[1]):
                return
            connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (key.to_bytes(), reason, time.time(), row[1]))
            self._forget(connection, [other for (other,) in connection.execute("SELECT key FROM keys WHERE id = ?", (row[0],))])

    def _forget(self, connection: sqlite3.Connection, keys: list[bytes]) -> int:
        count = 0
        for key in keys:
            row = connection.execute("DELETE FROM keys WHERE key = ? RETURNING id", (key,)).fetchone()
            if row is not None:
                count += 1
                connection.execute("DELETE FROM objects WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM keys WHERE id = ?1)", row)
        return count

    # -- maintenance

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers out: what is written inside the block is one transaction."""
        with self._transaction():
            yield

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects, by id."""
        last = b""
        while True:
            with self._reading() as connection:
                query = "SELECT id, length(data), written FROM objects WHERE id > ? ORDER BY id LIMIT 500"
                rows = connection.execute(query, (last,)).fetchall()
                keys = [connection.execute("SELECT key FROM keys WHERE id = ? ORDER BY key", (row[0],)).fetchall() for row in rows]
            if not rows:
                return
            for (last, size, written), its_keys in zip(rows, keys, strict=True):
                yield Entry(last, tuple(ObjectKey.from_bytes(key) for (key,) in its_keys), size, written)

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Delete quarantined objects older than the grace period and give free pages back; return the bytes it took."""
        before = time.time() - grace
        with self._transaction() as connection:
            query = "SELECT coalesce(sum(length(data)), 0) FROM quarantine WHERE at <= ?"
            freed: int = connection.execute(query, (before,)).fetchone()[0]
            if not dry_run:
                connection.execute("DELETE FROM quarantine WHERE at <= ?", (before,))
        return freed

    def close(self) -> None:
        """Close the connections; those that other threads use at the moment are closed when they come back."""
        with self._idle_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # -- connections

    def _connect(self) -> sqlite3.Connection:
        from urllib.parse import quote

        mode = "rwc" if self.writable else "ro"
        connection = sqlite3.connect(
            f"file:{quote(self.path)}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; inside a transaction of this thread it is that one's."""
        if self._writer is not None and self._writer_thread == get_ident():
            yield self._writer
            return
        with self._translated():
            connection = self._take()
            try:
                yield connection
            finally:
                self._give(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction, or as part of the one that this thread is in."""
        if not self.writable:
            raise StorageError(f"{self.name} is open for reading only", kind="ReadOnly", provider=self.name)
        with self._writing:
            if self._writer is not None:
                yield self._writer
                return
            with self._translated():
                connection = self._take()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    self._writer, self._writer_thread = connection, get_ident()
                    try:
                        yield connection
                    except BaseException:
                        connection.rollback()
                        raise
                    finally:
                        self._writer = None
                    connection.commit()
                finally:
                    if connection.in_transaction:  # the commit itself failed
                        connection.rollback()
                    self._give(connection)

    def _take(self) -> sqlite3.Connection:
        with self._idle_lock:
            if self._closed:
                raise StorageError(f"{self.name} is closed", kind="Closed", provider=self.name)
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._idle_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of SQLite into ours."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED:
                hint = "export what can be read, or fetch it again"
                raise IntegrityError(f"{self.name}: {error}", kind="DamagedDatabase", hint=hint) from error
            kind, help_text = _KINDS.get(code, ("DatabaseError", ""))
            raise StorageError(f"{self.name}: {error}", kind=kind, hint=help_text or None, provider=self.name) from error

    def __repr__(self) -> str:
        return f"<SqliteProvider {self.name!r}>"


def open_sqlite(location: str, **options: object) -> SqliteProvider:
    """Return the provider of a file."""
    return SqliteProvider(location, **options)  # type: ignore[arg-type]


assert KEY_SIZE == 36, "keys are columns: another size is another schema"
