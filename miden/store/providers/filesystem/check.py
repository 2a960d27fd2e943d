"""Finding damage in the files of a store, and making its index anew from the objects."""

from __future__ import annotations

import secrets
from contextlib import suppress

from miden.errors import FormatError, IntegrityError
from miden.store.envelope import object_id, read_head
from miden.store.keys import ObjectKey
from miden.store.provider import Finding
from miden.store.providers.filesystem import snapshot as layout
from miden.store.providers.filesystem.manifest import Manifest
from miden.store.providers.filesystem.packs import Pack
from miden.store.providers.filesystem.segments import Segment
from miden.store.providers.filesystem.snapshot import Snapshot, newest_snapshot, pack_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.store.providers.filesystem.writer import Writer
    from miden.store.system import Disk


def check_files(place: str, disk: Disk, writer: Writer, *, repair: bool) -> tuple[list[Finding], Snapshot | None]:
    """Check manifest, segments, packs, and that every key leads to an object.

    With `repair` the index is made anew where it is damaged, keys without objects are dropped, and a removal that was stopped
    is finished. Returns what was found, and the state after it, None if the index is still damaged.
    """
    findings: list[Finding] = []
    state: Snapshot | None = None
    try:
        state = newest_snapshot(disk)
        faults = list(state.faults)
    except IntegrityError as error:
        faults = [error]
    except OSError as error:
        return [Finding(place, "UnreadableFile", f"the index cannot be read: {error}")], None
    for pack in () if state is None else state.packs:
        wrong = _wrong_pack(pack)
        if wrong is not None:  # its objects are examined one by one: those that are whole stay
            findings.append(Finding(place, "DamagedPack", f"the pack {pack.name.hex()} {wrong}", repaired=repair))
    for fault in faults:
        findings.append(Finding(place, fault.kind, fault.message, repaired=repair))
    if faults and repair:
        state = rebuild(disk, writer, state)
    if state is None or (faults and not repair):
        return findings, None
    if disk.exists(disk.path(layout.UNFINISHED)):
        findings.append(Finding(place, "UnfinishedRemoval", "a removal on a full disk was stopped half-way", repaired=repair))
        if not repair:
            return findings, state
        state = writer.finish_removal(state)
    lost = {key for key, own_id in state.all_pairs().items() if not writer.is_there(state, own_id)}
    for key in sorted(lost):
        findings.append(Finding(place, "LostObject", "the object of a key is not there", (ObjectKey.from_bytes(key),)))
    if lost and repair:
        state, _ = writer.remove(state, lost)
    return findings, state


def _wrong_pack(pack: Pack) -> str | None:
    """Return what is wrong with the bytes of a pack as a whole, or None."""
    try:
        return None if pack.hash() == pack.name else "is not what its name says"
    except OSError as error:
        return f"cannot be read: {error}"


def rebuild(disk: Disk, writer: Writer, known: Snapshot | None) -> Snapshot:
    """Make a new index from what is left of the old one and from the objects themselves.

    Keys that were removed while their object stayed come back: objects say which keys they serve, not which are wanted.
    """
    packs: dict[bytes, Pack] = {}
    pairs: dict[bytes, bytes] = {}
    for name in disk.listdir(disk.path(layout.PACKS)):
        with suppress(IntegrityError, ValueError, OSError):
            own_name = bytes.fromhex(name.removesuffix(layout.PACK_SUFFIX))
            packs[own_name] = Pack(disk, pack_path(disk, own_name), own_name)
    for own_id, data in _objects(disk, writer, packs):
        for key in read_head(data).keys:
            pairs.setdefault(key.to_bytes(), own_id)
    shunned: frozenset[bytes] = frozenset()
    if known is not None:
        pairs.update(known.all_pairs())
        shunned = known.shunned
    generation = secrets.randbits(48) if known is None else known.manifest.generation
    before = Snapshot(Manifest(generation), Segment.of(()), {}, tuple(packs.values()), shunned)
    return writer.write_index(before, pairs, packs=tuple(packs), shunned=shunned)


def _objects(disk: Disk, writer: Writer, packs: dict[bytes, Pack]) -> Iterator[tuple[bytes, bytes]]:
    """Iterate over ids and bytes of all objects that are whole."""
    for own_id, path in writer.loose():
        with suppress(OSError, IntegrityError):
            yield from _whole(own_id, disk.read(path))
    for pack in packs.values():
        for own_id, where in pack.entries():
            with suppress(IntegrityError):
                yield from _whole(own_id, pack.read(where))


def _whole(own_id: bytes | None, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    with suppress(FormatError):
        if own_id == object_id(data) and read_head(data).keys:
            yield own_id, data


__all__ = ["check_files", "rebuild"]
