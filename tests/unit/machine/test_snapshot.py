"""The image of a state: canonical, and the same from both machines."""

from __future__ import annotations

import struct

from miden.status import Status
from tests.support.columns import Columns
from tests.support.machines import Backend, P


def test_a_snapshot_lists_the_whole_state(backend: Backend) -> None:
    forest = Columns()
    callee = forest.block("push.8 push.1 mstore drop logprecompile emit", digest=(5, 6, 7, P - 1))
    forest.join(forest.block("push.9 push.42 mstore drop pad"), forest.call(callee))
    machine = backend.machine(forest, stack=range(1, 17), advice=[3, 4])
    assert machine.run(100) == Status.EVENT
    numbers = [
        *(machine.clk, machine.ctx, 5, 6, 7, P - 1, *machine.transcript),
        *(16, *machine.stack()),
        *(2, 3, 4),
        *(0, 1, 40, 0, 0, 9, 0),
        *(machine.ctx, 2, 0, 0, 8, 0, 0, 2**32 - 4, 0, 0, 2**31, 0),
    ]
    assert machine.snapshot() == struct.pack(f"<{len(numbers)}Q", *numbers)


def test_a_fresh_machine_is_zero_but_for_its_inputs(backend: Backend) -> None:
    forest = Columns()
    forest.block("noop")
    machine = backend.machine(forest, stack=[7], advice=[9])
    numbers = [*[0] * 10, 16, 7, *[0] * 15, 1, 9]
    assert machine.snapshot() == struct.pack(f"<{len(numbers)}Q", *numbers)


def test_memory_is_listed_in_ascending_order_whatever_the_order_of_writing(backend: Backend) -> None:
    up = "push.1 push.4 mstore drop push.2 push.2147483648 mstore drop push.3 push.4096 mstore drop"
    down = "push.3 push.4096 mstore drop push.2 push.2147483648 mstore drop push.1 push.4 mstore drop"
    images = [backend.run_block(operations)[1].snapshot() for operations in (up, down)]
    assert images[0] == images[1]
    _, machine = backend.run_block(down)
    assert list(machine.memory(0)) == [*range(4, 8), *range(4096, 4100), *range(2**31, 2**31 + 4)]
