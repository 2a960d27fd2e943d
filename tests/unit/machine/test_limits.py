"""Limits of our own, each at n - 1, n and n + 1 (architecture.md, `Limits`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.status import Status
from tests.support.columns import Columns
from tests.unit.machine.test_memory_ops import stack_with

if TYPE_CHECKING:
    from tests.support.machines import Backend

# --- cycles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("max_cycles", "status", "clk"), [(8, Status.CYCLE_LIMIT, 8), (9, Status.DONE, 9), (10, Status.DONE, 9)])
def test_the_cycle_limit_is_exact(backend: Backend, max_cycles: int, status: Status, clk: int) -> None:
    forest = Columns()
    forest.join(forest.block("incr"), forest.block("incr incr"))
    machine = backend.machine(forest, max_cycles=max_cycles)
    assert (machine.run(100), machine.clk) == (status, clk)
    if status != Status.DONE:
        assert machine.fault_values == (max_cycles,)


def test_every_row_respects_the_cycle_limit(backend: Backend) -> None:
    forest = Columns()
    block = forest.block("push.1*8 drop*8")
    loop = forest.join(forest.block("pad push.1"), forest.loop(forest.call(block)))
    skipped = forest.join(forest.block("pad"), forest.loop(block))
    forest.join(loop, forest.join(skipped, forest.split(block, block)))
    machine = backend.machine(forest)
    machine.run(10_000)
    total = machine.clk
    for limit in range(total):
        machine = backend.machine(forest, max_cycles=limit)
        assert (machine.run(10_000), machine.clk, machine.fault_values) == (Status.CYCLE_LIMIT, limit, (limit,))
        # the budget and the limit at once: the limit wins
        machine = backend.machine(forest, max_cycles=limit)
        assert (machine.run(limit), machine.clk) == (Status.CYCLE_LIMIT, limit)


def test_the_cycle_limit_comes_before_the_fault_of_the_row(backend: Backend) -> None:
    assert backend.fault("assert", [0], max_cycles=1) == (Status.CYCLE_LIMIT, (1,))
    assert backend.fault("emit", [0], max_cycles=1) == (Status.CYCLE_LIMIT, (1,))


# --- operand stack ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["push.3", "pad", "dup0", "sdepth", "clk", "u32split", "advpop"])
def test_the_stack_limit_is_exact(backend: Backend, operation: str) -> None:
    for depth in (16, 17, 18, 40):
        status, machine = backend.run_block(f"{operation}*{depth - 16} noop", max_stack=depth, advice=[1] * 40)
        assert (machine.depth, status >= Status.STACK_LIMIT) == (depth, False)
        assert backend.fault(f"{operation}*{depth - 15}", max_stack=depth, advice=[1] * 40) == (Status.STACK_LIMIT, (depth,))


def test_what_callers_put_aside_counts_as_stack(backend: Backend) -> None:
    forest = Columns()
    call = forest.call(forest.block("pad pad drop drop"))
    forest.join(forest.block("pad*4"), forest.join(call, forest.block("drop*4")))
    for limit, status in ((21, Status.STACK_LIMIT), (22, Status.DONE), (23, Status.DONE)):
        machine = backend.machine(forest, max_stack=limit)
        assert machine.run(100) == status


def test_a_stack_limit_below_sixteen_is_refused(backend: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    with pytest.raises(ValueError):
        backend.machine(forest, max_stack=15)


def test_a_deep_stack_is_no_trouble(backend: Backend) -> None:
    forest = Columns()
    forest.block("pad*20000 sdepth " + "swap drop " * 20000 + "noop")
    machine = backend.machine(forest)
    assert machine.run(2**29) == Status.OUTPUT_STACK_OVERFLOW
    assert (machine.stack_get(0), machine.depth) == (20016, 17)


# --- memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["mstore", "mstorew"])
def test_the_memory_limit_counts_whole_words(backend: Backend, operation: str) -> None:
    assert backend.fault(operation, [0], max_memory=3) == (Status.MEMORY_LIMIT, (3,))
    assert backend.result(operation, [0], max_memory=4)
    two_words = f"push.40 {operation} drop push.4 {operation} drop push.41 push.41 mstore drop drop"
    assert backend.fault(two_words, max_memory=7) == (Status.MEMORY_LIMIT, (7,))
    assert backend.result(two_words, max_memory=8)
    assert backend.result(two_words, max_memory=9)


def test_writing_again_takes_no_more_memory(backend: Backend) -> None:
    assert backend.result("push.9 push.40 mstore push.41 mstore push.40 mstorew", max_memory=4)


@pytest.mark.parametrize("operation", ["pipe", "cryptostream"])
def test_two_words_are_written_together_or_not_at_all(backend: Backend, operation: str) -> None:
    stack = stack_with(s12=40) if operation == "pipe" else stack_with(s12=80, s13=40)
    assert backend.fault(operation, stack, advice=range(8), max_memory=7) == (Status.MEMORY_LIMIT, (7,))
    assert backend.result(operation, stack, advice=range(8), max_memory=8)
    # one of the two words exists
    for address in (40, 44):
        store = f"push.1 push.{address} mstore drop "
        assert backend.fault(store + operation, stack, advice=range(8), max_memory=7) == (Status.MEMORY_LIMIT, (7,))
        assert backend.result(store + operation, stack, advice=range(8), max_memory=8)


@pytest.mark.parametrize("kind", ["call", "dyncall"])
def test_opening_a_context_takes_the_word_of_its_frame_pointer(backend: Backend, kind: str) -> None:
    forest = Columns()
    callee = forest.root(forest.block("noop", digest=(0, 0, 0, 0)))
    node = forest.call(callee) if kind == "call" else forest.dyncall()
    forest.join(node, node)
    for limit, status in ((7, Status.MEMORY_LIMIT), (8, Status.DONE), (9, Status.DONE)):
        machine = backend.machine(forest, max_memory=limit)
        assert machine.run(100) == status
    machine = backend.machine(forest, max_memory=7)
    machine.run(100)
    assert (machine.fault_values, machine.clk, machine.node_id, machine.ctx, machine.contexts()) == ((7,), 6, 1, 0, [2])


def test_reading_takes_no_memory(backend: Backend) -> None:
    assert backend.result("mload push.8 mloadw mstream hornerbase", stack_with(s0=0, s12=40, s13=40), max_memory=0)


# --- continuations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "needed"), [("join", 3), ("split", 2), ("loop", 2), ("call", 2), ("syscall", 2), ("dyn", 2), ("dyncall", 2)]
)
def test_the_continuation_limit_is_exact(backend: Backend, kind: str, needed: int) -> None:
    forest = Columns()
    block = forest.root(forest.block("pad", digest=(0, 0, 0, 0)))
    children = {"join": 2, "split": 2, "dyn": 0, "dyncall": 0}.get(kind, 1)
    getattr(forest, kind)(*[block] * children)
    stack = [1] if kind in ("loop", "split") else [40]
    for limit in (needed - 1, needed, needed + 1):
        machine = backend.machine(forest, stack=stack, kernel=bytes(32), max_continuations=limit)
        before = machine.snapshot()
        status = machine.run(100)
        if limit < needed:
            assert (status, machine.fault_values, machine.clk) == (Status.CONTINUATION_LIMIT, (limit,), 0)
            assert (machine.node_id, machine.op_index, machine.snapshot()) == (1, -1, before)
        else:
            assert status != Status.CONTINUATION_LIMIT


@pytest.mark.parametrize("kind", ["external", "dyn", "dyncall"])
def test_entering_another_forest_takes_three_continuations(backend: Backend, kind: str) -> None:
    forest = Columns()
    if kind == "external":
        forest.external((0, 0, 0, 0))
    else:
        getattr(forest, kind)()
    other = Columns()
    other.root(other.block("noop", digest=(0, 0, 0, 0)))
    for limit, status in ((2, Status.CONTINUATION_LIMIT), (3, Status.DONE), (4, Status.DONE)):
        machine = backend.machine(forest, max_continuations=limit)
        assert machine.run(100) in (Status.EXTERNAL, Status.DYN)
        machine.enter(backend.code(other), 0)
        assert machine.run(100) == status
        if status == Status.CONTINUATION_LIMIT:
            assert (machine.clk, machine.ctx, machine.node_id) == (0, 0, 0)


def test_a_block_needs_one_continuation(backend: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    assert backend.machine(forest, max_continuations=1).run(100) == Status.DONE


def test_a_program_that_is_its_own_child_ends_in_a_limit(backend: Backend) -> None:
    forest = Columns()
    forest.join(0, 0)
    machine = backend.machine(forest, max_continuations=10_000)
    assert machine.run(2**29) == Status.CONTINUATION_LIMIT


def test_recursion_through_dyncall_ends_in_a_limit(backend: Backend) -> None:
    forest = Columns()
    forest.root(forest.dyncall(digest=(0, 0, 0, 0)))
    machine = backend.machine(forest, max_memory=4000)
    assert machine.run(2**29) == Status.MEMORY_LIMIT
    assert machine.clk == 1000
