"""Memory and advice operations (processor.md sections 1.4 and 3.5)."""

from __future__ import annotations

import pytest

from miden.status import Status
from tests.support.machines import EDGES, Backend, P, padded

LAST = 2**32 - 1
OUT_OF_BOUNDS = (2**32, 2**32 + 4, P - 1)


def filled(address: int, values: list[int]) -> str:
    """Return operations that store values from `address` on and leave the stack as it was."""
    return " ".join(f"push.{value} push.{address + i} mstore drop" for i, value in enumerate(values))


def test_unwritten_memory_reads_as_zero(backend: Backend) -> None:
    assert backend.result("mload", [40, 7]) == padded(0, 7)
    assert backend.result("mloadw", [40, 1, 2, 3, 4, 7]) == padded(0, 0, 0, 0, 7)


def test_reading_creates_nothing(backend: Backend) -> None:
    _, machine = backend.run_block("mload push.8 mloadw push.4 mload", stack=[40])
    assert machine.contexts() == []
    assert machine.memory(0) == {}
    assert machine.memory_get(0, 40) is None


@pytest.mark.parametrize("address", [0, 1, 2, 3, 2**31, LAST])
def test_mstore_keeps_the_value_and_mload_finds_it(backend: Backend, address: int) -> None:
    assert backend.result("mstore", [address, 9, 7]) == padded(9, 7)
    assert backend.result(f"mstore push.{address} mload", [address, P - 1, 7])[:2] == [P - 1, P - 1]


def test_an_element_write_creates_its_word(backend: Backend) -> None:
    _, machine = backend.run_block("mstore", stack=[42, 9])
    assert machine.memory(0) == {40: 0, 41: 0, 42: 9, 43: 0}
    assert machine.memory_get(0, 43) == 0
    assert machine.memory_get(0, 44) is None
    assert machine.memory_get(1, 42) is None
    assert machine.contexts() == [0]


def test_a_range_of_memory_is_read_from_outside(backend: Backend) -> None:
    code = filled(40, [1, 2, 3, 4, 5]) + " " + filled(LAST, [9])
    _, machine = backend.run_block(code)
    assert machine.memory_range(0, 38, 9) == [0, 0, 1, 2, 3, 4, 5, 0, 0]
    assert machine.memory_range(0, LAST - 1, 2) == [0, 9]
    assert machine.memory_range(0, 40, 0) == machine.memory_range(0, 2**32 - 1, 0) == []
    assert machine.memory_range(7, 40, 2) == [0, 0]
    assert set(machine.memory(0)) == {40, 41, 42, 43, 44, 45, 46, 47, LAST - 3, LAST - 2, LAST - 1, LAST}
    for address, count in ((LAST, 2), (2**32, 1), (0, 2**32 + 1), (P, 1)):
        with pytest.raises((ValueError, OverflowError)):
            machine.memory_range(0, address, count)


def test_mstorew_stores_the_word_in_memory_order(backend: Backend) -> None:
    status, machine = backend.run_block("mstorew", stack=[40, 1, 2, 3, 4, 5])
    assert (status, machine.stack()) == (Status.DONE, padded(1, 2, 3, 4, 5))
    assert machine.memory(0) == {40: 4, 41: 3, 42: 2, 43: 1}


def test_mloadw_puts_the_last_element_on_top(backend: Backend) -> None:
    assert backend.result(filled(40, [1, 2, 3, 4]) + " mloadw", [40, 9, 9, 9, 9, 8]) == padded(4, 3, 2, 1, 8)


def test_mloadw_takes_the_last_word(backend: Backend) -> None:
    assert backend.result(filled(LAST - 3, [1, 2, 3, 4]) + " mloadw", [LAST - 3]) == padded(4, 3, 2, 1)


@pytest.mark.parametrize("operation", ["mload", "mstore", "mloadw", "mstorew"])
@pytest.mark.parametrize("address", OUT_OF_BOUNDS)
def test_addresses_end_below_two_to_the_32(backend: Backend, operation: str, address: int) -> None:
    assert backend.fault(operation, [address, 1, 2]) == (Status.ADDRESS_OUT_OF_BOUNDS, (address,))


@pytest.mark.parametrize("operation", ["mloadw", "mstorew"])
@pytest.mark.parametrize("address", [1, 2, 3, LAST])
def test_words_are_aligned(backend: Backend, operation: str, address: int) -> None:
    assert backend.fault(operation, [address, 1, 2]) == (Status.UNALIGNED_WORD_ACCESS, (address,))


def test_the_bound_is_checked_before_alignment(backend: Backend) -> None:
    assert backend.fault("mloadw", [2**32 + 1]) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32 + 1,))


def stack_with(**positions: int) -> list[int]:
    """Return 1..16 with some positions replaced: ``s12=40``."""
    stack = list(range(1, 17))
    for name, value in positions.items():
        stack[int(name[1:])] = value
    return stack


def test_mstream_loads_two_words_and_advances(backend: Backend) -> None:
    stack = stack_with(s12=40)
    expected = [8, 7, 6, 5, 4, 3, 2, 1, *stack[8:12], 48, *stack[13:]]
    assert backend.result(filled(40, list(range(1, 9))) + " mstream", stack) == expected


def test_mstream_may_advance_to_the_end(backend: Backend) -> None:
    assert backend.result("mstream", stack_with(s12=2**32 - 8))[12] == 2**32


def test_mstream_checks_both_words(backend: Backend) -> None:
    assert backend.fault("mstream", stack_with(s12=2**32)) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))
    assert backend.fault("mstream", stack_with(s12=2**32 - 4)) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))
    assert backend.fault("mstream", stack_with(s12=41)) == (Status.UNALIGNED_WORD_ACCESS, (41,))
    assert backend.fault("mstream", stack_with(s12=P - 4)) == (Status.ADDRESS_OUT_OF_BOUNDS, (P - 4,))


def test_pipe_moves_advice_to_memory_and_stack(backend: Backend) -> None:
    stack = stack_with(s12=40)
    status, machine = backend.run_block("pipe", stack=stack, advice=range(1, 10))
    assert status == Status.DONE
    assert machine.stack() == [8, 7, 6, 5, 4, 3, 2, 1, *stack[8:12], 48, *stack[13:]]
    assert machine.memory(0) == {40 + i: i + 1 for i in range(8)}
    assert machine.advice_stack() == [9]


@pytest.mark.parametrize("have", [0, 3, 4, 7])
def test_pipe_needs_eight_elements_of_advice(backend: Backend, have: int) -> None:
    assert backend.fault("pipe", stack_with(s12=2**32), advice=range(have)) == (Status.ADVICE_STACK_EMPTY, ())


def test_pipe_checks_both_words_before_it_changes_anything(backend: Backend) -> None:
    assert backend.fault("pipe", stack_with(s12=41), advice=range(8)) == (Status.UNALIGNED_WORD_ACCESS, (41,))
    assert backend.fault("pipe", stack_with(s12=2**32 - 4), advice=range(8)) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))
    assert backend.fault("pipe", stack_with(s12=2**32), advice=range(8)) == (Status.ADDRESS_OUT_OF_BOUNDS, (2**32,))


@pytest.mark.parametrize("value", EDGES)
def test_advpop_pushes_the_next_element(backend: Backend, value: int) -> None:
    status, machine = backend.run_block("advpop swap drop", stack=[6, 7], advice=[value, 5])
    assert (status, machine.stack(), machine.advice_stack()) == (Status.DONE, padded(value, 7), [5])


def test_advpop_needs_advice(backend: Backend) -> None:
    assert backend.fault("advpop") == (Status.ADVICE_STACK_EMPTY, ())


def test_advpopw_overwrites_the_top_word_last_popped_on_top(backend: Backend) -> None:
    status, machine = backend.run_block("advpopw", stack=[9, 9, 9, 9, 8], advice=[1, 2, 3, 4, 5])
    assert (status, machine.stack(), machine.advice_stack()) == (Status.DONE, padded(4, 3, 2, 1, 8), [5])


@pytest.mark.parametrize("have", [0, 1, 3])
def test_advpopw_needs_four_elements(backend: Backend, have: int) -> None:
    assert backend.fault("advpopw", advice=range(have)) == (Status.ADVICE_STACK_EMPTY, ())


def test_advice_pushed_by_the_driver_is_popped_first(backend: Backend) -> None:
    _, machine = backend.run_block("emit advpopw", advice=[3, 4])
    machine.advice_push([1, 2])
    assert machine.advice_stack() == [1, 2, 3, 4]
    assert machine.run(100) == Status.DONE
    assert machine.stack() == padded(4, 3, 2, 1)
    assert machine.advice_stack() == []


@pytest.mark.parametrize("value", [P, 2**64 - 1])
def test_advice_is_felts(backend: Backend, value: int) -> None:
    _, machine = backend.run_block("emit")
    with pytest.raises(ValueError):
        machine.advice_push([1, value])
    assert machine.advice_stack() == []
