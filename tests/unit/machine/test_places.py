"""Where a stop is: in long blocks, what is inserted to fill groups and batches counts, however a block is run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from miden.status import Status
from tests.support.columns import Columns

if TYPE_CHECKING:
    from tests.support.machines import Backend

PIECES = ("push.5", "drop", "noop", "incr", "dup3", "movup4", "movdn7", "swap", "assert.1")
STOPS = {"assert.9": "0", "u32sub": str(2**40), "emit": "77", "clk": "0"}
"""Operations that stop, or show where they are, and the value before them."""


def block(seed: int, length: int, place: int, last: str) -> Columns:
    """Return a block of many PUSHes with one of `STOPS` somewhere in it."""
    numbers = random.Random(seed)
    pieces = [text if text != "assert.1" else "push.1 assert.1" for text in numbers.choices(PIECES, k=length)]
    pieces.insert(place, f"push.{STOPS[last]} {last}")
    forest = Columns()
    forest.block(" ".join(pieces))
    return forest


def stop(machine: Any, budget: int) -> tuple[Any, ...]:
    """Run to the next stop by so many cycles at a time."""
    status = machine.run(budget)
    while status == Status.BUDGET:
        status = machine.run(budget)
    return status, machine.clk, machine.op_index, machine.fault_values, machine.stack()


@pytest.mark.parametrize("last", STOPS)
@pytest.mark.parametrize("length", [5, 90, 400])
def test_a_block_run_at_once_stops_where_one_run_by_the_cycle_does(backend: Backend, last: str, length: int) -> None:
    for place in sorted({0, 1, length // 3, length // 2, length - 1, length}):
        forest = block(length, length, place, last)
        machines = [backend.machine(forest, stack=range(1, 17)) for _ in range(3)]
        first = [stop(machine, budget) for machine, budget in zip(machines, (10**6, 1, 7), strict=True)]
        assert first[1:] == first[:1] * 2
        if first[0][0] == Status.EVENT:  # goes on in the middle of the block
            rest = [stop(machine, budget) for machine, budget in zip(machines, (10**6, 1, 7), strict=True)]
            assert rest[1:] == rest[:1] * 2
            assert rest[0][0] in (Status.DONE, Status.OUTPUT_STACK_OVERFLOW)


def test_each_of_many_events_in_a_block_is_answered_where_it_is(backend: Backend) -> None:
    forest = Columns()
    forest.block("push.3 " + "emit push.4 drop " * 60 + "clk drop drop")
    machine = backend.machine(forest)
    stops = []
    while machine.run(10**6) == Status.EVENT:
        stops.append((machine.clk, machine.op_index))
    other = backend.machine(forest)
    clocks = []
    while (status := other.run(1)) in (Status.EVENT, Status.BUDGET):
        if status == Status.EVENT:
            clocks.append((other.clk, other.op_index))
    assert stops == clocks
    assert len(stops) == 60
    assert machine.clk == other.clk
