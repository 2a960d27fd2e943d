"""Operations that move elements of the stack (processor.md section 3.4)."""

from __future__ import annotations

import pytest

from miden.status import Status
from tests.support.machines import EDGES, Backend

S = list(range(1, 17))


@pytest.mark.parametrize("value", EDGES)
def test_push_pushes_its_immediate(backend: Backend, value: int) -> None:
    assert backend.result(f"push.{value}", S) == [value, *S]


def test_pad_pushes_zero(backend: Backend) -> None:
    assert backend.result("pad", S) == [0, *S]


def test_drop_at_depth_sixteen_brings_a_zero_in(backend: Backend) -> None:
    assert backend.result("drop", S) == [*S[1:], 0]
    assert backend.result("drop*20", S) == [0] * 16


def test_drop_brings_the_overflow_back(backend: Backend) -> None:
    assert backend.result("push.8 push.9 drop drop", S) == S


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15])
def test_dup_copies_element_n(backend: Backend, n: int) -> None:
    assert backend.result(f"dup{n}", S) == [S[n], *S]


def test_swap_exchanges_the_top_two(backend: Backend) -> None:
    assert backend.result("swap", S) == [2, 1, *S[2:]]


@pytest.mark.parametrize(("operation", "other"), [("swapw", 4), ("swapw2", 8), ("swapw3", 12)])
def test_swapw_exchanges_words_element_by_element(backend: Backend, operation: str, other: int) -> None:
    expected = S.copy()
    expected[0:4], expected[other : other + 4] = S[other : other + 4], S[0:4]
    assert backend.result(operation, S) == expected


def test_swapdw_exchanges_double_words(backend: Backend) -> None:
    assert backend.result("swapdw", S) == [*S[8:], *S[:8]]


@pytest.mark.parametrize("n", range(2, 9))
def test_movup_takes_element_n_to_the_top(backend: Backend, n: int) -> None:
    assert backend.result(f"movup{n}", S) == [S[n], *S[:n], *S[n + 1 :]]


@pytest.mark.parametrize("n", range(2, 9))
def test_movdn_takes_the_top_down_to_position_n(backend: Backend, n: int) -> None:
    assert backend.result(f"movdn{n}", S) == [*S[1 : n + 1], S[0], *S[n + 1 :]]


def test_cswap_swaps_when_the_condition_is_one(backend: Backend) -> None:
    assert backend.result("cswap", [0, 2, 3, 4]) == [2, 3, 4, *[0] * 13]
    assert backend.result("cswap", [1, 2, 3, 4]) == [3, 2, 4, *[0] * 13]


def test_cswapw_swaps_words_when_the_condition_is_one(backend: Backend) -> None:
    assert backend.result("cswapw", [0, *S[:15]]) == [*S[:15], 0]
    assert backend.result("cswapw", [1, *S[:15]]) == [5, 6, 7, 8, 1, 2, 3, 4, *S[8:15], 0]


@pytest.mark.parametrize("operation", ["cswap", "cswapw"])
@pytest.mark.parametrize("condition", EDGES[2:])
def test_a_condition_must_be_binary(backend: Backend, operation: str, condition: int) -> None:
    assert backend.fault(operation, [condition, 5]) == (Status.NOT_BINARY_OP, (condition,))


def test_word_operations_leave_the_overflow_alone(backend: Backend) -> None:
    stack = [0, *S]
    assert backend.result("pad swapdw", S) == [*stack[8:16], *stack[:8], 16]
    assert backend.result("pad swapw3", S) == [*stack[12:16], *stack[4:12], *stack[:4], 16]
    assert backend.result("pad dup15", S) == [15, *stack]
