"""Seals: what this machine has verified before, remembered so that nobody else can claim it.

A seal is the keyed BLAKE3 hash of an envelope. Bytes whose seal is known take the trusted way: no digest is recomputed. Any
changed byte gives another seal, which nobody can make known without the key; so a changed object is verified anew.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from threading import Lock

from blake3 import blake3

from miden.errors import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.store.locks import WriterLock
    from miden.store.system import Disk

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
        self._key = secrets.token_bytes(KEY_SIZE) if key is None else key
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


class DiskSeals(Seals):
    """Seals that stay on this machine: a key that only its user can read, and a file that grows.

    Losing seals only costs time, so nothing here is synced, and what cannot be written is remembered in memory. Without a
    lock nothing is written at all.
    """

    def __init__(self, disk: Disk, lock: WriterLock | None) -> None:
        self._disk = disk
        self._writable = lock is not None
        self._file = disk.path("seals")
        self._loaded = 0
        self._broken = False
        super().__init__(self._load_key(lock))
        self._load_more()

    def knows(self, mark: bytes) -> bool:
        """Tell whether bytes with this seal were verified before, by any process of this user."""
        return mark in self._known or (self._load_more() and mark in self._known)

    def add(self, marks: Iterable[bytes]) -> None:
        """Remember seals, in the file as well."""
        with self._lock:
            fresh = dict.fromkeys(mark for mark in marks if mark not in self._known)
            if not fresh:
                return
            self._known.update(fresh)
            if not self._writable:
                return
            try:
                if self._broken:
                    self._rewrite()
                else:
                    self._append(b"".join(fresh))
            except OSError:  # a full or read-only disk: these are verified again by the next process
                self._broken = True

    def replace(self, marks: Iterable[bytes]) -> None:
        """Forget all seals but these, in the file as well."""
        with self._lock:
            self._known = set(marks)
            with suppress(OSError):
                if self._writable:
                    self._rewrite()

    def _load_key(self, lock: WriterLock | None) -> bytes | None:
        """Return the key of this store, a new one if there is none that only its user can read; None to use one for now only."""
        path = self._disk.path("seal.key")
        with suppress(OSError, StorageError):
            key = self._read_key(path)
            if key is None and lock is not None:
                with lock.held():
                    key = self._read_key(path)
                    if key is None:
                        key = secrets.token_bytes(KEY_SIZE)
                        self._disk.unlink(self._file)
                        self._disk.replace(path, key, 0o600)
            return key
        return None

    def _read_key(self, path: str) -> bytes | None:
        with suppress(FileNotFoundError):
            key = self._disk.read(path)
            if len(key) == KEY_SIZE and not self._disk.fs.stat(path).st_mode & 0o077:
                return key
        return None

    def _load_more(self) -> bool:
        """Take in what other processes have added to the file; return whether there was anything."""
        try:
            size = self._disk.fs.stat(self._file).st_size
            if size == self._loaded:
                return False
            data = self._disk.read(self._file)
        except OSError:
            return False
        with self._lock:
            start = self._loaded if self._loaded <= len(data) else 0
            end = len(data) - len(data) % SEAL_SIZE
            self._known.update(data[at : at + SEAL_SIZE] for at in range(start, end, SEAL_SIZE))
            self._broken = end < len(data)  # a write was cut off: the next one makes the file anew
            self._loaded = len(data)
        return True

    def _append(self, data: bytes) -> None:
        fs = self._disk.fs
        try:
            fd = fs.open(self._file, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            fd = fs.create(self._file, 0o600)
        try:
            self._disk.write_all(fd, data)
        finally:
            fs.close(fd)

    def _rewrite(self) -> None:
        data = b"".join(sorted(self._known))
        self._disk.replace(self._file, data, 0o600)
        self._loaded = len(data)
        self._broken = False
