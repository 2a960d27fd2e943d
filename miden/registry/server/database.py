"""The SQLite database of a registry: one file, one connection a thread, one writer at a time.

A transaction is on the disk when it is committed (``synchronous=FULL`` on a write-ahead log), and what a killed process had
not committed is gone when the file is opened next.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager

from miden.errors import FormatError, IntegrityError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE names (key TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, skeleton TEXT NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX names_by_skeleton ON names (skeleton);
CREATE TABLE versions (
    name TEXT NOT NULL, version TEXT NOT NULL, line BLOB NOT NULL, sha256 TEXT NOT NULL, published INTEGER NOT NULL,
    publisher TEXT NOT NULL, PRIMARY KEY (name, version));
CREATE INDEX versions_by_file ON versions (sha256);
CREATE INDEX versions_by_time ON versions (published);
CREATE TABLE roots (root BLOB NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (root, name, version)) WITHOUT ROWID;
CREATE TABLE metadata (
    role TEXT NOT NULL, version INTEGER NOT NULL, data BLOB NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (role, version));
CREATE TABLE newest (role TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE targets (path TEXT PRIMARY KEY, data BLOB NOT NULL, made INTEGER NOT NULL);
CREATE TABLE log_nodes (level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)) WITHOUT ROWID;
CREATE TABLE log_entries (position INTEGER PRIMARY KEY, leaf BLOB NOT NULL, data BLOB NOT NULL);
CREATE INDEX log_entries_by_leaf ON log_entries (leaf);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, note TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, made INTEGER NOT NULL, expires INTEGER,
    revoked INTEGER);
"""
VERSION = 1
APPLICATION = 0x4D415354
"""``MAST``, the application id in the header of the file."""
BUSY_SECONDS = 30.0


class Database:
    """The database in a file; made with its tables if `create` is set.

    Raises `NotFoundError` of kind ``RegistryNotFound``, `FormatError` of kind ``InvalidDatabase`` for a file that is
    something else, `IntegrityError` of kind ``DamagedDatabase`` when SQLite finds damage.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False) -> None:
        import os

        self.path = os.fspath(path)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[sqlite3.Connection] = []
        if create:
            with self.writing() as connection:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
        elif not os.path.exists(self.path):  # noqa: PTH110
            raise NotFoundError(f"there is no registry in {self.path}", kind="RegistryNotFound", hint="miden registry init makes one")
        with self.reading() as connection:
            found = connection.execute("PRAGMA application_id").fetchone()[0], connection.execute("PRAGMA user_version").fetchone()[0]
        if found != (APPLICATION, VERSION):
            self.close()
            raise FormatError(f"{self.path} is not the database of a registry of version {VERSION}", kind="InvalidDatabase")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            with self._lock:
                self._open.append(connection)
            self._local.connection = connection
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection on which several reads see one state."""
        with self._translated():
            connection = self._connection()
            nested = connection.in_transaction
            if not nested:
                connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if not nested and connection.in_transaction:
                    connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection on which everything happens or nothing does, with nobody else writing."""
        with self._translated():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def state(self) -> int:
        """Return a number that is another one once anybody else, thread or process, has changed something."""
        with self._translated():
            found: int = self._connection().execute("PRAGMA data_version").fetchone()[0]
            return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(f"the database of the registry cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "restore it from a copy; miden registry verify says whether that one is whole"
            raise IntegrityError(f"the database of the registry is damaged: {error}", kind="DamagedDatabase", hint=hint) from error

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()
