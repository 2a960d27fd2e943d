"""Checks of columns from outside: that they are a forest, and that every digest is the one of its node.

Offsets in errors count bytes from the start of the column named. (mast.md section 7.7.)
"""

from __future__ import annotations

from struct import iter_unpack

from miden.errors import FormatError, IntegrityError
from miden.field import P
from miden.isa import NodeKind
from miden.mast.digests import DYN_DIGEST, DYNCALL_DIGEST, count_immediates, find_invalid_operation, node_digest_bytes
from miden.mast.nodes import NODE, NODE_CHILDREN, NODE_COUNT_LIMIT, NODE_SIZE
from miden.mast.packing import block_digest_bytes, find_wrong_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.mast.forest import MastForest


def column_bytes(data: object, item_size: int, what: str) -> bytes:
    """Return a column as bytes of its own; `FormatError` if it is neither bytes nor an array of such items."""
    if not isinstance(data, (bytes, bytearray)):
        view = memoryview(data)  # type: ignore[arg-type]
        if view.ndim != 1 or view.itemsize != item_size:
            raise FormatError(f"the column of {what} needs items of {item_size} bytes, found {view.itemsize}", kind="InvalidColumn")
        data = view.tobytes()
    if len(data) % item_size:
        raise FormatError(f"the column of {what} is not a multiple of {item_size} bytes: {len(data)}", kind="InvalidColumn")
    return bytes(data)


def check_forest(forest: MastForest) -> None:
    """Raise `FormatError` unless the columns are a forest, digests aside."""
    _check_nodes(forest)
    check_felts(forest.immediate_bytes, "immediate")
    count = len(forest)
    if len(set(forest.roots)) != len(forest.roots):
        raise FormatError("a procedure root is listed twice", kind="DuplicateRoot")
    for index, root in enumerate(forest.roots):
        if root >= count:
            raise FormatError(f"root {root} is not one of the {count} nodes", offset=4 * index, kind="InvalidNodeId")
    topological_order(forest)


def _check_nodes(forest: MastForest) -> None:
    count = len(forest)
    if count > NODE_COUNT_LIMIT:
        raise FormatError(f"a forest has at most {NODE_COUNT_LIMIT} nodes, found {count}", kind="TooManyNodes")
    op_end = imm_end = offset = 0
    for kind, a, b, op_start, op_count, imm_start, imm_count, reserved, *digest in NODE.iter_unpack(forest.node_bytes):
        if kind >= len(NODE_CHILDREN):
            raise FormatError(f"there is no node of kind {kind}", offset=offset, kind="InvalidNode")
        arity = NODE_CHILDREN[kind]
        if max(a, b) >= count and ((arity > 0 and a >= count) or (arity > 1 and b >= count)):
            raise FormatError(f"a child id is not one of the {count} nodes: {max(a, b)}", offset=offset, kind="InvalidNodeId")
        if (arity < 1 and a) or (arity < 2 and b) or reserved:
            raise FormatError("a field that this kind of node does not use is not 0", offset=offset, kind="InvalidNode")
        if kind == NodeKind.BLOCK:
            if op_start != op_end or imm_start != imm_end or op_count == 0:
                raise FormatError("the span of a block is empty or does not follow the one before", offset=offset, kind="InvalidSpan")
            op_end += op_count
            imm_end += imm_count
            opcodes = forest.operation_bytes[op_start:op_end]
            if len(opcodes) != op_count or count_immediates(opcodes) != imm_count:
                raise FormatError("the span of a block does not fit its operations", offset=offset, kind="InvalidSpan")
            bad = find_invalid_operation(opcodes)
            if bad >= 0:
                raise FormatError(f"no basic block may hold opcode {opcodes[bad]}", offset=offset, kind="InvalidOperation")
        elif op_start or op_count or imm_start or imm_count:
            raise FormatError("only a block has operations", offset=offset, kind="InvalidNode")
        if max(digest) >= P:
            raise FormatError("an element of a digest is not below p", offset=offset, kind="InvalidFelt")
        offset += NODE_SIZE
    if op_end != len(forest.operation_bytes) or 8 * imm_end != len(forest.immediate_bytes):
        raise FormatError("operations or immediates belong to no block", offset=offset, kind="InvalidSpan")


def check_felts(column: bytes, what: str) -> None:
    """Raise `FormatError` unless all u64 of a column are felts."""
    for index, (value,) in enumerate(iter_unpack("<Q", column)):
        if value >= P:
            raise FormatError(f"{what} {index} is not below p: {value}", offset=8 * index, kind="InvalidFelt")


def topological_order(forest: MastForest, *, offset: int = 0, stride: int = NODE_SIZE) -> Sequence[int]:
    """Return the node ids so that children come before parents: in ascending order where the ids allow it.

    Raises `FormatError` of kind ``CyclicForest`` if a node is its own descendant; `offset` and `stride` say where
    the nodes are in the input, for its offset.
    """
    children = [forest.children(node_id) for node_id in range(len(forest))]
    if all(child < node_id for node_id, ids in enumerate(children) for child in ids):
        return range(len(children))
    parents: list[list[int]] = [[] for _ in children]
    missing = [0] * len(children)
    for node_id, ids in enumerate(children):
        missing[node_id] = len(ids)
        for child in ids:
            parents[child].append(node_id)
    order = [node_id for node_id, count in enumerate(missing) if count == 0]
    for node_id in order:  # grows while it is walked
        for parent in parents[node_id]:
            missing[parent] -= 1
            if missing[parent] == 0:
                order.append(parent)
    if len(order) != len(children):
        node_id = next(node_id for node_id, count in enumerate(missing) if count)
        where = offset + node_id * stride
        raise FormatError(f"node {node_id} is its own descendant, or has one that is", offset=where, kind="CyclicForest")
    return order


def verify_digests(forest: MastForest, *, offset: int = 0, stride: int = NODE_SIZE) -> None:
    """Recompute the digest of every node; raise `IntegrityError` for the first that differs.

    The digest of an external node is a claim about another forest, checked where it is resolved. A node that is its
    own descendant raises `FormatError`; `offset` and `stride` say where the nodes are in the input.
    """
    if find_wrong_digest is not None:
        try:
            wrong = find_wrong_digest(forest.node_bytes, forest.operation_bytes, forest.immediate_bytes)
        except ValueError:
            topological_order(forest, offset=offset, stride=stride)  # which says what is wrong, and where
            raise
        if wrong is not None:
            raise _mismatch(forest, *wrong)
        return
    for node_id in topological_order(forest, offset=offset, stride=stride):
        kind = forest.kind(node_id)
        if kind == NodeKind.EXTERNAL:
            continue
        if kind == NodeKind.BLOCK:
            digest = block_digest_bytes(*forest.block_code(node_id))
        elif kind == NodeKind.DYN:
            digest = DYN_DIGEST
        elif kind == NodeKind.DYNCALL:
            digest = DYNCALL_DIGEST
        else:
            digest = node_digest_bytes(kind, *(forest.digest_bytes(child) for child in forest.children(node_id)))
        if digest != forest.digest_bytes(node_id):
            raise _mismatch(forest, node_id, digest)


def _mismatch(forest: MastForest, node_id: int, found: bytes) -> IntegrityError:
    return IntegrityError(
        f"the digest of node {node_id} is not that of its content",
        expected="0x" + forest.digest_bytes(node_id).hex(),
        found="0x" + found.hex(),
        kind="DigestMismatch",
    )
