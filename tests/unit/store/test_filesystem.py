"""The store on disk: packs, index, quota, what is the same for the same objects, and what a reader sees meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from miden.errors import IntegrityError, NotFoundError, StorageError
from miden.store.opening import open_store
from miden.store.provider import Checked, Maintained, Repackable
from miden.store.providers.filesystem import FilesystemProvider, writer
from miden.store.providers.filesystem.segments import ID_SIZE, RECORD_SIZE, Segment
from tests.support.disks import HastyDisk, Watched, scratch_folder
from tests.support.objects import block_forest, key_of, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miden.mast.forest import MastForest


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as scratch:
        yield scratch / "store"


def opened(folder: Path, **options: object) -> FilesystemProvider:
    return FilesystemProvider(folder, create=True, fs=HastyDisk(), **options)  # type: ignore[arg-type]


def forests(first: int, count: int, length: int = 3) -> list[MastForest]:
    return [block_forest(number, length=length) for number in range(first, first + count)]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_it_offers_maintenance(folder: Path) -> None:
    provider = opened(folder)
    assert isinstance(provider, Maintained)
    assert isinstance(provider, Checked)
    assert isinstance(provider, Repackable)


def test_there_must_be_a_store(folder: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        FilesystemProvider(folder)
    assert caught.value.kind == "StoreNotFound"
    assert "miden store init" in (caught.value.hint or "")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(NotFoundError):
        FilesystemProvider(folder)
    with pytest.raises(NotFoundError):
        FilesystemProvider(folder / "notes.txt")
    with pytest.raises(StorageError):
        FilesystemProvider(folder / "notes.txt", create=True)


def test_files_belong_to_their_user_and_are_not_written_twice(folder: Path) -> None:
    store = open_store(folder, create=True)
    store.insert(block_forest(1), pin=True)
    store.insert(block_forest(2))
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    modes = {str(path.relative_to(folder)).split("/")[0]: stat.S_IMODE(path.stat().st_mode) for path in files(folder)}
    shared = dict.fromkeys(("manifest", "objects", "pins"), 0o444)
    assert modes == {**shared, **dict.fromkeys(("lock", "lock.turn", "seal.key", "seals"), 0o600)}


def test_links_are_not_followed(folder: Path) -> None:
    provider = opened(folder)
    provider.put_many([stored(block_forest(1))])
    [path] = [path for path in files(folder) if path.parent.parent.name == "objects"]
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    with pytest.raises(StorageError) as caught:
        provider.get(key_of(block_forest(1)))
    assert caught.value.kind == "SymbolicLink"


def test_a_large_batch_is_one_pack_and_a_small_one_is_loose(folder: Path) -> None:
    provider = opened(folder)
    provider.put_many(map(stored, forests(0, 8)))
    provider.put_many(map(stored, forests(100, 9)))
    assert len([path for path in files(folder) if path.parent.parent.name == "objects"]) == 8
    assert len(list((folder / "packs").iterdir())) == 1
    for forest in forests(0, 8) + forests(100, 9):
        assert provider.get(key_of(forest)) == stored(forest).data
    assert provider.stat().bytes == sum(path.stat().st_size for path in files(folder) if path.parent.name != "store")


def test_packs_are_smaller_with_a_dictionary_and_take_few_files(folder: Path) -> None:
    provider = opened(folder)
    everything = forests(0, 500, length=60)
    for at in range(0, 500, 5):
        provider.put_many(map(stored, everything[at : at + 5]))
    loose = len(files(folder))
    done = provider.repack()
    assert (done.objects, done.files) == (500, 499)
    assert done.after < 0.5 * done.before
    assert len(files(folder)) < 10 < loose
    for forest in everything:
        assert provider.get(key_of(forest)) == stored(forest).data
    assert list(provider.check()) == []
    more = forests(1000, 20)
    provider.put_many(map(stored, more))
    assert provider.repack(full=True).objects == 520
    assert len(list((folder / "packs").iterdir())) == 1
    assert FilesystemProvider(folder).get_many([key_of(forest) for forest in everything + more]).keys() == {
        key_of(forest) for forest in everything + more
    }


def test_the_same_objects_make_the_same_pack_in_any_order(folder: Path) -> None:
    everything = forests(0, 150, length=20)
    names = []
    for number, order in enumerate((everything, everything[::-1], everything[75:] + everything[:75])):
        provider = opened(folder.with_name(f"store{number}"))
        step = (3, 40, 150)[number]
        for at in range(0, 150, step):
            provider.put_many(map(stored, order[at : at + step]))
        provider.repack(full=True)
        [pack] = (folder.with_name(f"store{number}") / "packs").iterdir()
        names.append((pack.name, pack.read_bytes()))
    assert names[0] == names[1] == names[2]


def test_many_packs_become_few(folder: Path) -> None:
    provider = opened(folder, pack_above=0)
    everything = forests(0, 120)
    for forest in everything:
        provider.put_many([stored(forest)])
    assert len(list((folder / "packs").iterdir())) <= writer.PACK_LIMIT
    assert len(list((folder / "index").iterdir())) == 0
    for forest in everything:
        assert FilesystemProvider(folder).get(key_of(forest)) == stored(forest).data
    assert list(provider.check()) == []


def test_the_index_stays_in_few_segments(folder: Path) -> None:
    provider = opened(folder)
    for at in range(0, 3000, 100):
        provider.put_many(map(stored, forests(at, 100, length=1)))
    assert len(list((folder / "index").iterdir())) <= 8
    assert (folder / "manifest").stat().st_size < 256 * (ID_SIZE + RECORD_SIZE) + 4096
    assert len(list(provider.keys())) == 3000
    assert FilesystemProvider(folder).contains([key_of(forest) for forest in forests(0, 3000, length=1)]) == set(provider.keys())


def test_a_segment_finds_what_is_in_it_and_nothing_else() -> None:
    pairs = {bytes([number]) * 36: bytes([number + 1]) * 32 for number in range(0, 200, 2)}
    segment = Segment.of(pairs.items())
    for number in range(200):
        assert segment.find(bytes([number]) * 36) == pairs.get(bytes([number]) * 36)
    assert Segment.of(()).find(bytes(36)) is None
    assert segment.mapping() == pairs


def test_a_quota_holds_and_what_was_there_stays(folder: Path) -> None:
    size = len(stored(block_forest(1, length=40)).data)
    provider = opened(folder, quota=20 * size + 100)
    kept = []
    for forest in forests(0, 20, length=40):
        provider.put_many([stored(forest)])
        kept.append(forest)
        assert provider.stat().bytes <= 20 * size + 100
    with pytest.raises(StorageError) as caught:
        provider.put_many([stored(block_forest(20, length=40))])
    assert caught.value.kind == "QuotaExceeded"
    provider.put_many([stored(kept[0])])  # it is there already
    assert provider.remove([key_of(kept[0])]) == 1
    provider.put_many([stored(block_forest(777, length=40))])
    other = FilesystemProvider(folder, quota=20 * size + 100)
    with pytest.raises(StorageError):
        other.put_many([stored(block_forest(778, length=40))])
    assert other.get(key_of(kept[1])) == stored(kept[1]).data


def test_a_reader_finds_what_was_moved_or_removed_meanwhile(folder: Path) -> None:
    ours, theirs = opened(folder), opened(folder)
    everything = forests(0, 6)
    ours.put_many(map(stored, everything))
    theirs.get(key_of(everything[0]))
    ours.repack()  # loose ones are in a pack now
    for forest in everything:
        assert theirs.get(key_of(forest)) == stored(forest).data
    held = theirs._snapshot()
    ours.put_many(map(stored, forests(100, 20)))
    ours.repack(full=True)  # and in another one now
    assert held.packs[0].read(held.packs[0].find(next(held.ids(key_of(everything[0]).to_bytes()))))  # type: ignore[arg-type]
    assert theirs.get_many([key_of(forest) for forest in forests(100, 20)]).keys() == {key_of(forest) for forest in forests(100, 20)}
    ours.remove([key_of(everything[0])])
    assert theirs.get(key_of(everything[0])) is None
    assert theirs.contains([key_of(everything[0]), key_of(everything[1])]) == {key_of(everything[1])}


class Interrupting(Watched):
    """Does something before the n-th read of the manifest, the index, a pack or an object."""

    def __init__(self, at: int, do: Callable[[], object]) -> None:
        self.at = at
        self.do = do
        self.count = 0

    def call(self, name: str, do: Callable[..., object], *args: object) -> object:
        if name == "open":
            self.count += 1
            if self.count == self.at:
                self.do()
        return do(*args)


def test_a_reader_finds_everything_whatever_a_writer_does_between_two_of_its_calls(folder: Path) -> None:
    everything = forests(0, 5)
    at, interrupted = 0, True
    while interrupted:
        at += 1
        place = folder.with_name(f"store{at}")
        ours = opened(place)
        ours.put_many(map(stored, everything))

        def change(ours: FilesystemProvider = ours) -> None:
            ours.repack()
            ours.put_many(map(stored, forests(50, 10)))
            ours.repack(full=True)
            ours.put_many(map(stored, forests(100, 300)))

        disk = Interrupting(at, change)
        reader = FilesystemProvider(place, fs=disk)
        for forest in everything:
            assert reader.get(key_of(forest)) == stored(forest).data
        interrupted = disk.count >= at
    assert at > 5


def test_an_object_that_was_set_aside_can_be_put_again(folder: Path) -> None:
    for packed in (False, True):
        provider = opened(folder.with_name(f"store{packed}"))
        batch = forests(0, 12 if packed else 2)
        provider.put_many(map(stored, batch))
        key, data = key_of(batch[1]), stored(batch[1]).data
        provider.quarantine(key, "not these bytes", b"other bytes")
        assert provider.get(key) == data  # it leads to something else by now
        provider.quarantine(key, "a test", data)
        assert provider.get(key) is None
        kept = sorted(path.name for path in (folder.with_name(f"store{packed}") / "quarantine").iterdir())
        assert len(kept) == 2
        assert (folder.with_name(f"store{packed}") / "quarantine" / kept[0]).read_bytes() == data
        assert (folder.with_name(f"store{packed}") / "quarantine" / kept[1]).read_text() == "a test\n"
        provider.put_many([stored(batch[1])])
        assert provider.get(key) == data
        assert FilesystemProvider(folder.with_name(f"store{packed}")).get(key) == data
        provider.repack(full=True)
        assert provider.get(key) == data
        assert list(provider.check()) == []


def test_putting_a_damaged_object_again_mends_it(folder: Path) -> None:
    for packed in (False, True):
        place = folder.with_name(f"store{packed}")
        batch = forests(0, 12 if packed else 2)
        opened(place).put_many(map(stored, batch))
        for path in [path for path in files(place) if "objects" in path.parts or "packs" in path.parts]:
            data = path.read_bytes()
            at = data.index(stored(batch[0]).data) if packed else 0
            path.chmod(0o600)
            path.write_bytes(data[: at + 50] + bytes(20) + data[at + 70 :])
        provider = opened(place)
        assert provider.get(key_of(batch[0])) != stored(batch[0]).data
        provider.put_many(map(stored, batch))
        for forest in batch:
            assert provider.get(key_of(forest)) == opened(place).get(key_of(forest)) == stored(forest).data
        provider.repack(full=True)
        assert list(provider.check()) == []
        assert provider.stat().objects == len(batch)


def test_a_wrong_object_on_a_disk_that_cannot_be_written_is_not_read_again(folder: Path) -> None:
    opened(folder).put_many(map(stored, forests(0, 2)))

    class ReadOnly(Watched):
        def call(self, name: str, do: Callable[..., object], *args: object) -> object:
            if name in ("create", "rename"):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return do(*args)

    provider = FilesystemProvider(folder, fs=ReadOnly())
    key = key_of(forests(0, 1)[0])
    data = provider.get(key)
    with pytest.raises(StorageError):
        provider.quarantine(key, "a test", data)
    assert provider.get(key) is None
    assert provider.contains([key]) == set()
    assert FilesystemProvider(folder).get(key) == data


def test_sweep_deletes_what_nobody_names_when_it_is_old_enough(folder: Path) -> None:
    provider = opened(folder)
    provider.put_many(map(stored, forests(0, 3)))
    strays = [folder / "tmp" / "1-ab", folder / "objects" / "ab" / ("cd" * 31), folder / "packs" / "x.pack", folder / "index" / "y"]
    for path in strays:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
    future = folder / "tmp" / "2-cd"
    future.write_bytes(b"")
    os.utime(future, (2**33, 2**33))
    assert provider.sweep(3600) == 0
    assert provider.sweep(0, dry_run=True) == 400
    assert all(path.exists() for path in strays)
    assert provider.sweep(0) == 400
    assert not any(path.exists() for path in strays)
    assert future.exists()  # a clock that jumped makes nothing old
    assert len(list(provider.keys())) == 3


def test_sweep_rewrites_packs_that_are_mostly_unused(folder: Path) -> None:
    provider = opened(folder)
    everything = forests(0, 40, length=50)
    provider.put_many(map(stored, everything))
    before = provider.stat().bytes
    provider.remove([key_of(forest) for forest in everything[:5]])
    provider.sweep(0)
    assert provider.stat().bytes == before  # an eighth is not worth it
    provider.remove([key_of(forest) for forest in everything[5:20]])
    assert provider.sweep(0) > before / 3
    assert provider.stat().bytes < before / 1.9
    for forest in everything[20:]:
        assert provider.get(key_of(forest)) == stored(forest).data
    provider.remove([key_of(forest) for forest in everything[20:]])
    assert list((folder / "packs").iterdir()) == []


def test_a_store_without_its_manifest_is_damaged_and_not_made_anew(folder: Path) -> None:
    opened(folder).put_many(map(stored, forests(0, 2)))
    (folder / "manifest").unlink()
    provider = FilesystemProvider(folder, create=True)
    with pytest.raises(IntegrityError) as caught:
        provider.get(key_of(forests(0, 1)[0]))
    assert caught.value.kind == "DamagedIndex"
    assert "fsck --repair" in (caught.value.hint or "")
    [finding] = provider.check(repair=True)
    assert finding.repaired
    assert provider.get(key_of(forests(0, 1)[0])) == stored(forests(0, 1)[0]).data


def test_a_lost_object_is_found_by_a_check(folder: Path) -> None:
    provider = opened(folder)
    provider.put_many(map(stored, forests(0, 2)))
    gone = next(path for path in files(folder) if path.parent.parent.name == "objects")
    gone.unlink()
    [finding] = provider.check()
    assert finding.kind == "LostObject"
    assert [finding.kind for finding in provider.check(repair=True)] == ["LostObject"]
    assert list(provider.check()) == []
    assert len(list(provider.keys())) == 1


def test_a_store_for_reading_only_is_not_written(folder: Path) -> None:
    opened(folder).put_many(map(stored, forests(0, 2)))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    store = open_store(folder, writable=False)
    assert store.get(root_of(forests(0, 1)[0])) == forests(0, 1)[0]
    assert store.fsck().findings == ()
    with pytest.raises(NotFoundError) as caught:
        store.insert(block_forest(9))
    assert caught.value.kind == "NoHome"
    with pytest.raises(StorageError):
        store.chain.providers[0].put_many([stored(block_forest(9))])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_writer_that_waits_too_long_says_so(folder: Path) -> None:
    ours, theirs = opened(folder), opened(folder, lock_timeout=0.05)
    with ours.exclusive(), ours.exclusive():  # again by the same thread
        with pytest.raises(StorageError) as caught:
            theirs.put_many([stored(block_forest(1))])
        assert caught.value.kind == "LockTimeout"
        assert theirs.get(key_of(block_forest(1))) is None  # readers do not wait
    theirs.put_many([stored(block_forest(1))])
