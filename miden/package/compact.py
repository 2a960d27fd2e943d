"""Files without digests: the compact form of docs/internals/container.md.

Only the node table changes; `compact_bytes` leaves the digests out and `expand_bytes` computes them.
"""

from __future__ import annotations

from struct import Struct

from miden.errors import FormatError
from miden.isa import NodeKind
from miden.mast.nodes import NODE_CHILDREN
from miden.serde.forest import MAGIC, VERSION, decode_nodes
from miden.serde.reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.mast.versions import MastVersion

_INFO = Struct("<Q")
_DIGEST = 32
_ENTRY = _INFO.size + _DIGEST
_KIND_BITS = 60


def compact_bytes(data: bytes, offset: int = 0) -> bytes:
    """Leave the digests out of the forest at `offset` of a file that has been checked."""
    reader = Reader(data, offset)
    count, _, table = _find_table(reader, _ENTRY)
    kept = bytearray()
    for at in range(table, table + count * _ENTRY, _ENTRY):
        external = data[at + _INFO.size - 1] >> 4 == NodeKind.EXTERNAL
        kept += data[at : at + (_ENTRY if external else _INFO.size)]
    return data[:table] + kept + data[table + count * _ENTRY :]


def expand_bytes(data: bytes, version: MastVersion, offset: int = 0, base: int = 0) -> bytes:
    """Put the digests back into the forest at `offset`; `base` is where `data` starts in its file, for errors.

    Raises `FormatError` for bytes that are no compact forest.
    """
    reader = Reader(data, offset, base)
    count, block_data, table = _find_table(reader, _INFO.size)
    reader.pos = table
    entries = bytearray(count * _ENTRY)  # one buffer: bytes may claim many nodes
    for node_id in range(count):
        at = reader.pos
        info = reader.take(_INFO.size)
        (value,) = _INFO.unpack(info)
        kind = value >> _KIND_BITS
        if kind > NodeKind.EXTERNAL:
            reader.fail(f"there is no node of kind {kind}", pos=at, kind="InvalidNode")
        entry = node_id * _ENTRY
        entries[entry : entry + _INFO.size] = info
        if kind == NodeKind.EXTERNAL:
            entries[entry + _INFO.size : entry + _ENTRY] = reader.digest()
        elif kind != NodeKind.BLOCK and NODE_CHILDREN[kind] == 0:
            entries[entry + _INFO.size : entry + _ENTRY] = version.node_digest(NodeKind(kind))
    end = reader.pos
    operations = data[block_data[0] : block_data[1]]
    scratch = Reader(operations + entries)
    try:
        nodes, opcodes, immediates, _ = decode_nodes(scratch, len(operations), count, (0, len(operations)))
        found = version.digests(nodes, opcodes, immediates)
    except FormatError as error:
        raise FormatError(f"the nodes do not decode: {error.message}", offset=base + table, kind=error.kind) from error
    for node_id in range(count):
        entry = node_id * _ENTRY
        entries[entry + _INFO.size : entry + _ENTRY] = found[_DIGEST * node_id : _DIGEST * (node_id + 1)]
    return b"".join((data[:table], entries, data[end:]))


def _find_table(reader: Reader, entry_size: int) -> tuple[int, tuple[int, int], int]:
    """Return the number of nodes, where the operations are, and where the node table starts."""
    start = reader.pos
    if reader.take(len(MAGIC) + len(VERSION)) != MAGIC + VERSION:
        reader.fail("a forest starts with MAST and version 0.0.0", pos=start, kind="InvalidMagic")
    count = reader.count(entry_size, "nodes")
    reader.count(5, "decorators")
    reader.skip(4 * reader.count(4, "roots"))
    operations = reader.blob("bytes of operations")
    return count, operations, reader.pos
