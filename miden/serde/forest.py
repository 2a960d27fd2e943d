"""The file format of a forest, read and written. (mast.md section 7.)"""

from __future__ import annotations

from struct import Struct, unpack_from

from miden.field import Word
from miden.isa import NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.debug_info import DebugInfo
from miden.mast.digests import DYN_DIGEST, DYNCALL_DIGEST
from miden.mast.forest import MastForest
from miden.mast.nodes import NODE_CHILDREN, NODE_HEAD
from miden.serde.debug_section import skip_debug_info
from miden.serde.reader import Reader
from miden.serde.writer import blob, felts, u64, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    decode_columns: Callable[[bytes, int, int, int, int, bytes, bytes], tuple[bytes, bytes, bytes, bytes] | None] | None

try:
    from miden._core.decode import decode_nodes as decode_columns
except ImportError:
    decode_columns = None

MAGIC = b"MAST\0"
VERSION = b"\0\0\0"

_INFO = Struct("<Q32s")
_PAYLOAD_BITS = 60
_CHILD_BITS = 30
_CHILD_MASK = (1 << _CHILD_BITS) - 1
_CONSTANT_DIGESTS: dict[int, bytes] = {NodeKind.DYN: DYN_DIGEST, NodeKind.DYNCALL: DYNCALL_DIGEST}


def forest_from_bytes(data: bytes, *, verify: bool = True) -> MastForest:
    """Read a forest that is all of `data`."""
    reader = Reader(bytes(data))
    forest = read_forest(reader, verify=verify)
    reader.finish()
    return forest


def read_forest(reader: Reader, *, verify: bool = True) -> MastForest:
    """Read a forest and leave the reader behind it.

    Sizes, ids, opcodes, felts and texts are always checked. With `verify`, decorators are decoded once, cycles are
    refused and every digest is recomputed; without, what is wrong with a decorator shows when it is first asked
    for, and what is wrong with a digest does not show.
    """
    if reader.take(len(MAGIC)) != MAGIC:
        reader.fail("a forest starts with MAST and a zero byte", pos=reader.pos - len(MAGIC), kind="InvalidMagic")
    if reader.take(len(VERSION)) != VERSION:
        reader.fail("only version 0.0.0 of the forest format is known", pos=reader.pos - len(VERSION), kind="UnsupportedVersion")
    node_count = reader.count(_INFO.size, "nodes")
    decorator_count = reader.count(5, "decorators")
    roots = _read_roots(reader, node_count)
    block_data = reader.blob("bytes of operations")
    infos = reader.skip(_INFO.size * node_count)
    nodes, operations, immediates, op_counts = decode_nodes(reader, infos, node_count, block_data)
    advice_map = read_advice_map(reader)
    start = reader.pos
    skip_debug_info(reader, decorator_count, op_counts, check=verify)
    debug_section = reader.data[start : reader.pos]
    base = reader.base + start

    def decode() -> DebugInfo:
        from miden.serde.debug_info import decode_debug_info

        return decode_debug_info(debug_section, base, decorator_count, op_counts)

    debug_info = DebugInfo.lazy(decode, len(debug_section))
    forest = MastForest(nodes, operations, immediates, roots, advice_map, debug_info)
    if verify:
        from miden.mast.checks import verify_digests

        verify_digests(forest, offset=reader.base + infos, stride=_INFO.size)
    return forest


def _read_roots(reader: Reader, node_count: int) -> bytes:
    """Return the column of roots, which is what the file has."""
    count = reader.count(4, "roots")
    start = reader.skip(4 * count)
    roots: tuple[int, ...] = unpack_from(f"<{count}I", reader.data, start)
    if len(set(roots)) < count or max(roots, default=-1) >= node_count:
        seen: set[int] = set()
        for index, root in enumerate(roots):
            if root >= node_count:
                reader.fail(f"root {root} is not one of the {node_count} nodes", pos=start + 4 * index, kind="InvalidNodeId")
            if root in seen:
                reader.fail(f"root {root} is listed twice", pos=start + 4 * index, kind="DuplicateRoot")
            seen.add(root)
    return reader.data[start : reader.pos]


def decode_nodes(reader: Reader, infos: int, node_count: int, block_data: tuple[int, int]) -> tuple[bytes, bytes, bytes, Sequence[int]]:
    """Return the columns of nodes, operations and immediates, and the number of operations of each node."""
    if decode_columns is not None:
        decoded = decode_columns(reader.data, infos, node_count, *block_data, DYN_DIGEST, DYNCALL_DIGEST)
        if decoded is not None:
            nodes, operations, immediates, op_counts = decoded
            return nodes, operations, immediates, memoryview(op_counts).cast("I")
    return _read_nodes(reader, infos, node_count, block_data)


def _read_nodes(reader: Reader, infos: int, node_count: int, block_data: tuple[int, int]) -> tuple[bytes, bytes, bytes, list[int]]:
    """Return the columns of nodes, operations and immediates, and the number of operations of each node."""
    from miden.serde.operations import decode_operations

    start, end = block_data
    budget = end - start
    records = bytearray()
    operations = bytearray()
    immediates: list[int] = []
    op_counts = [0] * node_count
    at = infos
    for node_id in range(node_count):
        value, digest = _INFO.unpack_from(reader.data, at)
        kind, payload = value >> _PAYLOAD_BITS, value & ((1 << _PAYLOAD_BITS) - 1)
        if kind > NodeKind.EXTERNAL:
            reader.fail(f"there is no node of kind {kind}", pos=at, kind="InvalidNode")
        _check_digest(reader, digest, at + 8)
        head = (kind, 0, 0, 0, 0, 0, 0, 0)
        if kind == NodeKind.BLOCK:
            if payload > end - start:
                reader.fail(f"a block starts behind the operations: {payload}", pos=at, kind="InvalidSpan")
            source = Reader(reader.data, start + payload, reader.base, end)
            opcodes, values = decode_operations(source)
            budget -= source.pos - start - payload
            if budget < 0:
                reader.fail("blocks overlap", pos=at, kind="InvalidSpan")
            head = (kind, 0, 0, len(operations), len(opcodes), len(immediates), len(values), 0)
            op_counts[node_id] = len(opcodes)
            operations += opcodes
            immediates += values
        elif NODE_CHILDREN[kind] == 0:
            if payload:
                reader.fail("a node without children must have a payload of 0", pos=at, kind="InvalidNode")
        else:
            a, b = (payload >> _CHILD_BITS, payload & _CHILD_MASK) if NODE_CHILDREN[kind] == 2 else (payload, 0)
            if max(a, b) >= node_count:
                reader.fail(f"child id {max(a, b)} is not one of the {node_count} nodes", pos=at, kind="InvalidNodeId")
            head = (kind, a, b, 0, 0, 0, 0, 0)
        if digest != _CONSTANT_DIGESTS.get(kind, digest):
            reader.fail("the digest of a dyn node is not the constant that it must be", pos=at + 8, kind="InvalidNode")
        records += NODE_HEAD.pack(*head)
        records += digest
        at += _INFO.size
    return bytes(records), bytes(operations), felts(immediates), op_counts


def _check_digest(reader: Reader, digest: bytes, pos: int) -> None:
    # Elements are below p unless their high half is all ones: one search tells for nearly all digests.
    if b"\xff\xff\xff\xff" in digest:
        Reader(reader.data, pos, reader.base).felts(4)


def read_advice_map(reader: Reader) -> AdviceMap:
    """Read an advice map; keys may come in any order, but only once."""
    entries: dict[Word, tuple[int, ...]] = {}
    for _ in range(reader.count(33, "advice map entries")):
        start = reader.pos
        key = Word(reader.felts(4))
        values = reader.felts(reader.count(8, "elements"))
        if key in entries:
            reader.fail(f"key {key.to_hex()} occurs twice", pos=start, kind="DuplicateKey")
        entries[key] = values
    return AdviceMap.from_felts(entries)


def forest_to_bytes(forest: MastForest) -> bytes:
    """Write a forest."""
    from miden.serde.debug_info import encode_debug_info
    from miden.serde.operations import encode_operations

    block_data = bytearray()
    infos = bytearray()
    for node_id in range(len(forest)):
        kind = forest.kind(node_id)
        payload = 0
        if kind == NodeKind.BLOCK:
            payload = len(block_data)
            block_data += encode_operations(*forest.block_code(node_id))
        else:
            for child in forest.children(node_id):
                payload = payload << _CHILD_BITS | child
        infos += u64(kind << _PAYLOAD_BITS | payload)
        infos += forest.digest_bytes(node_id)
    decorator_count, debug_section = encode_debug_info(forest)
    return b"".join(
        (
            MAGIC,
            VERSION,
            vint(len(forest)),
            vint(decorator_count),
            vint(len(forest.roots)),
            forest.root_bytes,
            blob(block_data),
            infos,
            encode_advice_map(forest.advice_map),
            debug_section,
        )
    )


def encode_advice_map(advice_map: AdviceMap) -> bytes:
    """Write an advice map."""
    parts = [vint(len(advice_map))]
    for key, values in advice_map.items():
        parts += (key.to_bytes(), vint(len(values)), felts(values))
    return b"".join(parts)
