"""Digests of nodes: what a node is called everywhere, whatever its id in a forest. (mast.md sections 4.3 and 5.)

Functions ending in ``_bytes`` work on digests of 32 bytes and are what the builder calls thousands of times; that
of a block is in `miden.mast.packing`.
"""

from __future__ import annotations

from miden.errors import InputError
from miden.field import P, Word
from miden.hashing import DIGEST_SIZE, merge_digest
from miden.isa import IMMEDIATE_OPS, NODE_DOMAINS, OPERATIONS, NodeKind
from miden.mast.packing import block_digest_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ZERO_DIGEST = bytes(DIGEST_SIZE)
"""The digest of four zeros: the second child of nodes that have one, both of dyn nodes."""

DYN_DIGEST = bytes.fromhex("c75c340ec6a69e708457544d38783abbb604d881b7dc62d00bfc2b10f52808e6")
"""Digest of every dyn node: two zero words merged in the domain of DYN."""

DYNCALL_DIGEST = bytes.fromhex("b8dff7fa98d0717999a4a0e1f804eeba6a48c7cb213ca4ae9c66d5b80816d169")
"""Digest of every dyncall node."""

CONTROL_OPS: frozenset[int] = frozenset(row.opcode for row in OPERATIONS.values() if row.family == "control")
"""Opcodes that are rows of the trace, but never operations of a basic block."""

BLOCK_OPS: frozenset[int] = frozenset(OPERATIONS) - CONTROL_OPS
"""Opcodes that a basic block may hold."""

_BLOCK_OPS = bytes(sorted(BLOCK_OPS))
_NOT_IMMEDIATE_OPS = bytes(set(range(256)) - IMMEDIATE_OPS)


def node_digest_bytes(kind: int, left: bytes = ZERO_DIGEST, right: bytes = ZERO_DIGEST) -> bytes:
    """Return the digest of a control-flow node from its children's, all of 32 bytes."""
    if kind == NodeKind.DYN:
        return DYN_DIGEST
    if kind == NodeKind.DYNCALL:
        return DYNCALL_DIGEST
    return merge_digest(left, right, NODE_DOMAINS[NodeKind(kind)])


def block_digest(opcodes: bytes, immediates: Sequence[int] = ()) -> Word:
    """Return the digest of a basic block from its raw operations.

    `immediates` holds one felt per operation of `miden.isa.IMMEDIATE_OPS`, in order; those that are error codes
    do not count.

    Raises `InputError` if the operations are not those of a block (see `check_operations`).

    >>> block_digest(bytes([34])).to_hex()[:18]
    '0x63c2b2b5cf6abd64'
    """
    check_operations(opcodes, immediates)
    return Word.from_bytes(block_digest_bytes(opcodes, immediates))


def node_digest(kind: NodeKind, left: Word | None = None, right: Word | None = None) -> Word:
    """Return the digest of a control-flow node from its children's digests; children it lacks are zero words.

    >>> node_digest(NodeKind.DYN).to_hex()[:18]
    '0xc75c340ec6a69e70'
    """
    if kind not in NODE_DOMAINS:
        raise InputError(f"a node of kind {NodeKind(kind).name} has no domain to hash its children in", kind="InvalidNode")
    return Word.from_bytes(node_digest_bytes(kind, *(ZERO_DIGEST if word is None else word.to_bytes() for word in (left, right))))


def count_immediates(opcodes: bytes) -> int:
    """Return how many of the operations are followed by a value."""
    return len(opcodes.translate(None, _NOT_IMMEDIATE_OPS))


def find_invalid_operation(opcodes: bytes) -> int:
    """Return the index of the first opcode that no basic block may hold, or -1."""
    bad = opcodes.translate(None, _BLOCK_OPS)
    return opcodes.index(bad[:1]) if bad else -1


def check_operations(opcodes: bytes, immediates: Sequence[int]) -> None:
    """Raise `InputError` unless these are the operations of a basic block.

    There must be at least one, each must be an operation a block may hold, and `immediates` must have a felt for
    each that needs one.
    """
    if not opcodes:
        raise InputError("a basic block has at least one operation", kind="EmptyBasicBlock")
    index = find_invalid_operation(opcodes)
    if index >= 0:
        raise InputError(f"operation {index} has opcode {opcodes[index]}, which no basic block may hold", kind="InvalidOperation")
    needed = count_immediates(opcodes)
    if needed != len(immediates):
        raise InputError(f"the operations need {needed} immediates, found {len(immediates)}", kind="InvalidOperation")
    for value in immediates:
        if not 0 <= value < P:
            raise InputError(f"an immediate must be in [0, p), found {value}", kind="InvalidFelt")
