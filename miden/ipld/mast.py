"""MAST as blocks: every node a block whose CID carries its MAST root, and whole artifacts as blocks of their own.

A node block is a kind (one byte, `miden.isa.NodeKind`) with what its digest is made of: the digests of its children, 32 bytes
each, or all the groups of a basic block, 64 bytes for a batch. Its digest is the MAST root, so CID and root say the same
thing. Not in it is what no root covers: decorators, error codes, and NOOPs that only fill a group up.

An external node has no block: its digest is that of what it stands for. (fvm.md section 5.2.)
"""

from __future__ import annotations

from miden.errors import FormatError
from miden.field import P, Word
from miden.hashing import elements_digest
from miden.ipld.cid import MAST_FOREST, MAST_NODE, Cid
from miden.ipld.multihash import BLAKE2B_256, MAST_RPO_256
from miden.isa import BATCH_GROUPS, GROUP_OPS, IMMEDIATE_OPS, PUSH, NodeKind
from miden.mast.batches import iterate_batches, pair_operations
from miden.mast.builder import ForestBuilder
from miden.mast.digests import BLOCK_OPS, node_digest_bytes
from miden.mast.nodes import NODE_CHILDREN
from miden.mast.traversal import postorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from miden.mast.forest import MastForest

DIGEST = 32
BATCH = 8 * BATCH_GROUPS
"""Bytes of a batch: eight groups of eight bytes."""

_OPCODE_BITS = 7


def node_cid(root: Word | bytes) -> Cid:
    """Return the CID of the node with a MAST root.

    >>> node_cid(Word((1, 2, 3, 4))).digest.hex()[:18]
    '010000000000000002'
    """
    return Cid(1, MAST_NODE, MAST_RPO_256, root if isinstance(root, bytes) else root.to_bytes())


def node_root(cid: Cid) -> Word:
    """Return the MAST root that the CID of a node carries; raises `FormatError` for other CIDs."""
    if (cid.codec, cid.hash_code, len(cid.digest)) != (MAST_NODE, MAST_RPO_256, DIGEST):
        raise FormatError(f"expected the CID of a MAST node, found {cid}", kind="NotANode")
    return Word.from_bytes(cid.digest)


def forest_cid(data: bytes) -> Cid:
    """Return the CID of a whole artifact in the reference's file format."""
    return Cid.of(data, MAST_FOREST, BLAKE2B_256)


def node_block(forest: MastForest, node_id: int) -> bytes:
    """Return the block of a node; raises `FormatError` for an external one, which has none.

    >>> from miden.assembly import assemble
    >>> forest = assemble("begin add end").forest
    >>> cid = node_cid(forest.digest_bytes(0))
    >>> cid.verify(node_block(forest, 0))
    """
    kind = forest.kind(node_id)
    if kind == NodeKind.EXTERNAL:
        raise FormatError("an external node has no block", kind="ExternalNode")
    if kind != NodeKind.BLOCK:
        return bytes((kind,)) + b"".join(forest.digest_bytes(child) for child in forest.children(node_id))
    batches = iterate_batches(pair_operations(*forest.block_code(node_id)))
    return bytes((kind,)) + b"".join(group.to_bytes(8, "little") for batch in batches for group in batch.groups)


def node_digest(block: bytes) -> bytes:
    """Return the MAST root of a node block; raises `FormatError` for bytes that are no node in its one form."""
    kind = _kind(block)
    if kind == NodeKind.BLOCK:
        groups = _groups(block)
        block_code(block)
        return elements_digest(groups)
    return node_digest_bytes(kind, *_children(block, kind))


def node_links(block: bytes) -> list[Cid]:
    """Return the CIDs of the children of a node block, first to last."""
    kind = _kind(block)
    if kind == NodeKind.BLOCK:
        _groups(block)
        return []
    return [node_cid(child) for child in _children(block, kind)]


def forest_links(data: bytes) -> list[Cid]:
    """Return the CIDs of the procedures that an artifact needs and does not have: its external nodes."""
    from miden.package.artifacts import load_artifact

    forest: MastForest = load_artifact(data).forest
    found = {forest.digest_bytes(node): None for node in range(len(forest)) if forest.kind(node) == NodeKind.EXTERNAL}
    return [node_cid(digest) for digest in found]


def explode(forest: MastForest, roots: Iterable[int] | None = None) -> Iterator[tuple[Cid, bytes]]:
    """Yield the blocks of all nodes below some procedures, children first, each digest once; of all procedures if None."""
    seen: set[bytes] = set()
    for node_id in postorder(forest, roots):
        digest = forest.digest_bytes(node_id)
        if forest.kind(node_id) != NodeKind.EXTERNAL and digest not in seen:
            seen.add(digest)
            yield node_cid(digest), node_block(forest, node_id)


def implode(roots: Iterable[Word], get: Callable[[Cid], bytes | None], *, max_nodes: int = 1 << 20) -> MastForest:
    """Put a forest together from node blocks.

    Parameters
    ----------
    roots
        Digests of the procedures.
    get
        Returns the block of a CID, or None; what is missing becomes an external node. Every block is verified.
    max_nodes
        Nodes above which the forest is refused.

    Raises
    ------
    FormatError
        For blocks that are no nodes, and a forest that is too large.
    IntegrityError
        For a block that does not hash to its CID.
    """
    builder = ForestBuilder()
    done: dict[bytes, int] = {}
    wanted = [root.to_bytes() for root in roots]
    blocks: dict[bytes, bytes | None] = {}
    for start in wanted:
        stack = [start]
        while stack:
            digest = stack[-1]
            if digest in done:
                stack.pop()
                continue
            if digest not in blocks:
                if len(blocks) >= max_nodes:
                    raise FormatError(f"more than {max_nodes} nodes", kind="ForestTooLarge")
                cid = node_cid(digest)
                blocks[digest] = block = get(cid)
                if block is not None:
                    cid.verify(block)
                    stack += [child.digest for child in reversed(node_links(block)) if child.digest not in done]
                    continue
            stack.pop()
            done[digest] = _add(builder, digest, blocks[digest], done)
            blocks[digest] = None
    for digest in wanted:
        builder.add_root(done[digest])
    return builder.build()


def _add(builder: ForestBuilder, digest: bytes, block: bytes | None, done: dict[bytes, int]) -> int:
    if block is None:
        return builder.add_external(digest)
    kind = _kind(block)
    if kind == NodeKind.BLOCK:
        return builder.add_block(*block_code(block), digest=digest)
    return builder.add_node(kind, [done[child] for child in _children(block, kind)], digest=digest)


def block_code(block: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return operations and immediates of the block of a basic block: the shortest that give its groups.

    NOOPs are kept only where the groups cannot be told otherwise; error codes, which no digest covers, are 0. Raises
    `FormatError` for groups that no operations give.
    """
    groups = _groups(block)
    batches = [_read_batch(groups[start : start + BATCH_GROUPS]) for start in range(0, len(groups), BATCH_GROUPS)]
    opcodes = bytearray()
    for index, (parts, _) in enumerate(batches):
        following = batches[index + 1][0][0][:1] or b"\0" if index + 1 < len(batches) else None
        opcodes += _join(parts, following)
    pushed = iter([value for _, values in batches for value in values])
    code = bytes(opcodes), tuple(next(pushed) if opcode == PUSH else 0 for opcode in opcodes if opcode in IMMEDIATE_OPS)
    if [group for batch in iterate_batches(pair_operations(*code)) for group in batch.groups] != groups:
        raise FormatError("these groups are not those of any operations", kind="InvalidNode")
    return code


def _read_batch(groups: list[int]) -> tuple[list[bytes], list[int]]:
    """Return the operations of each group without the NOOPs at its end, and the values of the PUSHes."""
    parts: list[bytes] = []
    values: list[int] = []
    slot = 0
    while slot < BATCH_GROUPS:
        packed = groups[slot]
        if packed >> _OPCODE_BITS * GROUP_OPS:
            raise FormatError("a group holds more than nine operations", kind="InvalidNode")
        part = bytes(packed >> _OPCODE_BITS * index & 0x7F for index in range(GROUP_OPS)).rstrip(b"\0")
        if not BLOCK_OPS.issuperset(part):
            raise FormatError("an operation that no basic block may hold", kind="InvalidNode")
        end = slot + 1 + part.count(PUSH)
        if end > BATCH_GROUPS:
            raise FormatError("a PUSH without room for its value", kind="InvalidNode")
        values += groups[slot + 1 : end]
        parts.append(part)
        slot = end
    return parts, values


def _join(parts: list[bytes], following: bytes | None) -> bytes:
    """Return the operations of a batch with the NOOPs that its groups need; `following` is the first of the next batch."""
    if following is None:
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        last = max(1, len(parts[-1]))
    elif following[0] != PUSH:
        last = GROUP_OPS
    elif len(parts) > 1 and not parts[-1]:
        parts.pop()
        last = max(GROUP_OPS - 1, len(parts[-1]))
    else:
        last = max(1, len(parts[-1]))
    joined = bytearray()
    for index, part in enumerate(parts[:-1]):
        before_push = parts[index + 1][:1] == bytes((PUSH,)) and len(part) < GROUP_OPS
        joined += part.ljust(GROUP_OPS - 1 if before_push else GROUP_OPS, b"\0")
    return bytes(joined + parts[-1].ljust(last, b"\0"))


def _kind(block: bytes) -> NodeKind:
    if not block or block[0] >= NodeKind.EXTERNAL:
        raise FormatError("expected the kind of a node", offset=0, kind="InvalidNode")
    return NodeKind(block[0])


def _children(block: bytes, kind: NodeKind) -> list[bytes]:
    expected = 1 + NODE_CHILDREN[kind] * DIGEST
    if len(block) != expected:
        raise FormatError(f"a {kind.name.lower()} node has {expected} bytes, found {len(block)}", offset=0, kind="InvalidNode")
    children = [block[start : start + DIGEST] for start in range(1, expected, DIGEST)]
    for child in children:
        _elements(child)
    return children


def _groups(block: bytes) -> list[int]:
    if len(block) == 1 or (len(block) - 1) % BATCH:
        raise FormatError(f"a basic block has one or more batches of {BATCH} bytes", offset=0, kind="InvalidNode")
    return _elements(block[1:])


def _elements(data: bytes) -> list[int]:
    elements = [int.from_bytes(data[start : start + 8], "little") for start in range(0, len(data), 8)]
    for index, element in enumerate(elements):
        if element >= P:
            raise FormatError(f"{element} is not below p", offset=1 + 8 * index, kind="InvalidNode")
    return elements
