"""Basic blocks as the machine executes them: operations packed into batches, padding and RESPAN rows included.

How operations fall into batches decides how many NOOPs are inserted and where a RESPAN row separates two batches,
and both cost cycles (mast.md section 4; processor.md section 2.3).
"""

from __future__ import annotations

from bisect import bisect_left

from miden.isa import BATCH_GROUPS, GROUP_OPS, IMMEDIATE_OPS, NOOP, OP, PUSH
from miden.pure.ops import OPERATIONS
from miden.pure.ops.system import op_noop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.pure.ops import OperationBody

RESPAN = OP["RESPAN"]
U32SUB = OP["U32SUB"]


class _Batch:
    """Packing state of the batch under construction.

    `in_group` counts the operations of the current group; `next_group` is the first group that is neither in use by
    operations nor taken by an immediate.
    """

    def __init__(self) -> None:
        self.opcodes: list[int] = []
        self.in_group = 0
        self.next_group = 1

    def accepts(self, opcode: int) -> bool:
        """Say whether there is room for the operation and its immediate."""
        if opcode == PUSH:
            # A PUSH may not be the last operation of a full group, and its immediate takes a group of its own.
            groups_needed = 1 if self.in_group < GROUP_OPS - 1 else 2
            return self.next_group + groups_needed <= BATCH_GROUPS
        return self.in_group < GROUP_OPS or self.next_group < BATCH_GROUPS

    def add(self, opcode: int) -> None:
        if self.in_group == GROUP_OPS or (opcode == PUSH and self.in_group == GROUP_OPS - 1):
            self.close_group()
        if opcode == PUSH:
            self.next_group += 1
        self.opcodes.append(opcode)
        self.in_group += 1

    def pad_group(self) -> None:
        """Give an empty group, or one that ends in PUSH, its NOOP."""
        if self.in_group == 0 or self.opcodes[-1] == PUSH:
            self.opcodes.append(NOOP)
            self.in_group += 1

    def close_group(self) -> None:
        self.pad_group()
        self.next_group += 1
        self.in_group = 0

    def close(self) -> list[int]:
        """Round the number of groups up to a power of two and return the operations with their padding."""
        groups = self.next_group
        rounded = 1 << (groups - 1).bit_length()
        for _ in range(rounded - groups):
            self.close_group()
        self.pad_group()
        return self.opcodes


def batches(opcodes: Iterable[int]) -> Iterator[list[int]]:
    """Yield the padded operations of every batch of a block.

    >>> from miden.isa import OP
    >>> list(batches([OP["PUSH"], OP["PUSH"]])) == [[OP["PUSH"], OP["PUSH"], OP["NOOP"], OP["NOOP"]]]
    True
    """
    batch = _Batch()
    for opcode in opcodes:
        if not batch.accepts(opcode):
            yield batch.close()
            batch = _Batch()
        batch.add(opcode)
    if batch.opcodes:
        yield batch.close()


class Block:
    """The rows of a basic block between its SPAN and its END row.

    Attributes
    ----------
    rows
        (body, immediate) of every row. A RESPAN row has the body of NOOP: neither does anything.
    respans
        Positions of the RESPAN rows in `rows`, ascending.
    """

    __slots__ = ("respans", "rows")

    def __init__(self, opcodes: Sequence[int], immediates: Sequence[int]) -> None:
        self.rows: list[tuple[OperationBody, int]] = []
        self.respans: list[int] = []
        values = iter(immediates)
        for batch in batches(opcodes):
            if self.rows:
                self.respans.append(len(self.rows))
                self.rows.append((op_noop, 0))
            for opcode in batch:
                if opcode in IMMEDIATE_OPS:
                    immediate = next(values)
                elif opcode == U32SUB:
                    # Its error code is its own index, which the body cannot know otherwise.
                    immediate = len(self.rows) - len(self.respans)
                else:
                    immediate = 0
                self.rows.append((OPERATIONS[opcode], immediate))

    @property
    def operation_count(self) -> int:
        """Number of padded operations: rows that are not RESPAN."""
        return len(self.rows) - len(self.respans)

    def op_index(self, row: int) -> int:
        """Return the padded operation index of a row; -1 for a RESPAN row and for the END row behind the last one."""
        before = bisect_left(self.respans, row)
        if row == len(self.rows) or (before < len(self.respans) and self.respans[before] == row):
            return -1
        return row - before
