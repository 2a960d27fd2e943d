"""Operations of basic blocks as files keep them: opcodes with their immediates between them. (mast.md section 7.4.)"""

from __future__ import annotations

import re
from struct import Struct

from miden.field import P
from miden.isa import IMMEDIATE_OPS
from miden.mast.digests import find_invalid_operation
from miden.serde.writer import u64, vint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.serde.reader import Reader

_IMMEDIATE = Struct("<sQ")
_IMMEDIATES = b"".join(re.escape(bytes((opcode,))) for opcode in sorted(IMMEDIATE_OPS))
_RUN = re.compile(b"[^" + _IMMEDIATES + b"]*")
_IMMEDIATE_OP = re.compile(b"[" + _IMMEDIATES + b"]")


def encode_operations(opcodes: bytes, immediates: Sequence[int]) -> bytes:
    """Encode raw operations after their count.

    >>> encode_operations(bytes([35, 91]), [7]).hex()
    '05235b0700000000000000'
    """
    parts = [vint(len(opcodes))]
    end = 0
    # search for one operation at a time: a pattern that takes the run in front of it as well is quadratic in the last run
    for found, value in zip(_IMMEDIATE_OP.finditer(opcodes), immediates, strict=True):
        parts += (opcodes[end : found.end()], u64(value))
        end = found.end()
    parts.append(opcodes[end:])
    return b"".join(parts)


def decode_operations(reader: Reader) -> tuple[bytes, list[int]]:
    """Read raw operations: their opcodes, and the values of those that have one.

    Raises `FormatError` for a block without operations, opcodes that no block may hold, values not below p.
    """
    start = reader.pos
    count = reader.count(1, "operations")
    if count == 0:
        reader.fail("a basic block has at least one operation", pos=start, kind="EmptyBasicBlock")
    data = reader.data
    parts: list[bytes] = []
    values: list[int] = []
    missing = count
    while True:
        at = reader.pos
        run = _RUN.match(data, at, min(at + missing, reader.end))
        opcodes = run[0] if run else b""
        if opcodes:
            bad = find_invalid_operation(opcodes)
            if bad >= 0:
                reader.fail(f"no basic block may hold opcode {opcodes[bad]}", pos=at + bad, kind="InvalidOperation")
        parts.append(opcodes)
        missing -= len(opcodes)
        reader.pos = at + len(opcodes)
        if missing == 0:
            break
        start = reader.skip(9)
        opcode, value = _IMMEDIATE.unpack_from(data, start)
        if value >= P:
            reader.fail(f"an immediate must be below p, found {value}", pos=start + 1, kind="InvalidFelt")
        parts.append(opcode)
        values.append(value)
        missing -= 1
        if missing == 0:
            break
    return b"".join(parts), values
