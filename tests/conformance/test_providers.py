"""Every provider keeps the promises of `miden.store.provider`: one suite, run on all of them.

What is written goes through one provider and is read through another one of the same place, which for most is the same.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from miden.errors import InputError, StorageError
from miden.field import Word
from miden.ipld import dagcbor
from miden.ipld.blocks import reachable
from miden.ipld.cid import RAW, Cid
from miden.ipld.mast import node_cid
from miden.ipld.multihash import HASH_CODES
from miden.ipld.objects import StoreBlocks, block_envelope
from miden.isa import NodeKind
from miden.mast.builder import ForestBuilder
from miden.mast.digests import DYN_DIGEST
from miden.store.envelope import object_id
from miden.store.objects import envelopes_of
from miden.store.provider import Maintained, Provider, StoredObject, open_provider
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.store import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Place(NamedTuple):
    """One place, as it is written to, and as it is read."""

    write: Provider
    read: Provider
    reopen: Callable[[], Provider] | None
    """Opens it once more, as another process would; None where nothing outlives the provider."""


def forest_objects(first: int, count: int = 1) -> list[StoredObject]:
    """Return objects of a few bytes, all different: blocks that push numbers."""
    found = []
    for number in range(first, first + count):
        builder = ForestBuilder()
        builder.add_root(builder.add_block(bytes([91]), [number]))
        found += [StoredObject(envelope.keys, envelope.to_bytes()) for envelope in envelopes_of(builder.build())]
    return found


def pair_object(one: int, other: int) -> StoredObject:
    """Return an object with two keys."""
    builder = ForestBuilder()
    for number in (one, other):
        builder.add_root(builder.add_block(bytes([91]), [number]))
    [envelope] = envelopes_of(builder.build())
    return StoredObject(envelope.keys, envelope.to_bytes())


@pytest.fixture(params=["memory", "filesystem", "sqlite", "lmdb", "fsspec", "fsspec-file", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    kind: str = request.param
    if kind == "memory":
        provider: Provider = MemoryProvider()
        yield Place(provider, provider, None)
        return
    if kind == "http":
        behind = MemoryProvider()
        with serving(ObjectStore([behind]), cache_bytes=1) as url:
            client = open_provider("http", url)
            yield Place(behind, client, lambda: open_provider("http", url))
            client.close()
        return
    scheme = "memory://" if kind == "fsspec" else "file://" if kind == "fsspec-file" else ""
    location = f"{scheme}{tmp_path}/place"
    provider = open_provider(kind.partition("-")[0], location)
    yield Place(provider, provider, lambda: open_provider(kind.partition("-")[0], location))
    provider.close()


def test_it_says_who_it_is(place: Place) -> None:
    for provider in place[:2]:
        assert isinstance(provider, Provider)
        assert provider.name
        assert isinstance(provider.writable, bool)
        assert isinstance(provider.local, bool)


def test_an_empty_place_has_nothing(place: Place) -> None:
    [stored] = forest_objects(1)
    assert place.read.get(stored.keys[0]) is None
    assert place.read.get_many(stored.keys) == {}
    assert place.read.get_many(()) == {}
    assert place.read.contains(stored.keys) == set()
    assert list(place.read.keys()) == []
    assert tuple(place.read.stat()) == (0, 0, 0)


def test_what_was_put_is_found_under_each_of_its_keys(place: Place) -> None:
    one, two = pair_object(1, 2), forest_objects(3)[0]
    place.write.put_many([one, two])
    for key in one.keys:
        assert place.read.get(key) == one.data
    [absent] = forest_objects(9)
    wanted = (*one.keys, *two.keys, *absent.keys)
    assert place.read.get_many(wanted) == {**dict.fromkeys(one.keys, one.data), two.keys[0]: two.data}
    assert place.read.contains(wanted) == {*one.keys, *two.keys}
    assert list(place.read.keys()) == sorted((*one.keys, *two.keys))
    stat = place.read.stat()
    assert (stat.objects, stat.keys) == (2, 3)
    assert stat.bytes > 0


def test_putting_again_changes_nothing(place: Place) -> None:
    stored = forest_objects(1, 3)
    place.write.put_many(stored)
    before = place.read.stat()
    place.write.put_many(stored)
    place.write.put_many(reversed(stored))
    assert place.read.stat() == before


def test_a_key_that_leads_somewhere_stays(place: Place) -> None:
    both = pair_object(1, 2)
    one = next(stored for stored in forest_objects(1, 2) if stored.keys[0] == both.keys[0])
    place.write.put_many([one])
    place.write.put_many([both])
    assert place.read.get(both.keys[0]) == one.data
    assert place.read.get(both.keys[1]) == both.data


def test_an_object_lives_as_long_as_one_of_its_keys(place: Place) -> None:
    both = pair_object(1, 2)
    place.write.put_many([both])
    assert place.write.remove([both.keys[0], both.keys[0], forest_objects(9)[0].keys[0]]) == 1
    assert place.read.get(both.keys[0]) is None
    assert place.read.get(both.keys[1]) == both.data
    assert place.read.stat().objects == 1
    assert place.write.remove([both.keys[1]]) == 1
    assert place.read.get(both.keys[1]) is None
    assert tuple(place.read.stat())[:2] == (0, 0)
    assert place.write.remove(both.keys) == 0


def test_a_quarantined_object_is_found_no_more_under_any_key(place: Place) -> None:
    both, other = pair_object(1, 2), forest_objects(3)[0]
    place.write.put_many([both, other])
    place.write.quarantine(both.keys[0], "it was replaced meanwhile", b"other bytes")
    assert place.read.get(both.keys[0]) == both.data
    place.write.quarantine(both.keys[0], "damaged", both.data)
    assert place.read.get_many((*both.keys, *other.keys)) == {other.keys[0]: other.data}
    place.write.quarantine(both.keys[0], "again", both.data)
    place.write.put_many([both])
    assert place.read.get(both.keys[1]) == both.data


def test_a_thousand_objects_in_one_call(place: Place) -> None:
    stored = forest_objects(0, 1200)
    place.write.put_many(iter(stored))
    expected = {one.keys[0]: one.data for one in stored}
    assert place.read.get_many(list(expected)) == expected
    assert list(place.read.keys()) == sorted(expected)
    assert place.read.stat()[:2] == (1200, 1200)
    assert place.write.remove(list(expected)[:1000]) == 1000
    assert set(place.read.keys()) == set(list(expected)[1000:])


def test_a_large_object(place: Place) -> None:
    builder = ForestBuilder()
    for number in range(40):
        builder.add_root(builder.add_block(bytes([91]) * 2000, range(number * 2000, number * 2000 + 2000)))
    [envelope] = envelopes_of(builder.build())
    stored = StoredObject(envelope.keys, envelope.to_bytes())
    assert len(stored.data) > 500_000
    place.write.put_many([stored])
    assert place.read.get(stored.keys[7]) == stored.data


def test_blocks_are_kept_beside_code(place: Place) -> None:
    """What is put through one provider, a store reads through the other: links, names of any length, and code."""
    leaf, inner = Cid.of(b"leaf", RAW, HASH_CODES["sha2-512"]), dagcbor.encode({"code": node_cid(DYN_DIGEST), "n": 1})
    root_data = dagcbor.encode([leaf, Cid.of(inner)])
    root = Cid.of(root_data)
    pairs = [(leaf, b"leaf"), (Cid.of(inner), inner), (root, root_data), (node_cid(DYN_DIGEST), bytes((NodeKind.DYN,)))]
    place.write.put_many(StoredObject(envelope.keys, envelope.to_bytes()) for envelope in (block_envelope(*pair) for pair in pairs))
    blocks = StoreBlocks(ObjectStore([place.read]))
    assert dict(reachable(blocks, [root])) == dict(pairs)
    assert blocks.get_many([leaf, root, Cid.of(b"absent")]) == {leaf: b"leaf", root: root_data}
    assert root in blocks
    assert Cid.of(b"absent") not in blocks
    assert blocks.store.get(Word.from_bytes(DYN_DIGEST)).summary() == {"dyn": 1}
    if place.read.local:
        assert set(blocks) == {cid for cid, _ in pairs}
        assert blocks.store.fsck().clean


def test_what_was_put_outlives_the_provider(place: Place) -> None:
    if place.reopen is None:
        return
    stored = forest_objects(5)
    place.write.put_many(stored)
    again = place.reopen()
    assert again.get(stored[0].keys[0]) == stored[0].data
    again.close()


def test_many_threads_may_use_it_at_once(place: Place) -> None:
    groups = [forest_objects(1000 * number, 12) for number in range(4)]
    problems: list[BaseException] = []

    def work(group: list[StoredObject]) -> None:
        try:
            for stored in group:
                place.write.put_many([stored])
                assert place.read.get(stored.keys[0]) == stored.data
            for stored in group[:6]:
                assert place.write.remove(stored.keys) == 1
                assert place.read.get(stored.keys[0]) is None
        except BaseException as problem:  # noqa: BLE001 (shown below)
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(group,)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []
    assert set(place.read.keys()) == {stored.keys[0] for group in groups for stored in group[6:]}


def test_what_is_for_reading_only_refuses_to_write(place: Place) -> None:
    if place.read.writable:
        return
    [stored] = forest_objects(1)
    key = stored.keys[0]
    for write in (lambda: place.read.put_many([stored]), lambda: place.read.remove([key]), lambda: place.read.quarantine(key, "")):
        with pytest.raises(StorageError) as caught:
            write()
        assert caught.value.kind == "ReadOnly"


def test_a_maintained_place_lists_what_it_has(place: Place) -> None:
    if not isinstance(place.write, Maintained):
        return
    both, other = pair_object(1, 2), forest_objects(3)[0]
    place.write.put_many([both, other])
    with place.write.exclusive(), place.write.exclusive():
        entries = {entry.id: entry for entry in place.write.inventory()}
        assert {own_id: entry.keys for own_id, entry in entries.items()} == {
            object_id(both.data): both.keys,
            object_id(other.data): other.keys,
        }
        assert all(entry.size > 0 for entry in entries.values())
        assert place.write.remove(both.keys) == 2
    assert [entry.id for entry in place.write.inventory()] == [object_id(other.data)]
    assert place.write.sweep(3600) == 0


def test_every_kind_can_be_opened_by_name_and_others_are_refused() -> None:
    with pytest.raises(InputError, match="filesystem, fsspec, http, lmdb, memory, sqlite") as caught:
        open_provider("tape", "x")
    assert caught.value.kind == "UnknownProvider"


def test_a_provider_of_somebody_else_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from miden.store.providers.memory import MemoryProvider\nopen_it = MemoryProvider\n"
    (tmp_path / "their_store.py").write_text(source, encoding="utf-8")
    info = tmp_path / "their_store-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-store\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[miden.providers]\ntheirs = their_store:open_it\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(open_provider("theirs", "place"), MemoryProvider)
