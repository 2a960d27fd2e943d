"""Bundles: equal closures make equal bytes, and nothing that was changed on the way gets in."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import pytest

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.store.bundle import export_bundle, import_bundle
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.objects import block_forest, calling_forest, key_of, root_of

if TYPE_CHECKING:
    from miden.store.keys import ObjectKey


def store_with_chain() -> tuple[ObjectStore, ObjectKey]:
    """Return a store with a forest that needs a second one that needs two more, and one that nothing needs."""
    store = ObjectStore([MemoryProvider()])
    leaves = [block_forest(1), block_forest(2, 3)]
    middle = calling_forest(4, map(root_of, leaves))
    top = calling_forest(5, [root_of(middle)])
    for forest in (*leaves, middle, top, block_forest(6)):
        store.insert(forest)
    return store, key_of(top)


def exported(store: ObjectStore, *roots: ObjectKey) -> bytes:
    file = io.BytesIO()
    export_bundle(store, roots, file)
    return file.getvalue()


def test_a_closure_comes_out_as_it_went_in() -> None:
    store, root = store_with_chain()
    file = io.BytesIO()
    done = export_bundle(store, [root], file)
    assert (done.roots, done.objects, done.missing) == ((root,), 4, ())
    there = ObjectStore([MemoryProvider()])
    found = import_bundle(there, io.BytesIO(file.getvalue()), pin=True)
    assert (found.roots, found.objects, found.bytes, found.missing) == (done.roots, 4, done.bytes, ())
    assert there.get(root) == store.get(root)
    assert list(there.roots()) == [key for key in store.roots() if there.contains(key)]
    assert there.pins.owners(root) == ["manual"]
    assert there.chain.counters["memory"].verified == 0  # verified when it came in


def test_equal_closures_make_equal_bundles_in_any_order() -> None:
    store, root = store_with_chain()
    there = ObjectStore([MemoryProvider()])
    keys = list(store.roots())
    random.Random(3).shuffle(keys)
    for key in keys:
        there.insert(store.get(key))
    assert exported(store, root) == exported(there, root)
    assert exported(store, *keys) == exported(there, *reversed(keys))


def test_importing_again_changes_nothing() -> None:
    store, root = store_with_chain()
    before = store.stat()
    import_bundle(store, io.BytesIO(exported(store, root)))
    assert store.stat() == before


def test_what_is_missing_stops_an_export_unless_it_may_be_partial() -> None:
    store, root = store_with_chain()
    gone = key_of(block_forest(1))
    store.remove(gone)
    with pytest.raises(NotFoundError):
        exported(store, root)
    file = io.BytesIO()
    assert export_bundle(store, [root], file, partial=True).missing == (gone,)
    there = ObjectStore([MemoryProvider()])
    assert import_bundle(there, io.BytesIO(file.getvalue())).missing == (gone,)
    with pytest.raises(InputError) as caught:
        exported(store)
    assert caught.value.kind == "NoRoots"


def test_every_flipped_bit_is_noticed_before_anything_is_put() -> None:
    store, root = store_with_chain()
    good = exported(store, root)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << position % 8
        there = ObjectStore([MemoryProvider()])
        with pytest.raises(MidenError) as caught:
            import_bundle(there, io.BytesIO(bytes(bad)))
        assert isinstance(caught.value, (FormatError, IntegrityError, InputError))
        assert there.stat()["memory"].objects == 0


def test_every_length_but_the_right_one_is_noticed() -> None:
    store, root = store_with_chain()
    good = exported(store, root)
    there = ObjectStore([MemoryProvider()])
    for length in range(len(good)):
        with pytest.raises(FormatError) as caught:
            import_bundle(there, io.BytesIO(good[:length]))
        assert caught.value.kind == "UnexpectedEOF"
    with pytest.raises(FormatError) as caught:
        import_bundle(there, io.BytesIO(good + b"x"))
    assert caught.value.kind == "TrailingBytes"
    assert there.stat()["memory"].objects == 0


def test_an_object_that_lies_is_refused_though_all_checksums_are_right() -> None:
    from blake3 import blake3

    from miden.store.bundle import COUNT, HEAD, MAGIC, VERSION
    from miden.store.envelope import Envelope

    store, _ = store_with_chain()
    victim, other = key_of(block_forest(1)), key_of(block_forest(6))
    lie = Envelope.from_bytes(store.get_bytes(other))._replace(keys=(victim,)).to_bytes()
    body = HEAD.pack(MAGIC, VERSION, 1) + victim.to_bytes() + COUNT.pack(1) + COUNT.pack(len(lie)) + lie
    there = ObjectStore([MemoryProvider()])
    with pytest.raises(IntegrityError) as caught:
        import_bundle(there, io.BytesIO(body + blake3(body).digest()))
    assert caught.value.kind == "CommitmentMismatch"
    assert there.stat()["memory"].objects == 0


def test_a_bundle_has_what_it_says_it_has() -> None:
    from blake3 import blake3

    from miden.store.bundle import COUNT, HEAD, MAGIC, VERSION

    store, root = store_with_chain()
    other = store.get_bytes(key_of(block_forest(6)))
    body = HEAD.pack(MAGIC, VERSION, 1) + root.to_bytes() + COUNT.pack(1) + COUNT.pack(len(other)) + other
    with pytest.raises(IntegrityError) as caught:
        import_bundle(store, io.BytesIO(body + blake3(body).digest()))
    assert caught.value.kind == "BundleIncomplete"


def test_progress_is_told() -> None:
    store, root = store_with_chain()
    seen: list[tuple[int, int]] = []
    file = io.BytesIO()
    export_bundle(store, [root], file, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    file.seek(0)
    import_bundle(store, file, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
