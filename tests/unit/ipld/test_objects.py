"""Blocks in the object store, beside code: what is kept, found, refused, collected, carried and served."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from miden import execute
from miden.assembly import assemble
from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.ipld import dagcbor
from miden.ipld.blocks import BufferedBlocks, load_block, reachable, store_block
from miden.ipld.car.transfer import export_car
from miden.ipld.cid import CBOR, DAG_CBOR, MAST_FOREST, MAST_NODE, RAW, Cid
from miden.ipld.mast import explode, forest_cid, node_cid
from miden.ipld.multihash import BLAKE2B_256, HASH_CODES, IDENTITY, MAST_RPO_256, RPO_256, SHA2_256
from miden.ipld.objects import BLOCK_KIND, StoreBlocks, block_envelope, key_of
from miden.isa import NodeKind
from miden.store.bundle import export_bundle, import_bundle
from miden.store.envelope import Envelope
from miden.store.keys import BLOCK_SPACE, ObjectKey
from miden.store.opening import open_store
from miden.store.provider import StoredObject, open_provider
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from miden.store.virtual_machine import VirtualMachine
from tests.support.store import serving

if TYPE_CHECKING:
    from pathlib import Path


def in_memory(*providers: MemoryProvider) -> StoreBlocks:
    return StoreBlocks(ObjectStore(providers or [MemoryProvider()]))


DYN = bytes((NodeKind.DYN,))
CIDS = {
    "blake2b-256": Cid.of(b"data", RAW),
    "sha2-256": Cid.of(b"data", RAW, SHA2_256),
    "sha2-512": Cid.of(b"data", RAW, HASH_CODES["sha2-512"]),
    "blake2b-160": Cid.of(b"data", RAW, HASH_CODES["blake2b-160"]),
    "a digest that was cut": Cid(1, RAW, SHA2_256, Cid.of(b"data", RAW, SHA2_256).digest[:20]),
    "another codec": Cid.of(b"data", CBOR),
    "version 0": Cid(0, 0x70, SHA2_256, Cid.of(b"\n\x00", RAW, SHA2_256).digest),
    "rpo256": Cid.of(bytes(range(8)), RAW, RPO_256),
    "mast-forest": forest_cid(assemble("begin add end").to_bytes()),
    "a node named by another hash": Cid.of(DYN, MAST_NODE),
}
DATA = {
    "version 0": b"\n\x00",
    "rpo256": bytes(range(8)),
    "mast-forest": assemble("begin add end").to_bytes(),
    "a node named by another hash": DYN,
}


def test_cids_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    blocks = StoreBlocks(open_store(tmp_path / "store", create=True))
    blocks.put_many((cid, DATA.get(name, b"data")) for name, cid in CIDS.items())
    again = StoreBlocks(open_store(tmp_path / "store", writable=False))
    assert set(again) == set(CIDS.values())
    for name, cid in CIDS.items():
        assert again.get(cid) == DATA.get(name, b"data"), name
        assert cid in again
    [counters] = again.store.counters.providers.values()
    assert (counters.trusted, counters.verified) == (2 * len(CIDS), 0), "what was sealed is not hashed again"
    assert again.store.fsck().clean


def test_blocks_inside_of_their_cids_take_no_room() -> None:
    blocks, cid = in_memory(), Cid(1, RAW, IDENTITY, b"tiny")
    assert blocks.put_many([(cid, b"tiny")]) == 0
    assert (blocks.get(cid), cid in blocks, list(blocks)) == (b"tiny", True, [])
    with pytest.raises(IntegrityError):
        blocks.put(cid, b"other")


def test_what_is_not_there_is_none() -> None:
    blocks = in_memory()
    for cid in (*CIDS.values(), Cid(1, MAST_NODE, MAST_RPO_256, b"\xff" * 32), node_cid(bytes(32))):
        assert blocks.get(cid) is None
        assert cid not in blocks
        with pytest.raises(NotFoundError):
            load_block(blocks, cid)


@pytest.mark.parametrize(
    ("cid", "data", "error", "kind"),
    [
        (Cid.of(b"data", RAW), b"date", IntegrityError, "BlockMismatch"),
        (Cid.of(b"\xff", DAG_CBOR), b"\xff", FormatError, "InvalidHead"),
        (Cid.of(b"data", 0x99), b"data", InputError, "UnknownCodec"),
        (Cid(1, RAW, 0x1E, bytes(32)), b"data", InputError, "UnknownHash"),
        (node_cid(bytes(32)), DYN, IntegrityError, "BlockMismatch"),
        (node_cid(bytes(32)), b"\x99", FormatError, "InvalidNode"),
        (Cid.of(b"junk", MAST_FOREST), b"junk", FormatError, None),
    ],
)
def test_what_is_wrong_is_not_put(cid: Cid, data: bytes, error: type[MidenError], kind: str | None) -> None:
    blocks = in_memory()
    good = Cid.of(b"good", RAW)
    with pytest.raises(error) as caught:
        blocks.put_many([(good, b"good"), (cid, data)])
    assert kind is None or caught.value.kind == kind
    assert list(blocks) == [], "a batch with something wrong in it is not put at all"


@pytest.mark.parametrize("lie", ["data", "name", "key", "links", "kind", "two keys", "no CID"])
def test_liars_are_not_believed(lie: str) -> None:
    """A provider answers for a key with something else: it is refused, set aside, and the next one is asked."""
    child = Cid.of(b"child", RAW)
    data = dagcbor.encode([child])
    cid = Cid.of(data)
    true = block_envelope(cid, data)
    other = dagcbor.encode([child, 1])
    lies = {
        "data": true._replace(payload=other),
        "name": true._replace(facts=Cid.of(other).to_bytes()),
        "key": block_envelope(Cid.of(other), other),
        "links": true._replace(links=()),
        "kind": true._replace(kind=0),
        "two keys": true._replace(keys=tuple(sorted((*true.keys, ObjectKey.block(b"x"))))),
        "no CID": true._replace(facts=b"\x99"),
    }
    liar, honest = MemoryProvider("liar"), MemoryProvider("honest")
    liar.put_many([StoredObject(true.keys, lies[lie].to_bytes())])
    alone = in_memory(liar)
    with pytest.raises(IntegrityError):
        alone.get(cid)
    liar.put_many([StoredObject(true.keys, lies[lie].to_bytes())])
    honest.put_many([StoredObject(true.keys, true.to_bytes())])
    blocks = in_memory(liar, honest)
    assert blocks.get(cid) == data
    assert blocks.store.counters.providers["liar"].refused == 1
    assert true.keys[0] not in liar.contains(true.keys)


def test_code_is_no_block_and_a_block_is_no_code() -> None:
    blocks = in_memory()
    cid = store_block(blocks, b"\x80")
    with pytest.raises(InputError) as caught:
        blocks.store.get(key_of(cid))
    assert caught.value.kind == "InvalidRoot"
    root = assemble("begin add end").hash
    envelope = Envelope(BLOCK_KIND, (ObjectKey.code(root),), (), cid.to_bytes(), b"\x80")
    provider = MemoryProvider()
    provider.put_many([StoredObject(envelope.keys, envelope.to_bytes())])
    with pytest.raises(IntegrityError):
        ObjectStore([provider]).get(root)


def test_collection_follows_links_through_everything(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", create=True)
    blocks = StoreBlocks(store)
    program = assemble("begin push.1 if.true add else mul end end")
    leaf = store_block(blocks, b"leaf", RAW)
    store.insert(program)
    inlined = Cid(1, DAG_CBOR, IDENTITY, dagcbor.encode([leaf]))
    commitment = Cid(1, 0xF101, 0x1012, bytes(32))
    actor = store_block(blocks, dagcbor.encode({"code": node_cid(program.hash), "state": inlined, "piece": commitment}))
    garbage = store_block(blocks, b"garbage", RAW)
    blocks.pin(actor)
    done = store.gc(grace=0)
    assert (done.kept, done.removed, done.missing) == (3, 1, ())
    assert garbage not in StoreBlocks(store)
    assert next(cid for cid, _ in reachable(StoreBlocks(store), [actor])) == actor
    assert StoreBlocks(store).get(leaf) == b"leaf"
    assert store.get(program.hash) == program.forest
    blocks.unpin(actor)
    assert store.gc(grace=0).kept == 0


def test_bundles_and_checks_treat_blocks_as_code(tmp_path: Path) -> None:
    store = open_store(tmp_path / "one", create=True)
    blocks = StoreBlocks(store)
    leaf = store_block(blocks, b"leaf", RAW)
    root = store_block(blocks, dagcbor.encode([leaf, leaf]))
    store_block(blocks, b"other", RAW)
    file = io.BytesIO()
    assert export_bundle(store, [key_of(root)], file).objects == 2
    file.seek(0)
    elsewhere = open_store(tmp_path / "two", create=True)
    assert import_bundle(elsewhere, file, pin=True).missing == ()
    assert dict(reachable(StoreBlocks(elsewhere), [root])) == {root: dagcbor.encode([leaf, leaf]), leaf: b"leaf"}
    [path] = [path for path in (tmp_path / "two" / "objects").rglob("*") if path.is_file() and b"leaf" in path.read_bytes()]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"leaf", b"LEAF"))
    found = elsewhere.fsck()
    assert [finding.kind for finding in found.findings] == ["DamagedObject"]
    mended = ObjectStore([*elsewhere.chain.providers, *_renamed(store)], seals=elsewhere.seals, pins=elsewhere.pins)
    assert mended.fsck(repair=True).clean
    assert StoreBlocks(elsewhere).get(leaf) == b"leaf"


def _renamed(store: ObjectStore) -> list[MemoryProvider]:
    copy = MemoryProvider("copy")
    [home] = store.chain.providers
    copy.put_many(StoredObject((key,), home.get(key) or b"") for key in home.keys())  # noqa: SIM118
    return [copy]


def test_nodes_are_code_and_code_is_nodes(backend: str) -> None:
    program = assemble("begin push.3 repeat.2 dup add end dup push.12 eq if.true mul else add end end")
    nodes = in_memory()
    assert nodes.put_many(explode(program.forest)) > 3
    ran = VirtualMachine(nodes.store, backend=backend).run(program.hash, [5])
    assert ran.stack == execute(program, [5], backend=backend).stack
    whole = in_memory()
    whole.store.insert(program)
    walked = dict(reachable(whole, [node_cid(program.hash)]))
    assert walked == dict(reachable(nodes, [node_cid(program.hash)])) == dict(explode(program.forest))
    assert list(whole) == [node_cid(program.hash)]


def test_a_buffer_flushes_into_a_store_at_once(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", create=True)
    buffered = BufferedBlocks(StoreBlocks(store))
    leaves = [store_block(buffered, bytes([number]), RAW) for number in range(200)]
    root = store_block(buffered, dagcbor.encode(leaves))
    store_block(buffered, b"forgotten", RAW)
    assert buffered.flush(root) == 201
    assert len(list((tmp_path / "store" / "packs").iterdir())) == 1
    assert set(StoreBlocks(store)) == {root, *leaves}


def test_a_hot_block_is_not_read_again() -> None:
    blocks = in_memory()
    cid = store_block(blocks, b"data", RAW)
    for _ in range(3):
        assert blocks.get(cid) == b"data"
    assert blocks.store.counters.providers["memory"].found == 1
    assert blocks.remove(cid)
    assert blocks.get(cid) is None


def test_keys_tell_codecs_and_hashes_apart() -> None:
    keys = {key_of(Cid.of(b"", codec, code)) for codec in (RAW, DAG_CBOR, CBOR) for code in (SHA2_256, BLAKE2B_256)}
    assert len(keys) == 6
    assert {key.space for key in keys} == {BLOCK_SPACE}
    assert str(min(keys)).startswith("256:0x")
    assert ObjectKey.parse(str(min(keys))) == min(keys)


def test_an_export_over_a_network_asks_once_for_all_links_of_a_block() -> None:
    behind = in_memory()
    leaves = [store_block(behind, bytes([number]), RAW) for number in range(50)]
    root = store_block(behind, dagcbor.encode([leaves, leaves]))
    with serving(behind.store) as url:
        blocks = StoreBlocks(ObjectStore([open_provider("http", url)]))
        file = io.BytesIO()
        assert export_car(blocks, [root], file) == 51
        [counters] = blocks.store.counters.providers.values()
        assert (counters.asked, counters.verified) == (51, 51)
    with pytest.raises(NotFoundError, match="asked"):
        StoreBlocks(blocks.store).get(root)  # nobody serves any more: that is not to say that there is no such block
