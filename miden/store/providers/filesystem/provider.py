"""The provider that keeps objects in a directory."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress

from miden.errors import FormatError, IntegrityError, StorageError
from miden.store.envelope import MAX_PAYLOAD
from miden.store.keys import ObjectKey
from miden.store.locks import TIMEOUT, WriterLock
from miden.store.provider import Entry, ProviderStat
from miden.store.providers.filesystem import snapshot as layout
from miden.store.providers.filesystem.snapshot import RETRIES, Snapshot, loose_path, newest_snapshot
from miden.store.providers.filesystem.writer import Writer, create
from miden.store.system import Disk, storage_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.store.provider import Finding, Repacked, StoredObject
    from miden.store.system import FileSystem

MAX_OBJECT = 2 * MAX_PAYLOAD
"""Bytes of the largest file that is read as an object."""


class FilesystemProvider:
    """Objects in files of their own, and in packs; readers never wait, writers wait for each other.

    Parameters
    ----------
    path
        The directory.
    name
        For messages; by default the path.
    create
        Whether to make an empty store where there is none.
    writable
        False for a store that is only read.
    quota
        Bytes that objects and packs may take, or None.
    pack_above
        A batch of more objects than this becomes a pack at once: one file and one sync for all of them. None for never.
    lock_timeout
        Seconds to wait for another writer.
    fs
        What makes the calls to the operating system.

    Raises
    ------
    NotFoundError
        Of kind ``StoreNotFound`` if there is no store and none is to be made.
    StorageError
        If it cannot be made.
    IntegrityError
        Of kind ``DamagedIndex`` or ``DamagedPack`` from any method, for a store whose own files are damaged.

    Examples
    --------
    >>> import tempfile
    >>> from miden.store.provider import StoredObject
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     provider = FilesystemProvider(folder + "/store", create=True)
    ...     key = ObjectKey(0, bytes(32))
    ...     provider.put_many([StoredObject((key,), b"bytes")])
    ...     provider.get(key), provider.stat().objects
    (b'bytes', 1)
    """

    local = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        create: bool = False,
        writable: bool = True,
        quota: int | None = None,
        pack_above: int | None = 8,
        lock_timeout: float = TIMEOUT,
        fs: FileSystem | None = None,
    ) -> None:
        root = os.path.abspath(os.fspath(path))  # noqa: PTH100
        self.name = name or root
        self.writable = writable
        self.disk = Disk(root, fs)
        self.lock = WriterLock(self.disk.path(layout.LOCK), self.name, lock_timeout)
        self._state: Snapshot | None = None
        self._stamp: tuple[int, int, int] = 0, 0, 0
        """Inode, size and time of the manifest before it was read: while they stay, a read need not look again."""
        self._shunned: set[bytes] = set()
        """Objects that were found wrong and could not be set aside, on a disk that cannot be written."""
        self._writer = Writer(self.disk, quota=quota, pack_above=pack_above)
        if create:
            self._create()
        with storage_errors(self.name, "open"), suppress(IntegrityError):  # damage is told of when something is asked for
            self._snapshot()

    # -- reading

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        packed = key.to_bytes()
        with storage_errors(self.name, "read"):
            state = self._snapshot()
            for _ in range(RETRIES):
                for own_id in state.ids(packed):
                    data = self._read(state, own_id)
                    if data is not None:
                        return data
                newer = self._newer(state)
                if newer is state:
                    if state.faults:
                        raise state.faults[0]
                    return None
                state = newer
        raise self._busy()

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are; keys of one object share its bytes."""
        found: dict[ObjectKey, bytes] = {}
        by_id: dict[bytes, bytes] = {}
        with storage_errors(self.name, "read"):
            state = self._snapshot()
            missing = list(dict.fromkeys(keys))
            for _ in range(RETRIES):
                wanted, missing = missing, []
                for key in wanted:
                    for own_id in state.ids(key.to_bytes()):
                        data = by_id.get(own_id)
                        if data is None:
                            data = self._read(state, own_id)
                        if data is not None:
                            found[key] = by_id[own_id] = data
                            break
                    else:
                        missing.append(key)
                newer = state if not missing else self._newer(state)
                if newer is state:
                    if missing and state.faults:
                        raise state.faults[0]
                    return found
                state = newer
        raise self._busy()

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        with storage_errors(self.name, "read"):
            state = self._snapshot()
            missing = set(keys)
            found: set[ObjectKey] = set()
            for _ in range(RETRIES):
                here = {key for key in missing if any(self._is_there(state, own_id) for own_id in state.ids(key.to_bytes()))}
                found |= here
                missing -= here
                newer = state if not missing else self._newer(state)
                if newer is state:
                    return found
                state = newer
        raise self._busy()

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted, as they are now."""
        with storage_errors(self.name, "read"):
            state = self._newest()
        return map(ObjectKey.from_bytes, sorted(state.all_pairs()))

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects that keys lead to, in the order of their ids."""
        with storage_errors(self.name, "read"):
            state = self._newest()
            by_id: dict[bytes, list[bytes]] = {}
            for key, own_id in state.all_pairs().items():
                by_id.setdefault(own_id, []).append(key)
            entries = []
            for own_id, keys in sorted(by_id.items()):
                size, written = self._facts(state, own_id)
                entries.append(Entry(own_id, tuple(map(ObjectKey.from_bytes, sorted(keys))), size, written))
        return iter(entries)

    def stat(self) -> ProviderStat:
        """Count objects, keys, and the bytes of loose objects and packs, in use or not."""
        with storage_errors(self.name, "read"):
            pairs = self._newest().all_pairs()
            return ProviderStat(len(set(pairs.values())), len(pairs), self._writer.used())

    # -- writing

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects; they survive a loss of power when this returns.

        Raises `StorageError` of kind ``DiskFull``, ``QuotaExceeded``, ``ReadOnly``, ``PermissionDenied`` ...: then some of
        the objects are there, each whole, or none.
        """
        with self.exclusive(), storage_errors(self.name, "write"):
            self._state = self._writer.put(self._writable(), objects)

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and delete objects that no key leads to; works on a full disk."""
        with self.exclusive(), storage_errors(self.name, "remove"):
            self._state, count = self._writer.remove(self._writable(), {key.to_bytes() for key in keys})
            return count

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Move the object of a key to the directory ``quarantine``; on a disk that cannot be written, do not read it again."""
        try:
            with self.exclusive(), storage_errors(self.name, "set aside an object"):
                state = self._writable()
                for own_id in self._wrong_ids(state, key, data):
                    self._state = state = self._writer.set_aside(state, own_id, reason, data)
        except (StorageError, IntegrityError):
            self._shunned.update(self._wrong_ids(self._snapshot(), key, data))
            raise

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Delete what no manifest names and is older than `grace` seconds, and rewrite packs that are mostly unused."""
        with self.exclusive(), storage_errors(self.name, "sweep"):
            self._state, freed = self._writer.sweep(self._writable(), grace, dry_run=dry_run)
            return freed

    def repack(self, *, full: bool = False) -> Repacked:
        """Put loose objects into a pack; with `full` make one pack of all objects."""
        with self.exclusive(), storage_errors(self.name, "repack"):
            self._state, done = self._writer.repack(self._writable(), full=full)
            return done

    def check(self, *, repair: bool = False) -> Iterator[Finding]:
        """Iterate over what is wrong with the files of the store, objects' contents aside; mend the index if `repair` is set."""
        from miden.store.providers.filesystem.check import check_files

        with self.exclusive() if self.writable else nullcontext(), storage_errors(self.name, "check"):
            findings, self._state = check_files(self.name, self.disk, self._writer, repair=repair)
        return iter(findings)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers out while the block runs."""
        if not self.writable:
            raise StorageError(f"the store {self.name} is opened for reading only", kind="ReadOnly", provider=self.name)
        with self.lock.held():
            yield

    def close(self) -> None:
        """Let go of packs."""
        self._state = None

    # -- inside

    def _create(self) -> None:
        with storage_errors(self.name, "make a store"):
            if self.disk.exists(self.disk.path(layout.MANIFEST)):
                return
            os.makedirs(self.disk.root, mode=0o700, exist_ok=True)  # noqa: PTH103
            self.disk.sync_directory(os.path.dirname(self.disk.root))  # noqa: PTH120
        with self.lock.held(), storage_errors(self.name, "make a store"):
            create(self.disk)

    def _snapshot(self) -> Snapshot:
        """Return the state last seen, or the newest if none was."""
        state = self._state
        return state if state is not None and self._stamp == self._manifest_stamp() else self._newest()

    def _newest(self) -> Snapshot:
        stamp = self._manifest_stamp()
        state = self._state = newest_snapshot(self.disk, self._state)
        self._stamp = stamp
        return state

    def _manifest_stamp(self) -> tuple[int, int, int]:
        try:
            found = self.disk.fs.stat(self.disk.path(layout.MANIFEST))
        except (FileNotFoundError, NotADirectoryError):
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _writable(self) -> Snapshot:
        """Return the newest state, to be changed: one whose files are damaged is only read."""
        state = self._newest()
        if state.faults:
            raise state.faults[0]
        return state

    def _newer(self, state: Snapshot) -> Snapshot:
        """Return the newest state: `state` itself if it still is."""
        known = self._state
        if known is not None and known is not state:
            return known
        return self._newest()

    def _read(self, state: Snapshot, own_id: bytes) -> bytes | None:
        """Return the bytes of an object, or None if it is not there in this state."""
        if own_id in self._shunned:
            return None
        place = state.packed(own_id)
        if place is not None:
            return place[0].read(place[1])
        try:
            return self.disk.read(loose_path(self.disk, own_id), MAX_OBJECT)
        except FileNotFoundError:
            return None

    def _read_or_none(self, state: Snapshot, own_id: bytes) -> bytes | None:
        try:
            return self._read(state, own_id)
        except (IntegrityError, FormatError):
            return None

    def _wrong_ids(self, state: Snapshot, key: ObjectKey, data: bytes | None) -> list[bytes]:
        """Return the ids of the objects that a key leads to and that have these bytes, or cannot be read."""
        return [own_id for own_id in state.ids(key.to_bytes()) if self._read_or_none(state, own_id) in (data, None)]

    def _is_there(self, state: Snapshot, own_id: bytes) -> bool:
        return own_id not in self._shunned and self._writer.is_there(state, own_id)

    def _facts(self, state: Snapshot, own_id: bytes) -> tuple[int, float]:
        """Return size and time of an object, the size 0 if it is not there."""
        place = state.packed(own_id)
        path = loose_path(self.disk, own_id) if place is None else layout.pack_path(self.disk, place[0].name)
        try:
            found = self.disk.fs.stat(path)
        except FileNotFoundError:
            return 0, 0.0
        return found.st_size if place is None else place[1].size, found.st_mtime

    def _busy(self) -> StorageError:
        return StorageError(f"{self.name} changed {RETRIES} times while it was read", kind="StoreBusy", provider=self.name)

    def __repr__(self) -> str:
        return f"<FilesystemProvider {self.name!r}>"


def open_filesystem(location: str, **options: object) -> FilesystemProvider:
    """Return the provider of a directory, made if it is not there unless `create` is False."""
    options.setdefault("create", True)
    return FilesystemProvider(location, **options)  # type: ignore[arg-type]
