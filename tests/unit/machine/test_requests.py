"""Requests, answers, budgets and decorators: exit and resume at every point."""

from __future__ import annotations

from typing import Any

import pytest

from miden.status import Status
from tests.support.columns import Columns
from tests.support.machines import Backend, padded


def library(operations: str, digest: tuple[int, int, int, int]) -> Columns:
    forest = Columns()
    forest.root(forest.block(operations, digest=digest))
    return forest


# --- external nodes ---------------------------------------------------------------------------------------------


def test_an_external_node_costs_no_row(backend: Backend) -> None:
    forest = Columns()
    external = forest.external((1, 2, 3, 4))
    forest.join(external, forest.block("incr"))
    machine = backend.machine(forest)
    assert machine.run(100) == Status.EXTERNAL
    assert (machine.clk, machine.node_id, machine.op_index) == (1, 0, -1)
    assert machine.request_digest == forest.digest_bytes(external)
    other = Columns()
    incr = other.block("incr")
    root = other.root(other.join(other.block("incr incr"), incr))
    machine.enter(backend.code(other), root)
    assert machine.run(100) == Status.DONE
    assert (machine.clk, machine.stack()) == (14, padded(4))


def test_an_external_node_may_be_the_entrypoint(backend: Backend) -> None:
    forest = Columns()
    forest.external((1, 2, 3, 4))
    machine = backend.machine(forest)
    assert (machine.run(100), machine.clk) == (Status.EXTERNAL, 0)
    machine.enter(backend.code(library("incr", (1, 2, 3, 4))), 0)
    assert (machine.run(100), machine.clk) == (Status.DONE, 3)


def test_the_code_is_the_one_that_executes(backend: Backend) -> None:
    forest = Columns()
    external = forest.external((1, 2, 3, 4))
    forest.join(external, forest.block("emit"))
    machine = backend.machine(forest)
    caller = machine.code
    machine.run(100)
    callee = backend.code(library("noop emit", (1, 2, 3, 4)))
    machine.enter(callee, 0)
    assert machine.run(100) == Status.EVENT
    assert (machine.code is callee, machine.node_id, machine.op_index, machine.clk) == (True, 0, 1, 3)
    assert machine.run(100) == Status.EVENT
    assert (machine.code is caller, machine.node_id, machine.op_index, machine.clk) == (True, 1, 0, 6)
    assert machine.run(100) == Status.DONE


def test_external_is_asked_again_without_an_answer(backend: Backend) -> None:
    forest = Columns()
    forest.external((1, 2, 3, 4))
    machine = backend.machine(forest)
    assert [machine.run(5), machine.run(5)] == [Status.EXTERNAL] * 2


def test_an_external_callee_is_called_by_its_digest(backend: Backend) -> None:
    forest = Columns()
    forest.call(forest.external((1, 2, 3, 4)))
    machine = backend.machine(forest)
    assert (machine.run(100), machine.clk, machine.ctx) == (Status.EXTERNAL, 1, 1)
    machine.enter(backend.code(library("caller", (1, 2, 3, 4))), 0)
    assert machine.run(100) == Status.DONE
    assert machine.stack() == padded(4, 3, 2, 1)


@pytest.mark.parametrize("root", [-1, 1, 2**32])
def test_only_nodes_of_the_code_can_be_entered(backend: Backend, root: int) -> None:
    forest = Columns()
    forest.external((1, 2, 3, 4))
    machine = backend.machine(forest)
    machine.run(100)
    with pytest.raises((ValueError, OverflowError)):
        machine.enter(backend.code(library("incr", (1, 2, 3, 4))), root)


def test_nothing_can_be_entered_unasked(backend: Backend) -> None:
    _, machine = backend.run_block("emit")
    with pytest.raises(ValueError):
        machine.enter(machine.code, 0)


# --- dyn --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dyn", "dyncall"])
def test_dyn_asks_before_it_changes_anything(backend: Backend, kind: str) -> None:
    forest = Columns()
    getattr(forest, kind)()
    machine = backend.machine(forest, stack=[40, 5])
    before = machine.snapshot()
    assert (machine.run(100), machine.clk, machine.ctx) == (Status.DYN, 0, 0)
    assert (machine.node_id, machine.op_index, machine.request_digest) == (0, -1, bytes(32))
    assert machine.snapshot() == before
    machine.enter(backend.code(library("incr clk swap drop", (0, 0, 0, 0))), 0)
    assert machine.run(100) == Status.DONE
    assert (machine.clk, machine.stack()) == (8, padded(3))
    assert machine.contexts() == ([1] if kind == "dyncall" else [])


def test_dyn_into_another_forest_comes_back(backend: Backend) -> None:
    forest = Columns()
    dyn = forest.dyn()
    forest.join(dyn, forest.block("incr"))
    machine = backend.machine(forest, stack=[40, 5])
    caller = machine.code
    assert machine.run(100) == Status.DYN
    machine.enter(backend.code(library("incr incr", (0, 0, 0, 0))), 0)
    assert machine.run(100) == Status.DONE
    assert machine.stack() == padded(8)
    assert machine.code is caller


# --- budgets ----------------------------------------------------------------------------------------------------


def test_a_budget_of_exactly_the_rows_is_enough(backend: Backend) -> None:
    forest = Columns()
    forest.join(forest.block("incr"), forest.block("incr incr"))
    machine = backend.machine(forest)
    assert (machine.run(9), machine.clk) == (Status.DONE, 9)


def test_a_budget_of_one_row_less_is_not(backend: Backend) -> None:
    forest = Columns()
    forest.join(forest.block("incr"), forest.block("incr incr"))
    machine = backend.machine(forest)
    assert (machine.run(8), machine.clk) == (Status.BUDGET, 8)
    assert (machine.run(0), machine.clk) == (Status.BUDGET, 8)
    assert (machine.run(1), machine.clk) == (Status.DONE, 9)


def test_a_budget_beyond_64_bits_of_clock_is_no_trouble(backend: Backend) -> None:
    forest = Columns()
    forest.block("incr")
    machine = backend.machine(forest)
    assert machine.run(1) == Status.BUDGET
    assert machine.run(2**63 - 1) == Status.DONE


def test_running_on_after_the_end_changes_nothing(backend: Backend) -> None:
    status, machine = backend.run_block("incr")
    snapshot = machine.snapshot()
    assert status == machine.run(100) == Status.DONE
    assert machine.snapshot() == snapshot


def everything() -> tuple[Columns, Columns]:
    """Return a program that makes every kind of request, in blocks, loops, calls and another forest."""
    other = library("emit push.9 push.7 mstore drop advpop drop", (1, 2, 3, 4))
    forest = Columns()
    event = forest.block("emit push.1*8 drop*8 emit")
    merkle = forest.block("mpverify mrupdate drop*4")
    dyn = forest.join(forest.block("push.100"), forest.dyncall())  # the zero word is not a root here: DYN asks for it
    call = forest.call(forest.join(event, forest.external((1, 2, 3, 4))))
    twice = forest.join(forest.block("pad push.1 push.1"), forest.loop(forest.join(forest.block("noop*80"), call)))
    never = forest.join(forest.block("pad"), forest.loop(event))
    split = forest.join(forest.block("push.1"), forest.split(twice, event))
    forest.join(forest.join(merkle, dyn), forest.join(split, never))
    return forest, other


def drive(machine: Any, code: Any, budget: int) -> list[tuple[object, ...]]:
    """Run to the end, answer every request, and return what each stop but BUDGET looked like."""
    stops: list[tuple[object, ...]] = []
    for _ in range(5000):
        status = Status(machine.run(budget))
        if status == Status.BUDGET:
            continue
        slot = machine.decorator_slot if status == Status.DECORATOR else None
        stops.append((status.name, slot, machine.clk, machine.node_id, machine.op_index, tuple(machine.fault_values), machine.snapshot()))
        if status == Status.EVENT:
            machine.advice_push([1])
        elif status in (Status.EXTERNAL, Status.DYN):
            machine.enter(code, 0)
        elif status in (Status.MERKLE_VERIFY, Status.MERKLE_UPDATE):
            machine.supply_path(b"")
        elif status != Status.DECORATOR:
            return stops
    raise AssertionError("the program does not end")


@pytest.mark.parametrize("debug", [False, True])
def test_one_row_at_a_time_is_the_same_run(backend: Backend, debug: bool) -> None:
    forest, other = everything()
    runs = []
    for budget in (2**29, 1, 2, 7):
        code, library_code = backend.code(forest), backend.code(other)
        code.set_decorators(bytes([7] * len(forest.records)))
        library_code.set_decorators(bytes([7]))
        # a stack of zeros makes MPVERIFY and MRUPDATE work on trees of depth zero
        machine = backend.machine(code, len(forest.records) - 1, debug=debug)
        runs.append(drive(machine, library_code, budget))
    assert all(run == runs[0] for run in runs[1:])
    kinds = {stop[0] for stop in runs[0]}
    assert kinds == {"EVENT", "EXTERNAL", "DYN", "MERKLE_VERIFY", "MERKLE_UPDATE", "DONE", *(["DECORATOR"] if debug else [])}


# --- decorators -------------------------------------------------------------------------------------------------

BEFORE, AFTER, OPS = 1, 2, 4


def decorated(backend: Backend, forest: Columns, flags: list[int], *, debug: bool = True, **inputs: Any) -> list[tuple[int, int, int, int]]:
    """Run to the end; return (node, slot, op_index, clk) of every decorator stop."""
    code = backend.code(forest)
    code.set_decorators(bytes(flags))
    machine = backend.machine(code, len(forest.records) - 1, debug=debug, **inputs)
    stops = []
    while (status := Status(machine.run(2**29))) == Status.DECORATOR:
        stops.append((machine.node_id, machine.decorator_slot, machine.op_index, machine.clk))
    assert status == Status.DONE
    return stops


def test_decorators_stand_before_the_span_before_operations_and_behind_the_end(backend: Backend) -> None:
    forest = Columns()
    forest.block("incr push.1 drop")
    assert decorated(backend, forest, [BEFORE | AFTER | OPS]) == [
        (0, 0, -1, 0),
        (0, 1, 0, 1),
        (0, 1, 1, 2),
        (0, 1, 2, 3),
        (0, 1, 3, 5),
        (0, 2, -1, 5),
    ]


def test_padding_counts_as_operations_and_respan_does_not(backend: Backend) -> None:
    forest = Columns()
    forest.block("push.1*8 drop*8")
    stops = decorated(backend, forest, [OPS])
    assert [stop[2] for stop in stops] == list(range(18))
    assert [stop[3] for stop in stops] == [*range(1, 9), *range(10, 19), 20]


@pytest.mark.parametrize(("flag", "slot"), [(BEFORE, 0), (AFTER, 2)])
def test_control_nodes_are_decorated_at_their_first_and_last_row(backend: Backend, flag: int, slot: int) -> None:
    forest = Columns()
    block = forest.block("noop")
    forest.join(block, block)
    clk = 0 if flag == BEFORE else 8
    assert decorated(backend, forest, [0, flag]) == [(1, slot, -1, clk)]


def test_a_loop_is_entered_and_left_once(backend: Backend) -> None:
    forest = Columns()
    forest.loop(forest.block("noop"))
    assert decorated(backend, forest, [BEFORE, BEFORE | AFTER], stack=[1, 1, 0]) == [
        (1, 0, -1, 0),
        (0, 0, -1, 1),
        (0, 0, -1, 5),
        (1, 2, -1, 9),
    ]
    assert decorated(backend, forest, [BEFORE, BEFORE | AFTER], stack=[0]) == [(1, 0, -1, 0), (1, 2, -1, 2)]


def test_calls_and_splits_are_decorated(backend: Backend) -> None:
    forest = Columns()
    call = forest.call(forest.block("noop"))
    forest.split(call, call)
    assert decorated(backend, forest, [0, 3, 3]) == [(2, 0, -1, 0), (1, 0, -1, 1), (1, 2, -1, 6), (2, 2, -1, 7)]


def test_an_external_node_is_decorated_around_what_it_stands_for(backend: Backend) -> None:
    forest = Columns()
    forest.external((1, 2, 3, 4))
    code = backend.code(forest)
    code.set_decorators(b"\x03")
    machine = backend.machine(code, 0, debug=True)
    assert (machine.run(9), machine.decorator_slot) == (Status.DECORATOR, 0)
    assert machine.run(9) == Status.EXTERNAL
    machine.enter(backend.code(library("incr", (1, 2, 3, 4))), 0)
    assert (machine.run(9), machine.decorator_slot, machine.node_id, machine.clk) == (Status.DECORATOR, 2, 0, 3)
    assert machine.code is code
    assert machine.run(9) == Status.DONE


def test_decorators_are_invisible_outside_debug_mode(backend: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    assert decorated(backend, forest, [7], debug=False) == []


def test_no_decorators_are_set_at_first(backend: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    assert backend.machine(forest, debug=True).run(100) == Status.DONE


def test_a_decorator_before_an_event_is_served_once(backend: Backend) -> None:
    forest = Columns()
    forest.block("emit")
    code = backend.code(forest)
    code.set_decorators(b"\x04")
    machine = backend.machine(code, 0, debug=True)
    assert [Status(machine.run(1)).name for _ in range(5)] == ["DECORATOR", "EVENT", "BUDGET", "DECORATOR", "DONE"]


@pytest.mark.parametrize("flags", [b"", b"\x00\x00"])
def test_flags_are_one_byte_a_node(backend: Backend, flags: bytes) -> None:
    forest = Columns()
    forest.block("noop")
    with pytest.raises(ValueError):
        backend.code(forest).set_decorators(flags)
