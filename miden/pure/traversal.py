"""Control flow: what each node does, one row at a time, on an explicit stack of continuations (processor.md section 2).

A continuation is an integer, ``16 * node_id + kind``, so that a million of them stay cheap; node ids belong to the
code that is current when the record is reached. The record on top is the one in progress: it is only looked at until
its row is certain to succeed, and then replaced by what follows. A fault or a request therefore leaves everything as
it was, and running on repeats the row.

Order of the checks of a row: decorators; cycle budget and limit; operands and operation; memory limit;
continuation limit. The limit of continuations counts the records that a row leaves, without `AFTER_BLOCK` and
`AFTER_EXIT`, which exist for decorators only; a block in progress counts as none, since nothing can be pushed on it.
"""

from __future__ import annotations

import struct

from miden.isa import FMP_ADDR, FMP_INIT, MIN_STACK_DEPTH, NodeKind
from miden.pure.code import AFTER_EXIT as AFTER_EXIT_FLAG
from miden.pure.code import BEFORE_ENTER as BEFORE_ENTER_FLAG
from miden.pure.code import OP_DECORATORS as OP_DECORATORS_FLAG
from miden.pure.state import drop
from miden.pure.stops import Fault, Request
from miden.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from miden.pure.code import Code
    from miden.pure.machine import Machine

    Step = Callable[[Machine, int], None]

# Kinds of continuation. The names up to ENTER_FOREST are those of processor.md section 2.1.
START_NODE = 0
FINISH_JOIN = 1
FINISH_SPLIT = 2
FINISH_LOOP = 3
FINISH_CALL = 4
FINISH_DYN = 5
FINISH_EXTERNAL = 6
ENTER_FOREST = 7
IN_BLOCK = 8
"""A block after its SPAN row; `Machine.row` is its next row."""
SKIP_LOOP = 9
"""The END row of a loop whose body never ran."""
AFTER_BLOCK = 10
"""Decorators behind the last operation of a block."""
AFTER_EXIT = 11
"""Decorators that run when a node has ended."""

KINDS = 16

SLOT_BEFORE_ENTER = 0
SLOT_BEFORE_OP = 1
SLOT_AFTER_EXIT = 2

_FMP_WORD = FMP_ADDR - FMP_ADDR % 4


def record(kind: int, node_id: int) -> int:
    """Return the continuation of this kind for this node."""
    return KINDS * node_id + kind


def advance(machine: Machine) -> None:
    """Execute continuations until none is left; `Fault` or `Request` otherwise."""
    continuations = machine.records
    while continuations:
        node_id, kind = divmod(continuations[-1], KINDS)
        _STEPS[kind](machine, node_id)


# --- rows -------------------------------------------------------------------------------------------------------


def begin_row(machine: Machine) -> None:
    """Stop if no further row may be executed: CYCLE_LIMIT, or else BUDGET."""
    if machine.clk >= machine.row_limit:
        if machine.clk >= machine.max_cycles:
            raise Fault(Status.CYCLE_LIMIT, machine.max_cycles)
        raise Request(Status.BUDGET)


def check_room(machine: Machine, count: int) -> None:
    """Fault with CONTINUATION_LIMIT unless `count` records may take the place of the one on top."""
    if len(machine.records) - 1 + count > machine.max_continuations:
        raise Fault(Status.CONTINUATION_LIMIT, machine.max_continuations)


def go_on(machine: Machine, records: Sequence[int]) -> None:
    """Put `records`, the first to run last, in the place of the one on top."""
    machine.records[-1:] = records
    machine.decorated = False


def end_row(machine: Machine, *records: int) -> None:
    """Commit a row: replace the record on top and advance the clock."""
    go_on(machine, records)
    machine.clk += 1


# --- decorators -------------------------------------------------------------------------------------------------


def has_decorators(machine: Machine, node_id: int, flag: int) -> bool:
    """Say whether decorators of this kind are visible: only in debug mode."""
    return machine.debug and machine.code.flags is not None and bool(machine.code.flags[node_id] & flag)


def decorate(machine: Machine, slot: int) -> None:
    """Ask the driver to run decorators, unless it has just done so."""
    if not machine.decorated:
        machine.decorator_slot = slot
        raise Request(Status.DECORATOR)


def before_enter(machine: Machine, node_id: int) -> None:
    if machine.debug and has_decorators(machine, node_id, BEFORE_ENTER_FLAG):
        decorate(machine, SLOT_BEFORE_ENTER)


def after_exit(machine: Machine, node_id: int) -> tuple[int, ...]:
    """Return what follows the last row of a node: nothing, or its decorators."""
    if machine.debug and has_decorators(machine, node_id, AFTER_EXIT_FLAG):
        return (record(AFTER_EXIT, node_id),)
    return ()


def step_after_exit(machine: Machine, node_id: int) -> None:
    decorate(machine, SLOT_AFTER_EXIT)
    go_on(machine, ())


def step_after_block(machine: Machine, node_id: int) -> None:
    decorate(machine, SLOT_BEFORE_OP)
    go_on(machine, ())


# --- blocks -----------------------------------------------------------------------------------------------------


def start_block(machine: Machine, node_id: int) -> None:
    """SPAN row."""
    before_enter(machine, node_id)
    begin_row(machine)
    machine.row = 0
    end_row(machine, record(IN_BLOCK, node_id))


def run_block(machine: Machine, node_id: int) -> None:
    """Rows of operations, RESPAN rows, END row."""
    if machine.debug and has_decorators(machine, node_id, OP_DECORATORS_FLAG):
        _run_decorated_rows(machine, node_id)
        follow = (*after_exit(machine, node_id), record(AFTER_BLOCK, node_id))
    else:
        _run_rows(machine, node_id)
        follow = after_exit(machine, node_id)
    begin_row(machine)
    end_row(machine, *follow)


def _run_rows(machine: Machine, node_id: int) -> None:
    rows = machine.code.block(node_id).rows
    count = len(rows)
    row = machine.row
    row_limit = machine.row_limit
    try:
        while row < count:
            if machine.clk >= row_limit:
                begin_row(machine)
            body, immediate = rows[row]
            body(machine, immediate)
            machine.clk += 1
            row += 1
    finally:
        machine.row = row


def _run_decorated_rows(machine: Machine, node_id: int) -> None:
    block = machine.code.block(node_id)
    while machine.row < len(block.rows):
        if block.op_index(machine.row) >= 0:
            decorate(machine, SLOT_BEFORE_OP)
        begin_row(machine)
        body, immediate = block.rows[machine.row]
        body(machine, immediate)
        machine.decorated = False
        machine.clk += 1
        machine.row += 1


# --- join, split, loop ------------------------------------------------------------------------------------------


def start_join(machine: Machine, node_id: int) -> None:
    """JOIN row: the first child, then the second."""
    before_enter(machine, node_id)
    begin_row(machine)
    check_room(machine, 3)
    first = record(START_NODE, machine.code.first[node_id])
    second = record(START_NODE, machine.code.second[node_id])
    end_row(machine, record(FINISH_JOIN, node_id), second, first)


def start_split(machine: Machine, node_id: int) -> None:
    """SPLIT row: pop the condition and take a branch; NOT_BINARY_IF."""
    before_enter(machine, node_id)
    begin_row(machine)
    condition = machine.operands[-1]
    if condition > 1:
        raise Fault(Status.NOT_BINARY_IF, condition)
    check_room(machine, 2)
    drop(machine)
    branch = machine.code.first[node_id] if condition else machine.code.second[node_id]
    end_row(machine, record(FINISH_SPLIT, node_id), record(START_NODE, branch))


def start_loop(machine: Machine, node_id: int) -> None:
    """LOOP row: pop the condition and enter the body or not; NOT_BINARY_LOOP."""
    before_enter(machine, node_id)
    if not enter_body(machine, node_id):
        end_row(machine, record(SKIP_LOOP, node_id))


def finish_loop(machine: Machine, node_id: int) -> None:
    """REPEAT row or END row: pop the condition; NOT_BINARY_LOOP."""
    if not enter_body(machine, node_id):
        end_row(machine, *after_exit(machine, node_id))


def enter_body(machine: Machine, node_id: int) -> bool:
    """Begin a row and pop the condition of a loop; if it is 1, end the row in the body. Return whether that was so."""
    begin_row(machine)
    condition = machine.operands[-1]
    if condition > 1:
        raise Fault(Status.NOT_BINARY_LOOP, condition)
    if condition:
        check_room(machine, 2)
    drop(machine)
    if condition:
        end_row(machine, record(FINISH_LOOP, node_id), record(START_NODE, machine.code.first[node_id]))
    return bool(condition)


def finish_node(machine: Machine, node_id: int) -> None:
    """END row of a join, a split or a loop whose body never ran."""
    begin_row(machine)
    end_row(machine, *after_exit(machine, node_id))


# --- contexts ---------------------------------------------------------------------------------------------------


def save_context(machine: Machine) -> None:
    """Put the overflow of the stack, ctx and fn_hash aside; the callee sees the top 16 elements and zeros below."""
    overflow = machine.operands[:-MIN_STACK_DEPTH]
    del machine.operands[:-MIN_STACK_DEPTH]
    machine.max_depth -= len(overflow)
    machine.calls.append((overflow, machine.ctx, machine.fn_hash))


def open_context(machine: Machine, digest: tuple[int, ...]) -> None:
    """Enter a fresh context, named after the row that follows, on behalf of the procedure with this digest."""
    machine.ctx = machine.clk + 1
    machine.fn_hash = digest
    machine.cells.write_element(machine.ctx, FMP_ADDR, FMP_INIT)


def check_context_room(machine: Machine) -> None:
    """Fault with MEMORY_LIMIT if the frame pointer of a fresh context does not fit."""
    machine.cells.reserve(machine.clk + 1, (_FMP_WORD,))


def restore_context(machine: Machine) -> None:
    """Return to the caller's context; STACK_DEPTH_ON_RETURN."""
    depth = len(machine.operands)
    if depth > MIN_STACK_DEPTH:
        raise Fault(Status.STACK_DEPTH_ON_RETURN, depth)
    overflow, machine.ctx, machine.fn_hash = machine.calls.pop()
    machine.operands[:0] = overflow
    machine.max_depth += len(overflow)


# --- calls ------------------------------------------------------------------------------------------------------


def start_call(machine: Machine, node_id: int) -> None:
    """CALL row: run the callee in a fresh context."""
    before_enter(machine, node_id)
    begin_row(machine)
    callee = machine.code.first[node_id]
    check_context_room(machine)
    check_room(machine, 2)
    save_context(machine)
    open_context(machine, machine.code.digest(callee))
    end_row(machine, record(FINISH_CALL, node_id), record(START_NODE, callee))


def start_syscall(machine: Machine, node_id: int) -> None:
    """SYSCALL row: run a procedure of the kernel in context 0, fn_hash as it is; SYSCALL_NOT_IN_KERNEL."""
    before_enter(machine, node_id)
    begin_row(machine)
    callee = machine.code.first[node_id]
    if machine.code.digest_bytes(callee) not in machine.kernel:
        raise Fault(Status.SYSCALL_NOT_IN_KERNEL, *machine.code.digest(callee))
    check_room(machine, 2)
    save_context(machine)
    machine.ctx = 0
    end_row(machine, record(FINISH_CALL, node_id), record(START_NODE, callee))


def finish_call(machine: Machine, node_id: int) -> None:
    """END row of a call or syscall."""
    begin_row(machine)
    restore_context(machine)
    end_row(machine, *after_exit(machine, node_id))


def start_dyn(machine: Machine, node_id: int) -> None:
    """DYN or DYNCALL row: pop an address and run the procedure whose digest is the word there.

    The procedure is looked up among the roots of the current code; DYN asks the driver for any other.
    """
    before_enter(machine, node_id)
    begin_row(machine)
    opens_context = machine.code.kinds[node_id] == NodeKind.DYNCALL
    digest = machine.cells.read_word(machine.ctx, machine.operands[-1])
    digest_bytes = struct.pack("<4Q", *digest)
    code, root = machine.code, machine.code.find_root(digest_bytes)
    entering = root < 0
    if entering:
        code, root = _resolved(machine, digest_bytes, Status.DYN)
    if opens_context:
        check_context_room(machine)
    check_room(machine, 3 if entering else 2)
    drop(machine)
    if opens_context:
        save_context(machine)
        open_context(machine, tuple(digest))
    if entering:
        _enter_forest(machine, code)
        end_row(machine, record(FINISH_DYN, node_id), record(ENTER_FOREST, 0), record(START_NODE, root))
    else:
        end_row(machine, record(FINISH_DYN, node_id), record(START_NODE, root))


def finish_dyn(machine: Machine, node_id: int) -> None:
    """END row of a dyn or dyncall."""
    begin_row(machine)
    if machine.code.kinds[node_id] == NodeKind.DYNCALL:
        restore_context(machine)
    end_row(machine, *after_exit(machine, node_id))


# --- other forests ----------------------------------------------------------------------------------------------


def start_external(machine: Machine, node_id: int) -> None:
    """No row: run the procedure the node stands for, in the code that the driver finds for it."""
    before_enter(machine, node_id)
    code, root = _resolved(machine, machine.code.digest_bytes(node_id), Status.EXTERNAL)
    check_room(machine, 3)
    _enter_forest(machine, code)
    go_on(machine, (record(FINISH_EXTERNAL, node_id), record(ENTER_FOREST, 0), record(START_NODE, root)))


def finish_external(machine: Machine, node_id: int) -> None:
    """No row."""
    go_on(machine, after_exit(machine, node_id))


def leave_forest(machine: Machine, _: int) -> None:
    """No row: the code that was current when another was entered is current again."""
    machine.code = machine.callers.pop()
    go_on(machine, ())


def _resolved(machine: Machine, digest: bytes, request: Status) -> tuple[Code, int]:
    """Return the code and root that the driver has found for `digest`, now or earlier in this run, or ask for them.

    Asking once is enough: entering a forest again merges the same advice map, which changes nothing the second time.
    """
    key = (machine.code, request, digest)
    if machine.answer is not None:
        machine.resolutions[key] = machine.answer
    elif key not in machine.resolutions:
        machine.request_digest = digest
        raise Request(request)
    return machine.resolutions[key]


def _enter_forest(machine: Machine, code: Code) -> None:
    machine.answer = None
    machine.callers.append(machine.code)
    machine.code = code


_STARTS: Mapping[int, Step] = {
    NodeKind.JOIN: start_join,
    NodeKind.SPLIT: start_split,
    NodeKind.LOOP: start_loop,
    NodeKind.BLOCK: start_block,
    NodeKind.CALL: start_call,
    NodeKind.SYSCALL: start_syscall,
    NodeKind.DYN: start_dyn,
    NodeKind.DYNCALL: start_dyn,
    NodeKind.EXTERNAL: start_external,
}


def start_node(machine: Machine, node_id: int) -> None:
    """Begin a node of any kind."""
    _STARTS[machine.code.kinds[node_id]](machine, node_id)


_STEPS: Mapping[int, Step] = {
    START_NODE: start_node,
    FINISH_JOIN: finish_node,
    FINISH_SPLIT: finish_node,
    FINISH_LOOP: finish_loop,
    FINISH_CALL: finish_call,
    FINISH_DYN: finish_dyn,
    FINISH_EXTERNAL: finish_external,
    ENTER_FOREST: leave_forest,
    IN_BLOCK: run_block,
    SKIP_LOOP: finish_node,
    AFTER_BLOCK: step_after_block,
    AFTER_EXIT: step_after_exit,
}
