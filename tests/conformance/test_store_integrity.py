"""Promises R9 to R11, R18, R19 and R26: whatever is done to stored bytes is noticed, and whoever lies is not believed."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3

from miden.assembly import assemble
from miden.errors import FormatError, InputError, IntegrityError, NotFoundError, StorageError
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.store.border import Border
from miden.store.keys import ObjectKey
from miden.store.objects import content_of
from miden.store.opening import open_store
from miden.store.provider import StoredObject
from miden.store.providers.filesystem import FilesystemProvider
from miden.store.providers.memory import MemoryProvider
from miden.store.seals import Seals
from miden.store.store import ObjectStore
from tests.support.disks import HastyDisk, scratch_folder
from tests.support.objects import block_forest, enveloped, key_of, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from miden.mast.forest import MastForest

LONG = int(os.environ.get("MIDEN_EXAMPLES", "0")) >= 1000
OBJECTS = 200 if LONG else 12
STEP = 1 if LONG else 7


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as scratch:
        yield scratch / "store"


def opened(folder: Path, *remotes: Any) -> ObjectStore:
    return open_store(folder, create=True, remotes=remotes, fs=HastyDisk())


# -- flipped bits


@pytest.mark.parametrize("sealed", [False, True])
def test_every_flipped_bit_of_an_object_is_noticed(sealed: bool) -> None:
    tried = 0
    border = Border(Seals())
    for number in range(OBJECTS):
        forest = block_forest(number, number + 1000, length=1 + number % 5)
        [key, _], data = stored(forest)
        if sealed:
            border.admit(key, data, local=True)
        damaged = bytearray(data)
        for bit in range(0, 8 * len(data), 1 if LONG or not sealed else 3):
            damaged[bit // 8] ^= 1 << bit % 8
            with pytest.raises((FormatError, IntegrityError)):
                border.admit(key, bytes(damaged), local=True)
            damaged[bit // 8] ^= 1 << bit % 8
            tried += 1
        assert border.admit(key, data, local=True).verified is not sealed
    assert tried > 5_000


def small_store(folder: Path) -> list[MastForest]:
    """Make a store with loose objects, a pack and pins; return its forests."""
    forests = [block_forest(number, length=3) for number in range(6)]
    store = opened(folder)
    for forest in forests[:3]:
        store.insert(forest, pin=True)
    store.repack()
    for forest in forests[3:]:
        store.insert(forest)
    return forests


def test_every_flipped_byte_of_a_store_is_noticed_when_read_and_by_a_check(folder: Path) -> None:
    forests = small_store(folder)
    names = ["manifest", "objects", "packs", "pins"]
    files = sorted(path for name in names for path in [folder / name, *(folder / name).rglob("*")] if path.is_file())
    assert len(files) == 6
    tried = 0
    rng = random.Random(1)
    for path in files:
        good = path.read_bytes()
        path.chmod(0o600)
        for at in range(rng.randrange(STEP), len(good), STEP):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
            tried += 1
            store = open_store(folder, fs=HastyDisk(), writable=False)
            for forest in forests:
                try:
                    assert store.get(root_of(forest)) == forest
                except IntegrityError:
                    continue
            assert not store.fsck().clean, (path.name, at)
            path.write_bytes(good)
    assert tried > 300
    assert open_store(folder).fsck().findings == ()


def test_a_damaged_index_is_made_anew_from_the_objects(folder: Path) -> None:
    store = opened(folder)
    forests = [block_forest(number) for number in range(600)]
    store.home.put_many(map(stored, forests[:300]))
    store.insert(forests[300])
    store.home.put_many(map(stored, forests[301:]))
    segments = list((folder / "index").iterdir())
    assert segments
    for path in [*segments, folder / "manifest"]:
        good = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(good[:100] + bytes([good[100] ^ 4]) + good[101:])
        broken = FilesystemProvider(folder, fs=HastyDisk()) if path.parent != folder else None
        if broken is not None:
            with pytest.raises(IntegrityError) as caught:
                broken.get_many([key_of(forest) for forest in forests])
            assert caught.value.kind == "DamagedIndex"
            with pytest.raises(IntegrityError):
                broken.put_many([stored(block_forest(10_000))])
            found = ObjectStore([broken]).fsck(repair=True)
        else:
            with pytest.raises(IntegrityError):
                open_store(folder).get(root_of(forests[0]))
            found = open_store(folder).fsck(repair=True)
        assert [finding.kind for finding in found.findings] == ["DamagedIndex"]
        assert found.clean
        mended = open_store(folder)
        assert mended.fsck().findings == ()
        assert len(mended.get_many([root_of(forest) for forest in forests])) == len(forests)


def test_a_check_lists_all_of_many_damages(folder: Path) -> None:
    store = opened(folder)
    forests = [block_forest(number, length=4) for number in range(200)]
    for at in range(0, 100, 5):
        store.home.put_many(map(stored, forests[at : at + 5]))
    store.home.put_many(map(stored, forests[100:]))
    rng = random.Random(3)
    loose = sorted(path for path in (folder / "objects").rglob("*") if path.is_file())
    assert len(loose) == 100
    for path in loose[:50]:
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.chmod(0o600)
        path.write_bytes(data)
    [pack] = (folder / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    size = len(stored(forests[100]).data)
    for number in range(50):
        data[20 + size * 2 * number + rng.randrange(size)] ^= 1 << rng.randrange(8)
    pack.chmod(0o600)
    pack.write_bytes(data)
    found = open_store(folder).fsck()
    assert len([finding for finding in found.findings if finding.kind == "DamagedObject"]) == 100
    assert {finding.kind for finding in found.findings} == {"DamagedObject", "DamagedPack"}
    assert found.objects == 200


def forged_manifest(rng: random.Random, data: bytes) -> bytes:
    """Return a manifest with other bytes and a good checksum."""
    body = mutated(rng, data[:-32])
    return body + blake3(body).digest()


def forged_pack(rng: random.Random, data: bytes) -> bytes:
    """Return a pack with other bytes in its head, dictionary, index or foot, and a good checksum."""
    start = int.from_bytes(data[-48:-40], "little")
    size = 20 + int.from_bytes(data[12:16], "little")
    head, objects, index, foot = data[:size], data[size:start], data[start:-48], data[-48:-32]
    parts = [head, index, foot]
    which = rng.randrange(3)
    parts[which] = mutated(rng, parts[which])
    return parts[0] + objects + parts[1] + parts[2] + blake3(b"".join(parts)).digest()


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at, size = rng.randrange(len(changed)), rng.choice((1, 4, 8))
        changed[at : at + size] = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))[: len(changed) - at]
    return bytes(changed)


@pytest.mark.parametrize("what", ["manifest", "pack"])
def test_forged_files_end_in_errors_of_ours(what: str, folder: Path) -> None:
    rng = random.Random(8)
    store = opened(folder)
    forests = [block_forest(number, length=30) for number in range(100)]
    store.home.put_many(map(stored, forests))
    store.repack(full=True)
    [pack] = (folder / "packs").iterdir()
    path, forge = {"manifest": (folder / "manifest", forged_manifest), "pack": (pack, forged_pack)}[what]
    good = path.read_bytes()
    path.chmod(0o600)
    refused = 0
    for _ in range(3000 if LONG else 100):
        path.write_bytes(forge(rng, good))
        reader = open_store(folder, fs=HastyDisk(), writable=False)
        for forest in forests[:: rng.randint(10, 30)]:
            try:
                assert reader.get(root_of(forest)) == forest
            except (IntegrityError, NotFoundError):
                refused += 1
        try:
            found = reader.chain.providers[0].get_many([key_of(forest) for forest in forests])
        except (IntegrityError, StorageError):
            continue
        assert len(found) <= len(forests)
    path.write_bytes(good)
    assert refused > 5
    assert open_store(folder).fsck().findings == ()


# -- truncation, extension, swaps


def test_every_cut_and_every_addition_is_noticed() -> None:
    border = Border(Seals())
    for number in range(50 if LONG else 8):
        [key], data = stored(block_forest(number, length=1 + number % 7))
        border.admit(key, data, local=True)
        bad = [data[:end] for end in range(len(data))]
        bad += [data + bytes(extra) for extra in (1, 36, 4096)]
        bad += [data[:at] + bytes(len(data) - at) for at in range(0, len(data) - 1, 5)]
        for damaged in bad:
            if damaged != data:
                with pytest.raises((FormatError, IntegrityError)):
                    border.admit(key, damaged, local=True)


def test_swapped_objects_are_noticed(folder: Path) -> None:
    store = opened(folder)
    forests = [block_forest(number) for number in range(30)]
    for at in range(0, 30, 5):
        store.home.put_many(map(stored, forests[at : at + 5]))
    for forest in forests:
        store.get(root_of(forest))
    paths = sorted(path for path in (folder / "objects").rglob("*") if path.is_file())
    rng = random.Random(5)
    for _ in range(1000 if LONG else 40):
        one, other = rng.sample(paths, 2)
        swap(one, other)
        reader = open_store(folder, fs=HastyDisk(), writable=False)
        wrong = 0
        for forest in forests:
            try:
                assert reader.get(root_of(forest)) == forest
            except IntegrityError as error:
                assert error.kind == "WrongObject"
                wrong += 1
        assert wrong == 2
        swap(one, other)
    swap(paths[0], paths[1])
    assert len(open_store(folder).fsck().findings) == 2


def swap(one: Path, other: Path) -> None:
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


# -- repair


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mirrors", ["good", "bad", "bad then good", "none"])
def test_a_repair_takes_verified_copies_and_no_others(packed: bool, mirrors: str, folder: Path) -> None:
    forests = [block_forest(number, length=20) for number in range(12)]
    good, bad = MemoryProvider("good", local=False), MemoryProvider("bad", local=False)
    good.put_many(map(stored, forests))
    bad.put_many(StoredObject(keys, data[:-40] + bytes(40)) for keys, data in map(stored, forests))
    remotes = {"good": [good], "bad": [bad], "bad then good": [bad, good], "none": []}[mirrors]
    store = opened(folder)
    store.home.put_many(map(stored, forests)) if packed else [store.insert(forest) for forest in forests]
    if packed:
        [pack] = (folder / "packs").iterdir()
        damage(pack)
    else:
        damage(next(path for path in (folder / "objects").rglob("*") if path.is_file()))
    broken = opened(folder, *remotes)
    found = broken.fsck(repair=True)
    objects = [finding for finding in found.findings if finding.kind == "DamagedObject"]
    assert len(objects) == 1
    assert objects[0].repaired is ("good" in remotes_names(remotes))
    after = open_store(folder)
    [lost] = objects[0].keys
    for forest in forests:
        if key_of(forest) == lost and not objects[0].repaired:
            with pytest.raises(NotFoundError):
                after.get(root_of(forest))
        else:
            assert after.get(root_of(forest)) == forest
    assert len(list((folder / "quarantine").iterdir())) == 2
    after.repack(full=True)
    after.home.sweep(0)
    assert open_store(folder).fsck().findings == ()


def remotes_names(remotes: Sequence[MemoryProvider]) -> list[str]:
    return [remote.name for remote in remotes]


def test_a_damaged_object_heals_when_it_is_read(folder: Path) -> None:
    forest = block_forest(1)
    mirror = MemoryProvider("mirror", local=False)
    mirror.put_many([stored(forest)])
    opened(folder).insert(forest)
    damage(next(path for path in (folder / "objects").rglob("*") if path.is_file()))
    store = opened(folder, mirror)
    assert store.get(root_of(forest)) == forest
    counters = store.counters.providers[str(folder)]
    assert (counters.refused, counters.written_back) == (1, 1)
    assert open_store(folder).fsck().findings == ()
    assert open_store(folder).get(root_of(forest)) == forest


# -- two commitments (R18), versions (R19)


def test_content_that_a_lock_pins_is_insisted_on() -> None:
    program = assemble('begin push.1 assert.err="no" end')
    stripped, other = program.strip_debug_info(), program.forest.replace(advice_map=AdviceMap({(1, 2, 3, 4): [5]}))
    revealed = block_forest(1, 2)
    builder = ForestBuilder()
    for number in (1, 2):
        node = builder.add_block(bytes([91]), [number])
        if number == 1:
            builder.add_root(node)
    hidden = builder.build()
    for good, bad in [
        (program.forest, stripped.forest),
        (program.forest, other),
        (revealed, hidden),
        (hidden, revealed),
    ]:
        root, wanted = root_of(good), content_of(good)
        assert root in set(bad.procedure_digests)
        liar, honest = MemoryProvider("liar", local=False), MemoryProvider("honest", local=False)
        liar.put_many([stored(bad)])
        honest.put_many([stored(good)])
        store = ObjectStore([liar, honest])
        assert store.get(root) == bad  # the code is right, and nobody insisted
        with pytest.raises(IntegrityError) as caught:
            ObjectStore([liar]).get(root, content=wanted)
        assert caught.value.kind == "ContentMismatch"
        assert caught.value.expected == wanted.hex()
        assert ObjectStore([liar, honest]).get(root, content=wanted) == good
        assert store.get(root, content=wanted) == good


def test_an_object_of_another_version_is_never_served(folder: Path) -> None:
    forest = block_forest(1)
    for provider in (MemoryProvider(), FilesystemProvider(folder, create=True)):
        store = ObjectStore([provider])
        store.insert(forest)
        hits = 0
        for version in (1, 2, 255, 256, 2**32 - 1):
            other = ObjectKey(version, key_of(forest).digest)
            assert provider.get(other) is None
            assert not store.contains(other)
            # beyond 255 are the keys of blocks, which are no code
            with pytest.raises(NotFoundError if version < 256 else InputError):
                store.get(other)
            hits += 1
            data = enveloped(forest, keys=(other,))
            provider.put_many([StoredObject((other,), data)])
            assert provider.get(other) == data
            with pytest.raises(IntegrityError if version < 256 else InputError):
                ObjectStore([provider]).get(other)
            assert store.get(root_of(forest)) == forest
        assert hits == 5
