"""A forest as the pure machine wants it: columns checked once, blocks unpacked when they first run."""

from __future__ import annotations

import struct

from miden.field import P
from miden.isa import IMMEDIATE_OPS, OPERATIONS, NodeKind
from miden.pure.blocks import Block

NODE_SIZE = 64
NODE_FORMAT = struct.Struct("<8I4Q")
"""kind, a, b, op_start, op_count, imm_start, imm_count, reserved; the four felts of the digest."""

BEFORE_ENTER = 1
AFTER_EXIT = 2
OP_DECORATORS = 4

_CHILDREN = {NodeKind.JOIN: 2, NodeKind.SPLIT: 2, NodeKind.LOOP: 1, NodeKind.CALL: 1, NodeKind.SYSCALL: 1}

_LEGAL = bytes(opcode for opcode, row in OPERATIONS.items() if row.family != "control")
_WITHOUT_IMMEDIATE = bytes(sorted(set(range(256)) - IMMEDIATE_OPS))


class Code:
    """A validated forest; the protocol is `miden.vm.machine.Code`.

    ``Code(nodes, operations, immediates, roots)`` takes the four columns of a `MastForest` and raises ValueError, with
    the reason, if they do not describe one. Checked: lengths; node kinds; children and roots inside the forest; blocks
    that take the operations and immediates in node order, without gaps, at least one operation a block, known ones, and
    as many immediates as they need; zeros in the fields that a kind of node does not use; felts below p. Not checked:
    digests, cycles among the nodes (they end in a limit), repeated roots.

    >>> code = Code(NODE_FORMAT.pack(NodeKind.DYN, *[0] * 11), b"", b"", b"")
    >>> code.kinds
    [6]
    >>> Code(b"", b"", b"", bytes(4))
    Traceback (most recent call last):
        ...
    ValueError: root 0 is not among the 0 nodes
    """

    __slots__ = ("_blocks", "_digests", "_roots", "_spans", "first", "flags", "immediates", "kinds", "operations", "owner", "second")

    def __init__(self, nodes: bytes, operations: bytes, immediates: bytes, roots: bytes) -> None:
        for what, column, size in (("nodes", nodes, NODE_SIZE), ("immediates", immediates, 8), ("roots", roots, 4)):
            if len(column) % size:
                raise ValueError(f"the column of {what} is {len(column)} bytes long, not a multiple of {size}")
        self.owner: object = None
        self.operations = bytes(operations)
        self.immediates = struct.unpack(f"<{len(immediates) // 8}Q", immediates)
        self.kinds: list[int] = []
        self.first: list[int] = []
        """First child of a join, on_true of a split, body of a loop, callee of a call."""
        self.second: list[int] = []
        """Second child of a join, on_false of a split."""
        self.flags: bytes | None = None
        self._digests: list[bytes] = []
        self._spans: list[tuple[int, int, int, int]] = []
        self._blocks: dict[int, Block] = {}
        for index, value in enumerate(self.immediates):
            if value >= P:
                raise ValueError(f"immediate {index} is not below p: {value}")
        count = len(nodes) // NODE_SIZE
        spans_end = (0, 0)
        for node_id, (kind, a, b, op_start, op_count, imm_start, imm_count, reserved, *digest) in enumerate(NODE_FORMAT.iter_unpack(nodes)):
            if kind > NodeKind.EXTERNAL:
                raise ValueError(f"node {node_id} is of kind {kind}, which does not exist")
            if max(digest) >= P:
                raise ValueError(f"an element of the digest of node {node_id} is not below p")
            children = _CHILDREN.get(kind, 0)
            for child in (a, b)[:children]:
                if child >= count:
                    raise ValueError(f"child {child} of node {node_id} is not among the {count} nodes")
            if any((a, b)[children:]) or reserved:
                raise ValueError(f"node {node_id} has something in a field that its kind does not use")
            if kind == NodeKind.BLOCK:
                spans_end = self._check_block(node_id, op_start, op_count, imm_start, imm_count, spans_end)
            elif op_start or op_count or imm_start or imm_count:
                raise ValueError(f"node {node_id} is not a block and has operations or immediates")
            self.kinds.append(kind)
            self.first.append(a)
            self.second.append(b)
            self._spans.append((op_start, op_count, imm_start, imm_count))
            self._digests.append(nodes[NODE_SIZE * node_id + 32 : NODE_SIZE * node_id + 64])
        if spans_end != (len(self.operations), len(self.immediates)):
            raise ValueError(f"blocks end at {spans_end}, not at {(len(self.operations), len(self.immediates))}, behind all they can take")
        self._roots: dict[bytes, int] = {}
        for (root,) in struct.iter_unpack("<I", roots):
            if root >= count:
                raise ValueError(f"root {root} is not among the {count} nodes")
            self._roots.setdefault(self._digests[root], root)

    def _check_block(
        self, node_id: int, op_start: int, op_count: int, imm_start: int, imm_count: int, previous_end: tuple[int, int]
    ) -> tuple[int, int]:
        """Return where the block's operations and immediates end."""
        if op_count == 0:
            raise ValueError(f"block {node_id} has no operations")
        if (op_start, imm_start) != previous_end:
            raise ValueError(f"operations and immediates of block {node_id} start at {(op_start, imm_start)}, expected {previous_end}")
        if op_start + op_count > len(self.operations):
            raise ValueError(f"operations {op_start}..{op_start + op_count} of block {node_id} are not among the {len(self.operations)}")
        if imm_start + imm_count > len(self.immediates):
            raise ValueError(f"immediates {imm_start}..{imm_start + imm_count} of block {node_id} are not among the {len(self.immediates)}")
        opcodes = self.operations[op_start : op_start + op_count]
        unknown = opcodes.translate(None, _LEGAL)
        if unknown:
            raise ValueError(f"block {node_id} has opcode {unknown[0]}, which cannot stand in a block")
        needed = len(opcodes.translate(None, _WITHOUT_IMMEDIATE))
        if needed != imm_count:
            raise ValueError(f"the operations of block {node_id} take {needed} immediates, found {imm_count}")
        return op_start + op_count, imm_start + imm_count

    def __len__(self) -> int:
        return len(self.kinds)

    def find_root(self, digest: bytes) -> int:
        """Return the first root with this 32-byte digest, or -1."""
        return self._roots.get(digest, -1)

    def digest_bytes(self, node_id: int) -> bytes:
        """Return the 32 bytes of a node's digest; of an external node: of the procedure it stands for."""
        return self._digests[node_id]

    def digest(self, node_id: int) -> tuple[int, ...]:
        """Return a node's digest as four felts."""
        return struct.unpack("<4Q", self._digests[node_id])

    def block(self, node_id: int) -> Block:
        """Return the rows of a basic block."""
        block = self._blocks.get(node_id)
        if block is None:
            op_start, op_count, imm_start, imm_count = self._spans[node_id]
            block = Block(self.operations[op_start : op_start + op_count], self.immediates[imm_start : imm_start + imm_count])
            self._blocks[node_id] = block
        return block

    def set_decorators(self, node_flags: bytes) -> None:
        """Say which nodes have decorators, one byte a node: 1 before_enter, 2 after_exit, 4 before operations."""
        if len(node_flags) != len(self.kinds):
            raise ValueError(f"decorator flags are one byte a node: expected {len(self.kinds)}, found {len(node_flags)}")
        self.flags = bytes(node_flags)
