"""What changes a store on disk. All of it runs under the lock of writers, and ends with a new manifest.

The order is always the same: new files are on the disk, under their names, before the manifest that names them; the manifest
is replaced by one rename; only then are files deleted that it names no more. So a crash leaves either the old store or the
new one, and perhaps files that no manifest names, which `sweep` deletes.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress

from blake3 import blake3

from miden.errors import IntegrityError, StorageError
from miden.store import pins
from miden.store.envelope import object_id
from miden.store.provider import Repacked
from miden.store.providers.filesystem import snapshot as layout
from miden.store.providers.filesystem.manifest import Manifest
from miden.store.providers.filesystem.packs import PackWriter
from miden.store.providers.filesystem.segments import Segment
from miden.store.providers.filesystem.snapshot import Snapshot, loose_path, pack_path, read_snapshot, segment_path
from miden.store.system import storage_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from miden.store.provider import StoredObject
    from miden.store.providers.filesystem.packs import Pack
    from miden.store.system import Disk

RECENT_LIMIT = 256
"""Records that the manifest holds itself; more become a segment."""

PACK_LIMIT = 32
"""Packs above which the smallest half becomes one."""

BATCH_BYTES = 64 * 2**20
"""Bytes of objects that are held before they are written."""

UNUSED_SHARE = 0.25
"""Share of a pack that must be unused before `sweep` rewrites it."""


def create(disk: Disk) -> None:
    """Make an empty store, unless there is one; a damaged one is left alone."""
    for name in (layout.TEMPORARY, layout.INDEX, layout.PACKS, pins.FOLDER, layout.QUARANTINE, layout.OBJECTS):
        disk.make_directory(disk.path(name))
    if not disk.exists(disk.path(layout.MANIFEST)) and not layout.has_content(disk):
        disk.replace(disk.path(layout.MANIFEST), Manifest().to_bytes())


class Writer:
    """The changes, each from one snapshot to the next."""

    __slots__ = ("_disk", "_folders", "_pack_above", "_quota", "_used")

    def __init__(self, disk: Disk, *, quota: int | None = None, pack_above: int | None = 8) -> None:
        self._disk = disk
        self._quota = quota
        self._pack_above = pack_above
        self._folders: set[str] = set()
        """Folders of loose objects whose names are certainly on the disk."""
        self._used: tuple[Manifest | None, int] = None, 0
        """Bytes in use at a manifest."""

    # -- put

    def put(self, state: Snapshot, objects: Iterable[StoredObject]) -> Snapshot:
        """Add objects, in batches that each become visible at once."""
        batch: dict[bytes, bytes] = {}
        pairs: dict[bytes, bytes] = {}
        young: set[str] = set()
        waiting = 0
        for keys, data in objects:
            own_id = object_id(data)
            found = {key.to_bytes(): self._freshen(state, key.to_bytes(), young) for key in keys}
            missing = [key for key, known in found.items() if known is None and key not in pairs]
            here = own_id in found.values() or (bool(missing) and state.packed(own_id) is not None)
            pairs.update((key, own_id) for key in missing)
            if own_id in batch or not (missing or here) or (here and self._holds(state, own_id, data)):
                continue
            batch[own_id] = data  # a damaged object is written anew
            waiting += len(data)
            if waiting >= BATCH_BYTES:
                state = self._commit(state, batch, pairs)
                batch, pairs, waiting = {}, {}, 0
        return self._commit(state, batch, pairs) if batch or pairs else state

    def _commit(self, state: Snapshot, batch: dict[bytes, bytes], pairs: dict[bytes, bytes]) -> Snapshot:
        grown = sum(map(len, batch.values()))
        used = self._check_quota(state, grown)
        packs = state.manifest.packs
        above = len(batch) if self._pack_above is None else self._pack_above
        if len(batch) > above or any(state.packed(own_id) for own_id in batch):  # a new pack is asked before a damaged one
            packs = (self._write_pack(batch, batch.__getitem__, packed=False), *packs)
        else:
            self._write_loose(batch)
        state = self._publish(state, {**state.recent.mapping(), **pairs}, packs=tuple(dict.fromkeys(packs)))
        self._used = (state.manifest, used + grown) if used >= 0 else (None, 0)
        if len(packs) > PACK_LIMIT:
            with suppress(OSError):  # there may be no room for that: the objects are there, and the next put tries again
                return self._merge_packs(state)
        return state

    def _freshen(self, state: Snapshot, key: bytes, young: set[str]) -> bytes | None:
        """Make the object of a key young, so that no collection takes it for forgotten; return its id, None if there is none."""
        for own_id in state.ids(key):
            place = state.packed(own_id)
            path = loose_path(self._disk, own_id) if place is None else pack_path(self._disk, place[0].name)
            if path not in young:
                try:
                    self._disk.fs.touch(path)
                except FileNotFoundError:
                    continue
                young.add(path)
            return own_id
        return None

    def _holds(self, state: Snapshot, own_id: bytes, data: bytes) -> bool:
        """Tell whether an object is there with these bytes."""
        with suppress(IntegrityError, FileNotFoundError):
            return self._read(state, own_id) == data
        return False

    def _write_loose(self, batch: dict[bytes, bytes]) -> None:
        """Write objects to files of their own: all content first, then all names."""
        disk = self._disk
        written = [(disk.write_temporary((data,)), loose_path(disk, own_id)) for own_id, data in batch.items()]
        folders = dict.fromkeys(path.rpartition("/")[0] for _, path in written)
        unsure = folders.keys() - self._folders  # one that is there may be of a writer that was killed before it synced
        for folder in unsure:
            with suppress(FileExistsError):
                disk.fs.mkdir(folder)
        for temporary, path in written:
            disk.publish(temporary, path)
        for folder in folders:
            disk.sync_directory(folder)
        if unsure:
            disk.sync_directory(disk.path(layout.OBJECTS))
            self._folders |= unsure

    def _write_pack(self, ids: Iterable[bytes], read: Callable[[bytes], bytes], *, packed: bool) -> bytes:
        """Write a pack and return its name."""
        writer = PackWriter(ids, read, packed=packed)
        temporary = self._disk.write_temporary(writer.chunks())
        self._disk.publish(temporary, pack_path(self._disk, writer.name))
        self._disk.sync_directory(self._disk.path(layout.PACKS))
        return writer.name

    # -- the index

    def _publish(
        self,
        state: Snapshot,
        recent: dict[bytes, bytes],
        *,
        segments: tuple[bytes, ...] | None = None,
        packs: tuple[bytes, ...] | None = None,
        shunned: Iterable[bytes] | None = None,
    ) -> Snapshot:
        """Replace the manifest; delete the segments and packs that the new one names no more."""
        old = state.manifest
        segments = old.segments if segments is None else segments
        if len(recent) > RECENT_LIMIT:
            segments, recent = self._spill(state, segments, recent), {}
        records = Segment.of(recent.items())
        manifest = Manifest(
            old.generation + 1,
            segments,
            old.packs if packs is None else packs,
            tuple(sorted(set(old.shunned if shunned is None else shunned))),
            records.ids,
            records.records,
        )
        self._disk.replace(self._disk.path(layout.MANIFEST), manifest.to_bytes())
        newer = read_snapshot(self._disk, manifest, state, missing_ok=True)  # packs of an unfinished removal
        for name in set(old.segments) - set(manifest.segments):
            self._disk.unlink(segment_path(self._disk, name))
        for name in set(old.packs) - set(manifest.packs):
            self._disk.unlink(pack_path(self._disk, name))
        return newer

    def _spill(self, state: Snapshot, segments: tuple[bytes, ...], recent: dict[bytes, bytes]) -> tuple[bytes, ...]:
        """Make a segment of the newest records and of the segments that are not much larger: few are ever left."""
        merged, taken = recent, 0
        for name in segments:
            if state.named[name].count > 2 * len(merged):
                break
            merged = {**state.named[name].mapping(), **merged}
            taken += 1
        return (self._write_segment(merged), *segments[taken:])

    def _write_segment(self, pairs: dict[bytes, bytes]) -> bytes:
        data = Segment.of(pairs.items()).to_bytes()
        name = blake3(data).digest()
        self._disk.replace(segment_path(self._disk, name), data)
        return name

    def write_index(self, state: Snapshot, pairs: dict[bytes, bytes], *, packs: tuple[bytes, ...], shunned: Iterable[bytes]) -> Snapshot:
        """Replace the whole index."""
        if len(pairs) <= RECENT_LIMIT:
            return self._publish(state, pairs, segments=(), packs=packs, shunned=shunned)
        return self._publish(state, {}, segments=(self._write_segment(pairs),), packs=packs, shunned=shunned)

    # -- remove

    def remove(self, state: Snapshot, keys: set[bytes]) -> tuple[Snapshot, int]:
        """Forget keys and delete what no key leads to any more."""
        pairs = state.all_pairs()
        gone = {key: pairs.pop(key) for key in keys if key in pairs}
        if not gone:
            return state, 0
        return self._drop(state, pairs, set(gone.values())), len(gone)

    def _drop(self, state: Snapshot, pairs: dict[bytes, bytes], candidates: set[bytes]) -> Snapshot:
        """Write the index without some objects, then delete them; on a full disk the other way round, with a mark."""
        live = set(pairs.values())
        dead = candidates - live
        packs = tuple(pack.name for pack in state.packs if any(own_id in live for own_id, _ in pack.entries()))
        loose = [loose_path(self._disk, own_id) for own_id in dead]
        try:
            with storage_errors(self._disk.root, "write the index"):
                newer = self.write_index(state, pairs, packs=packs, shunned=self._still_shunned(state, packs))
        except StorageError as error:
            if error.kind != "DiskFull":
                raise
            return self._drop_when_full(state, pairs, packs, loose)
        for path in loose:
            self._disk.unlink(path)
        self._used = None, 0
        return newer

    def _drop_when_full(self, state: Snapshot, pairs: dict[bytes, bytes], packs: tuple[bytes, ...], loose: list[str]) -> Snapshot:
        disk = self._disk
        mark = disk.path(layout.UNFINISHED)
        with suppress(FileExistsError):
            disk.fs.close(disk.fs.create(mark))
        disk.sync_directory(disk.root)
        for path in loose:
            disk.unlink(path)
        for name in set(state.manifest.packs) - set(packs):
            disk.unlink(pack_path(disk, name))
        newer = self.write_index(state, pairs, packs=packs, shunned=self._still_shunned(state, packs))
        disk.unlink(mark)
        self._used = None, 0
        return newer

    def finish_removal(self, state: Snapshot) -> Snapshot:
        """Write the index that a removal on a full disk could not write, if one was stopped there."""
        mark = self._disk.path(layout.UNFINISHED)
        if not self._disk.exists(mark):
            return state
        pairs = {key: own_id for key, own_id in state.all_pairs().items() if self.is_there(state, own_id)}
        packs = tuple(pack.name for pack in state.packs)
        newer = self.write_index(state, pairs, packs=packs, shunned=self._still_shunned(state, packs))
        self._disk.unlink(mark)
        return newer

    def is_there(self, state: Snapshot, own_id: bytes) -> bool:
        """Tell whether there is an object of an id."""
        return state.packed(own_id) is not None or self._disk.exists(loose_path(self._disk, own_id))

    def _still_shunned(self, state: Snapshot, packs: tuple[bytes, ...]) -> set[bytes]:
        """Return the shunned ids that some of these packs still has."""
        kept = [pack for pack in state.packs if pack.name in packs]
        return {own_id for own_id in state.shunned if any(pack.find(own_id) is not None for pack in kept)}

    def set_aside(self, state: Snapshot, own_id: bytes, reason: str, data: bytes | None) -> Snapshot:
        """Let no key lead to an object any more, and keep its bytes where people can look at them."""
        disk = self._disk
        pairs = {key: other for key, other in state.all_pairs().items() if other != own_id}
        packed = any(pack.find(own_id) is not None for pack in state.packs)
        shunned = {*state.shunned, own_id} if packed else state.shunned
        newer = self.write_index(state, pairs, packs=state.manifest.packs, shunned=shunned)
        name = f"{own_id.hex()}-{time.time_ns()}"
        target = disk.path(layout.QUARANTINE, name)
        disk.make_directory(disk.path(layout.QUARANTINE))
        with suppress(FileNotFoundError):
            disk.fs.rename(loose_path(disk, own_id), target)
        if packed and data is not None:
            disk.replace(target, data)
        disk.replace(target + ".txt", (reason + "\n").encode())
        self._used = None, 0
        return newer

    # -- repack

    def repack(self, state: Snapshot, *, full: bool) -> tuple[Snapshot, Repacked]:
        """Put loose objects, and with `full` packed ones too, into one pack."""
        before, files = self.used(), self._count_files()
        live = set(state.all_pairs().values())
        old = state.packs if full else ()
        ids = [own_id for own_id in live if (place := state.packed(own_id)) is None or place[0] in old]
        if ids:
            state = self._repack(state, ids, tuple(pack.name for pack in old))
        done = Repacked(len(ids), files - self._count_files(), before, self.used())
        return state, done

    def _repack(self, state: Snapshot, ids: list[bytes], replaced: tuple[bytes, ...]) -> Snapshot:
        """Write a pack of objects, in place of their loose files and of other packs; damaged objects stay where they are."""
        whole = {own_id for own_id in ids if self._is_whole(state, own_id)}
        if not whole:
            return state
        damaged = set(ids) - whole
        kept = [pack for pack in state.packs if pack.name not in replaced or any(pack.find(own_id) for own_id in damaged)]
        name = self._write_pack(whole, lambda own_id: self._read(state, own_id), packed=True)
        packs = (name, *(pack.name for pack in kept if pack.name != name))
        shunned = self._still_shunned(state, tuple(pack.name for pack in kept)) - whole
        newer = self._publish(state, state.recent.mapping(), packs=packs, shunned=shunned)
        for own_id in whole:
            if state.packed(own_id) is None:
                self._disk.unlink(loose_path(self._disk, own_id))
        self._used = None, 0
        return newer

    def _merge_packs(self, state: Snapshot) -> Snapshot:
        """Make one pack of the smaller half of the packs."""
        smallest = sorted(state.packs, key=len)[: len(state.packs) // 2]
        live = set(state.all_pairs().values())
        ids = [own_id for pack in smallest for own_id, _ in pack.entries() if own_id in live]
        return self._repack(state, list(dict.fromkeys(ids)), tuple(pack.name for pack in smallest))

    def _read(self, state: Snapshot, own_id: bytes) -> bytes:
        place = state.packed(own_id)
        return self._disk.read(loose_path(self._disk, own_id)) if place is None else place[0].read(place[1])

    def _is_whole(self, state: Snapshot, own_id: bytes) -> bool:
        with suppress(IntegrityError, FileNotFoundError):
            return object_id(self._read(state, own_id)) == own_id
        return False

    # -- sweep

    def sweep(self, state: Snapshot, grace: float, *, dry_run: bool) -> tuple[Snapshot, int]:
        """Delete what no manifest names, if it is old enough; rewrite packs that are mostly unused."""
        state = self.finish_removal(state)
        live = set(state.all_pairs().values())
        freed = 0
        for path in self._strays(state, live):
            with suppress(FileNotFoundError):
                found = self._disk.fs.stat(path)
                if time.time() - found.st_mtime >= grace:  # a time in the future is not old
                    freed += found.st_size
                    if not dry_run:
                        self._disk.unlink(path)
        for pack in sorted(state.packs, key=len):
            used = unused = 0
            for own_id, place in pack.entries():
                if own_id in live and own_id not in state.shunned:
                    used += place.stored
                else:
                    unused += place.stored
            if unused > UNUSED_SHARE * (used + unused):
                freed += unused
                if not dry_run:
                    state = self._shrink_pack(state, pack, live)
        self._used = None, 0
        return state, freed

    def _shrink_pack(self, state: Snapshot, pack: Pack, live: set[bytes]) -> Snapshot:
        """Write a pack anew without what is unused in it, if there is room for that."""
        ids = [own_id for own_id, _ in pack.entries() if own_id in live and state.packed(own_id) is not None]
        try:
            return self._repack(state, ids, (pack.name,)) if ids else self._without_pack(state, pack.name)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return state

    def _without_pack(self, state: Snapshot, name: bytes) -> Snapshot:
        packs = tuple(other for other in state.manifest.packs if other != name)
        return self._publish(state, state.recent.mapping(), packs=packs, shunned=self._still_shunned(state, packs))

    def _strays(self, state: Snapshot, live: set[bytes]) -> Iterator[str]:
        """Iterate over the paths of files that nothing leads to."""
        disk = self._disk
        for name in disk.listdir(disk.path(layout.TEMPORARY)):
            yield disk.path(layout.TEMPORARY, name)
        named = {segment.hex() for segment in state.manifest.segments}
        for name in disk.listdir(disk.path(layout.INDEX)):
            if name not in named:
                yield disk.path(layout.INDEX, name)
        named = {pack.hex() + layout.PACK_SUFFIX for pack in state.manifest.packs}
        for name in disk.listdir(disk.path(layout.PACKS)):
            if name not in named:
                yield disk.path(layout.PACKS, name)
        wanted = {own_id for own_id in live if state.packed(own_id) is None}
        for own_id, path in self.loose():
            if own_id not in wanted:
                yield path

    # -- sizes

    def loose(self) -> Iterator[tuple[bytes | None, str]]:
        """Iterate over loose objects with their paths; the id is None for a file whose name is no id."""
        disk = self._disk
        for folder in disk.listdir(disk.path(layout.OBJECTS)):
            for name in disk.listdir(disk.path(layout.OBJECTS, folder)):
                try:
                    own_id = bytes.fromhex(folder + name)
                except ValueError:
                    own_id = b""
                yield own_id if len(own_id) == 32 else None, disk.path(layout.OBJECTS, folder, name)

    def used(self) -> int:
        """Return the bytes that objects and packs take."""
        return sum(self._disk.fs.stat(path).st_size for path in self._files())

    def _files(self) -> Iterator[str]:
        yield from (path for _, path in self.loose())
        for name in self._disk.listdir(self._disk.path(layout.PACKS)):
            yield self._disk.path(layout.PACKS, name)

    def _count_files(self) -> int:
        return sum(1 for _ in self._files())

    def _check_quota(self, state: Snapshot, grown: int) -> int:
        """Return the bytes in use, -1 without a quota; `StorageError` of kind ``QuotaExceeded`` if there would be too many."""
        if self._quota is None:
            return -1
        known, used = self._used
        if known is not state.manifest:
            used = self.used()
        if used + grown > self._quota:
            raise StorageError(
                f"the store has {used} bytes, {grown} more are beyond its quota of {self._quota}",
                kind="QuotaExceeded",
                hint="`miden store gc` deletes what is not pinned, `miden store repack` makes the rest smaller",
                provider=self._disk.root,
            )
        return used
