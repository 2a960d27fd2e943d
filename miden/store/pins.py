"""Pins: what must be kept whenever garbage is collected, and who wants that."""

from __future__ import annotations

import json
from threading import Lock

from blake3 import blake3

from miden.errors import InputError, IntegrityError
from miden.store.keys import ObjectKey
from miden.store.system import storage_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.store.locks import WriterLock
    from miden.store.system import Disk

MANUAL = "manual"
"""Owner of pins that somebody set by hand."""

FOLDER = "pins"
_FIRST_LINE = "miden pins 1"


class Pins:
    """Keys by owner, in memory.

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

    def of(self, owner: str) -> set[ObjectKey]:
        """Return the keys that an owner has pinned."""
        return self.all().get(owner, set())

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


class DiskPins(Pins):
    """Pins in a directory, one file for each owner: all pins of an installed package come and go at once.

    Methods raise `StorageError` if the disk fails, `IntegrityError` of kind ``DamagedPins`` for a file that is not whole:
    nothing is collected before that is mended.
    """

    def __init__(self, disk: Disk, lock: WriterLock) -> None:
        super().__init__()
        self._disk = disk
        self._writers = lock

    def all(self) -> dict[str, set[ObjectKey]]:
        """Return the pinned keys by owner."""
        return {owner: _parse(keys) for owner, keys in self._all()}

    def of(self, owner: str) -> set[ObjectKey]:
        """Return the keys that an owner has pinned; only that one's file is read."""
        with storage_errors(self._disk.root, "read pins"):
            return _parse(self._keys(self._path(owner)))

    def owners(self, key: ObjectKey) -> list[str]:
        """Return who has pinned a key, sorted."""
        return sorted(owner for owner, keys in self._all() if str(key) in keys)

    def add(self, keys: Iterable[ObjectKey], *, owner: str | None = None) -> None:
        """Pin keys; the pins survive a loss of power when this returns."""
        owner = owner or MANUAL
        with self._writers.held(), storage_errors(self._disk.root, "write pins"):
            path = self._path(owner)
            old = self._keys(path)
            new = old | set(map(str, keys))
            if new != old:
                if not old and not self._disk.make_directory(self._disk.path(FOLDER)):
                    self._disk.sync_directory(self._disk.root)  # it may be of a writer that was killed before it did
                self._disk.replace(path, _pins_to_bytes(owner, new))

    def discard(self, key: ObjectKey, *, owner: str | None = None) -> bool:
        """Take a pin back and return whether there was one."""
        owner = owner or MANUAL
        with self._writers.held(), storage_errors(self._disk.root, "write pins"):
            path = self._path(owner)
            keys = self._keys(path)
            if str(key) not in keys:
                return False
            keys.discard(str(key))
            if keys:
                self._disk.replace(path, _pins_to_bytes(owner, keys))
            else:
                self._remove(path)
            return True

    def drop_owner(self, owner: str) -> int:
        """Take back all pins of an owner and return how many there were."""
        with self._writers.held(), storage_errors(self._disk.root, "write pins"):
            path = self._path(owner)
            count = len(self._keys(path))
            if count:
                self._remove(path)
            return count

    def _remove(self, path: str) -> None:
        self._disk.unlink(path)
        self._disk.sync_directory(self._disk.path(FOLDER))

    def _path(self, owner: str) -> str:
        if not owner.isprintable() or len(owner) > 200:
            raise InputError("the owner of a pin is a printable text of at most 200 characters", kind="InvalidOwner")
        return self._disk.path(FOLDER, blake3(owner.encode()).hexdigest()[:32])

    def _all(self) -> list[tuple[str, set[str]]]:
        with storage_errors(self._disk.root, "read pins"):
            names = self._disk.listdir(self._disk.path(FOLDER))
            return [found for name in names if (found := self._read(self._disk.path(FOLDER, name))) is not None]

    def _keys(self, path: str) -> set[str]:
        found = self._read(path)
        return set() if found is None else found[1]

    def _read(self, path: str) -> tuple[str, set[str]] | None:
        """Return the owner and the keys, as texts, that a file has; None if there is none."""
        try:
            data = self._disk.read(path)
        except FileNotFoundError:
            return None
        try:
            return _pins_from_bytes(data)
        except ValueError as error:
            raise IntegrityError(f"the pins in {path} are damaged: {error}", kind="DamagedPins", hint=HINT) from error


HINT = "restore the file, or delete it and pin again what it kept; nothing is collected before"


def _parse(keys: Iterable[str]) -> set[ObjectKey]:
    try:
        return set(map(ObjectKey.parse, keys))
    except InputError as error:
        raise IntegrityError(f"the pins have a line that is no key: {error}", kind="DamagedPins", hint=HINT) from error


def _pins_to_bytes(owner: str, keys: Iterable[str]) -> bytes:
    lines = [_FIRST_LINE, json.dumps(owner), *sorted(keys)]
    body = "".join(line + "\n" for line in lines).encode()
    return body + blake3(body).hexdigest().encode() + b"\n"


def _pins_from_bytes(data: bytes) -> tuple[str, set[str]]:
    body, checksum = data[:-65], data[-65:]
    if checksum != blake3(body).hexdigest().encode() + b"\n":
        raise ValueError("the checksum is not that of the lines before it")
    first, owner, *keys = body.decode().splitlines()
    if first != _FIRST_LINE:
        raise ValueError(f"the first line is {first!r}, only {_FIRST_LINE!r} is known")
    return json.loads(owner), set(keys)
