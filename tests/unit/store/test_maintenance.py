"""Pins, seals, collection, checks: what they keep, what they say, what they refuse."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from miden.errors import InputError, IntegrityError, NotFoundError, StorageError
from miden.store.keys import ObjectKey
from miden.store.opening import open_store
from miden.store.pins import Pins
from miden.store.provider import Provider, StoredObject
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.disks import FailingDisk, HastyDisk, scratch_folder
from tests.support.objects import block_forest, calling_forest, key_of, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as scratch:
        yield scratch / "store"


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, folder: Path) -> ObjectStore:
    if request.param == "memory":
        return ObjectStore([MemoryProvider()])
    return open_store(folder, create=True, fs=HastyDisk())


CALLEE = block_forest(1)
CALLER = calling_forest(2, [root_of(CALLEE)])
OTHER = block_forest(3)


# -- collection


def test_what_a_pin_leads_to_is_kept(store: ObjectStore) -> None:
    for forest in (CALLEE, CALLER, OTHER):
        store.insert(forest)
    store.get(root_of(OTHER))
    store.pin(root_of(CALLER))
    planned = store.gc(grace=0, dry_run=True)
    assert (planned.kept, planned.removed, planned.dry_run) == (2, 1, True)
    assert planned.removed_keys == (key_of(OTHER),)
    assert planned.freed > 0
    assert store.contains(root_of(OTHER))
    steps: list[tuple[int, int]] = []
    done = store.gc(grace=0, progress=lambda now, whole: steps.append((now, whole)))
    assert (done.kept, done.removed, done.missing) == (2, 1, ())
    assert steps[-1][0] == 2
    assert store.get(root_of(CALLER)) == CALLER
    assert store.get(root_of(CALLEE)) == CALLEE
    with pytest.raises(NotFoundError):
        store.get(root_of(OTHER))  # not even from the hot cache
    store.unpin(root_of(CALLER))
    assert store.gc(grace=0).removed == 2
    assert list(store.roots()) == []


def test_what_is_young_is_kept_with_what_it_needs(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(CALLEE)
    for path in (folder / "objects").rglob("*"):
        os.utime(path, (1, 1))
    assert store.gc(grace=3600, dry_run=True).removed == 1
    store.insert(CALLER)
    assert store.gc(grace=3600).removed == 0
    for path in (folder / "objects").rglob("*"):
        os.utime(path, (1, 1))
    store.insert(CALLEE)  # putting it again makes it young
    assert store.gc(grace=3600).removed_keys == (key_of(CALLER),)
    for path in (folder / "objects").rglob("*"):
        os.utime(path, (2**33, 2**33))
    assert store.gc(grace=0).removed == 0  # a time in the future is not old


def test_what_is_missing_is_told(store: ObjectStore) -> None:
    store.insert(CALLER, pin=True)
    assert store.gc(grace=0).missing == (key_of(CALLEE),)


def test_an_object_lives_as_long_as_one_of_its_roots_is_needed(store: ObjectStore) -> None:
    both = block_forest(10, 11)
    one, other = both.procedure_digests
    store.insert(both)
    store.pin(other)
    assert store.gc(grace=0).removed == 0
    assert store.get(one) == both


def test_nothing_is_collected_where_damage_hides_what_is_needed(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(CALLER, pin=True)
    store.insert(CALLEE)
    path = next(path for path in (folder / "objects").rglob("*") if path.is_file() and path.stat().st_size == len(stored(CALLER).data))
    path.chmod(0o600)
    good = path.read_bytes()
    link = good.index(key_of(CALLEE).to_bytes())
    for bad in (bytes(300), good[: link + 9] + b"\1" + good[link + 10 :], None):
        path.unlink()
        if bad is not None:
            path.write_bytes(bad)
        with pytest.raises(IntegrityError) as caught:
            store.gc(grace=0)
        assert "fsck --repair" in (caught.value.hint or "")
        assert store.contains(root_of(CALLEE))


def test_a_provider_that_cannot_collect_says_so() -> None:
    class Plain:
        """Only what every provider must have."""

        def __init__(self) -> None:
            self._inner = MemoryProvider()
            self.name, self.writable, self.local = "plain", True, True
            for name in ("get", "get_many", "contains", "put_many", "remove", "keys", "stat", "quarantine", "close"):
                setattr(self, name, getattr(self._inner, name))

    plain = Plain()
    assert isinstance(plain, Provider)
    store = ObjectStore([plain])
    store.insert(OTHER, pin=True)
    for do in (store.gc, store.repack):
        with pytest.raises(InputError) as caught:
            do()
        assert caught.value.kind == "NotMaintained"
    assert store.fsck().objects == 1
    assert store.fsck().findings == ()


# -- pins


def test_pins_have_owners(store: ObjectStore) -> None:
    store.insert(OTHER, pin="package demo@1.0.0")
    store.pin(root_of(OTHER))
    key = key_of(OTHER)
    assert store.pins.owners(key) == ["manual", "package demo@1.0.0"]
    with pytest.raises(InputError) as caught:
        store.remove(root_of(OTHER))
    assert caught.value.kind == "Pinned"
    assert "package demo@1.0.0" in caught.value.message
    assert store.unpin(root_of(OTHER))
    assert not store.unpin(root_of(OTHER))
    assert store.pins.drop_owner("package demo@1.0.0") == 1
    assert store.pins.drop_owner("package demo@1.0.0") == 0
    assert store.pins.all() == {}
    assert store.remove(root_of(OTHER))
    with pytest.raises(NotFoundError):
        store.pin(root_of(OTHER))


def test_pins_are_there_for_the_next_process(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(OTHER, pin="a name with \N{GREEK SMALL LETTER ALPHA}")
    store.insert(CALLEE, pin=True)
    again = open_store(folder)
    assert again.pins.all() == {"a name with \N{GREEK SMALL LETTER ALPHA}": {key_of(OTHER)}, "manual": {key_of(CALLEE)}}
    for owner in ("two\nlines", "x" * 201):
        with pytest.raises(InputError):
            again.pins.add([key_of(OTHER)], owner=owner)


def test_damaged_pins_stop_a_collection_and_are_found(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(OTHER, pin=True)
    [path] = (folder / "pins").iterdir()
    good = path.read_bytes()
    path.chmod(0o600)
    for bad in (good[:-1], good[1:], good.replace(b"manual", b"menual"), b"", b"\xff" * 100, good + good):
        path.write_bytes(bad)
        with pytest.raises(IntegrityError) as caught:
            store.gc(grace=0)
        assert caught.value.kind == "DamagedPins"
        assert [finding.kind for finding in store.fsck().findings] == ["DamagedPins"]
    forged = good[:-65].replace(b"0x", b"0y")
    path.write_bytes(forged + blake3(forged).hexdigest().encode() + b"\n")
    with pytest.raises(IntegrityError):
        store.gc(grace=0)
    path.write_bytes(good)
    assert store.fsck().findings == ()
    store.home.remove([key_of(OTHER)])
    assert [finding.kind for finding in store.fsck().findings] == ["LostObject"]


def test_pins_in_memory_and_on_disk_are_alike(folder: Path) -> None:
    disk, memory = open_store(folder, create=True, fs=HastyDisk()).pins, Pins()
    keys = [ObjectKey(0, bytes([number]) + bytes(31)) for number in range(3)]
    for pins in (disk, memory):
        pins.add(keys[:2])
        pins.add(keys[1:], owner="other")
        assert pins.all() == {"manual": set(keys[:2]), "other": set(keys[1:])}
        assert pins.discard(keys[0])
        assert not pins.discard(keys[0])
        assert not pins.discard(keys[0], owner="nobody")
        assert pins.owners(keys[1]) == ["manual", "other"]
        assert pins.drop_owner("other") == 2
        assert pins.all() == {"manual": {keys[1]}}


# -- seals


def counters(store: ObjectStore) -> tuple[int, int]:
    """Return how many objects were verified, and how many recognised by their seals."""
    found = next(iter(store.counters.providers.values()))
    return found.verified, found.trusted


def test_an_object_is_verified_once_and_then_recognised(folder: Path) -> None:
    provider = open_store(folder, create=True).home
    provider.put_many([stored(OTHER)])  # past the border: nobody has verified it
    first, second = open_store(folder), open_store(folder)
    assert (first.get(root_of(OTHER)), counters(first)) == (OTHER, (1, 0))
    assert (second.get(root_of(OTHER)), counters(second)) == (OTHER, (0, 1))
    first.insert(CALLEE)
    assert (second.get(root_of(CALLEE)), counters(second)) == (CALLEE, (0, 2))  # what another process verified
    reader = open_store(folder, writable=False)
    assert (reader.get(root_of(CALLEE)), counters(reader)) == (CALLEE, (0, 1))


def test_seals_without_the_key_mean_nothing(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(OTHER)
    key = folder / "seal.key"
    assert key.stat().st_mode & 0o777 == 0o600
    good = key.read_bytes()
    for spoil in (lambda: key.write_bytes(bytes(32)), lambda: key.chmod(0o644), lambda: key.write_bytes(b"short"), key.unlink):
        key.unlink(missing_ok=True)
        key.write_bytes(good)
        key.chmod(0o600)
        spoil()
        other = open_store(folder)
        assert (other.get(root_of(OTHER)), counters(other)[0]) == (OTHER, 1)
        assert key.stat().st_mode & 0o777 == 0o600
        again = open_store(folder)
        assert (again.get(root_of(OTHER)), counters(again)) == (OTHER, (0, 1))


def test_seals_that_were_cut_off_or_made_up_are_no_seals(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(OTHER)
    seals = folder / "seals"
    good = seals.read_bytes()
    assert len(good) == 32
    seals.write_bytes(good + b"torn")
    torn = open_store(folder)
    torn.insert(CALLEE)
    assert len(seals.read_bytes()) == 64  # made anew
    assert counters(open_store(folder)) == (0, 0)
    seals.write_bytes(bytes(32) * 10)
    fresh = open_store(folder)
    assert (fresh.get(root_of(OTHER)), counters(fresh)) == (OTHER, (1, 0))
    assert open_store(folder).fsck().clean
    assert len(seals.read_bytes()) == 64  # one for each object


def test_seals_that_cannot_be_written_are_no_error(folder: Path) -> None:
    open_store(folder, create=True).home.put_many([stored(OTHER)])

    class NoSeals(FailingDisk):
        def call(self, name, do, *args):  # type: ignore[no-untyped-def]
            if name in ("create", "open") and args[0].endswith("seals"):
                raise OSError(28, "No space left on device")
            return do(*args)

    store = open_store(folder, fs=NoSeals(0, 0))
    assert store.get(root_of(OTHER)) == OTHER
    store.cache.clear()
    assert (store.get(root_of(OTHER)), counters(store)) == (OTHER, (1, 1))


# -- checks


def test_a_check_looks_at_the_content_of_everything_unless_it_is_to_be_fast(folder: Path) -> None:
    store = open_store(folder, create=True)
    for number in range(3):
        store.insert(block_forest(number))
    path = next(path for path in (folder / "objects").rglob("*") if path.is_file())
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    steps: list[tuple[int, int]] = []
    found = store.fsck(progress=lambda now, whole: steps.append((now, whole)))
    assert (found.objects, found.clean) == (3, False)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert store.fsck(fast=True).findings == ()


def test_a_copy_that_lies_is_not_restored_even_if_it_is_whole(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(OTHER)
    path = next(path for path in (folder / "objects").rglob("*") if path.is_file())
    path.chmod(0o600)
    path.write_bytes(b"damage")
    mirror = MemoryProvider("mirror", local=False)
    mirror.put_many([StoredObject((key_of(OTHER),), stored(CALLEE).data)])
    broken = open_store(folder, remotes=[mirror])
    found = broken.fsck(repair=True)
    assert [finding.repaired for finding in found.findings] == [False]
    assert list(broken.home.keys()) == []


def test_a_write_back_that_fails_is_no_error(folder: Path) -> None:
    open_store(folder, create=True)
    remote = MemoryProvider("remote", local=False)
    remote.put_many([stored(OTHER)])

    class Full(HastyDisk):
        def create(self, path: str, mode: int = 0o444) -> int:
            raise OSError(28, "No space left on device", path)

    store = open_store(folder, remotes=[remote], fs=Full())
    assert store.get(root_of(OTHER)) == OTHER
    assert store.counters.providers[str(folder)].faults == 1
    with pytest.raises(StorageError):
        store.insert(CALLEE)
