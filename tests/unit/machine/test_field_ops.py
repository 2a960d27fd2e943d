"""Operations on field elements (processor.md section 3.2)."""

from __future__ import annotations

from itertools import product

import pytest

from miden.status import Status
from tests.support.machines import EDGES, Backend, P, padded

PAIRS = list(product(EDGES, EDGES))


def test_add_wraps_at_the_modulus(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("add", [b, a, 7]) == padded((a + b) % P, 7)


def test_mul_reduces(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("mul", [b, a, 7]) == padded(a * b % P, 7)


@pytest.mark.parametrize("a", EDGES)
def test_neg_is_the_additive_inverse(backend: Backend, a: int) -> None:
    assert backend.result("neg", [a, 7]) == padded((P - a) % P, 7)


@pytest.mark.parametrize("a", EDGES[1:])
def test_inv_is_the_multiplicative_inverse(backend: Backend, a: int) -> None:
    assert backend.result("dup0 inv mul", [a, 7]) == padded(1, 7)


def test_inv_of_zero_divides_by_zero(backend: Backend) -> None:
    assert backend.fault("inv", [0]) == (Status.DIVIDE_BY_ZERO, ())


@pytest.mark.parametrize("a", EDGES)
def test_incr_wraps_at_the_modulus(backend: Backend, a: int) -> None:
    assert backend.result("incr", [a, 7]) == padded((a + 1) % P, 7)


@pytest.mark.parametrize(("b", "a"), list(product((0, 1), repeat=2)))
def test_and_or_take_bits(backend: Backend, b: int, a: int) -> None:
    assert backend.result("and", [b, a, 7]) == padded(a & b, 7)
    assert backend.result("or", [b, a, 7]) == padded(a | b, 7)


@pytest.mark.parametrize("operation", ["and", "or"])
@pytest.mark.parametrize("bad", EDGES[2:])
def test_and_or_name_the_top_operand_first(backend: Backend, operation: str, bad: int) -> None:
    assert backend.fault(operation, [bad, 3]) == (Status.NOT_BINARY_OP, (bad,))
    assert backend.fault(operation, [1, bad]) == (Status.NOT_BINARY_OP, (bad,))
    assert backend.fault(operation, [0, bad]) == (Status.NOT_BINARY_OP, (bad,))


@pytest.mark.parametrize("a", EDGES)
def test_not_takes_a_bit(backend: Backend, a: int) -> None:
    if a > 1:
        assert backend.fault("not", [a]) == (Status.NOT_BINARY_OP, (a,))
    else:
        assert backend.result("not", [a, 7]) == padded(1 - a, 7)


def test_eq_compares(backend: Backend) -> None:
    for b, a in PAIRS:
        assert backend.result("eq", [b, a, 7]) == padded(int(a == b), 7)


@pytest.mark.parametrize("a", EDGES)
def test_eqz_compares_with_zero(backend: Backend, a: int) -> None:
    assert backend.result("eqz", [a, 7]) == padded(int(a == 0), 7)


def test_expacc_takes_one_bit_of_the_exponent(backend: Backend) -> None:
    assert backend.result("expacc", [9, 3, 5, 7, 11]) == padded(1, 9, 15, 3, 11)
    assert backend.result("expacc", [9, 3, 5, 6, 11]) == padded(0, 9, 5, 3, 11)
    assert backend.result("expacc", [P - 1, P - 1, P - 1, P - 1]) == padded(0, 1, P - 1, (P - 1) // 2)


@pytest.mark.parametrize(("base", "exponent"), [(3, 2**32 - 1), (P - 1, 2**32 - 1), (2**32, 77), (0, 0), (5, 0)])
def test_expacc_repeated_raises_to_a_power(backend: Backend, base: int, exponent: int) -> None:
    top, _, acc, rest, *_ = backend.result("expacc*32", [0, base, 1, exponent])
    assert (acc, rest) == (pow(base, exponent, P), 0)
    assert top == exponent >> 31


def test_ext2mul_leaves_the_top_two(backend: Backend) -> None:
    assert backend.result("ext2mul", [2, 3, 5, 7, 11]) == padded(2, 3, 39, 1, 11)


def test_ext2mul_multiplies_in_the_extension(backend: Backend) -> None:
    for b1, b0, a1, a0 in product((0, 1, 2**32, P - 1), repeat=4):
        c0, c1 = (a0 * b0 - 2 * a1 * b1) % P, (a0 * b1 + a1 * b0 + a1 * b1) % P
        assert backend.result("ext2mul", [b1, b0, a1, a0]) == padded(b1, b0, c1, c0)


def test_binary_operations_bring_the_overflow_back(backend: Backend) -> None:
    assert backend.result("pad add", range(1, 17)) == list(range(1, 17))
    assert backend.result("add", range(1, 17)) == [3, *range(3, 17), 0]
