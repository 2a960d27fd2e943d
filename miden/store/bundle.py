"""Bundles: objects and everything they need, as one file that can be carried anywhere.

A bundle is: ``89 4D 49 42 44 4C 0D 0A``, a version byte, the number of roots (u32) and their keys, 36 bytes each, the number of
objects (u64), each object as its size (u64) and its envelope, in the order of their ids, and the BLAKE3 hash of all that. All
numbers are little-endian. Equal closures make equal bundles. (docs/internals/store.md)
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from blake3 import blake3

from miden.errors import FormatError, InputError, IntegrityError, NotFoundError
from miden.store.envelope import MAX_PAYLOAD, object_id, read_head
from miden.store.keys import KEY_SIZE, ObjectKey, as_key
from miden.store.provider import StoredObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from miden.store.store import ObjectStore, Root

    Progress = Callable[[int, int], None]
    """Called with how much is done, and of how much."""

MAGIC = b"\x89MIBDL\r\n"
VERSION = 1

HEAD = struct.Struct("<8sBI")
COUNT = struct.Struct("<Q")
CHECKSUM = 32
MAX_ROOTS = 2**20
MAX_OBJECT = 2 * MAX_PAYLOAD

BATCH_OBJECTS = 1024
BATCH_BYTES = 16 * 2**20
"""What is put into a store in one go."""


class Exported(NamedTuple):
    """What went into a bundle: its roots, how many objects, their bytes; `missing` keys were in no provider."""

    roots: tuple[ObjectKey, ...]
    objects: int
    bytes: int
    missing: tuple[ObjectKey, ...]


class Imported(NamedTuple):
    """What came out of a bundle: its roots, how many objects, their bytes; `missing` keys are needed and in no provider."""

    roots: tuple[ObjectKey, ...]
    objects: int
    bytes: int
    missing: tuple[ObjectKey, ...]


def export_bundle(
    store: ObjectStore, roots: Iterable[Root], file: BinaryIO, *, partial: bool = False, progress: Progress | None = None
) -> Exported:
    """Write the objects of some roots, and all that they need, to a file.

    Every object is verified before it is written. With `partial` what is in no provider is left out and told of.

    Raises
    ------
    InputError
        If no root is given.
    NotFoundError
        If something that is needed is in no provider.
    IntegrityError
        If all that was found of it is wrong.
    """
    wanted = tuple(sorted({as_key(root) for root in roots}))
    if not wanted:
        raise InputError("a bundle has at least one root", kind="NoRoots")
    objects, missing = _closure(store, wanted, partial=partial, progress=progress)
    kept = tuple(key for key in wanted if key not in missing)
    hasher = blake3()

    def write(data: bytes) -> None:
        hasher.update(data)
        file.write(data)

    write(HEAD.pack(MAGIC, VERSION, len(kept)))
    for key in kept:
        write(key.to_bytes())
    write(COUNT.pack(len(objects)))
    size = 0
    for number, (own_id, key) in enumerate(sorted(objects.items())):
        data = store.get_bytes(key)
        if object_id(data) != own_id:
            raise IntegrityError(
                f"the object {key} changed while it was exported", expected=own_id.hex(), found=object_id(data).hex(), kind="ObjectChanged"
            )
        write(COUNT.pack(len(data)))
        write(data)
        size += len(data)
        if progress is not None:
            progress(number + 1, len(objects))
    file.write(hasher.digest())
    return Exported(kept, len(objects), size, tuple(sorted(missing)))


def _closure(
    store: ObjectStore, roots: Iterable[ObjectKey], *, partial: bool, progress: Progress | None
) -> tuple[dict[bytes, ObjectKey], set[ObjectKey]]:
    """Return id -> a key of every object that is needed, and the keys that lead nowhere."""
    objects: dict[bytes, ObjectKey] = {}
    seen: set[ObjectKey] = set(roots)
    missing: set[ObjectKey] = set()
    waiting = list(seen)
    while waiting:
        key = waiting.pop()
        try:
            data = store.get_bytes(key)
        except NotFoundError:
            if not partial:
                raise
            missing.add(key)
            continue
        objects.setdefault(object_id(data), key)
        head = read_head(data)
        seen.update(head.keys)
        fresh = [link for link in head.links if link not in seen]
        seen.update(fresh)
        waiting += fresh
        if progress is not None:
            progress(0, len(objects) + len(waiting))
    return objects, missing


def import_bundle(store: ObjectStore, file: BinaryIO, *, pin: bool | str = False, progress: Progress | None = None) -> Imported:
    """Put the objects of a bundle into a store.

    The whole file is checked before anything is put, and every object is verified. `file` must be one that can seek.

    Raises
    ------
    FormatError
        For bytes that are no bundle, with an offset.
    IntegrityError
        For a wrong checksum or a wrong object.
    StorageError
        If the objects cannot be kept.
    """
    start = file.tell()
    roots, count = _check(file)
    file.seek(start + HEAD.size + KEY_SIZE * len(roots) + COUNT.size)
    batch: list[StoredObject] = []
    served: set[ObjectKey] = set()
    needed: set[ObjectKey] = set()
    size = waiting = 0
    for number in range(count):
        data = _exactly(file, COUNT.unpack(_exactly(file, COUNT.size))[0])
        keys = read_head(data).keys
        store.chain.border.admit(keys[0], data, local=False)
        batch.append(StoredObject(keys, data))
        served.update(keys)
        needed.update(read_head(data).links)
        size += len(data)
        waiting += len(data)
        if len(batch) >= BATCH_OBJECTS or waiting >= BATCH_BYTES:
            _put(store, batch)
            batch, waiting = [], 0
        if progress is not None:
            progress(number + 1, count)
    if batch:
        _put(store, batch)
    unserved = [key for key in roots if key not in served]
    if unserved:
        raise IntegrityError(
            f"the bundle has no object for its root {unserved[0]}", expected=str(unserved[0]), found=None, kind="BundleIncomplete"
        )
    if pin:
        store.pin(*roots, owner=pin if isinstance(pin, str) else None)
    missing = tuple(sorted(key for key in needed - served if not store.contains(key)))
    return Imported(roots, count, size, missing)


def _put(store: ObjectStore, batch: list[StoredObject]) -> None:
    store.home.put_many(batch)
    store.seals.add([store.seals.mark(data) for _, data in batch])


def _check(file: BinaryIO) -> tuple[tuple[ObjectKey, ...], int]:
    """Read a bundle to its end, with little memory, and return its roots and the number of its objects."""
    hasher = blake3()
    offset = 0

    def take(size: int) -> bytes:
        nonlocal offset
        data = _exactly(file, size, offset)
        hasher.update(data)
        offset += size
        return data

    magic, version, root_count = HEAD.unpack(take(HEAD.size))
    if magic != MAGIC:
        raise FormatError("a bundle starts with 0x89, MIBDL, CR and LF", offset=0, kind="InvalidMagic")
    if version != VERSION:
        raise FormatError(f"only version {VERSION} of bundles is known, found {version}", offset=len(MAGIC), kind="UnsupportedVersion")
    if not 0 < root_count <= MAX_ROOTS:
        raise FormatError(f"a bundle has 1 to {MAX_ROOTS} roots, found {root_count}", offset=len(MAGIC) + 1, kind="TooManyRoots")
    roots = tuple(ObjectKey.from_bytes(take(KEY_SIZE)) for _ in range(root_count))
    for key in roots:
        key.check()
    count: int = COUNT.unpack(take(COUNT.size))[0]
    for _ in range(count):
        at = offset
        size: int = COUNT.unpack(take(COUNT.size))[0]
        if size > MAX_OBJECT:
            raise FormatError(f"an object has at most {MAX_OBJECT} bytes, found {size}", offset=at, kind="ObjectTooLarge")
        while size:
            step = min(size, 2**20)
            take(step)
            size -= step
    found, expected = hasher.digest(), _exactly(file, CHECKSUM, offset)
    if found != expected:
        raise IntegrityError(
            "the checksum of the bundle is not that of its bytes", expected=expected.hex(), found=found.hex(), kind="ChecksumMismatch"
        )
    if file.read(1):
        raise FormatError("there are bytes behind the bundle", offset=offset + CHECKSUM, kind="TrailingBytes")
    return roots, count


def _exactly(file: BinaryIO, size: int, offset: int | None = None) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise FormatError(f"the bundle ends where {size} bytes were expected, found {len(data)}", offset=offset, kind="UnexpectedEOF")
    return data
