"""Every decoder of IPLD on bytes that are almost right: a value or a typed error, soon, and the same from both twins.

Good inputs are changed by a few steps each: bits, bytes, lengths, parts that are lost, doubled or come from another input. What is
read must be what is written. MIDEN_EXAMPLES sets the number of cases of each decoder (1,000 otherwise), MIDEN_SEED the first of them.
"""

from __future__ import annotations

import io
import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from miden.assembly import assemble
from miden.errors import MidenError
from miden.ipld import dagcbor, dagjson, dagpb
from miden.ipld.amt import Amt
from miden.ipld.blocks import MemoryBlocks, store_block
from miden.ipld.car import CarFile, CarIndex, CarReader, write_car
from miden.ipld.car.transfer import check_car
from miden.ipld.cid import DAG_CBOR, MAST_FOREST, RAW, Cid
from miden.ipld.hamt import Hamt
from miden.ipld.links import dagcbor_link_bytes, links, scan_dagcbor
from miden.ipld.mast import block_code, explode, node_digest, node_links
from miden.ipld.multibase import BASES, decode_multibase, encode_multibase
from miden.ipld.multihash import IDENTITY, RPO_256, SHA2_256, decode_multihash, encode_multihash
from miden.ipld.objects import StoreBlocks, block_envelope
from miden.ipld.varint import decode_varint, encode_varint
from miden.store.envelope import Envelope
from miden.store.kinds import decode
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = int(os.environ.get("MIDEN_EXAMPLES", "1000"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))
SECONDS = 1.0
"""Of the processor that no input of some thousand bytes may take."""

LEAF = Cid.of(b"leaf", RAW)
CIDS = [
    LEAF,
    Cid.of(b"x", DAG_CBOR, SHA2_256),
    Cid(1, RAW, IDENTITY, b"tiny"),
    Cid(0, 0x70, SHA2_256, bytes(32)),
    Cid.of(bytes(8), RAW, RPO_256),
]
VALUES = [
    None,
    [1, -1, 2**64 - 1, -(2**64), 1.5, "é", b"bytes", True, LEAF],
    {"a": [[[[]]]], "bb": {"c": CIDS[1]}, "zz": {"": None}},
    [CIDS[0]] * 9,
    ["x" * 300, b"y" * 70000],
]
PROGRAM = assemble("begin push.3 push.5 if.true add swap else mul push.7 end repeat.3 dup add end dyncall end")


def _tries() -> tuple[list[bytes], list[bytes]]:
    maps, lists = MemoryBlocks(), MemoryBlocks()
    table, rows = Hamt(maps), Amt(lists)
    for number in range(120):
        table.set(b"key %d" % number, [number])
        rows.set(number * number, number)
    table.flush()
    rows.flush()
    return [maps.get(cid) or b"" for cid in maps], [lists.get(cid) or b"" for cid in lists]


HAMT_NODES, AMT_NODES = _tries()


def _cars(version: int) -> list[bytes]:
    found = []
    for blocks in ([], [b"leaf"], [b"a" * 100, b"", b"c"]):
        file = io.BytesIO()
        pairs = [(Cid.of(data, RAW), data) for data in blocks] + [(Cid.of(b"\x80"), b"\x80")]
        write_car(file, [cid for cid, _ in pairs], pairs, version=version)
        found.append(file.getvalue())
    return found


def read_varint(data: bytes) -> None:
    value, end = decode_varint(data)
    assert encode_varint(value) == data[:end]


def read_multihash(data: bytes) -> None:
    code, value, end = decode_multihash(data)
    assert encode_multihash(code, value) == data[:end]


def read_cid(data: bytes) -> None:
    cid = Cid.from_bytes(data)
    assert Cid.parse(str(cid)) == cid
    assert Cid(cid.version, cid.codec, cid.hash_code, cid.digest).to_bytes() == data
    assert cid.is_identity == (cid.hash_code == IDENTITY)
    cid.matches(b"leaf")


def read_text(data: bytes) -> None:
    text = data.decode("latin-1")
    try:
        Cid.parse(text)
    finally:
        base, value = decode_multibase(text)
        assert decode_multibase(encode_multibase(value, base)) == (base, value)


def read_dagcbor(data: bytes) -> None:
    try:
        value = dagcbor.decode(data)
    except MidenError as error:
        with pytest.raises(type(error)):
            dagcbor.readable_decode(data)
        raise
    assert dagcbor.encode(value) == dagcbor.readable_encode(value) == data
    assert dagcbor.encode(dagcbor.readable_decode(data)) == data


def read_links(data: bytes) -> None:
    scan = scan_dagcbor(data)
    try:
        found = dagcbor_link_bytes(data)
    except MidenError:
        assert scan.error is not None
        raise
    assert found == ([raw for raw, _ in scan.links], scan.fields)
    assert [cid.to_bytes() for cid in links(DAG_CBOR, data)] == found[0]


def read_dagjson(data: bytes) -> None:
    value = dagjson.decode(data)
    assert dagjson.encode(dagjson.decode(dagjson.encode(value))) == dagjson.encode(value)


def read_car(data: bytes) -> None:
    for section in CarReader(io.BytesIO(data)):
        section.cid.verify(section.data)


def read_car_by_index(data: bytes) -> None:
    file = CarFile(io.BytesIO(data))
    for _, _, offset in file.index:
        assert offset >= 0
    for cid in (LEAF, Cid.of(b"", RAW)):
        if cid in file:
            assert cid.matches(file.get(cid))


def check_whole_car(data: bytes) -> None:
    check_car(io.BytesIO(data))


def read_index(data: bytes) -> None:
    assert CarIndex.from_bytes(CarIndex.from_bytes(data).to_bytes()).buckets == CarIndex.from_bytes(data).buckets


def read_hamt(data: bytes) -> None:
    blocks = MemoryBlocks()
    table = Hamt(blocks, store_block(blocks, data))
    table.get(b"key 7")
    table.set(b"key 7", 1)
    table.delete(b"key 8")
    table.flush()
    assert table.get(b"key 7") == 1


def read_amt(data: bytes) -> None:
    blocks = MemoryBlocks()
    rows = Amt(blocks, store_block(blocks, data))
    rows.get(49)
    rows.set(3, 1)
    rows.delete(4)
    rows.flush()
    assert rows.get(3) == 1


def read_node(data: bytes) -> None:
    try:
        node_digest(data)
    finally:
        assert all(len(cid.digest) == 32 for cid in node_links(data))
    if data[0] == 0:
        block_code(data)


def read_forest(data: bytes) -> None:
    links(MAST_FOREST, data)


def read_object(data: bytes) -> None:
    envelope = Envelope.from_bytes(data, checked=True)
    decode(envelope, verify=True)
    assert envelope.to_bytes()[:-32] == data[:-32]


def put_block(data: bytes) -> None:
    blocks = StoreBlocks(ObjectStore([MemoryProvider()]))
    cid, end = Cid.read(data)
    blocks.put(cid, data[end:])
    assert blocks.get(cid) == data[end:]


NODES = [block for _, block in explode(PROGRAM.forest)]
OBJECTS = [(LEAF, b"leaf"), (Cid.of(dagcbor.encode(VALUES[3])), dagcbor.encode(VALUES[3])), *explode(PROGRAM.forest)]
DECODERS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "varint": (read_varint, [encode_varint(number) for number in (0, 127, 128, 2**32, 2**63, 2**64 - 1)]),
    "multihash": (read_multihash, [encode_multihash(code, bytes(32)) for code in (0, 0x12, 0xB220, 0x300001)]),
    "multibase": (read_text, [encode_multibase(LEAF.to_bytes(), base).encode() for base in BASES]),
    "cid": (read_cid, [cid.to_bytes() for cid in CIDS]),
    "dagcbor": (read_dagcbor, [dagcbor.encode(value) for value in VALUES] + HAMT_NODES[:4]),
    "links": (read_links, [dagcbor.encode(value) for value in VALUES] + HAMT_NODES[-4:]),
    "dagjson": (read_dagjson, [dagjson.encode(value) for value in VALUES]),
    "dagpb": (
        lambda data: [cid.to_bytes() for cid in dagpb.links(data)] and None,
        [b"\x12\x28\x0a\x26" + LEAF.to_bytes() + b"\x0a\x01x", b"\x0a\x00"],
    ),
    "car v1": (read_car, _cars(1)),
    "car v2": (read_car_by_index, _cars(2)),
    "whole car": (check_whole_car, _cars(1) + _cars(2)),
    "index": (read_index, [CarIndex.build([(cid, 7 * at) for at, cid in enumerate(CIDS)]).to_bytes()]),
    "hamt": (read_hamt, HAMT_NODES),
    "amt": (read_amt, AMT_NODES),
    "node": (read_node, NODES),
    "forest": (read_forest, [PROGRAM.to_bytes(), PROGRAM.forest.to_bytes()]),
    "object": (read_object, [block_envelope(cid, data).to_bytes() for cid, data in OBJECTS]),
    "put": (put_block, [cid.to_bytes() + data for cid, data in OBJECTS]),
}
INTERESTING = (0, 1, 0x17, 0x18, 0x1B, 0x1F, 0x7F, 0x80, 0x9B, 0xA1, 0xBB, 0xD8, 0xF9, 0xFB, 0xFF)


def changed(numbers: random.Random, seeds: list[bytes]) -> bytes:
    """Return a seed after one to four changes."""
    data = bytearray(numbers.choice(seeds))
    for _ in range(numbers.randint(1, 4)):
        at = numbers.randrange(len(data) + 1)
        size = min(numbers.choice((1, 1, 2, 4, 8, 33)), len(data) - at)
        step = numbers.randrange(8)
        if step == 0 and at < len(data):
            data[at] ^= 1 << numbers.randrange(8)
        elif step == 1 and at < len(data):
            data[at] = numbers.choice(INTERESTING)
        elif step == 2:
            data[at : at + size] = b""
        elif step == 3:
            data[at:at] = data[at : at + size]
        elif step == 4:
            data[at:at] = numbers.randbytes(numbers.randint(1, 9))
        elif step == 5:
            other = numbers.choice(seeds)
            start = numbers.randrange(len(other) + 1)
            data[at : at + size] = other[start : start + numbers.choice((1, 4, 33, 70))]
        elif step == 6:
            data[at : at + size] = b"\xff" * size
        else:
            del data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", DECODERS)
def test_almost_right_bytes_are_a_value_or_a_typed_error(name: str) -> None:
    read, seeds = DECODERS[name]
    good = bad = 0
    for number in range(SEED, SEED + CASES):
        data = changed(random.Random(f"{name} {number}"), seeds)
        began = time.thread_time()
        try:
            read(data)
            good += 1
        except MidenError as error:
            assert error.kind
            bad += 1
        except Exception as error:
            raise AssertionError(f"case {number}, {data.hex()[:2000]}") from error
        assert time.thread_time() - began < SECONDS, f"case {number}"
    assert bad > 0
    assert good + bad == CASES
