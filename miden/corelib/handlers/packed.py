"""Bytes in memory, four to an element, the first one lowest: what the precompiles read. (processor.md section 8.2.)"""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import U32_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.vm.state import ProcessState


def read_packed(state: ProcessState, start: int, length: int) -> bytes:
    """Return `length` bytes from address `start` of the current context.

    Raises `ExecutionError` of kind ``PackedBytes`` for an address that is no multiple of 4 or too large, a cell that was
    never written, a value that is no 32-bit number, and bytes that are not zero after the last one in its element.
    """
    if start % 4:
        raise _unreadable(f"address {start} is not word-aligned (must be divisible by 4)")
    count = -(-length // 4)
    if start + count > U32_MAX:
        raise _unreadable(f"address overflow: start={start}, len_bytes={length}")
    data = bytearray()
    for address in range(start, start + count):
        value = state.memory_get(address)
        if value is None:
            raise _unreadable(f"failed to read memory at address {address}")
        if value > U32_MAX:
            raise _unreadable(f"field element value {value} at address {address} exceeds u32::MAX")
        data += value.to_bytes(4, "little")
    for position in range(length, len(data)):
        if data[position]:
            raise _unreadable(f"non-zero padding byte 0x{data[position]:x} at byte position {position}")
    return bytes(data[:length])


def pack(data: bytes) -> list[int]:
    """Return bytes as elements, the last one padded with zeros.

    >>> pack(b"abcde")
    [1684234849, 101]
    """
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def commitment(*parts: bytes) -> Sequence[int]:
    """Return the hash that binds parts, each packed and hashed: of the first two, then of that and the third."""
    from miden.hashing import hash_elements, merge

    digest, *others = (hash_elements(pack(part)) for part in parts)
    for other in others:
        digest = merge(digest, other)
    return digest


def _unreadable(text: str) -> ExecutionError:
    return ExecutionError(text, kind="PackedBytes")
