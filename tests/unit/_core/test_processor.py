"""What only the core does: its stack buffer, its page table, its memory of resolutions, one thread at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from miden.isa import MIN_STACK_DEPTH
from miden.status import Status
from tests.support.columns import Columns
from tests.support.machines import Backend, needs_core

pytestmark = needs_core


@pytest.fixture
def core() -> Backend:
    return Backend("core")


def both(forest: Columns, **inputs: Any) -> list[Any]:
    """Run a forest on both machines to its end; return the machines."""
    machines = [Backend(name).machine(forest, **inputs) for name in ("core", "pure")]
    for machine in machines:
        assert machine.run(2**29) in (Status.DONE, Status.OUTPUT_STACK_OVERFLOW), Status(machine.run(0))
    assert machines[0].snapshot() == machines[1].snapshot()
    return machines


@pytest.mark.parametrize("overflow", [0, 1, 5, 40])
@pytest.mark.parametrize("drops", [0, 1, 15, 16, 17, 33, 100])
def test_a_callee_that_drops_more_than_it_has_leaves_the_callers_overflow_alone(overflow: int, drops: int) -> None:
    forest = Columns()
    callee = forest.block(f"drop*{drops} clk drop" if drops else "clk drop")
    prepare = forest.block("noop " + " ".join(f"push.{i}" for i in range(1, overflow + 1)))
    forest.join(forest.join(prepare, forest.call(callee)), forest.block("noop" if not overflow else f"drop*{overflow}"))
    for machine in both(forest, stack=range(101, 117)):
        assert machine.depth == MIN_STACK_DEPTH


def test_nested_callees_each_find_zeros_below() -> None:
    forest = Columns()
    node = forest.block("drop*20 push.7 swap drop")
    for level in range(30):
        call = forest.call(node)
        around = forest.join(forest.block(f"push.{level + 1} push.9"), call)
        node = forest.join(around, forest.block("drop*2 drop*3"))
    both(forest, stack=range(1, 17))


def test_the_stack_buffer_grows_under_a_call() -> None:
    forest = Columns()
    callee = forest.block(" ".join(["pad"] * 700 + ["drop"] * 700))
    forest.join(forest.join(forest.block("push.1*300"), forest.call(callee)), forest.block("drop*300"))
    for machine in both(forest, stack=range(16)):
        assert machine.stack() == list(range(16))


def test_pages_of_many_contexts_and_places_are_kept_apart() -> None:
    forest = Columns()
    places = [0, 63, 64, 4095, 4096, 2**16, 2**31, 2**32 - 64, 2**32 - 5, 2**32 - 4, 2**32 - 1]
    store = "caller drop*4 clk " + " ".join(f"dup0 push.{place} mstore drop" for place in places) + " drop"
    node = forest.block(store)
    for _ in range(40):
        node = forest.join(forest.call(node), forest.block(store))
    core, _ = both(forest)
    assert len(core.contexts()) == 41
    for ctx in core.contexts():
        assert {address: value for address, value in core.memory(ctx).items() if value}.keys() >= {*places} - {0}


def test_reading_far_and_wide_creates_no_pages() -> None:
    forest = Columns()
    forest.block(" ".join(f"push.{64 * i} mload drop" for i in range(500)))
    for machine in both(forest, max_memory=0):
        assert machine.contexts() == []


@pytest.mark.slow
def test_words_far_apart_take_no_pages_of_their_own() -> None:
    """More pages than the core makes for a program that writes one word on each; then words beside those, and reads."""
    turns = 140_000
    forest = Columns()
    write = "dup0 dup0 mstore drop"
    beside = "dup0 push.5 add dup0 dup0 mstore drop mload push.1 add dup1 push.4 add mstore drop"
    first = forest.loop(forest.block(f"{write} push.64 add dup0 push.{64 * turns} eq not"))
    again = forest.loop(forest.block(f"dup0 mload dup1 eq assert {beside} push.64000 add dup0 push.{64000 * (turns // 1000)} eq not"))
    across = forest.join(forest.block("drop push.128 push.1"), forest.call(forest.block(write)))
    forest.join(forest.join(first, forest.block("drop push.0 push.1")), forest.join(again, across))
    core, _ = both(forest, stack=[1, 0])
    assert len(core.memory(0)) > 4 * turns
    assert core.memory_get(0, 64 * 1000 + 5) == 64 * 1000 + 5
    assert core.memory_get(0, 64 * 1001 + 5) is None
    assert core.memory_get(0, 64 * (turns - 1)) == 64 * (turns - 1)


def test_memory_is_looked_up_by_cell(core: Backend) -> None:
    _, machine = core.run_block("push.9 push.100 mstore drop")
    assert machine.memory_get(0, 100) == 9
    assert machine.memory_get(0, 101) == 0
    assert machine.memory_get(0, 104) is None
    assert machine.memory_get(0, 2**32 - 2) is None
    assert machine.memory_get(0, 2**32) is None
    assert machine.memory_get(0, -1) is None
    assert machine.memory_get(5, 100) is None


@pytest.mark.parametrize("kind", ["external", "dyn"])
def test_what_was_resolved_once_is_not_asked_for_again(core: Backend, kind: str) -> None:
    library = Columns()
    library.root(library.block("incr", digest=(4, 3, 2, 1)))
    forest = Columns()
    if kind == "external":
        node = forest.external((4, 3, 2, 1))
        body = forest.join(node, forest.block("dup0 push.5 eq not"))
    else:
        store = forest.block("push.4 push.3 push.2 push.1 push.40 mstorew drop*4 push.40")
        body = forest.join(forest.join(store, forest.dyn()), forest.block("dup0 push.5 eq not"))
    forest.loop(body)
    machine = core.machine(forest, stack=[1])
    wanted = Status.EXTERNAL if kind == "external" else Status.DYN
    assert machine.run(1000) == wanted
    machine.enter(core.code(library), 0)
    assert machine.run(1000) == Status.DONE
    assert machine.stack()[0] == 5


def test_many_resolutions_are_remembered(core: Backend) -> None:
    library = Columns()
    for index in range(200):
        library.root(library.block("incr", digest=(index, 0, 0, 7)))
    code = core.code(library)
    forest = Columns()
    node = forest.block("noop")
    for index in range(200):
        node = forest.join(node, forest.external((index, 0, 0, 7)))
    forest.join(node, node)
    machine = core.machine(forest)
    asked = 0
    while (status := machine.run(10**6)) == Status.EXTERNAL:
        asked += 1
        machine.enter(code, code.find_root(machine.request_digest))
    assert (status, asked, machine.stack()[0]) == (Status.DONE, 200, 400)


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_a_path_has_as_many_levels_as_the_depth_asked_for(core: Backend, levels: int) -> None:
    forest = Columns()
    forest.block("mpverify.0")
    machine = core.machine(forest, stack=[0, 0, 0, 0, 2])
    assert machine.run(100) == Status.MERKLE_VERIFY
    with pytest.raises(ValueError, match="expected 2"):
        machine.supply_path(bytes(32 * levels))


def test_a_path_cannot_be_supplied_unasked(core: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    with pytest.raises(ValueError, match="no Merkle path"):
        core.machine(forest).supply_path(b"")


def endless() -> Columns:
    forest = Columns()
    forest.loop(forest.block("push.1"))
    return forest


def test_a_machine_belongs_to_one_thread_at_a_time(core: Backend) -> None:
    machine = core.machine(endless(), stack=[1], max_cycles=2**40, max_stack=2**31)
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(machine.run(200_000_000)))
    thread.start()
    refused = 0
    while thread.is_alive():
        try:
            machine.stack_get(0)
        except RuntimeError:
            refused += 1
            thread.join(0.01)
    assert refused
    assert results == [Status.BUDGET]


def test_machines_run_side_by_side(core: Backend) -> None:
    machines = [core.machine(endless(), stack=[1], max_cycles=3_000_000) for _ in range(4)]
    threads = [threading.Thread(target=machine.run, args=(2**30,)) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [machine.run(0) for machine in machines] == [Status.CYCLE_LIMIT] * 4
    assert len({machine.snapshot() for machine in machines}) == 1


@pytest.mark.parametrize("limit", ["max_cycles", "max_stack", "max_memory", "max_continuations"])
def test_negative_limits_are_refused(core: Backend, limit: str) -> None:
    limits: dict[str, Any] = {limit: -1}
    with pytest.raises(ValueError, match="negative"):
        core.machine(endless(), **limits)
