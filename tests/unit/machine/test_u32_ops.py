"""Operations on 32-bit integers (processor.md section 3.3)."""

from __future__ import annotations

from itertools import product

import pytest

from miden.status import Status
from tests.support.machines import EDGES, NOT_U32_EDGES, U32_EDGES, Backend, padded

PAIRS = list(product(U32_EDGES, U32_EDGES))
LOW = 2**32 - 1

BINARY = ("u32add", "u32mul", "u32div", "u32and", "u32xor")
TERNARY = ("u32add3", "u32madd")


@pytest.mark.parametrize("a", EDGES)
def test_u32split_splits_any_element(backend: Backend, a: int) -> None:
    assert backend.result("u32split", [a, *range(15)]) == [a >> 32, a & LOW, *range(15)]


def test_u32add_gives_carry_and_sum(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("u32add", [b, a, 7]) == padded((a + b) >> 32, (a + b) & LOW, 7)


def test_u32sub_gives_borrow_and_difference(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("u32sub", [b, a, 7]) == padded(int(a < b), (a - b) % 2**32, 7)


def test_u32mul_gives_both_halves(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("u32mul", [b, a, 7]) == padded((a * b) >> 32, (a * b) & LOW, 7)


def test_u32div_gives_remainder_on_top(backend: Backend) -> None:
    for b, a in PAIRS:
        if b:
            assert backend.result("u32div", [b, a, 7]) == padded(a % b, a // b, 7)


def test_u32and_and_u32xor_work_on_bits(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("u32and", [b, a, 7]) == padded(a & b, 7)
        assert backend.result("u32xor", [b, a, 7]) == padded(a ^ b, 7)


def test_u32add3_and_u32madd_take_three(backend: Backend) -> None:
    for top, second, third in product(U32_EDGES, repeat=3):
        total = top + second + third
        assert backend.result("u32add3", [top, second, third, 7]) == padded(total >> 32, total & LOW, 7)
        total = top * second + third
        assert backend.result("u32madd", [top, second, third, 7]) == padded(total >> 32, total & LOW, 7)


def test_u32madd_reaches_p_minus_one(backend: Backend) -> None:
    assert backend.result("u32madd", [LOW, LOW, LOW]) == padded(LOW, 0)


@pytest.mark.parametrize("bad", NOT_U32_EDGES)
@pytest.mark.parametrize("operation", BINARY)
def test_two_operands_are_checked_and_all_offenders_named_top_first(backend: Backend, operation: str, bad: int) -> None:
    assert backend.fault(operation, [bad, 1, bad]) == (Status.NOT_U32, (0, bad))
    assert backend.fault(operation, [1, bad, bad]) == (Status.NOT_U32, (0, bad))
    assert backend.fault(operation, [2**32 + 5, bad, bad]) == (Status.NOT_U32, (0, 2**32 + 5, bad))


@pytest.mark.parametrize("bad", NOT_U32_EDGES)
@pytest.mark.parametrize("operation", TERNARY)
def test_three_operands_are_checked_and_all_offenders_named_top_first(backend: Backend, operation: str, bad: int) -> None:
    assert backend.fault(operation, [1, 1, bad]) == (Status.NOT_U32, (0, bad))
    assert backend.fault(operation, [bad, 1, 2**32 + 5]) == (Status.NOT_U32, (0, bad, 2**32 + 5))
    assert backend.fault(operation, [bad, bad, bad]) == (Status.NOT_U32, (0, bad, bad, bad))


def test_u32sub_reports_its_padded_index(backend: Backend) -> None:
    assert backend.fault("u32sub", [2**32]) == (Status.NOT_U32, (0, 2**32))
    assert backend.fault("noop*3 u32sub", [2**32]) == (Status.NOT_U32, (3, 2**32))
    # nine operations fill a group; push as the ninth closes it after eight
    assert backend.fault("noop*8 push.1 u32sub", [2**32]) == (Status.NOT_U32, (9, 2**32))
    # a RESPAN row is no operation
    assert backend.fault("noop*72 u32sub", [2**32]) == (Status.NOT_U32, (72, 2**32))


def test_u32sub_counts_inserted_padding(backend: Backend) -> None:
    # seven pushes and a NOOP fill the first batch; then push and eight drops fill a group
    status, values = backend.fault("push.1*8 drop*8 u32sub", [5, 2**32])
    assert (status, values) == (Status.NOT_U32, (17, 2**32))


def test_u32assert2_reports_its_error_code(backend: Backend) -> None:
    assert backend.result("u32assert2.9", [1, 2, 2**32]) == padded(1, 2, 2**32)
    assert backend.fault("u32assert2.9", [2**32, 1]) == (Status.NOT_U32, (9, 2**32))
    assert backend.fault("u32assert2", [3, 2**32]) == (Status.NOT_U32, (0, 2**32))


def test_u32div_checks_the_range_before_the_divisor(backend: Backend) -> None:
    assert backend.fault("u32div", [0, 5]) == (Status.DIVIDE_BY_ZERO, ())
    assert backend.fault("u32div", [0, 2**32]) == (Status.NOT_U32, (0, 2**32))
