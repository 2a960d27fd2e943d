"""Every status by name, and what holds at every fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.status import FIRST_FAULT, Status
from tests.support.columns import Columns
from tests.unit.machine.test_memory_ops import stack_with

if TYPE_CHECKING:
    from tests.support.machines import Backend

# one input 1, and four gates that add 0 to it
CIRCUIT_OF_ONE = "push.1 push.0 mstore drop " + " ".join(f"push.{2 << 60 | 4 << 30 | 5} push.{4 + i} mstore drop" for i in range(4))

BLOCKS: dict[Status, tuple[str, list[int], dict[str, int]]] = {
    Status.FAILED_ASSERTION: ("assert", [0], {}),
    Status.NOT_BINARY_OP: ("not", [2], {}),
    Status.NOT_U32: ("u32add", [2**32], {}),
    Status.DIVIDE_BY_ZERO: ("inv", [0], {}),
    Status.ADDRESS_OUT_OF_BOUNDS: ("mload", [2**32], {}),
    Status.UNALIGNED_WORD_ACCESS: ("mloadw", [1], {}),
    Status.ILLEGAL_MEMORY_ACCESS: ("cryptostream", [0], {}),
    Status.ADVICE_STACK_EMPTY: ("advpop", [], {}),
    Status.FRI_DOMAIN_SEGMENT: ("frie2f4", stack_with(s9=4), {}),
    Status.FRI_LAYER_FOLDING: ("frie2f4", stack_with(s9=0), {}),
    Status.ACE_TOO_MANY_WIRES: ("evalcircuit", [0, 2**30, 4], {}),
    Status.ACE_BAD_VARIABLE_COUNT: ("evalcircuit", [0, 1, 4], {}),
    Status.ACE_BAD_EVAL_COUNT: ("evalcircuit", [0, 2, 5], {}),
    Status.ACE_DECODE_FAILED: (f"push.{3 << 60} push.4 mstore drop evalcircuit", [0, 2, 4], {}),
    Status.ACE_WIRE_NOT_READ: ("evalcircuit", [0, 2, 4], {}),
    Status.ACE_NOT_ZERO: (CIRCUIT_OF_ONE + " evalcircuit", [0, 2, 4], {}),
    Status.CYCLE_LIMIT: ("noop", [], {"max_cycles": 1}),
    Status.STACK_LIMIT: ("pad", [], {"max_stack": 16}),
    Status.MEMORY_LIMIT: ("mstore", [], {"max_memory": 0}),
}  # fmt: skip

ELSEWHERE = {
    Status.NOT_BINARY_IF: "test_control_flow",
    Status.NOT_BINARY_LOOP: "test_control_flow",
    Status.STACK_DEPTH_ON_RETURN: "test_control_flow",
    Status.SYSCALL_NOT_IN_KERNEL: "test_control_flow",
    Status.MERKLE_PATH_FAILED: "test_crypto_ops",
    Status.CONTINUATION_LIMIT: "test_limits",
    Status.OUTPUT_STACK_OVERFLOW: "below",
    Status.NO_MEMORY: "nowhere: it needs an allocator that fails",
}


def test_every_fault_is_provoked_somewhere() -> None:
    assert {status for status in Status if status >= FIRST_FAULT} == {*BLOCKS, *ELSEWHERE}


@pytest.mark.parametrize("expected", BLOCKS, ids=lambda status: status.name)
def test_a_fault_stands_at_its_row_and_changes_nothing(backend: Backend, expected: Status) -> None:
    operations, stack, limits = BLOCKS[expected]
    assert backend.fault(operations, stack, **limits)[0] == expected


@pytest.mark.parametrize("expected", [status for status in BLOCKS if status < Status.CYCLE_LIMIT], ids=lambda status: status.name)
def test_a_fault_tells_its_place_in_a_later_batch(backend: Backend, expected: Status) -> None:
    operations, stack, _ = BLOCKS[expected]
    forest = Columns()
    first = forest.block("noop")
    # 144 operations fill two batches
    second = forest.block("noop*144 " + operations)
    forest.join(first, second)
    machine = backend.machine(forest, stack=stack)
    assert machine.run(10_000) == expected
    assert machine.node_id == second
    # JOIN, a block of 3 rows, SPAN, two RESPAN rows, and another where the operations themselves need two batches
    assert machine.clk - machine.op_index == 1 + 3 + 1 + (3 if expected == Status.ACE_NOT_ZERO else 2)
    assert machine.op_index >= 144


def test_the_stack_must_be_empty_below_sixteen_at_the_end(backend: Backend) -> None:
    status, machine = backend.run_block("pad pad")
    assert (status, machine.fault_values, machine.clk) == (Status.OUTPUT_STACK_OVERFLOW, (18,), 4)
    assert (machine.node_id, machine.op_index) == (0, -1)
    assert machine.run(5) == Status.OUTPUT_STACK_OVERFLOW


def test_a_stack_that_shrank_again_is_fine(backend: Backend) -> None:
    status, _ = backend.run_block("pad pad drop drop")
    assert status == Status.DONE
