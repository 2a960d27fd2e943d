"""Objects in an LMDB environment: the fastest reads of one file, a memory map without copies on the way.

Needs the extra ``miden[lmdb]``. A transaction is durable when it returns, readers never wait, one writer works at a time. The
library believes its own pages: open only environments that this user has made.
"""

from __future__ import annotations

import struct
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock, get_ident

from miden.errors import BackendError, IntegrityError, StorageError
from miden.store.envelope import object_id
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.provider import Entry, ProviderStat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from miden.store.provider import StoredObject

MAP_SIZE = 2**36
"""Bytes of address space, which is the most that an environment can hold; the file grows as it is needed."""

MAX_READERS = 1024
"""Transactions that may read at once, over all processes."""

RECORD = struct.Struct("<dI")
"""In front of an object's bytes: when it was written, how many keys it has; then the keys."""

_open: dict[str, tuple[Any, int]] = {}
"""Path -> environment and how many providers use it: a process may open one only once."""

_open_lock = Lock()


class LmdbProvider:
    """Keeps objects in an LMDB environment.

    Parameters
    ----------
    path
        The directory; made if it is not there, unless `writable` is False.
    name
        For messages; the path by default.
    writable
        False opens an existing environment for reading only.
    map_size
        Largest size it may grow to, in bytes.

    Raises
    ------
    BackendError
        If the library is not installed.
    StorageError
        If the environment cannot be opened.
    """

    local = True

    def __init__(self, path: str, *, name: str | None = None, writable: bool = True, map_size: int = MAP_SIZE) -> None:
        self.path = str(path)
        self.name = name or f"lmdb:{self.path}"
        self.writable = writable
        try:
            import lmdb
        except ImportError as error:
            raise BackendError("the lmdb provider needs the lmdb library", kind="MissingLmdb", hint="pip install 'miden[lmdb]'") from error
        self._lmdb: Any = lmdb
        self._place = str(Path(self.path).resolve())
        self._writing = RLock()
        self._writer: Any = None
        self._writer_thread = 0
        with self._translated():
            self._environment: Any = self._acquire(map_size)
            try:
                self._keys = self._database(b"keys")
                self._objects = self._database(b"objects")
                self._quarantine = self._database(b"quarantine")
            except BaseException:
                self.close()
                raise

    # -- reading

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        with self._reading() as transaction:
            own_id = transaction.get(key.to_bytes(), db=self._keys)
            return None if own_id is None else self._data(transaction, own_id)

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are, all of one moment."""
        found = {}
        with self._reading() as transaction:
            for key in keys:
                own_id = transaction.get(key.to_bytes(), db=self._keys)
                if own_id is not None:
                    found[key] = self._data(transaction, own_id)
        return found

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        with self._reading() as transaction:
            return {key for key in keys if transaction.get(key.to_bytes(), db=self._keys) is not None}

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted: what is there when the iterator comes to it."""
        for key, _ in self._pages(self._keys):
            yield ObjectKey.from_bytes(key)

    def stat(self) -> ProviderStat:
        """Count what is there."""
        with self._reading() as transaction:
            sizes = (len(record) - RECORD.size - KEY_SIZE * _count(record) for _, record in transaction.cursor(db=self._objects))
            return ProviderStat(transaction.stat(self._objects)["entries"], transaction.stat(self._keys)["entries"], sum(sizes))

    def _data(self, transaction: Any, own_id: bytes) -> bytes:
        record = transaction.get(own_id, db=self._objects)
        if record is None:
            raise IntegrityError(f"{self.name}: a key leads to an object that is not there", expected=own_id.hex(), kind="DanglingKey")
        return bytes(record[RECORD.size + KEY_SIZE * _count(record) :])

    def _pages(self, database: Any, size: int = 500) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over a database without holding a transaction open meanwhile."""
        last: bytes | None = None
        while True:
            page: list[tuple[bytes, bytes]] = []
            with self._reading() as transaction:
                cursor = transaction.cursor(db=database)
                more = cursor.first() if last is None else cursor.set_range(last + b"\0")
                while more and len(page) < size:
                    page.append((bytes(cursor.key()), bytes(cursor.value())))
                    more = cursor.next()
            yield from page
            if not more:
                return
            last = page[-1][0]

    # -- writing

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects, all of them or none."""
        now = time.time()
        with self._transaction() as transaction:
            for keys, data in objects:
                own_id = object_id(data)
                packed = sorted({key.to_bytes() for key in keys})
                kept = set()
                for key in packed:
                    other = transaction.get(key, db=self._keys)
                    if other is None:
                        transaction.put(key, own_id, db=self._keys)
                    kept.add(other or own_id)
                for other in kept:
                    record = transaction.get(other, db=self._objects)
                    if record is None and other == own_id:
                        record = _record(now, packed, data)
                    elif record is not None:
                        known = _keys(record)
                        mine = sorted({*known, *packed}) if other == own_id else known
                        record = _record(now, mine, record[RECORD.size + KEY_SIZE * len(known) :])
                    if record is not None:
                        transaction.put(other, record, db=self._objects)

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and objects without any."""
        with self._transaction() as transaction:
            return self._forget(transaction, [key.to_bytes() for key in set(keys)])

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Move the object of a key to the database of damaged ones."""
        with self._transaction() as transaction:
            own_id = transaction.get(key.to_bytes(), db=self._keys)
            record = None if own_id is None else transaction.get(own_id, db=self._objects)
            if own_id is None or (data is not None and (record is None or self._data(transaction, own_id) != data)):
                return
            note = reason.encode()
            transaction.put(own_id, struct.pack("<dI", time.time(), len(note)) + note + (record or b""), db=self._quarantine)
            self._forget(transaction, [key.to_bytes()] if record is None else _keys(record), only=own_id)

    def _forget(self, transaction: Any, keys: Sequence[bytes], only: bytes | None = None) -> int:
        count = 0
        for key in keys:
            own_id = transaction.get(key, db=self._keys)
            if own_id is None or only not in (None, own_id):
                continue
            transaction.delete(key, db=self._keys)
            count += 1
            record = transaction.get(own_id, db=self._objects)
            if record is not None and not any(transaction.get(other, db=self._keys) == own_id for other in _keys(record)):
                transaction.delete(own_id, db=self._objects)
        return count

    # -- maintenance

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers out: what is written inside the block is one transaction."""
        with self._transaction():
            yield

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects, by id."""
        for own_id, record in self._pages(self._objects):
            keys = _keys(record)
            with self._reading() as transaction:
                mine = tuple(ObjectKey.from_bytes(key) for key in keys if transaction.get(key, db=self._keys) == own_id)
            yield Entry(own_id, mine, len(record) - RECORD.size - KEY_SIZE * len(keys), RECORD.unpack_from(record)[0])

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Delete quarantined objects older than the grace period; return the bytes they took."""
        before, freed = time.time() - grace, 0
        with self._transaction() as transaction:
            for key, record in list(transaction.cursor(db=self._quarantine)):
                if RECORD.unpack_from(record)[0] <= before:
                    freed += len(record)
                    if not dry_run:
                        transaction.delete(key, db=self._quarantine)
        return freed

    def close(self) -> None:
        """Close the environment, if no other provider of this process uses it."""
        with _open_lock:
            environment, self._environment = self._environment, None
            if environment is None:
                return
            users = _open[self._place][1] - 1
            _open[self._place] = environment, users
            if not users:
                del _open[self._place]
                environment.close()

    # -- transactions

    def _acquire(self, map_size: int) -> Any:
        with _open_lock:
            known = _open.get(self._place)
            if known is None:
                if self.writable:
                    Path(self._place).mkdir(parents=True, exist_ok=True)
                environment = self._lmdb.open(
                    self._place, map_size=map_size, max_dbs=3, max_readers=MAX_READERS, readonly=not self.writable, create=self.writable
                )
                environment.reader_check()  # processes that were killed leave their slots behind
                known = environment, 0
            _open[self._place] = known[0], known[1] + 1
            return known[0]

    def _database(self, name: bytes) -> Any:
        return self._environment.open_db(name, create=self.writable)

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        if self._writer is not None and self._writer_thread == get_ident():
            yield self._writer
            return
        with self._translated(), self._open_environment().begin() as transaction:
            yield transaction

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Run a block as one transaction, or as part of the one that this thread is in."""
        if not self.writable:
            raise StorageError(f"{self.name} is open for reading only", kind="ReadOnly", provider=self.name)
        with self._writing:
            if self._writer is not None:
                yield self._writer
                return
            with self._translated(), self._open_environment().begin(write=True) as transaction:
                self._writer, self._writer_thread = transaction, get_ident()
                try:
                    yield transaction
                finally:
                    self._writer = None

    def _open_environment(self) -> Any:
        environment = self._environment
        if environment is None:
            raise StorageError(f"{self.name} is closed", kind="Closed", provider=self.name)
        return environment

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of LMDB and of the system into ours."""
        lmdb = self._lmdb
        try:
            yield
        except (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError) as error:
            hint = "export what can be read, or fetch it again"
            raise IntegrityError(f"{self.name}: {error}", kind="DamagedDatabase", hint=hint) from error
        except (lmdb.MapFullError, lmdb.DiskError) as error:
            hint = "open it with a larger map_size, or make room on the disk"
            raise StorageError(f"{self.name}: {error}", kind="DiskFull", hint=hint, provider=self.name) from error
        except (lmdb.Error, OSError) as error:
            denied = isinstance(error, (PermissionError, lmdb.ReadonlyError)) or "ermission denied" in str(error)
            raise StorageError(
                f"{self.name}: {error}", kind="PermissionDenied" if denied else "DatabaseError", provider=self.name
            ) from error

    def __repr__(self) -> str:
        return f"<LmdbProvider {self.name!r}>"


def _record(written: float, keys: Sequence[bytes], data: bytes) -> bytes:
    return RECORD.pack(written, len(keys)) + b"".join(keys) + data


def _count(record: bytes) -> int:
    count: int = RECORD.unpack_from(record)[1]
    return count


def _keys(record: bytes) -> list[bytes]:
    return [record[at : at + KEY_SIZE] for at in range(RECORD.size, RECORD.size + KEY_SIZE * _count(record), KEY_SIZE)]


def open_lmdb(location: str, **options: object) -> LmdbProvider:
    """Return the provider of a directory."""
    return LmdbProvider(location, **options)  # type: ignore[arg-type]
