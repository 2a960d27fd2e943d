"""Forests written by hand: the four columns a machine takes, from operations in text.

Digests are not computed: a machine takes them as given, so a node's digest here is a word that says which node it is,
unless a test hands one in.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from miden.isa import IMMEDIATE_OPS, OPERATIONS, NodeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    Digest = tuple[int, int, int, int]

OPCODE_BY_DISPLAY = {row.display: row.opcode for row in OPERATIONS.values()} | {row.name.lower(): row.opcode for row in OPERATIONS.values()}

_OPERATION = re.compile(r"(?P<name>[a-z0-9_]+)(?:[.(](?P<immediate>\d+)\)?)?(?:\*(?P<times>\d+))?")


def parse_operations(text: str) -> tuple[bytes, list[int]]:
    """Return opcodes and immediates of operations like ``push.5 dup0 incr*9 assert.3``, or as disassembled: ``push(5)``."""
    opcodes = bytearray()
    immediates: list[int] = []
    for token in text.split():
        match = _OPERATION.fullmatch(token)
        if match is None:
            raise ValueError(f"not an operation: {token}")
        opcode = OPCODE_BY_DISPLAY[match["name"]]
        for _ in range(int(match["times"] or 1)):
            opcodes.append(opcode)
            if opcode in IMMEDIATE_OPS:
                immediates.append(int(match["immediate"] or 0))
    return bytes(opcodes), immediates


class Columns:
    """A forest under construction; every method that adds a node returns its id."""

    def __init__(self) -> None:
        self.records: list[tuple[int, ...]] = []
        self.operations = bytearray()
        self.immediates: list[int] = []
        self.root_ids: list[int] = []

    def _add(self, kind: int, a: int = 0, b: int = 0, spans: tuple[int, int, int, int] = (0, 0, 0, 0), digest: Digest | None = None) -> int:
        node_id = len(self.records)
        self.records.append((kind, a, b, *spans, 0, *(digest or (node_id + 1, 17, 18, 19))))
        return node_id

    def block(self, text: str, digest: Digest | None = None) -> int:
        return self.raw_block(*parse_operations(text), digest=digest)

    def raw_block(self, opcodes: bytes, immediates: Iterable[int] = (), digest: Digest | None = None) -> int:
        values = list(immediates)
        spans = (len(self.operations), len(opcodes), len(self.immediates), len(values))
        self.operations += opcodes
        self.immediates += values
        return self._add(NodeKind.BLOCK, spans=spans, digest=digest)

    def join(self, first: int, second: int, digest: Digest | None = None) -> int:
        return self._add(NodeKind.JOIN, first, second, digest=digest)

    def split(self, on_true: int, on_false: int, digest: Digest | None = None) -> int:
        return self._add(NodeKind.SPLIT, on_true, on_false, digest=digest)

    def loop(self, body: int, digest: Digest | None = None) -> int:
        return self._add(NodeKind.LOOP, body, digest=digest)

    def call(self, callee: int, digest: Digest | None = None) -> int:
        return self._add(NodeKind.CALL, callee, digest=digest)

    def syscall(self, callee: int, digest: Digest | None = None) -> int:
        return self._add(NodeKind.SYSCALL, callee, digest=digest)

    def dyn(self, digest: Digest | None = None) -> int:
        return self._add(NodeKind.DYN, digest=digest)

    def dyncall(self, digest: Digest | None = None) -> int:
        return self._add(NodeKind.DYNCALL, digest=digest)

    def external(self, digest: Digest) -> int:
        return self._add(NodeKind.EXTERNAL, digest=digest)

    def root(self, node_id: int) -> int:
        self.root_ids.append(node_id)
        return node_id

    def digest(self, node_id: int) -> tuple[int, ...]:
        return self.records[node_id][8:]

    def digest_bytes(self, node_id: int) -> bytes:
        return struct.pack("<4Q", *self.digest(node_id))

    def columns(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return nodes, operations, immediates and roots as a `Code` takes them."""
        return (
            b"".join(struct.pack("<8I4Q", *record) for record in self.records),
            bytes(self.operations),
            struct.pack(f"<{len(self.immediates)}Q", *self.immediates),
            struct.pack(f"<{len(self.root_ids)}I", *self.root_ids),
        )
