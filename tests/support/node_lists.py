"""Forests from the node lists of the vectors: ``[kind, digest in hex, operations or children]``.

The lists are what the reference prints, so operations come padded; a machine wants them raw.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from miden.isa import NOOP
from miden.pure.blocks import batches
from tests.support.columns import Columns, parse_operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def digest_from_hex(text: str) -> tuple[int, int, int, int]:
    a, b, c, d = struct.unpack("<4Q", bytes.fromhex(text.removeprefix("0x")))
    return a, b, c, d


def padded(opcodes: Iterable[int]) -> list[int]:
    return [opcode for batch in batches(opcodes) for opcode in batch]


def unpad(opcodes: Sequence[int]) -> bytes:
    """Return raw operations that pad to these; where several do, the ones with the most NOOPs of their own.

    Padding depends only on what comes before it and on the next operation, so runs of NOOPs are decided one by one.
    """
    raw: list[int] = []
    position = 0
    while position < len(opcodes):
        if opcodes[position] != NOOP:
            raw.append(opcodes[position])
            position += 1
            continue
        end = position
        while end < len(opcodes) and opcodes[end] == NOOP:
            end += 1
        following = list(opcodes[end : end + 1])
        for kept in range(end - position, -1, -1):
            candidate = [*raw, *[NOOP] * kept]
            result = padded([*candidate, *following])
            if result == list(opcodes) if not following else result[: end + 1] == list(opcodes[: end + 1]):
                raw = candidate
                break
        else:
            raise ValueError(f"no operations pad to these NOOPs at {position}")
        position = end
    return bytes(raw)


def forest_from_nodes(nodes: Sequence[Any], roots: Iterable[int]) -> Columns:
    """Build the columns of a forest; operations are unpadded."""
    columns = Columns()
    for kind, hex_digest, detail in nodes:
        digest = digest_from_hex(hex_digest)
        if kind == "block":
            opcodes, immediates = parse_operations(" ".join(detail))
            columns.raw_block(unpad(opcodes), immediates, digest=digest)
        elif kind == "external":
            columns.external(digest)
        elif kind in ("dyn", "dyncall"):
            getattr(columns, kind)(digest=digest)
        else:
            getattr(columns, kind)(*detail, digest=digest)
    for root in roots:
        columns.root(root)
    return columns
