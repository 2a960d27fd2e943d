"""Where the cycles of a run go: by procedure, by operation and by family of operations.

The run is stepped row by row, so the counts are exact. A row belongs to the procedure whose instruction made its
operation, by the debug information of the forest; start and end rows of a block belong to the procedure of its first
instruction; rows of joins, and everything in a forest without debug information, to none.
"""

from __future__ import annotations

from miden.isa import OPERATIONS, NodeKind
from miden.mast.batches import padded_operations

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
        procedures: dict[str, int] = {}
        operations: dict[str, int] = {}
        families: dict[str, int] = {}
        blocks: dict[tuple[int, int], list[int]] = {}
        for (forest_id, node_id, op_index), count in self._rows.items():
            forest = self._forests[forest_id]
            kind = forest.kind(node_id)
            if kind is not NodeKind.BLOCK:
                name = family = f"({kind.name.lower()})"
            elif op_index < 0:
                name = family = BLOCK_ROWS
            else:
                key = (forest_id, node_id)
                if key not in blocks:
                    blocks[key] = [opcode for opcode, _ in padded_operations(forest.block_operations(node_id))]
                opcodes = blocks[key]
                name = OPERATIONS[opcodes[op_index]].name if op_index < len(opcodes) else BLOCK_ROWS
                family = OPERATIONS[opcodes[op_index]].family if op_index < len(opcodes) else BLOCK_ROWS
            for table, entry in ((procedures, _procedure(forest, node_id, op_index)), (operations, name), (families, family)):
                table[entry] = table.get(entry, 0) + count
        total = self.cycles
        return {
            title: [{"name": name, "cycles": count, "share": round(count / total, 6)} for name, count in sorted(table.items(), key=_by_cost)]
            for title, table in (("procedures", procedures), ("operations", operations), ("families", families))
        }


def _by_cost(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _procedure(forest: MastForest, node_id: int, op_index: int) -> str:
    asm_op = forest.asm_op_for(node_id, op_index if op_index >= 0 else None)
    if asm_op is None and op_index >= 0:
        asm_op = forest.asm_op_for(node_id)  # prologue and epilogue come from no instruction
    return NO_PROCEDURE if asm_op is None else asm_op.context.removeprefix("::").removeprefix("$exec::")
