"""Batching of a block for the assembler: digest, number of batches and padding in one pass over groups.

The readable definition is `miden.mast.batches`, one operation at a time; a test holds both against each other.
Here the unit is the group, a slice of the opcodes, because the assembler batches every block it makes.
(mast.md section 4.)
"""

from __future__ import annotations

from miden.hashing import elements_digest
from miden.isa import BATCH_GROUPS, GROUP_OPS, IMMEDIATE_OPS, PUSH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_IMMEDIATE_OPS = bytes(set(range(256)) - IMMEDIATE_OPS)

# Packing nine bytes into 7-bit fields: halve the number of lanes four times, closing the gaps of 1, 2, 4 and 8 bits.
_LOW_8 = 0x00FF00FF00FF00FF00FF
_LOW_16 = 0x0000FFFF0000FFFF0000FFFF
_LOW_32 = 0x00000000FFFFFFFF00000000FFFFFFFF
_LOW_64 = 0xFFFFFFFFFFFFFFFF


def pack_group(opcodes: bytes) -> int:
    """Return the field element of a group of at most nine operations, seven bits each, the first lowest.

    >>> pack_group(bytes([34, 35])) == 34 + (35 << 7)
    True
    """
    value = int.from_bytes(opcodes, "little")
    value = (value & _LOW_8) | (value >> 1 & _LOW_8 << 7)
    value = (value & _LOW_16) | (value >> 2 & _LOW_16 << 14)
    value = (value & _LOW_32) | (value >> 4 & _LOW_32 << 28)
    return (value & _LOW_64) | (value >> 8 & ~((1 << 56) - 1))


class Batching:
    """What batching a block's raw operations gives.

    Attributes
    ----------
    digest
        The 32 bytes of the block's digest.
    batches
        Number of batches.
    padding
        Padded indices of the inserted NOOPs, ascending.
    """

    __slots__ = ("_batch", "_free", "_group", "_groups", "_opcodes", "_start", "batches", "digest", "padding")

    def __init__(self, opcodes: bytes, immediates: Sequence[int]) -> None:
        self.batches = 0
        self.padding: list[int] = []
        self._opcodes = opcodes
        self._groups: list[int] = []
        self._open_batch(0)
        self._fill(opcodes, self._pushed(opcodes, immediates))
        self.digest = elements_digest(self._groups)
        del self._groups, self._batch, self._opcodes

    @staticmethod
    def _pushed(opcodes: bytes, immediates: Sequence[int]) -> Sequence[int]:
        """Return the values of the PUSH operations: error codes are not hashed."""
        if opcodes.count(PUSH) == len(immediates):
            return immediates
        with_value = opcodes.translate(None, _NOT_IMMEDIATE_OPS)
        return [value for opcode, value in zip(with_value, immediates, strict=True) if opcode == PUSH]

    def _fill(self, opcodes: bytes, values: Sequence[int]) -> None:
        index, end, pushes = 0, len(opcodes), 0
        while index < end:
            push = opcodes.find(PUSH, index)
            run_end = end if push < 0 else push
            while index < run_end:
                room = GROUP_OPS - (index - self._start)
                if not room:
                    self._next_group(index)
                    room = GROUP_OPS
                index = min(run_end, index + room)
            if push < 0:
                break
            in_group = index - self._start
            last_in_group = in_group >= GROUP_OPS - 1  # a PUSH opens a new group rather than be the last of one
            if self._free + last_in_group >= BATCH_GROUPS:
                self._close_batch(index)
            elif last_in_group:
                self._close_group(index)
            self._batch[self._free] = values[pushes]
            self._free += 1
            pushes += 1
            index += 1
        self._close_batch(index)

    def _next_group(self, index: int) -> None:
        if self._free < BATCH_GROUPS:
            self._close_group(index)
        else:
            self._close_batch(index)

    def _close_group(self, index: int) -> None:
        self._end_group(index)
        self._group = self._free
        self._free += 1
        self._start = index

    def _end_group(self, index: int) -> None:
        start = self._start
        if index == start or self._opcodes[index - 1] == PUSH:
            self.padding.append(index + len(self.padding))
        self._batch[self._group] = pack_group(self._opcodes[start:index])

    def _close_batch(self, index: int) -> None:
        for _ in range((1 << (self._free - 1).bit_length()) - self._free):
            self._close_group(index)
        self._end_group(index)
        self._groups += self._batch
        self.batches += 1
        self._open_batch(index)

    def _open_batch(self, index: int) -> None:
        self._batch = [0] * BATCH_GROUPS
        self._group = 0
        self._free = 1
        self._start = index
