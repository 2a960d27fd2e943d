"""Debug and trace decorators: finding those of a stop, and printing what they ask for (processor.md sections 4.4, 4.5).

Machines know only which nodes have decorators; what they are is in the debug information of the forest. Source
information (`AsmOp`) has no effect at run time.
"""

from __future__ import annotations

from miden.isa import FMP_ADDR, NodeKind
from miden.mast.batches import batch_operations, padded_index, padding_positions
from miden.mast.decorators import AsmOp, DebugKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from miden.mast.decorators import DebugOp, TraceOp
    from miden.mast.forest import MastForest
    from miden.vm.state import ProcessState

BEFORE_ENTER = 1
AFTER_EXIT = 2
OP_DECORATORS = 4
"""Flags that tell a machine which decorators a node has."""

SLOT_BEFORE_ENTER = 0
SLOT_BEFORE_OP = 1
SLOT_AFTER_EXIT = 2


class DecoratorTable:
    """Debug and trace decorators of a forest, by the place where a machine stops for them."""

    __slots__ = ("_by_place", "flags")

    def __init__(self, forest: MastForest) -> None:
        self._by_place: dict[tuple[int, int, int], list[DebugOp | TraceOp]] = {}
        self.flags = bytearray(len(forest))
        info = forest.debug_info
        decorators = info.decorators
        for flag, slot, table in ((BEFORE_ENTER, SLOT_BEFORE_ENTER, info.before_enter), (AFTER_EXIT, SLOT_AFTER_EXIT, info.after_exit)):
            for node_id, ids in table.items():
                for decorator_id in ids:
                    self._add(flag, slot, node_id, -1, decorators[decorator_id])
        for node_id, links in info.op_decorators.items():
            active = [(raw, decorators[decorator_id]) for raw, decorator_id in links if not isinstance(decorators[decorator_id], AsmOp)]
            if active and forest.kind(node_id) == NodeKind.BLOCK:
                padding = padding_positions(batch_operations(forest.block_operations(node_id)))
                for raw, decorator in active:
                    self._add(OP_DECORATORS, SLOT_BEFORE_OP, node_id, padded_index(raw, padding), decorator)

    def _add(self, flag: int, slot: int, node_id: int, op_index: int, decorator: AsmOp | DebugOp | TraceOp) -> None:
        if not isinstance(decorator, AsmOp):
            self.flags[node_id] |= flag
            self._by_place.setdefault((node_id, slot, op_index), []).append(decorator)

    def at(self, node_id: int, slot: int, op_index: int) -> list[DebugOp | TraceOp]:
        """Return the decorators of a place; `op_index` counts padded operations and matters only before an operation."""
        return self._by_place.get((node_id, slot, op_index if slot == SLOT_BEFORE_OP else -1), [])

    def __bool__(self) -> bool:
        return bool(self._by_place)


def print_trace(state: ProcessState, trace_id: int, output: TextIO) -> None:
    """Print the line of a trace decorator."""
    output.write(f"Trace with id {trace_id} emitted at step {state.clk} in context {state.ctx}\n")


def print_debug(state: ProcessState, decorator: DebugOp, output: TextIO) -> None:
    """Print what a debug decorator asks for: a header and a tree, as the reference prints them."""
    args = decorator.args
    kind = decorator.kind
    if kind in (DebugKind.STACK_ALL, DebugKind.STACK_TOP):
        _write(output, _stack_lines("Stack", state.stack(), args[0] if args else 0, state.clk))
    elif kind == DebugKind.ADV_STACK_TOP:
        _write(output, _stack_lines("Advice stack", state.advice.stack(), args[0], state.clk))
    elif kind == DebugKind.MEM_ALL:
        header = f"Memory state before step {state.clk} for the context {state.ctx}:"
        _write(output, _tree(header, ((f"{address:#010x}", str(value)) for address, value in state.memory().items())))
    elif kind == DebugKind.MEM_INTERVAL:
        _write(output, _memory_lines(state, args[0], args[1]))
    else:
        _write(output, _local_lines(state, *args))


def _write(output: TextIO, lines: Iterable[str]) -> None:
    output.writelines(line + "\n" for line in lines)


def _stack_lines(title: str, values: list[int], count: int, clk: int) -> Iterable[str]:
    if not values:
        return [f"{title} empty before step {clk}."]
    count = count or len(values)
    width = len(str(count - 1))
    items = [(f"{i:>{width}}", str(values[i]) if i < len(values) else "EMPTY") for i in range(count)]
    if count >= len(values):
        return _tree(f"{title} state before step {clk}:", items)
    header = f"{title} state in interval [0, {count - 1}] before step {clk}:"
    return _tree(header, items, f"({len(values) - count} more items)")


def _memory_lines(state: ProcessState, first: int, last: int) -> Iterable[str]:
    header = f"Memory state before step {state.clk} for the context {state.ctx}"
    if first == last:
        return [f"{header} at address {first:#010x}: {_shown(state.memory_get(first))}"]
    items = ((f"{address:#010x}", _shown(state.memory_get(address))) for address in range(first, last + 1))
    return _tree(f"{header} in the interval [{first}, {last}]:", items)


def _local_lines(state: ProcessState, first: int, last: int, count: int) -> Iterable[str]:
    frame = state.memory_get(FMP_ADDR)
    if frame is None or not 0 <= frame - count <= 2**32 - 1 - last:
        raise ValueError(f"the frame pointer is {_shown(frame)}: there is no frame of {count} locals below it")
    base = frame - count
    if first == last:
        return [f"State of procedure local {first} before step {state.clk}: {_shown(state.memory_get(base + first))}"]
    width = len(str(last))
    items = ((f"{i:>{width}}", _shown(state.memory_get(base + i))) for i in range(first, last + 1))
    return _tree(f"State of procedure locals [{first}, {last}] before step {state.clk}:", items)


def _tree(header: str, items: Iterable[tuple[str, str]], rest: str = "") -> Iterator[str]:
    """Yield the header and one branch per item, without ever holding them all."""
    yield header
    previous = ""
    for label, value in items:
        if previous:
            yield "├── " + previous
        previous = f"{label}: {value}"
    if rest and previous:
        yield "├── " + previous
        previous = rest
    if previous:
        yield "└── " + previous


def _shown(value: int | None) -> str:
    return "EMPTY" if value is None else str(value)
