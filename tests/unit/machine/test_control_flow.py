"""Nodes: rows, clocks, contexts (processor.md sections 1.6 and 2, worked examples of section 10)."""

from __future__ import annotations

import pytest

from miden.status import Status
from tests.support.columns import Columns
from tests.support.machines import EDGES, Backend, padded

FMP = 2**32 - 2
FMP_CELLS = {2**32 - 4: 0, 2**32 - 3: 0, FMP: 2**31, 2**32 - 1: 0}


def run(backend: Backend, forest: Columns, clk: int, **inputs: object) -> object:
    """Run the last node to its end; check the number of cycles."""
    machine = backend.machine(forest, **inputs)
    assert Status(machine.run(10**6)) == Status.DONE
    assert machine.clk == clk
    return machine


# --- blocks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operations", "clk"),
    [
        ("noop", 3),
        ("push.5 add", 4),
        ("incr*9", 11),
        ("incr*10", 12),
        ("incr*19", 22),
        ("incr*28", 30),
        ("incr*37", 42),
        ("incr*72", 74),
        ("incr*73", 76),
        ("incr*8 push.3 add", 13),
        ("push.1*7 drop*7", 17),
        ("push.1*8 drop*8", 20),
    ],
)
def test_a_block_pays_for_its_padding(backend: Backend, operations: str, clk: int) -> None:
    forest = Columns()
    forest.block(operations)
    run(backend, forest, clk)


def test_fibonacci_pays_a_respan_for_every_batch(backend: Backend) -> None:
    forest = Columns()
    prologue = f"push.{2**31} push.{FMP} mstore drop"
    forest.block(prologue + " swap dup1 add" * 1000)
    machine = run(backend, forest, 3047, stack=[1, 0])
    a, b = 1, 0
    for _ in range(1000):
        a, b = b + a, a
    assert machine.stack()[:2] == [a % (2**64 - 2**32 + 1), b % (2**64 - 2**32 + 1)]


# --- join and split ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "clk"),
    [
        ("push.5", "drop", 9),
        ("push.5 push.6", "drop drop", 12),
        ("push.1*8", "drop*8", 25),
        ("incr", "incr incr", 9),
    ],
)
def test_a_join_runs_both_children(backend: Backend, first: str, second: str, clk: int) -> None:
    forest = Columns()
    forest.join(forest.block(first), forest.block(second))
    run(backend, forest, clk)


def test_a_join_runs_its_children_in_order(backend: Backend) -> None:
    forest = Columns()
    second = forest.block("mul")
    forest.join(forest.block("add"), second)
    assert run(backend, forest, 8, stack=[2, 3, 4]).stack() == padded(20)


def test_a_node_may_be_its_own_sibling(backend: Backend) -> None:
    forest = Columns()
    block = forest.block("incr")
    forest.join(block, block)
    assert run(backend, forest, 8).stack() == padded(2)


@pytest.mark.parametrize(("condition", "clk", "top"), [(1, 5, 1), (0, 6, 2)])
def test_a_split_pops_the_condition_and_takes_a_branch(backend: Backend, condition: int, clk: int, top: int) -> None:
    forest = Columns()
    forest.split(forest.block("incr"), forest.block("incr incr"))
    assert run(backend, forest, clk, stack=[condition]).stack() == padded(top)


@pytest.mark.parametrize("condition", EDGES[2:])
def test_a_split_wants_a_bit(backend: Backend, condition: int) -> None:
    forest = Columns()
    block = forest.block("incr")
    forest.join(block, forest.split(block, block))
    machine = backend.machine(forest, stack=[condition - 1])
    assert machine.run(100) == Status.NOT_BINARY_IF
    assert (machine.fault_values, machine.clk, machine.node_id, machine.op_index) == ((condition,), 4, 1, -1)
    assert machine.stack_get(0) == condition


# --- loop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stack", "clk"), [((0,), 2), ((1, 0), 5), ((1, 1, 1, 0), 13)])
def test_a_loop_consumes_its_conditions(backend: Backend, stack: tuple[int, ...], clk: int) -> None:
    forest = Columns()
    forest.loop(forest.block("noop"))
    assert run(backend, forest, clk, stack=[*stack, 9]).stack() == padded(9)


def test_a_loop_around_a_join(backend: Backend) -> None:
    forest = Columns()
    noop = forest.block("noop")
    forest.loop(forest.join(noop, noop))
    run(backend, forest, 19, stack=[1, 1, 0])


@pytest.mark.parametrize("condition", EDGES[2:])
@pytest.mark.parametrize(("stack", "clk"), [((), 0), ((1,), 4), ((1, 1), 8)])
def test_a_loop_wants_a_bit_every_time(backend: Backend, condition: int, stack: tuple[int, ...], clk: int) -> None:
    forest = Columns()
    forest.loop(forest.block("noop"))
    machine = backend.machine(forest, stack=[*stack, condition])
    assert machine.run(100) == Status.NOT_BINARY_LOOP
    assert (machine.fault_values, machine.clk, machine.node_id, machine.op_index) == ((condition,), clk, 1, -1)
    assert machine.stack_get(0) == condition


# --- call -------------------------------------------------------------------------------------------------------


def test_a_call_opens_the_context_named_after_the_next_row(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("push.9 push.40 mstore drop")
    forest.join(forest.block("incr"), forest.call(callee))
    machine = run(backend, forest, 14)
    assert machine.contexts() == [5]
    assert machine.memory(5) == {40: 9, 41: 0, 42: 0, 43: 0, **FMP_CELLS}
    assert machine.ctx == 0


def test_a_callee_sees_its_own_clock_and_digest(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("clk swap drop caller", digest=(11, 22, 33, 44))
    forest.call(callee)
    machine = run(backend, forest, 8, stack=range(1, 17))
    assert machine.stack()[:4] == [44, 33, 22, 11]


def test_memory_of_a_context_survives_its_return(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("mstore")
    call = forest.call(callee)
    forest.join(call, call)
    machine = run(backend, forest, 12, stack=[40, 8, 9])
    assert machine.contexts() == [2, 7]
    assert machine.memory_get(2, 40) == 8
    assert machine.memory_get(7, 8) == 9


def test_a_callee_sees_sixteen_elements_and_zeros_below(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("drop drop sdepth swap drop")
    push = forest.block("push.1 push.2 push.3")
    forest.join(forest.join(push, forest.call(callee)), forest.block("drop*3"))
    machine = run(backend, forest, 24, stack=range(1, 17))
    # [3, 2, 1, 1..13] over [14, 15, 16]: two dropped, then the depth pushed and dropped under the new top
    assert machine.stack() == padded(*range(3, 14), 0, 0, 14, 15, 16)


def test_a_callee_must_return_at_depth_sixteen(backend: Backend) -> None:
    forest = Columns()
    forest.call(forest.block("pad pad"))
    machine = backend.machine(forest)
    assert machine.run(100) == Status.STACK_DEPTH_ON_RETURN
    assert (machine.fault_values, machine.clk, machine.ctx) == ((18,), 5, 1)
    assert (machine.node_id, machine.op_index) == (1, -1)


def test_call_layout_of_nested_procedures(backend: Backend) -> None:
    forest = Columns()
    prologue = forest.block(f"push.{2**31} push.{FMP} mstore drop")
    bar = forest.block("pad incr add")
    foo = forest.join(forest.call(bar), forest.block("push.2 add"))
    call_foo = forest.call(foo)
    forest.join(forest.join(prologue, call_foo), forest.block("push.3 add"))
    machine = run(backend, forest, 30)
    assert machine.contexts() == [0, 10, 12]
    assert machine.stack() == padded(6)


def test_a_procedure_call_after_the_prologue(backend: Backend) -> None:
    forest = Columns()
    prologue = forest.block(f"push.{2**31} push.{FMP} mstore drop")
    forest.join(prologue, forest.call(forest.block("add")))
    machine = run(backend, forest, 14, stack=[2, 3])
    assert machine.contexts() == [0, 9]


# --- executables as an assembler lays them out -------------------------------------------------------------------

PROLOGUE = f"push.{2**31} push.{FMP} mstore drop"


def test_straight_code_behind_the_prologue(backend: Backend) -> None:
    forest = Columns()
    forest.block(PROLOGUE + " pad incr push.2 add swap drop")
    run(backend, forest, 15)


def test_a_conditional_behind_the_prologue(backend: Backend) -> None:
    forest = Columns()
    forest.join(forest.block(PROLOGUE), forest.split(forest.block("add"), forest.block("mul")))
    assert run(backend, forest, 14, stack=[1, 3, 4]).stack() == padded(7)
    assert run(backend, forest, 14, stack=[0, 3, 4]).stack() == padded(12)


def test_a_counted_loop_behind_the_prologue(backend: Backend) -> None:
    forest = Columns()
    loop = forest.loop(forest.block(f"push.{2**64 - 2**32} add dup0 eqz not"))
    first = forest.join(forest.block(PROLOGUE + " push.3 dup0 eqz not"), loop)
    forest.join(first, forest.block("drop"))
    assert run(backend, forest, 42).stack() == padded()


def test_an_event_answered_with_advice(backend: Backend) -> None:
    forest = Columns()
    forest.block(PROLOGUE + " push.14153021663962350784 emit drop advpop*4 swapw drop*4")
    machine = backend.machine(forest, stack=[0, 7, 0, 100])
    assert machine.run(100) == Status.EVENT
    machine.advice_push([14, 0, 2, 0])
    assert (machine.run(100), machine.clk, machine.stack()) == (Status.DONE, 21, padded(0, 2, 0, 14))


# --- syscall ----------------------------------------------------------------------------------------------------


def test_a_syscall_runs_in_context_zero_on_behalf_of_the_caller(backend: Backend) -> None:
    forest = Columns()
    kernel = forest.block("caller clk movup4 drop drop push.3 push.8 mstore drop")
    syscall = forest.syscall(kernel, digest=(5, 6, 7, 8))
    forest.call(syscall)
    machine = run(backend, forest, 16, kernel=bytes(32) + forest.digest_bytes(kernel))
    assert machine.memory_get(0, 8) == 3
    assert machine.contexts() == [0, 1]
    assert machine.stack()[:3] == [8, 7, 6]


def test_a_syscall_wants_a_procedure_of_the_kernel(backend: Backend) -> None:
    forest = Columns()
    kernel = forest.block("noop", digest=(5, 6, 7, 8))
    forest.join(forest.block("noop"), forest.syscall(kernel))
    machine = backend.machine(forest, kernel=bytes(64))
    assert machine.run(100) == Status.SYSCALL_NOT_IN_KERNEL
    assert (machine.fault_values, machine.clk, machine.node_id, machine.op_index) == ((5, 6, 7, 8), 4, 2, -1)


def test_calls_inside_a_syscall_open_contexts(backend: Backend) -> None:
    forest = Columns()
    inner = forest.block("mstore")
    call = forest.call(inner)
    syscall = forest.syscall(call)
    forest.call(syscall)
    machine = run(backend, forest, 9, kernel=forest.digest_bytes(call), stack=[40, 8])
    assert machine.contexts() == [1, 3]
    assert machine.memory_get(3, 40) == 8


def test_a_syscall_writes_no_frame_pointer(backend: Backend) -> None:
    forest = Columns()
    kernel = forest.block("noop")
    forest.syscall(kernel)
    assert run(backend, forest, 5, kernel=forest.digest_bytes(kernel)).contexts() == []


def test_a_syscall_restores_overflow_and_wants_depth_sixteen(backend: Backend) -> None:
    forest = Columns()
    kernel = forest.block("sdepth")
    forest.join(forest.block("pad pad"), forest.syscall(kernel))
    machine = backend.machine(forest, kernel=forest.digest_bytes(kernel))
    assert machine.run(100) == Status.STACK_DEPTH_ON_RETURN
    assert (machine.fault_values, machine.stack_get(0)) == ((17,), 16)


# --- dyn and dyncall --------------------------------------------------------------------------------------------

STORE_DIGEST = "push.4 push.3 push.2 push.1 push.40 mstorew drop drop drop drop push.40"
"""Puts the word (4, 3, 2, 1) at 40: top first [1, 2, 3, 4], whose last element in memory order is 1."""


def dynamic(kind: str, target: str) -> tuple[Columns, int]:
    forest = Columns()
    root = forest.root(forest.block(target, digest=(4, 3, 2, 1)))
    node = getattr(forest, kind)()
    forest.join(forest.block(STORE_DIGEST), node)
    return forest, root


def test_dyn_runs_the_root_with_the_digest_in_memory(backend: Backend) -> None:
    forest, _ = dynamic("dyn", "incr")
    machine = run(backend, forest, 21, stack=[7])
    assert machine.stack() == padded(8)
    assert machine.contexts() == [0]


def test_dyncall_opens_a_context(backend: Backend) -> None:
    forest, _ = dynamic("dyncall", "caller")
    machine = run(backend, forest, 21)
    assert machine.contexts() == [0, 16]
    assert machine.memory(16) == FMP_CELLS
    assert machine.stack() == padded(1, 2, 3, 4)
    assert (machine.ctx, machine.depth) == (0, 16)


def test_dyncall_saves_what_lies_below_after_the_address_is_popped(backend: Backend) -> None:
    forest = Columns()
    forest.root(forest.block("drop*20", digest=(4, 3, 2, 1)))
    body = forest.join(forest.block("pad " + STORE_DIGEST), forest.dyncall())
    forest.join(body, forest.block("drop"))
    machine = run(backend, forest, 47, stack=range(1, 17))
    assert machine.stack() == [*[0] * 15, 16]


def test_dyn_takes_the_first_root_with_the_digest(backend: Backend) -> None:
    forest = Columns()
    first = forest.block("incr", digest=(4, 3, 2, 1))
    second = forest.block("incr incr", digest=(4, 3, 2, 1))
    forest.root(second)
    forest.root(first)
    forest.join(forest.block(STORE_DIGEST), forest.dyn())
    assert run(backend, forest, 22).stack() == padded(2)


def test_dyn_sees_only_roots(backend: Backend) -> None:
    forest, root = dynamic("dyn", "incr")
    forest.root_ids.clear()
    machine = backend.machine(forest)
    assert machine.run(100) == Status.DYN
    assert machine.request_digest == forest.digest_bytes(root)


@pytest.mark.parametrize("kind", ["dyn", "dyncall"])
@pytest.mark.parametrize(
    ("address", "status"),
    [(41, Status.UNALIGNED_WORD_ACCESS), (2**32, Status.ADDRESS_OUT_OF_BOUNDS), (2**32 + 1, Status.ADDRESS_OUT_OF_BOUNDS)],
)
def test_dyn_reads_an_aligned_word(backend: Backend, kind: str, address: int, status: Status) -> None:
    forest = Columns()
    getattr(forest, kind)()
    machine = backend.machine(forest, stack=[address])
    assert machine.run(100) == status
    assert (machine.fault_values, machine.clk, machine.ctx, machine.node_id, machine.op_index) == ((address,), 0, 0, 0, -1)


def test_dyn_reads_the_callee_from_the_current_context(backend: Backend) -> None:
    forest = Columns()
    target = forest.root(forest.block("incr", digest=(0, 0, 0, 0)))
    assert target == 0
    dyn = forest.dyn()
    call = forest.call(dyn)
    forest.join(forest.block("push.9 push.40 mstore drop"), call)
    # in the callee's fresh context, address 40 holds the zero word, which is the digest of the root
    machine = run(backend, forest, 16, stack=[40])
    assert machine.stack_get(0) == 1


# --- deep structures --------------------------------------------------------------------------------------------

DEPTH = 1_000_000


def chain(kind: str, depth: int) -> Columns:
    """Return nodes of one kind nested `depth` times around a block that pops a 0 for every loop."""
    forest = Columns()
    node = block = forest.block("noop")
    for _ in range(depth):
        if kind == "left":
            node = forest.join(node, block)
        elif kind == "right":
            node = forest.join(block, node)
        elif kind == "split":
            node = forest.split(block, node)
        else:
            node = getattr(forest, kind)(node)
    return forest


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "cycles"), [("left", 5), ("right", 5), ("split", 2), ("call", 2)])
def test_a_million_nested_nodes_run(backend: Backend, kind: str, cycles: int) -> None:
    machine = backend.machine(chain(kind, DEPTH))
    assert machine.run(2**29) == Status.DONE
    assert machine.clk == cycles * DEPTH + 3


@pytest.mark.slow
def test_a_million_nested_loops_run(backend: Backend) -> None:
    # every loop is entered once, by a 1 of its own from the advice; every loop ends on the zeros below
    forest = Columns()
    node = forest.block("pad")
    advice = forest.block("advpop")
    for _ in range(DEPTH):
        node = forest.loop(forest.join(advice, node))
    machine = backend.machine(forest, stack=[1], advice=[1] * (DEPTH - 1) + [0])
    assert machine.run(2**29) == Status.DONE


@pytest.mark.parametrize("kind", ["left", "right", "split", "call", "loop"])
def test_ten_thousand_nested_nodes_run(backend: Backend, kind: str) -> None:
    machine = backend.machine(chain(kind, 10_000), stack=[0] if kind == "loop" else [])
    assert machine.run(2**29) == Status.DONE
