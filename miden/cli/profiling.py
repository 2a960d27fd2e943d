"""Where the cycles of a run go: by procedure, by operation and by family of operations.

The run is stepped row by row, so the counts are exact. A row belongs to the procedure whose instruction made its
operation, by the debug information of the forest; start and end rows of a block belong to the procedure of its first
instruction; rows of joins, and everything in a forest without debug information, to none.
"""

from __future__ import annotations

from miden.isa import OPERATIONS, NodeKind
from miden.mast.batches import batch_operations, padded_index, padded_operations, padding_positions
from miden.mast.decorators import AsmOp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.mast.forest import MastForest
    from miden.vm.processor import Processor

    Place = tuple[int, int, int]

NO_PROCEDURE = "(no procedure)"
BLOCK_ROWS = "(block)"
"""Start, end and batch rows of basic blocks."""


class Profile:
    """Exact counts of the rows of one run."""

    def __init__(self) -> None:
        self._rows: dict[Place, int] = {}
        self._forests: dict[int, MastForest] = {}

    def run(self, processor: Processor) -> None:
        """Run to the end and count every row; errors of the run are raised as they are without a profile."""
        rows, forests = self._rows, self._forests
        while True:
            forest, node_id, op_index = processor.position
            clk = processor.clk
            done = processor.run(cycles=1)
            if processor.clk > clk:
                forests[id(forest)] = forest
                place = (id(forest), node_id, op_index)
                rows[place] = rows.get(place, 0) + processor.clk - clk
            if done:
                return

    @property
    def cycles(self) -> int:
        """All rows counted."""
        return sum(self._rows.values())

    def to_dict(self) -> dict[str, Any]:
        """Return three lists of name, cycles and share, the most expensive first."""
        tables: dict[str, dict[str, int]] = {"procedures": {}, "operations": {}, "families": {}}
        blocks: dict[tuple[int, int], _Block] = {}
        for (forest_id, node_id, op_index), count in self._rows.items():
            forest = self._forests[forest_id]
            kind = forest.kind(node_id)
            if kind is NodeKind.BLOCK:
                block = blocks.get((forest_id, node_id))
                if block is None:
                    block = blocks[forest_id, node_id] = _Block(forest, node_id)
                entries = block.describe(op_index)
            else:
                name = f"({kind.name.lower()})"
                entries = (_context(forest.asm_op_for(node_id)), name, name)
            for table, entry in zip(tables.values(), entries, strict=True):
                table[entry] = table.get(entry, 0) + count
        return {title: _ranked(table, self.cycles) for title, table in tables.items()}


class _Block:
    """A basic block, laid out once: operation and procedure of every row."""

    def __init__(self, forest: MastForest, node_id: int) -> None:
        raw = forest.block_operations(node_id)
        self.opcodes = [opcode for opcode, _ in padded_operations(raw)]
        self.first = _context(forest.asm_op_for(node_id))
        self.contexts = [self.first] * len(self.opcodes)
        positions = padding_positions(batch_operations(raw))
        info = forest.debug_info
        # the first instruction that covers an operation owns it, so the first is written last
        for raw_index, decorator_id in reversed(info.op_decorators.get(node_id, ())):
            decorator = info.decorators[decorator_id]
            if isinstance(decorator, AsmOp):
                start = padded_index(raw_index, positions)
                end = min(start + decorator.cycles, len(self.contexts))
                self.contexts[start:end] = [_context(decorator)] * (end - start)

    def describe(self, op_index: int) -> tuple[str, str, str]:
        """Return procedure, operation and family of a row."""
        if not 0 <= op_index < len(self.opcodes):
            return self.first, BLOCK_ROWS, BLOCK_ROWS
        operation = OPERATIONS[self.opcodes[op_index]]
        return self.contexts[op_index], operation.name, operation.family


def _ranked(table: dict[str, int], total: int) -> list[dict[str, Any]]:
    ranked = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "cycles": count, "share": round(count / total, 6)} for name, count in ranked]


def _context(asm_op: AsmOp | None) -> str:
    return NO_PROCEDURE if asm_op is None else asm_op.context.removeprefix("::").removeprefix("$exec::")
