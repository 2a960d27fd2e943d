"""Batching: how the operations of a basic block are packed into groups of a batch, readable and exact.

A block is executed and hashed as batches of eight *groups*; a group is one field element, which packs up to nine
operations, seven bits each, or holds the value of a PUSH. Rounding the number of groups up to a power of two and
keeping a PUSH away from the end of a group inserts NOOPs, the *padding*: they are executed, but packed as zeros,
so that the digest depends on the *raw* operations only. (mast.md section 4.)

Operations are pairs ``(opcode, value)``; the value is the immediate of a PUSH, the error code of an assertion,
None for the rest.
"""

from __future__ import annotations

from bisect import bisect_left

from miden.isa import BATCH_GROUPS, GROUP_OPS, IMMEDIATE_OPS, NOOP, PUSH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

OPCODE_BITS = 7


class Batch:
    """Up to eight groups of operations.

    Attributes
    ----------
    operations
        Padded operations, pairs (opcode, value).
    groups
        Eight field elements; unused ones are 0.
    indptr
        Operations of group g are ``operations[indptr[g]:indptr[g + 1]]``; empty for the value of a PUSH.
    padding
        Whether the last operation of group g is an inserted NOOP.
    group_count
        Groups in use: 1, 2, 4 or 8. Only that many entries of the lists mean something.
    """

    __slots__ = ("_group", "_group_ops", "_immediates", "_packed", "group_count", "groups", "indptr", "operations", "padding")

    def __init__(self) -> None:
        self.operations: list[tuple[int, int | None]] = []
        self.groups = [0] * BATCH_GROUPS
        self.indptr = [0] * (BATCH_GROUPS + 1)
        self.padding = [False] * BATCH_GROUPS
        self.group_count = 1  # while filling: index of the next free group
        self._group = 0
        self._group_ops = 0
        self._packed = 0
        self._immediates: list[int] = []  # slots of values that wait for the pointer of the group that uses them

    def accepts(self, opcode: int) -> bool:
        """Tell whether `add` has room for one more operation with this opcode."""
        if opcode == PUSH:
            needed = 1 if self._group_ops < GROUP_OPS - 1 else 2
            return self.group_count + needed <= BATCH_GROUPS
        return self._group_ops < GROUP_OPS or self.group_count < BATCH_GROUPS

    def add(self, opcode: int, value: int | None) -> None:
        """Append a raw operation, which the batch `accepts`."""
        if self._group_ops == GROUP_OPS or (opcode == PUSH and self._group_ops == GROUP_OPS - 1):
            self._close_group()
        if opcode == PUSH:
            self.groups[self.group_count] = value or 0
            self._immediates.append(self.group_count)
            self.group_count += 1
        self._append(opcode, value)

    def finish(self) -> None:
        """Round the number of groups up to a power of two and close the last group."""
        missing = (1 << (self.group_count - 1).bit_length()) - self.group_count
        for _ in range(missing):
            self._close_group()
        self.groups[self._group] = self._packed
        self._pad()
        self._set_pointers()

    def _append(self, opcode: int, value: int | None) -> None:
        self._packed |= opcode << (OPCODE_BITS * self._group_ops)
        self.operations.append((opcode, value))
        self._group_ops += 1

    def _pad(self) -> None:
        if self._group_ops == 0 or self.operations[-1][0] == PUSH:
            self._append(NOOP, None)
            self.padding[self._group] = True

    def _set_pointers(self) -> None:
        end = len(self.operations)
        self.indptr[self.group_count] = end
        for slot in self._immediates:
            self.indptr[slot] = end
        self._immediates.clear()

    def _close_group(self) -> None:
        self._pad()
        self.groups[self._group] = self._packed
        self._set_pointers()
        self._group = self.group_count
        self.group_count += 1
        self._group_ops = 0
        self._packed = 0


def batch_operations(operations: Iterable[tuple[int, int | None]]) -> list[Batch]:
    """Batch raw operations; no operations give no batches.

    >>> [batch] = batch_operations([(34, None), (91, 12345678)])
    >>> batch.groups[:2], batch.operations[-1], batch.group_count
    ([11682, 12345678], (0, None), 2)
    """
    return list(iterate_batches(operations))


def iterate_batches(operations: Iterable[tuple[int, int | None]]) -> Iterator[Batch]:
    """Batch raw operations one batch after the other, for blocks of any length."""
    batch = None
    for opcode, value in operations:
        if batch is None or not batch.accepts(opcode):
            if batch is not None:
                batch.finish()
                yield batch
            batch = Batch()
        batch.add(opcode, value)
    if batch is not None:
        batch.finish()
        yield batch


def pair_operations(opcodes: bytes, immediates: Sequence[int]) -> Iterator[tuple[int, int | None]]:
    """Iterate over (opcode, value) pairs, given the opcodes and the values of those that have one, in order.

    >>> list(pair_operations(bytes([34, 91, 0]), [7]))
    [(34, None), (91, 7), (0, None)]
    """
    values = iter(immediates)
    for opcode in opcodes:
        yield opcode, next(values) if opcode in IMMEDIATE_OPS else None


def padded_operations(operations: Iterable[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    """Return raw operations with the padding in its places: what the machine executes, one cycle each.

    >>> padded_operations([(91, 7)])
    [(91, 7), (0, None)]
    """
    return [operation for batch in batch_operations(operations) for operation in batch.operations]


def padding_positions(batches: Iterable[Batch]) -> list[int]:
    """Return the padded indices of the inserted NOOPs of a block, ascending.

    >>> padding_positions(batch_operations([(91, 1), (91, 2)]))
    [2, 3]
    """
    positions: list[int] = []
    start = 0
    for batch in batches:
        positions.extend(start + batch.indptr[group + 1] - 1 for group in range(batch.group_count) if batch.padding[group])
        start += len(batch.operations)
    return positions


def padded_index(raw: int, positions: Sequence[int]) -> int:
    """Convert a raw operation index to a padded one; `positions` are those of `padding_positions`.

    The number of raw operations, which stands for the end of the block, becomes the number of padded ones.

    >>> padded_index(2, [2, 3])
    4
    """
    # The padding with rank k lies before raw operation r exactly if positions[k] - k <= r.
    low, high = 0, len(positions)
    while low < high:
        middle = (low + high) // 2
        if positions[middle] - middle <= raw:
            low = middle + 1
        else:
            high = middle
    return raw + low


def raw_index(padded: int, positions: Sequence[int]) -> int:
    """Convert a padded operation index to a raw one; padding counts as the raw operation after it.

    >>> raw_index(3, [2, 3]), raw_index(4, [2, 3])
    (2, 2)
    """
    return padded - bisect_left(positions, padded)
