"""The record of one node, as both backends and numpy see it, and a small view of it for people.

Nodes of a forest are one column of 64-byte records, little-endian:

====== ============ ==============================================================================
offset field        meaning
====== ============ ==============================================================================
0      kind         `miden.isa.NodeKind`
4      a            first child: join first, split on_true, loop body, call and syscall callee; else 0
8      b            second child: join second, split on_false; else 0
12     op_start     first operation of a block in the column of operations; else 0
16     op_count     number of its raw operations; else 0
20     imm_start    first of its immediates in the column of immediates; else 0
24     imm_count    number of its immediates; else 0
28     reserved     0
32     digest       four u64, element 0 first
====== ============ ==============================================================================
"""

from __future__ import annotations

from struct import Struct

from miden.field import Word
from miden.isa import OPERATIONS, NodeKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.mast.forest import MastForest

NODE_FORMAT = "<8I4Q"
"""`struct` format of a record."""

NODE_FIELDS = ("kind", "a", "b", "op_start", "op_count", "imm_start", "imm_count", "reserved")
"""Names of the first eight fields; ``digest`` follows."""

NODE = Struct(NODE_FORMAT)
NODE_SIZE = NODE.size
NODE_HEAD = Struct("<8I")
"""The eight integers; the 32 bytes of the digest follow them in a record."""

DIGEST_OFFSET = NODE_HEAD.size

NODE_CHILDREN = (2, 2, 1, 0, 1, 1, 0, 0, 0)
"""Number of children, by kind."""

NODE_COUNT_LIMIT = 2**30 - 1
"""Nodes of a forest: the file format has 30 bits for a child id."""


def node_dtype() -> Any:
    """Return the numpy dtype of a record; imports numpy.

    >>> node_dtype().itemsize
    64
    """
    import numpy as np

    return np.dtype([*((name, "<u4") for name in NODE_FIELDS), ("digest", "<u8", (4,))])


class Node:
    """A view of one node of a forest, made when someone asks for it.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> block = builder.add_block(bytes([34]))
    >>> builder.build().node(block)
    <block 0 0x63c2b2b5cf6abd64... add>
    """

    __slots__ = ("forest", "id")

    def __init__(self, forest: MastForest, node_id: int) -> None:
        self.forest = forest
        self.id = node_id

    @property
    def kind(self) -> NodeKind:
        """Kind of the node."""
        return self.forest.kind(self.id)

    @property
    def digest(self) -> Word:
        """Digest of the node."""
        return Word.from_bytes(self.forest.digest_bytes(self.id))

    @property
    def children(self) -> tuple[Node, ...]:
        """The children, first to last."""
        return tuple(Node(self.forest, child) for child in self.forest.children(self.id))

    @property
    def operations(self) -> list[tuple[int, int | None]]:
        """Raw operations of a basic block as (opcode, value); empty for other kinds."""
        return self.forest.block_operations(self.id) if self.kind == NodeKind.BLOCK else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.forest is self.forest and other.id == self.id

    def __hash__(self) -> int:
        return hash((id(self.forest), self.id))

    def __repr__(self) -> str:
        shown = [str(child) for child in self.forest.children(self.id)]
        for opcode, value in self.operations[:8]:
            name = OPERATIONS[opcode].display
            shown.append(name if value is None else f"{name}({value})")
        if len(self.operations) > len(shown):
            shown.append("...")
        return " ".join([f"<{self.kind.name.lower()} {self.id}", self.digest.to_hex()[:18] + "...", *shown]) + ">"
