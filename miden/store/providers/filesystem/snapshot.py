"""What a reader sees: one manifest, with the segments and packs it names. A snapshot never changes."""

from __future__ import annotations

from typing import NamedTuple

from miden.errors import IntegrityError, NotFoundError, StorageError
from miden.store.providers.filesystem.manifest import Manifest
from miden.store.providers.filesystem.packs import Pack
from miden.store.providers.filesystem.segments import HINT, Segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.store.providers.filesystem.packs import Packed
    from miden.store.system import Disk

MANIFEST = "manifest"
OBJECTS = "objects"
INDEX = "index"
PACKS = "packs"
TEMPORARY = "tmp"
QUARANTINE = "quarantine"
LOCK = "lock"
UNFINISHED = "unfinished"
"""Marks a removal that had to delete objects before it could write the index without them: the disk was full."""

MAX_INDEX = 2**31
"""Bytes of the largest manifest or segment that is read: thirty million keys."""

PACK_SUFFIX = ".pack"
RETRIES = 100
"""Times that a reader looks again because a writer has just changed the store."""


class Snapshot(NamedTuple):
    """A state of the store: everything a reader needs to find an object."""

    manifest: Manifest
    recent: Segment
    """The records of the manifest itself: newer than all others."""
    named: dict[bytes, Segment]
    """Segments by name, newest first."""
    packs: tuple[Pack, ...]
    shunned: frozenset[bytes]
    faults: tuple[IntegrityError, ...] = ()
    """What is wrong with segments and packs that are left out here: what is not found may be in them."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, newest first."""
        return self.recent, *self.named.values()

    def ids(self, key: bytes) -> Iterator[bytes]:
        """Iterate over the ids for a key, newest first; an older one counts where the newer object is not there."""
        for segment in self.segments:
            own_id = segment.find(key)
            if own_id is not None:
                yield own_id

    def packed(self, own_id: bytes) -> tuple[Pack, Packed] | None:
        """Return where in which pack an object is, or None."""
        for pack in self.packs:
            place = pack.find(own_id)
            if place is not None:
                return None if own_id in self.shunned else (pack, place)
        return None

    def all_pairs(self) -> dict[bytes, bytes]:
        """Return all keys with their newest ids."""
        pairs: dict[bytes, bytes] = {}
        for segment in reversed(self.segments):
            pairs.update(segment.pairs())
        return pairs


def loose_path(disk: Disk, own_id: bytes) -> str:
    """Return the path of an object in a file of its own."""
    name = own_id.hex()
    return disk.path(OBJECTS, name[:2], name[2:])


def pack_path(disk: Disk, name: bytes) -> str:
    """Return the path of a pack."""
    return disk.path(PACKS, name.hex() + PACK_SUFFIX)


def segment_path(disk: Disk, name: bytes) -> str:
    """Return the path of a segment."""
    return disk.path(INDEX, name.hex())


def has_content(disk: Disk) -> bool:
    """Tell whether there are objects, with or without a manifest."""
    return any(disk.listdir(disk.path(name)) for name in (OBJECTS, PACKS))


def read_manifest(disk: Disk) -> Manifest:
    """Read the manifest.

    Raises `NotFoundError` of kind ``StoreNotFound`` where there is no store, `IntegrityError` of kind ``DamagedIndex`` where
    one has lost its manifest.
    """
    try:
        return Manifest.from_bytes(disk.read(disk.path(MANIFEST), MAX_INDEX))
    except (FileNotFoundError, NotADirectoryError):
        if has_content(disk):
            raise IntegrityError("the store has lost its manifest", kind="DamagedIndex", hint=HINT) from None
        raise NotFoundError(f"there is no store in {disk.root}", kind="StoreNotFound", hint="make one with `miden store init`") from None


def read_snapshot(disk: Disk, manifest: Manifest, known: Snapshot | None = None, *, missing_ok: bool = False) -> Snapshot:
    """Read what a manifest names, taking from a known snapshot what has not changed.

    Damaged files are left out, and told of in `Snapshot.faults`. Raises `FileNotFoundError` if a file is gone, unless
    `missing_ok` counts that as damage: perhaps the manifest is not the newest.
    """
    named: dict[bytes, Segment] = {}
    packs: list[Pack] = []
    faults: list[IntegrityError] = []
    known_packs = {} if known is None else {pack.name: pack for pack in known.packs}
    for name in manifest.segments:
        try:
            segment = None if known is None else known.named.get(name)
            named[name] = segment or Segment.from_bytes(disk.read(segment_path(disk, name), MAX_INDEX), name)
        except IntegrityError as error:
            faults.append(error)
        except FileNotFoundError as error:
            faults.append(_gone(error, missing_ok))
    for name in manifest.packs:
        try:
            packs.append(known_packs.get(name) or Pack(disk, pack_path(disk, name), name))
        except IntegrityError as error:
            faults.append(error)
        except FileNotFoundError as error:
            fault = _gone(error, missing_ok)
            if not disk.exists(disk.path(UNFINISHED)):
                faults.append(fault)
    return Snapshot(manifest, manifest.records(), named, tuple(packs), frozenset(manifest.shunned), tuple(faults))


def _gone(error: FileNotFoundError, missing_ok: bool) -> IntegrityError:
    if not missing_ok:
        raise error
    return IntegrityError(f"a file that the manifest names is not there: {error.filename}", kind="DamagedIndex", hint=HINT)


def newest_snapshot(disk: Disk, known: Snapshot | None = None) -> Snapshot:
    """Read the newest state of the store; a writer may change it meanwhile, then it is read again.

    Returns `known` itself if nothing has changed.
    """
    for _ in range(RETRIES):
        manifest = read_manifest(disk)
        if known is not None and manifest == known.manifest:
            return known
        try:
            return read_snapshot(disk, manifest, known)
        except FileNotFoundError:
            if read_manifest(disk) == manifest:
                return read_snapshot(disk, manifest, known, missing_ok=True)
    raise StorageError(f"the store in {disk.root} changed {RETRIES} times while it was read", kind="StoreBusy", provider=disk.root)
