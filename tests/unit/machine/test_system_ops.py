"""System operations (processor.md section 3.1)."""

from __future__ import annotations

import pytest

from miden.status import Status
from tests.support.columns import Columns
from tests.support.machines import EDGES, Backend, padded


def test_noop_does_nothing_for_one_cycle(backend: Backend) -> None:
    status, machine = backend.run_block("noop", stack=[1, 2, 3])
    assert (status, machine.clk, machine.stack()) == (Status.DONE, 3, padded(1, 2, 3))


def test_assert_drops_a_one(backend: Backend) -> None:
    assert backend.result("assert.4", [1, 2]) == padded(2)


@pytest.mark.parametrize("value", [0, *EDGES[2:]])
def test_assert_traps_with_its_code(backend: Backend, value: int) -> None:
    assert backend.fault("assert.4", [value]) == (Status.FAILED_ASSERTION, (4,))
    assert backend.fault(f"assert.{2**64 - 2**32}", [value]) == (Status.FAILED_ASSERTION, (2**64 - 2**32,))


def test_sdepth_pushes_the_depth_before_the_push(backend: Backend) -> None:
    assert backend.result("sdepth sdepth pad sdepth")[:4] == [19, 0, 17, 16]


def test_clk_pushes_its_own_row(backend: Backend) -> None:
    assert backend.result("clk noop clk")[:2] == [3, 1]


def test_clk_counts_respan_rows(backend: Backend) -> None:
    assert backend.result("noop*72 clk")[0] == 1 + 72 + 1


def test_caller_is_zero_in_the_root_context(backend: Backend) -> None:
    assert backend.result("caller", range(1, 17)) == [0, 0, 0, 0, *range(5, 17)]


def test_caller_is_the_callee_itself_in_a_called_procedure(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("caller", digest=(11, 22, 33, 44))
    forest.call(callee)
    machine = backend.machine(forest, stack=range(1, 17))
    assert machine.run(100) == Status.DONE
    assert machine.stack() == [44, 33, 22, 11, *range(5, 17)]


def test_emit_asks_once_and_leaves_the_id(backend: Backend) -> None:
    status, machine = backend.run_block("noop emit incr", stack=[77])
    assert (status, machine.clk, machine.op_index, machine.stack_get(0)) == (Status.EVENT, 2, 1, 77)
    assert (machine.run(100), machine.clk, machine.stack_get(0)) == (Status.DONE, 5, 78)
